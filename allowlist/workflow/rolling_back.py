"""The way back of a run: refused when somebody else changed the target since, verified like an apply."""

from __future__ import annotations

from typing import Literal

import msgspec

from allowlist.apply.executor import Surroundings
from allowlist.apply.result import Fate, RunResult
from allowlist.documents import canonical_json
from allowlist.errors import AllowlistError, AppliedInPart, StalePlan
from allowlist.plan.model import Change, Operation, Plan
from allowlist.store import Ledger, Run
from allowlist.surfaces.base import ArmWriter
from allowlist.surfaces.estate import Body, Estate, fingerprint
from allowlist.workflow.applying import SurfaceDriver, drivers_of, execute, new_run_id
from allowlist.workflow.project import Project
from allowlist.workflow.resuming import changes_of_run, fates_of_run, plan_of_run


def roll_back(project: Project, run_id: str, arm: ArmWriter, around: Surroundings) -> RunResult:
    """Undo what ``run_id`` did.

    Raises StalePlan, naming the resources, when the target is not as the run left it; AppliedInPart when the way
    back itself failed: that is a state of its own in the ledger, ``rollback-failed``.
    """
    ledger = around.ledger
    run = ledger.run(run_id)
    if run.state in ("rolled-back", "running") and run.kind == "rollback":
        raise AllowlistError(f"run {run.run_id} is itself a way back")
    plan = plan_of_run(ledger, run)
    fates = fates_of_run(project, ledger, run, arm)
    done = [change for change in changes_of_run(ledger, run, plan) if fates.get(change.id) == "done"]
    _refuse_foreign_edits(run, plan, fates)
    new_id = new_run_id(around.clock())
    ledger.begin_run(new_id, plan.digest, around.who, around.clock(), "rollback", resumes=run.run_id)
    if not done:
        ledger.finish_run(new_id, "rolled-back", around.clock(), {"undone": 0})
        return RunResult(new_id)
    drivers = drivers_of(project, plan, arm)
    names = list(dict.fromkeys(change.target for change in done))
    expected = {name: drivers[name].read().fingerprint for name in drivers}
    backwards = [inverse_change(change) for change in reversed(done)]
    ledger.save_snapshot(new_id, "changes", "before", canonical_json([change.id for change in backwards]))
    result = execute(project, plan, backwards, arm, around, new_id, expected=expected)
    differences = (
        [text for name in names for text in _differences(ledger, run, drivers[name])]
        if result.is_complete
        else []
    )
    _finish(around, run, result, differences)
    return result


_OPPOSITE: dict[str, Literal["add", "update", "remove"]] = {
    "add": "remove",
    "remove": "add",
    "update": "update",
}


def inverse_change(change: Change) -> Change:
    """The same place, the other way round."""
    operation = change.operation
    inverse = Operation(
        action=_OPPOSITE[operation.action],
        surface=operation.surface,
        resource=operation.resource,
        path=operation.path,
        before=operation.after,
        after=operation.before,
        context=operation.context,
    )
    return msgspec.structs.replace(change, operation=inverse, title=f"undo: {change.title}")


def _refuse_foreign_edits(run: Run, plan: Plan, fates: dict[str, Fate]) -> None:
    changed = [change.title for change in plan.changes if fates.get(change.id) == "unknown"]
    if changed:
        raise StalePlan(
            f"run {run.run_id} cannot be rolled back: somebody changed the same resource since: {'; '.join(changed[:5])}",
            hint="look at the target, then make a new plan",
        )


def _differences(ledger: Ledger, run: Run, driver: SurfaceDriver) -> list[str]:
    """What still differs from the state the run began with, in the resources it wrote."""
    before: list[Body] = msgspec.json.decode(ledger.snapshot(run.run_id, driver.name, "before"))
    old, new = Estate.of(before), Estate.of(driver.read().bodies)
    written = {str(step.detail.get("resource", "")) for step in run.steps if step.target == driver.name}
    return [
        f"{resource} differs from what it was"
        for resource in sorted(written)
        if fingerprint(old.get(resource)) != fingerprint(new.get(resource))
    ]


def _finish(around: Surroundings, run: Run, result: RunResult, differences: list[str]) -> None:
    now = around.clock()
    if result.is_complete and not differences:
        around.ledger.finish_run(
            result.run_id, "rolled-back", now, {"undone": len(result.fates), "of": run.run_id}
        )
        return
    reason = result.error or "; ".join(differences)
    around.ledger.finish_run(
        result.run_id, "rollback-failed", now, {"error": reason, "fates": dict(result.fates)}
    )
    raise AppliedInPart(
        f"ROLLBACK FAILED: run {run.run_id} could not be undone: {result.summary()}: {reason}",
        hint="the target is neither as before nor as planned; look at it now: allowlist check",
    )
