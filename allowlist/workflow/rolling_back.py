"""The way back of a run: planned and proved like a change, refused when somebody changed the target since, verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from allowlist.apply.executor import Surroundings
from allowlist.apply.result import Fate, RunResult
from allowlist.documents import canonical_json
from allowlist.errors import AllowlistError, AppliedInPart, PlanRefused, StalePlan
from allowlist.estate.bodies import Estate
from allowlist.plan.model import Change, Operation, Plan
from allowlist.points.point import ArmReader, ArmWriter, Point
from allowlist.rules.compare import find_differences
from allowlist.store import Ledger, Run
from allowlist.workflow.applying import begin_run, execute, new_run_id
from allowlist.workflow.driving import fingerprints_of, points_of, read_point
from allowlist.workflow.fates import changes_of_run, fates_of_run, plan_of_run, state_before
from allowlist.workflow.project import Project

_WITNESSES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """What undoing a run would do. ``closes`` and ``opens`` are flows (``source → host protocol:port``), some of many.

    ``exact`` are the targets that come back to the very state the plan was made on.
    """

    run: Run
    plan: Plan
    changes: tuple[Change, ...]
    closes: tuple[str, ...] = ()
    opens: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    points: Mapping[str, Point] = field(repr=False)


def plan_way_back(project: Project, run_id: str, arm: ArmWriter, ledger: Ledger) -> WayBack:
    """Ask Azure what ``run_id`` did, and prove what undoing it changes. Writes nothing.

    Raises StalePlan, naming the changes, when a resource is not as the run left it.
    """
    run = ledger.run(run_id)
    if run.kind == "rollback":
        raise AllowlistError(f"run {run.run_id} is itself a way back")
    plan = plan_of_run(ledger, run)
    fates = fates_of_run(project, ledger, run, arm)
    _refuse_foreign_edits(run, plan, fates)
    done = [change for change in changes_of_run(ledger, run, plan) if fates.get(change.id) == "done"]
    _refuse_one_way(run, done)
    points = points_of(project, plan)
    names = list(dict.fromkeys(change.target for change in done))
    closes, opens = _effect(ledger, run, arm, [points[name] for name in names])
    return WayBack(
        run=run,
        plan=plan,
        changes=tuple(inverse_change(change) for change in reversed(done)),
        closes=closes,
        opens=opens,
        exact=tuple(name for name in names if _is_base(ledger, run, plan, points[name])),
        points=points,
    )


def roll_back(project: Project, run_id: str, arm: ArmWriter, around: Surroundings) -> RunResult:
    """Undo what ``run_id`` did and verify it.

    Raises StalePlan when the target is not as the run left it; AppliedInPart when the way back itself failed:
    that is a state of its own in the ledger, ``rollback-failed``.
    """
    ledger = around.ledger
    way = plan_way_back(project, run_id, arm, ledger)
    new_id = new_run_id(around.clock())
    begin_run(around, way.plan, new_id, "rollback", resumes=way.run.run_id)
    if not way.changes:
        _succeed(around, way, new_id, {"undone": 0})
        return RunResult(new_id)
    expected = fingerprints_of(way.points, [*way.points], arm)
    ledger.save_snapshot(new_id, "changes", "before", canonical_json([change.id for change in way.changes]))
    result = execute(project, way.plan, way.changes, arm, around, new_id, expected=expected)
    _finish(around, way, arm, result)
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


def _refuse_foreign_edits(run: Run, plan: Plan, fates: Mapping[str, Fate]) -> None:
    changed = [change.title for change in plan.changes if fates.get(change.id) == "unknown"]
    if changed:
        raise StalePlan(
            f"run {run.run_id} cannot be rolled back: somebody changed the same resource since: {'; '.join(changed[:5])}",
            hint="look at the target, then make a new plan",
        )


def _refuse_one_way(run: Run, done: list[Change]) -> None:
    """A step without a way back keeps what came with it: undoing the rules alone would cut everything off."""
    for change in done:
        if change.cost.irreversible:
            raise PlanRefused(
                f"run {run.run_id} cannot be undone: {change.title}: {change.cost.irreversible}",
                hint="take what is not wanted out of the workload file and make a new plan",
            )


def _effect(
    ledger: Ledger, run: Run, arm: ArmReader, points: Sequence[Point]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Witnesses of the flows that the way back closes and opens, proved on the rules before and now."""
    closes: list[str] = []
    opens: list[str] = []
    for point in points:
        before, now = _before(ledger, run, point.name), read_point(point, arm)
        for difference in find_differences(point.ruleset(now), point.ruleset(before)):
            found = opens if difference.opened else closes
            if len(found) < _WITNESSES:
                found.append(difference.witness())
    return tuple(closes), tuple(opens)


def _is_base(ledger: Ledger, run: Run, plan: Plan, point: Point) -> bool:
    planned = next(target.fingerprint for target in plan.targets if target.name == point.name)
    return point.fingerprint(_before(ledger, run, point.name)) == planned


def _before(ledger: Ledger, run: Run, target: str) -> Estate:
    found = state_before(ledger, run.run_id, target)
    if found is None:
        raise AllowlistError(f"run {run.run_id} kept no state of {target} from before it wrote")
    return found


def _all_differences(ledger: Ledger, way: WayBack, arm: ArmReader) -> list[str]:
    names = dict.fromkeys(change.target for change in way.changes)
    return [text for name in names for text in _differences(ledger, way.run, way.points[name], arm)]


def _differences(ledger: Ledger, run: Run, point: Point, arm: ArmReader) -> list[str]:
    """What still differs from the state the run began with, in the resources it wrote."""
    old, new = _before(ledger, run, point.name), read_point(point, arm)
    written = {str(step.detail.get("resource", "")) for step in run.steps if step.target == point.name}
    return [
        f"{resource} differs from what it was"
        for resource in sorted(written)
        if point.digest(old, resource) != point.digest(new, resource)
    ]


def _succeed(around: Surroundings, way: WayBack, run_id: str, summary: dict[str, object]) -> None:
    now, undone = around.clock(), way.run
    around.ledger.finish_run(run_id, "rolled-back", now, {**summary, "of": undone.run_id})
    around.ledger.finish_run(undone.run_id, "rolled-back", now, {**undone.summary, "undone_by": run_id})


def _finish(around: Surroundings, way: WayBack, arm: ArmReader, result: RunResult) -> None:
    differences = _all_differences(around.ledger, way, arm) if result.is_complete else []
    if result.is_complete and not differences:
        summary = {"undone": len(result.fates), "closed": list(way.closes), "opened": list(way.opens)}
        _succeed(around, way, result.run_id, summary)
        return
    reason = result.error or "; ".join(differences)
    failure = {"error": reason, "fates": dict(result.fates), "of": way.run.run_id}
    around.ledger.finish_run(result.run_id, "rollback-failed", around.clock(), failure)
    raise AppliedInPart(
        f"ROLLBACK FAILED: run {way.run.run_id} could not be undone: {result.summary()}: {reason}",
        hint="the target is neither as before nor as planned; look at it now: allowlist check",
    )
