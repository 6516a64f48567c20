"""First of all: what did a predecessor leave? A crashed one is resumed, an expired provisional one rolled back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import suppress

from allowlist.apply.result import RunResult
from allowlist.errors import AllowlistError, AppliedInPart, LockHeld
from allowlist.plan.model import Plan
from allowlist.store import Lease, Ledger, Run
from allowlist.workflow.applying import ApplyOptions, raise_if_incomplete
from allowlist.workflow.driving import SurfaceDriver
from allowlist.workflow.fates import changes_of_run, plan_of_run
from allowlist.workflow.resuming import resume_run
from allowlist.workflow.rolling_back import roll_back
from allowlist.workflow.syncing.context import Pass
from allowlist.workflow.syncing.outcome import Outcome, failed
from allowlist.workflow.syncing.process import is_dead, parse_holder


def free_dead_locks(ledger: Ledger, who: str, host: str) -> list[str]:
    """Take locks from processes of this host that are gone. Returns what was freed, in words."""
    freed = []
    for lease in ledger.locks():
        holder = parse_holder(lease.owner)
        if holder is None or not is_dead(holder, host):
            continue
        with suppress(AllowlistError):  # somebody else freed it first
            ledger.unlock(lease.name, who, f"process {holder.pid} on {host} is gone", lease.token)
            freed.append(f"freed the lock '{lease.name}' of process {holder.pid}, which is gone")
    return freed


def recover(given: Pass) -> Iterator[Outcome]:
    """Finish what earlier runs of this workload left on the targets of this pass; one outcome per such run."""
    mine = {spec.name for spec in given.specs}
    for run in given.around.ledger.unfinished_runs():
        plan = plan_of_run(given.around.ledger, run)
        targets = _targets(given.around.ledger, run, plan)
        if plan.workload != given.workload or not targets or targets[0] not in mine:
            continue
        try:
            yield _recover(given, run, plan, targets)
        except AllowlistError as error:
            yield failed(given.workload, targets[0], error)


def _targets(ledger: Ledger, run: Run, plan: Plan) -> list[str]:
    changes = changes_of_run(ledger, run, plan) or plan.changes
    return list(dict.fromkeys(change.target for change in changes))


def _recover(given: Pass, run: Run, plan: Plan, targets: list[str]) -> Outcome:
    if run.state == "provisional":
        return _settle_provisional(given, run, targets)
    alive = _who_works_on_it(given, targets)
    if alive is not None:
        raise LockHeld(
            f"run {run.run_id} is being carried out by {alive.owner} since {alive.since:%Y-%m-%d %H:%M:%S}",
            hint=f"wait; if that process is gone, its lease ends at {alive.expires:%Y-%m-%d %H:%M:%S} UTC",
        )
    if run.state == "rollback-failed" or run.kind == "rollback":
        raise AppliedInPart(
            f"run {run.run_id} is {run.state}: the way back was not finished",
            hint=f"look at the target, then: allowlist history {run.run_id}",
        )
    if given.settings.plan_only or given.project.workload.automation.apply == "nothing":
        raise AppliedInPart(
            f"run {run.run_id} was not finished ({run.state}); nothing is applied automatically here",
            hint=f"finish it: allowlist apply --resume {run.run_id}, or undo it: allowlist rollback {run.run_id}",
        )
    options = ApplyOptions(max_age=dt.timedelta(hours=given.project.workload.gates.plan_age_hours))
    result = resume_run(given.project, run.run_id, given.arm, given.around, options)
    raise_if_incomplete(result)
    return _outcome(given, targets, result, "applied", f"resumed run {run.run_id}: {result.summary()}")


def _settle_provisional(given: Pass, run: Run, targets: list[str]) -> Outcome:
    """Not confirmed in time means undone. Until then it stands, and nothing else is written there."""
    until = str(run.summary.get("confirm_until") or "")
    if until and dt.datetime.fromisoformat(until) > given.around.clock():
        text = f"run {run.run_id} stands provisionally until {until}"
        return Outcome(
            workload=given.workload,
            target=targets[0],
            state="pending",
            code=2,
            text=text,
            hint=f"make it final: allowlist confirm {run.run_id}",
            waiting=1,
            run_id=run.run_id,
        )
    if given.settings.plan_only:
        raise AppliedInPart(f"run {run.run_id} was not confirmed in time; this run only plans")
    result = roll_back(given.project, run.run_id, given.arm, given.around)
    text = f"rolled back run {run.run_id}, which nobody confirmed in time"
    return _outcome(given, targets, result, "rolled back", text)


def _outcome(given: Pass, targets: list[str], result: RunResult, state: str, text: str) -> Outcome:
    return Outcome(
        workload=given.workload,
        target=targets[0],
        state=state,  # type: ignore[arg-type]
        text=text,
        applied=result.count("done"),
        run_id=result.run_id,
    )


def _who_works_on_it(given: Pass, targets: list[str]) -> Lease | None:
    """The live lease on the family of any of the targets."""
    now = given.around.clock()
    leases = {lease.name: lease for lease in given.around.ledger.locks() if lease.expires > now}
    for spec in given.project.workload.targets:
        if spec.name in targets and leases:
            driver = SurfaceDriver(given.project.surface(spec), given.project.target(spec), given.arm)
            driver.read()
            if f"apply {driver.family}" in leases:
                return leases[f"apply {driver.family}"]
    return None
