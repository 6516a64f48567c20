"""The rollback of a run: planned and proved like a change, refused when somebody changed the target since, verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from allowlist.apply.executor import RunContext
from allowlist.apply.result import Fate, RunResult
from allowlist.documents import canonical_json
from allowlist.documents.words import counted
from allowlist.errors import AllowlistError, AppliedInPart, PlanRefused, StalePlan
from allowlist.estate.bodies import Estate
from allowlist.observe.secrets import REMOVED
from allowlist.plan.model import Change, Plan
from allowlist.points.point import ArmReader, ArmWriter, Point
from allowlist.rules.compare import find_differences
from allowlist.store import FINAL_STATES, Ledger, Run, RunState
from allowlist.workflow.applying import begin_run, execute, new_run_id, next_steps, refuse_edited_ledger
from allowlist.workflow.deciding import note_undone
from allowlist.workflow.driving import read_point
from allowlist.workflow.lives import (
    Life,
    Look,
    blame,
    inverse,
    life_of,
    look_at,
    refuse_edited_plan,
    refuse_unbegun,
    refuse_while_worked_on,
    state_before,
)
from allowlist.workflow.project import Project
from allowlist.workflow.remembering import remember

_WITNESSES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the rollback takes on one target. Deletions of managed-network rules go one by one: a batch is described
    and used in samples for writing rules only, what it leaves out stays, and two writes at a time are refused."""

    target: str
    changes: int
    writes: int
    minutes: float
    deletions: int = 0

    @property
    def text(self) -> str:
        size = f"{counted(self.changes, 'change')} in {counted(self.writes, 'write')}"
        why = f"; {self.deletions} are deleted one by one, as Azure has no batch for that"
        return f"{self.target}: {size}, about {counted(self.minutes, 'minute')}{why if self.deletions > 1 else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """What undoing a run would do. ``closes`` and ``opens`` are flows (``source → host protocol:port``), some of many.

    ``exact`` are the targets that come back to the very state the plan was made on.
    """

    life: Life
    look: Look
    changes: tuple[Change, ...]
    work: tuple[Work, ...] = ()
    closes: tuple[str, ...] = ()
    opens: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()

    @property
    def run(self) -> Run:
        """The run that is undone."""
        return self.life.root

    @property
    def continues(self) -> Run | None:
        """The rollback that did not come to its end, which this one goes on with."""
        return self.life.open_rollback


def plan_way_back(project: Project, run_id: str, arm: ArmWriter, context: RunContext) -> WayBack:
    """Ask Azure what is left of ``run_id``, and prove what undoing it changes. Writes nothing.

    Every part of a life names the whole of it: a run that was resumed is undone with what the later one did, and a
    rollback that was interrupted goes on with its remaining steps. Raises StalePlan, naming the changes, when a
    resource is not as this life left it; LockHeld while another process carries it out.
    """
    ledger = context.ledger
    life = life_of(ledger, run_id)
    refuse_while_worked_on(life, context)
    look = look_at(project, life, arm, context)
    refuse_unbegun(life, look)
    _refuse_edits_since(life, look)
    left = [change for change in look.changes if _is_to_undo(life, look, change)]
    _refuse_one_way(life.root, left)
    changes = tuple(inverse_change(change) for change in reversed(left))
    _refuse_masked(life.root, changes)
    refuse_edited_plan(life, left)
    before = {
        name: _before(ledger, life, name, look.states[name])
        for name in dict.fromkeys(item.target for item in left)
    }
    closes, opens = _effect(look, before)
    return WayBack(
        life=life,
        look=look,
        changes=changes,
        work=tuple(_work(look, name, changes) for name in before),
        closes=closes,
        opens=opens,
        exact=tuple(name for name in before if _is_base(life.plan, look.points[name], before[name])),
    )


def roll_back(
    project: Project, run_id: str, arm: ArmWriter, context: RunContext, way: WayBack | None = None
) -> RunResult:
    """Undo what ``run_id`` did, or what is left of it, and verify it. ``way`` is the rollback where it is known.

    Raises StalePlan when the target is not as this life left it; AppliedInPart when the rollback itself failed:
    that is a state of its own in the ledger, ``rollback-failed``. An interrupted one is told in the result.
    """
    ledger = context.ledger
    refuse_edited_ledger(ledger)
    way = way or plan_way_back(project, run_id, arm, context)
    new_id = new_run_id(context.clock())
    earlier = way.life.open_rollback or way.life.latest
    begin_run(context, way.life.plan, new_id, "rollback", way.changes, resumes=earlier.run_id)
    note_undone(ledger, way.look.changes, new_id)
    _remember_undone(context, way, new_id)
    result = RunResult(new_id)
    if way.changes:
        expected = {name: way.look.points[name].fingerprint(state) for name, state in way.look.states.items()}
        result = execute(project, way.life.plan, way.changes, arm, context, new_id, expected=expected)
    _finish(context, way, arm, result)
    return result


def _work(look: Look, target: str, changes: tuple[Change, ...]) -> Work:
    """Undoing takes as long as doing did; changes that share a write count once."""
    mine = {change.id: change for change in changes if change.target == target}
    writes = look.points[target].compose(look.states[target], [item.operation for item in mine.values()])
    minutes = sum(max(mine[item].cost.minutes for item in write.ids(mine.values())) for write in writes)
    deletions = sum(write.method == "DELETE" for write in writes)
    return Work(target=target, changes=len(mine), writes=len(writes), minutes=minutes, deletions=deletions)


def _remember_undone(context: RunContext, way: WayBack, run_id: str) -> None:
    """What an earlier rollback undid before it was cut off, it could not put on record."""
    undone = [change for change in way.look.changes if way.look.places[change.id] == "as before"]
    undone = [change for change in undone if change.id in way.life.sent()]
    fates: dict[str, Fate] = {change.id: "done" for change in undone}
    remember(context.ledger, way.life.plan, [inverse_change(change) for change in undone], fates, run_id)


def inverse_change(change: Change) -> Change:
    """The same place, the other way round."""
    return msgspec.structs.replace(change, operation=inverse(change.operation), title=f"undo: {change.title}")


def _is_to_undo(life: Life, look: Look, change: Change) -> bool:
    """It is there, or what undoing it brought back is Failed and has to be written again."""
    if change.id not in life.sent():
        return False
    is_back = look.places[change.id] == "as before"
    return not is_back or (change.id in look.unsettled and change.operation.before is not None)


def _refuse_edits_since(life: Life, look: Look) -> None:
    sent = life.sent()
    changed = [item for item in look.changes if item.id in sent and look.fate(item) == "unknown"]
    changed += _taken_away(life, look)
    if changed:
        names = "; ".join(change.title for change in changed[:5])
        run = life.root.run_id
        raise StalePlan(
            f"run {run} cannot be rolled back: {blame(look, changed)}: {names}",
            hint=f"make a new plan from what is there: allowlist plan -o plan.json\n"
            f"leave it as it is: allowlist history {run} --close REASON",
        )


def _taken_away(life: Life, look: Look) -> list[Change]:
    """Verified, and gone from a resource where others of the same life still stand: no rollback of ours sent anything."""
    if life.is_being_undone:
        return []
    verified = [change for change in look.changes if change.id in life.verified()]
    standing = {item.operation.resource for item in verified if look.places[item.id] == "as planned"}
    return [
        item
        for item in verified
        if look.places[item.id] == "as before" and item.operation.resource in standing
    ]


def _refuse_masked(run: Run, changes: Sequence[Change]) -> None:
    """The ledger keeps no secrets, so it cannot bring back a text that held one; its mask is never written."""
    for change in changes:
        if REMOVED in str(change.operation.after):
            raise PlanRefused(
                f"run {run.run_id} cannot be undone: {change.title}: what stood there held a text like a secret, "
                "which the ledger does not keep",
                hint=f"write it again by hand, or leave it as it is: allowlist history {run.run_id} --close REASON",
            )


def _refuse_one_way(run: Run, done: list[Change]) -> None:
    """A step without a rollback keeps what came with it: undoing the rules alone would cut everything off."""
    for change in done:
        if change.cost.irreversible:
            raise PlanRefused(
                f"run {run.run_id} cannot be undone: {change.title}: {change.cost.irreversible}",
                hint="take what is not wanted out of the workload file and make a new plan",
            )


def _effect(look: Look, before: Mapping[str, Estate]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Witnesses of the flows that the rollback closes and opens, proved on the rules before and now."""
    closes: list[str] = []
    opens: list[str] = []
    for name, state in before.items():
        point = look.points[name]
        for difference in find_differences(point.ruleset(look.states[name]), point.ruleset(state)):
            found = opens if difference.opened else closes
            if len(found) < _WITNESSES:
                found.append(difference.witness())
    return tuple(closes), tuple(opens)


