"""What became of a run: done, not done or unknown per change, by asking Azure, not by hope."""

from __future__ import annotations

import msgspec

from allowlist.apply.result import Fate
from allowlist.azure.connection import refuse_elsewhere
from allowlist.documents.prepared import prepared
from allowlist.errors import AllowlistError
from allowlist.estate.bodies import Body, Estate
from allowlist.plan.model import Change, Plan
from allowlist.points.point import ArmReader, Point
from allowlist.points.unmet import is_of_state
from allowlist.store import Ledger, Run
from allowlist.workflow.driving import points_of
from allowlist.workflow.project import Project


def plan_of_run(ledger: Ledger, run: Run) -> Plan:
    return msgspec.json.decode(ledger.plan(run.plan_id), type=prepared(Plan))


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


def fates_of_run(project: Project, ledger: Ledger, run: Run, arm: ArmReader) -> dict[str, Fate]:
    """Ask Azure what became of every change of ``run``. Raises PlanRefused for a run in another cloud or tenant."""
    plan = plan_of_run(ledger, run)
    for place in (plan, run):
        refuse_elsewhere(project.workload, place)
    changes = changes_of_run(ledger, run, plan)
    points = points_of(project, plan)
    fates: dict[str, Fate] = {}
    for name in dict.fromkeys(change.target for change in changes):
        mine = [change for change in changes if change.target == name]
        fates |= _fates_of_target(ledger, run, points[name], arm, mine)
    return fates


def _fates_of_target(
    ledger: Ledger, run: Run, point: Point, arm: ArmReader, changes: list[Change]
) -> dict[str, Fate]:
    before = state_before(ledger, run.run_id, point.name)
    if before is None:
        return {change.id: "not done" for change in changes}
    fates: dict[str, Fate] = {}
    for write in point.compose(before, [change.operation for change in changes]):
        unmet = point.verify(arm, write)
        if not unmet:
            fate: Fate = "done"
        elif point.is_unchanged(arm, before, write.resource) or is_of_state(unmet):
            # As before, or as planned but Failed: sending it (again) is safe and heals.
            fate = "not done"
        else:
            fate = "unknown"
        fates |= dict.fromkeys(write.ids(changes), fate)
    return fates


def state_before(ledger: Ledger, run_id: str, target: str) -> Estate | None:
    """The state of ``target`` that a run saved before its first write; None if it did not come that far."""
    try:
        bodies: list[Body] = msgspec.json.decode(ledger.snapshot(run_id, target, "before"))
    except AllowlistError:
        return None
    return Estate.of(bodies)
