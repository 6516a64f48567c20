"""``python -m allowlist`` is the ``allowlist`` command."""

from allowlist.cli.start import run

run()