def _is_base(plan: Plan, point: Point, before: Estate) -> bool:
    planned = next(target.fingerprint for target in plan.targets if target.name == point.name)
    return point.fingerprint(before) == planned


def _before(ledger: Ledger, life: Life, target: str, live: Estate) -> Estate:
    found = state_before(ledger, life, target, live)
    if found is None:
        raise AllowlistError(f"run {life.root.run_id} kept no state of {target} from before it wrote")
    return found


def _differences(ledger: Ledger, life: Life, point: Point, now: Estate) -> list[str]:
    """What still differs from the state the life began with, in the resources it wrote."""
    before, written = state_before(ledger, life, point.name, now), life.written(point.name)
    if before is None:
        return []
    return [
        f"{resource} differs from what it was"
        for resource in sorted(written)
        if point.digest(before, resource) != point.digest(now, resource)
    ]


def _read_again(ledger: Ledger, way: WayBack, arm: ArmReader, run_id: str) -> list[str]:
    """Every target of the life as it is left, kept and compared: also those an earlier rollback was done with."""
    differences: list[str] = []
    for name in way.look.states:
        point = way.look.points[name]
        now = read_point(point, arm)
        ledger.save_snapshot(run_id, name, "after", canonical_json([*now.resources.values()]))
        differences += _differences(ledger, way.life, point, now)
    return differences


