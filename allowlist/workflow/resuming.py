"""After a crash: tell done, not done or unknown per change by asking Azure, and go on from there."""

from __future__ import annotations

from allowlist.apply.executor import Surroundings
from allowlist.apply.result import RunResult
from allowlist.documents import canonical_json
from allowlist.errors import AllowlistError, AppliedInPart
from allowlist.points.point import ArmWriter
from allowlist.store import FINAL_STATES
from allowlist.workflow.applying import ApplyOptions, begin_run, check_converged, execute, finish, new_run_id
from allowlist.workflow.driving import fingerprints_of, points_of
from allowlist.workflow.fates import fates_of_run, plan_of_run
from allowlist.workflow.project import Project
from allowlist.workflow.remembering import remember, remembering


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
    begin_run(around, plan, new_id, "apply", resumes=run.run_id)
    ledger.save_snapshot(new_id, "changes", "before", canonical_json([change.id for change in rest]))
    result = RunResult(new_id)
    if rest:
        points = points_of(project, plan)
        expected = fingerprints_of(points, [*points], arm)
        result = execute(project, plan, rest, arm, around, new_id, expected=expected)
    result.fates |= {change_id: "done" for change_id, fate in fates.items() if fate == "done"}
    done = [change for change in plan.changes if result.fates.get(change.id) == "done"]
    remember(ledger, plan, done, result.fates, new_id)
    project = remembering(project, ledger)
    check_converged(project, plan, arm, done, result)
    finish(around, result, options)
    return result
