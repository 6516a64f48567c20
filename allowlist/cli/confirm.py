"""``allowlist confirm``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from allowlist.cli import completing
from allowlist.cli.common import decider_options, ledger_from, ledger_option, now, who_decides
from allowlist.cli.console import say
from allowlist.cli.exits import Exit

if TYPE_CHECKING:
    from allowlist.azure.connection import SignIn


@click.command()
@click.argument("run", shell_complete=completing.unfinished_runs)
@decider_options
@ledger_option
def confirm(run: str, sign_in: SignIn, ledger_url: str | None) -> int:
    """Make a provisional RUN final (see apply --confirm-within).

    \b
    Example: allowlist confirm 20261124-101500-ab12cd
    """
    from allowlist.workflow.confirming import confirm_run

    with ledger_from(ledger_url) as ledger:
        who = who_decides(sign_in.to(ledger.run(run)))
        found = confirm_run(ledger, run, who.who, now())
    say(f"run {found.run_id} is final")
    return Exit.DONE