def _finish(context: RunContext, way: WayBack, arm: ArmReader, result: RunResult) -> None:
    ledger, now, root = context.ledger, context.clock(), way.life.root.run_id
    if result.interrupted:
        failure = {"error": result.error, "fates": dict(result.fates), "of": root}
        ledger.finish_run(result.run_id, "interrupted", now, failure)
        return
    differences = _read_again(ledger, way, arm, result.run_id) if result.is_complete else []
    reason = result.error or "; ".join(differences)
    if reason:
        failure = {"error": reason, "fates": dict(result.fates), "of": root}
        ledger.finish_run(result.run_id, "rollback-failed", now, failure)
        raise AppliedInPart(
            f"ROLLBACK FAILED: run {root} could not be undone: {result.summary()}: {reason}",
            hint=f"see what is there: allowlist check\n{next_steps(result.run_id, undoes=root)}",
        )
    undone = {"undone": len(result.fates), "closed": list(way.closes), "opened": list(way.opens)}
    by, open_ones = result.run_id, [run for run in way.life.rollbacks if run.state not in FINAL_STATES]
    # In one: killed in between, the run that was undone would still be called what it was before.
    endings: list[tuple[str, RunState, dict[str, Any]]] = [
        (by, "rolled-back", {**undone, "of": root}),
        *((run.run_id, "rolled-back", {**run.summary, "undone_by": by}) for run in way.life.forward),
        *((run.run_id, "resumed", {**run.summary, "resumed_by": by}) for run in open_ones),
    ]
    ledger.finish_runs(endings, now)


def is_rollback(ledger: Ledger, run_id: str) -> bool:
    return ledger.run(run_id).kind == "rollback"
