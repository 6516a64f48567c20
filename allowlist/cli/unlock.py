"""``allowlist unlock``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from allowlist.cli.common import decider_options, ledger_from, ledger_option, who_decides, workload_option
from allowlist.cli.console import put, say
from allowlist.cli.exits import Exit

if TYPE_CHECKING:
    from allowlist.azure.connection import SignIn
    from allowlist.workload import Workload


@click.command()
@click.argument("name", required=False)
@click.option("--reason", help="Why; kept in the ledger.")
@workload_option
@decider_options
@ledger_option
def unlock(
    name: str | None, reason: str | None, workload_path: Path, sign_in: SignIn, ledger_url: str | None
) -> int:
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
        who = who_decides(sign_in.to(*_workload_at(workload_path)))
        lease = ledger.unlock(name, who.who, reason)
    say(f"{lease.name} was held by {lease.owner} and is free now")
    return Exit.DONE


def _workload_at(path: Path) -> list[Workload]:
    """A lock does not say where its owner was signed in; the workload file does, where there is one."""
    from allowlist.workflow.workloads import read_workload

    return [read_workload(path)[0]] if path.is_file() else []
