"""``allowlist confirm``."""

from __future__ import annotations

import click

from allowlist.cli.approve import credential_option, who_decides
from allowlist.cli.common import ledger_from, ledger_option, now
from allowlist.cli.console import say
from allowlist.cli.exits import Exit
from allowlist.errors import AllowlistError


@click.command()
@click.argument("run")
@credential_option
@ledger_option
def confirm(run: str, credential: str, ledger_url: str | None) -> int:
    """Make a provisional RUN final (see apply --confirm-within).

    \b
    Example: allowlist confirm 20261124-101500-ab12cd
    """
    who = who_decides(credential).who
    with ledger_from(ledger_url) as ledger:
        found = ledger.run(run)
        if found.state != "provisional":
            raise AllowlistError(f"run {found.run_id} is {found.state}, not provisional")
        ledger.finish_run(found.run_id, "confirmed", now(), {**found.summary, "confirmed_by": who})
    say(f"run {found.run_id} is final")
    return Exit.DONE
