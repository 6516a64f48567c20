"""``allowlist unlock``."""

from __future__ import annotations

import click

from allowlist.cli.approve import credential_option, who_decides
from allowlist.cli.common import ledger_from, ledger_option
from allowlist.cli.console import put, say
from allowlist.cli.exits import Exit


@click.command()
@click.argument("name", required=False)
@click.option("--reason", help="Why; kept in the ledger.")
@credential_option
@ledger_option
def unlock(name: str | None, reason: str | None, credential: str, ledger_url: str | None) -> int:
    """Release the lock NAME that its owner left behind; without NAME, list the locks.

    \b
    Example: allowlist unlock "apply /subscriptions/…" --reason "the runner was deleted"
    """
    with ledger_from(ledger_url) as ledger:
        if name is None:
            for lease in ledger.locks():
                put(
                    f"{lease.name}  {lease.owner}  since {lease.since:%Y-%m-%d %H:%M} until {lease.expires:%H:%M} UTC"
                )
            return Exit.DONE
        if not reason:
            raise click.UsageError("give a --reason; it is kept in the ledger")
        lease = ledger.unlock(name, who_decides(credential).who, reason)
    say(f"{lease.name} was held by {lease.owner} and is free now")
    return Exit.DONE
