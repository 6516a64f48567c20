"""After a crash: tell done, not done or unknown per change by asking Azure, and go on from there."""

from __future__ import annotations

import msgspec

from allowlist.apply.driver import State
from allowlist.apply.executor import Surroundings
from allowlist.apply.result import Fate, RunResult
from allowlist.documents import canonical_json
from allowlist.errors import AllowlistError, AppliedInPart
from allowlist.plan.model import Change, Plan
from allowlist.store import FINAL_STATES, Ledger, Run
from allowlist.surfaces.base import ArmWriter
from allowlist.surfaces.estate import Body
from allowlist.workflow.applying import (
    ApplyOptions,
    SurfaceDriver,
    drivers_of,
    execute,
    finish,
    new_run_id,
    still_wanted,
)
from allowlist.workflow.project import Project


def plan_of_run(ledger: Ledger, run: Run) -> Plan:
    return msgspec.json.decode(ledger.plan(run.plan_id), type=Plan)


def changes_of_run(ledger: Ledger, run: Run, plan: Plan) -> list[Change]:
    """The changes a run set out to make; it says so before its first step."""
    wanted = set(run.summary.get("changes") or ()) | {item for step in run.steps for item in step.change_ids}
    begun = set(changes_begun(ledger, run.run_id))
    return [change for change in plan.changes if change.id in (wanted | begun)]


def changes_begun(ledger: Ledger, run_id: str) -> list[str]:
    """Ids noted when the run began, kept as a snapshot of their own."""
    try:
        ids: list[str] = msgspec.json.decode(ledger.snapshot(run_id, "changes", "before"))
    except AllowlistError:
        return []
    return ids


def fates_of_run(project: Project, ledger: Ledger, run: Run, arm: ArmWriter) -> dict[str, Fate]:
    """Ask Azure what became of every change of ``run``."""
    plan = plan_of_run(ledger, run)
    changes = changes_of_run(ledger, run, plan)
    drivers = drivers_of(project, plan, arm)
    fates: dict[str, Fate] = {}
    for name in dict.fromkeys(change.target for change in changes):
        mine = [change for change in changes if change.target == name]
        fates |= _fates_of_target(ledger, run, drivers[name], mine)
    return fates


def _fates_of_target(
    ledger: Ledger, run: Run, driver: SurfaceDriver, changes: list[Change]
) -> dict[str, Fate]:
    before = state_before(ledger, run.run_id, driver.name)
    if before is None:
        return {change.id: "not done" for change in changes}
    fates: dict[str, Fate] = {}
    for write in driver.compose(before, [(change.id, change.operation) for change in changes]):
        reasons = driver.verify(write)
        if not reasons:
            fate: Fate = "done"
        elif driver.is_unchanged(before, write) or all(" is in state " in reason for reason in reasons):
            # As before, or as planned but Failed: sending it (again) is safe and heals.
            fate = "not done"
        else:
            fate = "unknown"
        fates |= dict.fromkeys(write.change_ids, fate)
    return fates


def state_before(ledger: Ledger, run_id: str, target: str) -> State | None:
    """The state of ``target`` that a run saved before its first write; None if it did not come that far."""
    try:
        bodies: list[Body] = msgspec.json.decode(ledger.snapshot(run_id, target, "before"))
    except AllowlistError:
        return None
    return State(fingerprint="", bodies=tuple(bodies))


def resume_run(
    project: Project, run_id: str, arm: ArmWriter, around: Surroundings, options: ApplyOptions
) -> RunResult:
    """Finish what an interrupted or partial run left. Raises AppliedInPart where Azure cannot be explained."""
    ledger = around.ledger
    run = ledger.run(run_id)
    if run.state in FINAL_STATES:
        raise AllowlistError(f"run {run.run_id} is {run.state}; there is nothing to resume")
    plan = plan_of_run(ledger, run)
    fates = fates_of_run(project, ledger, run, arm)
    unknown = [change_id for change_id, fate in fates.items() if fate == "unknown"]
    if unknown:
        raise AppliedInPart(
            f"run {run.run_id}: {len(unknown)} changes are neither as before nor as planned: {', '.join(unknown)}",
            hint="somebody else changed the same resource; make a new plan, or roll back by hand",
        )
    rest = [change for change in plan.changes if fates.get(change.id) == "not done"]
    new_id = new_run_id(around.clock())
    ledger.begin_run(new_id, plan.digest, around.who, around.clock(), "apply", resumes=run.run_id)
    ledger.save_snapshot(new_id, "changes", "before", canonical_json([change.id for change in rest]))
    result = RunResult(new_id)
    if rest:
        drivers = drivers_of(project, plan, arm)
        expected = {name: drivers[name].read().fingerprint for name in drivers}
        result = execute(project, plan, rest, arm, around, new_id, expected=expected)
    result.fates |= {change_id: "done" for change_id, fate in fates.items() if fate == "done"}
    if result.is_complete:
        done = [change for change in plan.changes if result.fates.get(change.id) == "done"]
        result.converged = not still_wanted(project, plan, arm, done)
    finish(around, result, options)
    return result
