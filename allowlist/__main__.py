"""``python -m allowlist`` is the ``allowlist`` command."""

from allowlist.cli.main import run

run()
