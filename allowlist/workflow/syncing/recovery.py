"""First of all: what did a predecessor leave? A crashed one is resumed, an expired provisional one rolled back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from allowlist.apply.result import RunResult
from allowlist.documents.words import counted
from allowlist.errors import AllowlistError, AppliedInPart, LockHeld
from allowlist.plan.model import Plan
from allowlist.store import Lease, Ledger, Run
from allowlist.store.processes import parse_process
from allowlist.workflow.applying import ApplyOptions, next_steps, raise_if_incomplete
from allowlist.workflow.confirming import is_expired
from allowlist.workflow.driving import read_point
from allowlist.workflow.lives import (
    changes_of_life,
    changes_of_run,
    has_noted,
    is_worked_on,
    life_of,
    plan_of_run,
    refuse_while_worked_on,
)
from allowlist.workflow.resuming import resume_run
from allowlist.workflow.rolling_back import roll_back
from allowlist.workflow.syncing.context import Pass
from allowlist.workflow.syncing.outcome import Outcome, State, failed


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBehind:
    """A run that still needs somebody, and the names of the targets it set out to change.

    ``is_unbegun``: it ended before it noted what it would do, so it wrote nothing and is in nobody's way.
    ``unreadable``: why its plan cannot be read; it may have written to any target of its workload.
    """

    run: Run
    targets: tuple[str, ...] = ()
    is_unbegun: bool = False
    unreadable: AllowlistError | None = None


def left_behind(ledger: Ledger) -> Mapping[str, Sequence[LeftBehind]]:
    """What earlier runs left, by workload; read once for a whole fleet."""
    found: dict[str, list[LeftBehind]] = {}
    for run in ledger.unfinished_runs():
        workload, left = _left_by(ledger, run)
        found.setdefault(workload, []).append(left)
    return found


def _left_by(ledger: Ledger, run: Run) -> tuple[str, LeftBehind]:
    try:
        plan = plan_of_run(ledger, run)
    except AllowlistError as error:
        record = ledger.plan_record(run.plan_id)
        return record.workload if record else "", LeftBehind(run=run, unreadable=error)
    return plan.workload, LeftBehind(
        run=run, targets=_targets(ledger, run, plan), is_unbegun=_is_unbegun(ledger, run)
    )


def _is_unbegun(ledger: Ledger, run: Run) -> bool:
    """A rollback knows what it undoes by the run it undoes, and a run that resumes another by that one."""
    return not has_noted(ledger, run) and not changes_of_life(ledger, life_of(ledger, run.run_id))


def _targets(ledger: Ledger, run: Run, plan: Plan) -> tuple[str, ...]:
    changes = changes_of_run(ledger, run, plan) or plan.changes
    return tuple(dict.fromkeys(change.target for change in changes))


def recover(given: Pass, left: Sequence[LeftBehind]) -> Iterator[tuple[LeftBehind, Outcome]]:
    """Finish what earlier runs left on the targets of this pass; one outcome per such run."""
    for item in left:
        if item.unreadable is not None:
            everything = tuple(spec.name for spec in given.specs)
            yield replace(item, targets=everything), failed(given.workload, "all targets", item.unreadable)
            continue
        if not _is_mine(given, item):
            continue
        try:
            yield item, _recover(given, item)
        except AllowlistError as error:
            yield item, failed(given.workload, item.targets[0], error)


def _is_mine(given: Pass, left: LeftBehind) -> bool:
    """One pass takes care of a run: that of its first target, and where no target is there any more the first of all."""
    mine, named = {spec.name for spec in given.specs}, [spec.name for spec in given.project.workload.targets]
    first = next((name for name in left.targets if name in named), named[0])
    return bool(left.targets) and first in mine


def _recover(given: Pass, left: LeftBehind) -> Outcome:
    run = left.run
    if left.is_unbegun and not is_worked_on(run, given.context):
        return _unbegun(given, left)
    if run.state == "provisional" and not is_expired(run, given.context.clock()):
        return _stands(given, left)
    lock_groups = _lock_groups(given, left.targets)
    _wait_until_nobody_works(given, run, lock_groups)
    with given.lock_groups.hold(lock_groups):
        if run.state == "provisional":
            return _undo(given, left)
        return _finish(given, left)


def _finish(given: Pass, left: LeftBehind) -> Outcome:
    run = left.run
    refuse_while_worked_on(life_of(given.context.ledger, run.run_id), given.context)
    if given.settings.plan_only or given.project.workload.automation.apply == "nothing":
        raise AppliedInPart(
            f"run {run.run_id} was not finished ({run.state}); nothing is applied automatically here",
            hint=next_steps(run.run_id, undoes=_undone_by(given.context.ledger, run)),
        )
    options = ApplyOptions(max_age=dt.timedelta(hours=given.project.workload.gates.plan_age_hours))
    result = resume_run(given.project, run.run_id, given.arm, given.context, options)
    raise_if_incomplete(result)
    if run.kind == "rollback":
        text = f"finished the rollback {run.run_id}: {counted(len(result.fates), 'change')} undone"
        return _outcome(given, left, result, "rolled back", text)
    return _outcome(given, left, result, "applied", f"resumed run {run.run_id}: {result.summary()}")


def _undone_by(ledger: Ledger, run: Run) -> str:
    """The run that ``run`` undoes, if it is a rollback."""
    return life_of(ledger, run.run_id).root.run_id if run.kind == "rollback" else ""


def _stands(given: Pass, left: LeftBehind) -> Outcome:
    """Until its time is over a provisional run stands, and nothing else is written there."""
    return Outcome(
        workload=given.workload,
        target=left.targets[0],
        state="pending",
        code=2,
        text=f"run {left.run.run_id} stands provisionally until {left.run.summary['confirm_until']}",
        hint=f"make it final: allowlist confirm {left.run.run_id}",
        waiting=1,
        run_id=left.run.run_id,
    )


def _unbegun(given: Pass, left: LeftBehind) -> Outcome:
    """Only an older allowlist left such runs. What they were to write is planned anew like everything else."""
    run = left.run.run_id
    return Outcome(
        workload=given.workload,
        target=left.targets[0],
        state="pending",
        code=2,
        text=f"run {run} ended before it noted what it would do; nothing was written",
        hint=f"close it: allowlist history {run} --close REASON",
        run_id=run,
    )


def _undo(given: Pass, left: LeftBehind) -> Outcome:
    """Not confirmed in time means undone."""
    if given.settings.plan_only:
        raise AppliedInPart(f"run {left.run.run_id} was not confirmed in time; this run only plans")
    result = roll_back(given.project, left.run.run_id, given.arm, given.context)
    text = f"rolled back run {left.run.run_id}, which nobody confirmed in time"
    return _outcome(given, left, result, "rolled back", text)


def _outcome(given: Pass, left: LeftBehind, result: RunResult, state: State, text: str) -> Outcome:
    return Outcome(
        workload=given.workload,
        target=left.targets[0],
        state=state,
        text=text,
        applied=result.count("done"),
        run_id=result.run_id,
    )


def _lock_groups(given: Pass, targets: Sequence[str]) -> list[str]:
    found = []
    for spec in given.project.workload.targets:
        if spec.name in targets:
            point = given.project.point(spec)
            found.append(point.lock_group(read_point(point, given.arm)))
    return found


def _wait_until_nobody_works(given: Pass, run: Run, lock_groups: Sequence[str]) -> None:
    """Whoever holds the lock of a group may be carrying the run out. Raises LockHeld after ``lock_wait``."""
    context = given.context
    end = context.clock() + context.lock_wait
    while lease := _live_lease(context.ledger, lock_groups, context.clock()):
        if context.clock() >= end:
            raise LockHeld(
                f"run {run.run_id} is being carried out by {lease.owner} since {lease.since:%Y-%m-%d %H:%M:%S}",
                hint=f"wait; if that process is gone, its lease ends at {lease.expires:%Y-%m-%d %H:%M:%S} UTC",
            )
        context.sleep(1.0)


def _live_lease(ledger: Ledger, lock_groups: Sequence[str], now: dt.datetime) -> Lease | None:
    names = {f"apply {lock_group}" for lock_group in lock_groups}
    live = (lease for lease in ledger.locks() if lease.name in names and _is_live(lease, now))
    return next(live, None)


def _is_live(lease: Lease, now: dt.datetime) -> bool:
    process = parse_process(lease.process)
    return lease.expires > now and not (process and process.is_gone)
