"""``allowlist approve``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from allowlist.cli import completing
from allowlist.cli.common import (
    decider_options,
    ledger_from,
    ledger_option,
    named_policy,
    now,
    policy_option,
    read_plan,
    who_decides,
    workload_option,
)
from allowlist.cli.console import say
from allowlist.cli.exits import Exit
from allowlist.documents.words import counted
from allowlist.errors import AllowlistError

if TYPE_CHECKING:
    import datetime as dt

    from allowlist.azure.connection import SignIn
    from allowlist.plan.model import Change, Plan
    from allowlist.store import Decision, Ledger

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("plan_path", metavar="PLAN", type=_FILE)
@click.argument("changes", nargs=-1, metavar="[CHANGE]…", shell_complete=completing.changes)
@click.option("--all", "everything", is_flag=True, help="All changes of the plan.")
@click.option("--reason", required=True, help="Why; kept in the ledger.")
@click.option(
    "--accept",
    "gates",
    multiple=True,
    metavar="GATE",
    shell_complete=completing.gates,
    help="Accept this gate by its id (repeatable).",
)
@click.option(
    "--valid-days",
    type=click.IntRange(1, 365),
    default=14,
    show_default=True,
    help="Then it expires; sooner where the approval policy says so.",
)
@click.option(
    "--sign", "key", type=_FILE, help="Sign the decisions with this SSH key, into the --output file."
)
@click.option("--as", "principal", help="With --sign: your name in the allowed-signers file.")
@click.option("-o", "--output", type=_FILE, help="Write the decisions to a file for somebody else's apply.")
@decider_options
@workload_option
@policy_option
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
    workload_path: Path,
    ledger_url: str | None,
) -> int:
    """Approve changes of PLAN. The approval is bound to what each change means and to its target's state.

    \b
    Examples:
      allowlist approve plan.json --all --reason "ticket 4711"
      allowlist approve plan.json 450642f0 --accept shared-suffix --reason "own registry only"
    """
    from allowlist.store.identity import Identity
    from allowlist.workflow.deciding import check_gates, chosen_changes, decisions_on, record

    plan = read_plan(plan_path)
    check_gates(plan, gates)
    chosen = chosen_changes(plan, changes or _behind(plan, gates), everything=everything)
    who = Identity(who=principal, kind="unverified") if key and principal else who_decides(sign_in.to(plan))
    with ledger_from(ledger_url) as ledger:
        at = ledger.not_before(now())
        made = decisions_on(plan, chosen, "approve", who, reason, at, gates=gates, valid_days=valid_days)
        if key is not None:
            made = _signed(made, key, output, _signers(workload_path, ledger, plan), at)
        elif output is not None:
            _write_decisions(output, made, None)
        record(ledger, plan, made)
    longest = plan.approval.valid_days if plan.approval else valid_days
    _tell(chosen, made, who.who, gates, min(valid_days, longest))
    return Exit.DONE


def _behind(plan: Plan, gates: tuple[str, ...]) -> tuple[str, ...]:
    """Who accepts a gate and names no change means the changes that wait for it."""
    return tuple(change.id for change in plan.changes if not set(change.gates).isdisjoint(gates))


def _tell(
    chosen: Sequence[Change], made: Sequence[Decision], who: str, gates: Sequence[str], valid_days: int
) -> None:
    if made:
        say(
            f"{counted(len(chosen), 'change')} approved by {who} ({made[0].identity}) for {counted(valid_days, 'day')}"
        )
    closed = sorted({gate for change in chosen for gate in change.gates} - set(gates))
    if closed:
        say(f"gates still closed: {', '.join(closed)}; accept each by id with --accept GATE")


def _signed(
    decisions: Sequence[Decision], key: Path, output: Path | None, signers: Path | None, at: dt.datetime
) -> list[Decision]:
    """The decisions as the signature proves them; without allowed signers nobody can, so none is put on record."""
    from allowlist.store.approval_file import read_approval

    with TemporaryDirectory() as folder:
        file = output or Path(folder) / "decisions.json"
        _write_decisions(file, decisions, key)
        if signers is not None:
            return list(read_approval(file, allowed_signers=signers, at=at))
    if output is None:
        raise AllowlistError(
            "nobody can check this signature: no file of allowed signers is named",
            hint="name the workload file whose approval.allowed_signers lists you (--workload), or give -o FILE",
        )
    say("not put on record here: there are no allowed signers to check the signature against")
    return []


def _signers(workload_path: Path, ledger: Ledger, plan: Plan) -> Path | None:
    """The file of allowed signers of the policy in force, None where none is known here."""
    from allowlist.workflow.approval_policy import FROM_LEDGER, kept_policy, policy_from_workload, read_policy
    from allowlist.workflow.workloads import read_workload

    place, kept = named_policy(), kept_policy(ledger, plan.workload)
    if place and place != FROM_LEDGER:
        return read_policy(place).signers
    if kept is not None:
        return kept.signers
    if not workload_path.is_file():
        return None
    workload, _ = read_workload(workload_path)
    if workload.name != plan.workload:
        return None
    return policy_from_workload(workload.approval, workload_path).signers


def _write_decisions(path: Path, decisions: Sequence[Decision], key: Path | None) -> None:
    from allowlist.store.approval_file import write_approval
    from allowlist.store.signatures import sign

    write_approval(path, decisions, (lambda payload: sign(payload, key)) if key else None)
    say(f"decisions written to {path}{', signed' if key else ''}")
