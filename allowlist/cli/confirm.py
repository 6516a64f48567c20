"""``allowlist confirm``."""

from __future__ import annotations

import click

from allowlist.cli.approve import credential_option, who_decides
from allowlist.cli.common import ledger_from, ledger_option, now
from allowlist.cli.console import say
from allowlist.cli.exits import Exit


@click.command()
@click.argument("run")
@credential_option
@ledger_option
def confirm(run: str, credential: str, ledger_url: str | None) -> int:
    """Make a provisional RUN final (see apply --confirm-within).

    \b
    Example: allowlist confirm 20261124-101500-ab12cd
    """
    from allowlist.workflow.confirming import confirm_run

    with ledger_from(ledger_url) as ledger:
        found = confirm_run(ledger, run, who_decides(credential).who, now())
    say(f"run {found.run_id} is final")
    return Exit.DONE
