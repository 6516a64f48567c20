"""``allowlist reject``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from allowlist.cli import completing
from allowlist.cli.common import decider_options, ledger_from, ledger_option, now, read_plan, who_decides
from allowlist.cli.console import say
from allowlist.cli.exits import Exit
from allowlist.documents.words import counted

if TYPE_CHECKING:
    from allowlist.azure.connection import SignIn


@click.command()
@click.argument("plan_path", metavar="PLAN", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("changes", nargs=-1, metavar="[CHANGE]…", shell_complete=completing.changes)
@click.option("--all", "everything", is_flag=True, help="All changes of the plan.")
@click.option("--reason", required=True, help="Why; kept in the ledger.")
@decider_options
@ledger_option
def reject(
    plan_path: Path,
    changes: tuple[str, ...],
    everything: bool,
    reason: str,
    sign_in: SignIn,
    ledger_url: str | None,
) -> int:
    """Reject changes of PLAN; a rejection stands until the same person decides anew.

    \b
    Example: allowlist reject plan.json 450642f0 --reason "use the private endpoint"
    """
    from allowlist.workflow.deciding import chosen_changes, decide

    plan = read_plan(plan_path)
    chosen = chosen_changes(plan, changes, everything=everything)
    who = who_decides(sign_in.to(plan))
    with ledger_from(ledger_url) as ledger:
        decide(ledger, plan, chosen, "reject", who, reason, now())
    say(f"{counted(len(chosen), 'change')} rejected by {who.who} ({who.kind})")
    return Exit.DONE
