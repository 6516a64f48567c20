"""``allowlist approve``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from allowlist.cli.common import decider_options, ledger_from, ledger_option, now, read_plan, who_decides
from allowlist.cli.console import say
from allowlist.cli.exits import Exit

if TYPE_CHECKING:
    from allowlist.azure.connection import SignIn
    from allowlist.store import Decision

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("plan_path", metavar="PLAN", type=_FILE)
@click.argument("changes", nargs=-1, metavar="[CHANGE]…")
@click.option("--all", "everything", is_flag=True, help="All changes of the plan.")
@click.option("--reason", required=True, help="Why; kept in the ledger.")
@click.option(
    "--accept", "gates", multiple=True, metavar="GATE", help="Accept this gate by its id (repeatable)."
)
@click.option(
    "--valid-days", type=click.IntRange(1, 365), default=14, show_default=True, help="Then it expires."
)
@click.option(
    "--sign", "key", type=_FILE, help="Sign the decisions with this SSH key, into the --output file."
)
@click.option("--as", "principal", help="With --sign: your name in the allowed-signers file.")
@click.option("-o", "--output", type=_FILE, help="Write the decisions to a file for somebody else's apply.")
@decider_options
@ledger_option
def approve(
    plan_path: Path,
    changes: tuple[str, ...],
    everything: bool,
    reason: str,
    gates: tuple[str, ...],
    valid_days: int,
    key: Path | None,
    principal: str | None,
    output: Path | None,
    sign_in: SignIn,
    ledger_url: str | None,
) -> int:
    """Approve changes of PLAN. The approval is bound to what each change means and to its target's state.

    \b
    Examples:
      allowlist approve plan.json --all --reason "ticket 4711"
      allowlist approve plan.json 450642f0 --accept shared-suffix --reason "own registry only"
    """
    from allowlist.store.identity import Identity
    from allowlist.workflow.deciding import chosen_changes, decide

    plan = read_plan(plan_path)
    chosen = chosen_changes(plan, changes, everything=everything)
    who = Identity(who=principal, kind="unverified") if key and principal else who_decides(sign_in.to(plan))
    with ledger_from(ledger_url) as ledger:
        made = decide(ledger, plan, chosen, "approve", who, reason, now(), gates=gates, valid_days=valid_days)
    if output is not None:
        _write_decisions(output, made, key)
    say(f"{len(chosen)} changes approved by {who.who} ({who.kind}) for {valid_days} days")
    closed = sorted({gate for change in chosen for gate in change.gates} - set(gates))
    if closed:
        say(f"gates still closed: {', '.join(closed)}; accept each by id with --accept GATE")
    return Exit.DONE


def _write_decisions(path: Path, decisions: list[Decision], key: Path | None) -> None:
    from allowlist.store.approval_file import write_approval
    from allowlist.store.signatures import sign

    write_approval(path, decisions, (lambda payload: sign(payload, key)) if key else None)
    say(f"decisions written to {path}{', signed' if key else ''}")
