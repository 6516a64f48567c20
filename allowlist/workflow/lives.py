"""The life of a run: the run, those that resumed it and its rollbacks, and what they left, told by asking Azure.

A process may end at any moment, so nothing is concluded from how far its journal came: each change is looked up at
its place. ``docs/life-of-a-run.md`` draws the states and the ways between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

import msgspec

from allowlist.apply.events import ProgressEvent
from allowlist.apply.executor import LEASE, PATIENCE_WHILE_MOVING, RunContext
from allowlist.apply.result import Fate
from allowlist.azure.connection import refuse_elsewhere
from allowlist.documents.prepared import prepared
from allowlist.errors import AllowlistError, LockHeld, PlanRefused
from allowlist.estate.bodies import Body, Estate
from allowlist.observe.secrets import REMOVED, unmasked
from allowlist.plan.digest import find_edited, plan_digest
from allowlist.plan.model import Change, Operation, Plan
from allowlist.points.point import ArmReader, ArmWriter, Point
from allowlist.points.unmet import Unmet, UnmetKind, is_moving
from allowlist.store import FINAL_STATES, Ledger, Run, RunState
from allowlist.store.processes import this_process
from allowlist.workflow.driving import points_of, read_point
from allowlist.workflow.project import Project

_TOUCHED = frozenset({"sent", "landed", "verified", "unknown"})

Place = Literal["as before", "as planned", "neither"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """``forward`` are the run that began it and those that resumed it; ``rollbacks`` undo them. Oldest first."""

    plan: Plan
    forward: tuple[Run, ...]
    rollbacks: tuple[Run, ...]

    @property
    def root(self) -> Run:
        return self.forward[0]

    @property
    def runs(self) -> tuple[Run, ...]:
        return tuple(sorted((*self.forward, *self.rollbacks), key=lambda run: run.begun))

    @property
    def latest(self) -> Run:
        """The last one that did not fail before it wrote anything."""
        return next((run for run in reversed(self.runs) if run.state != "failed"), self.root)

    @property
    def open_rollback(self) -> Run | None:
        """The rollback that did not come to its end, if that was the last thing tried."""
        latest = self.latest
        return latest if latest.kind == "rollback" and latest.state not in FINAL_STATES else None

    def sent(self) -> frozenset[str]:
        """Ids of the changes that may have reached Azure; what was refused or never sent did not."""
        return frozenset(
            change_id
            for run in self.forward
            for step in run.standing
            if step.state in _TOUCHED
            for change_id in step.change_ids
        )

    def verified(self) -> frozenset[str]:
        """Ids of the changes that were read back as planned; nothing of ours takes them away again but a rollback."""
        return frozenset(
            change_id
            for run in self.forward
            for step in run.standing
            if step.state == "verified"
            for change_id in step.change_ids
        )

    @property
    def is_being_undone(self) -> bool:
        """Did any of its rollbacks send something? One that was cut off before that took nothing away."""
        return any(step.state in _TOUCHED for run in self.rollbacks for step in run.steps)

    def written(self, target: str) -> frozenset[str]:
        """The resources of ``target`` that any of its runs may have written."""
        return frozenset(
            str(step.detail.get("resource", ""))
            for run in self.runs
            for step in run.steps
            if step.target == target and step.state in _TOUCHED
        )


def life_of(ledger: Ledger, run_id: str) -> Life:
    """Everything that belongs to ``run_id``, whichever part of its life it is. Raises AllowlistError."""
    run = ledger.run(run_id)
    while run.resumes:
        run = ledger.run(run.resumes)
    members = [run, *_successors(ledger, run)]
    return Life(
        plan=plan_of_run(ledger, run),
        forward=tuple(item for item in members if item.kind == "apply"),
        rollbacks=tuple(item for item in members if item.kind == "rollback"),
    )


def _successors(ledger: Ledger, run: Run) -> list[Run]:
    found = list(ledger.runs_resuming(run.run_id))
    more = [later for item in found for later in _successors(ledger, item)]
    return sorted((*found, *more), key=lambda item: item.begun)


def plan_of_run(ledger: Ledger, run: Run) -> Plan:
    """The plan that ``run`` carries out. Raises AllowlistError where its document is gone or of another version."""
    try:
        return msgspec.json.decode(ledger.plan(run.plan_id), type=prepared(Plan))
    except msgspec.MsgspecError as error:
        raise PlanRefused(
            f"the plan of run {run.run_id} cannot be read: {error}",
            hint=f"go on with the allowlist that began it on {run.begun:%Y-%m-%d}; or see whether the ledger was edited: "
            "allowlist history --verify",
        ) from None


def refuse_edited_plan(life: Life, changes: Iterable[Change]) -> None:
    """Raises PlanRefused where the plan that is kept for a life is not the one its run began with.

    Texts like secrets are masked where a plan is kept; a plan with such a text is judged by ``changes`` alone.
    """
    plan, run = life.plan, life.root
    is_whole = plan.digest == run.plan_id and (_is_masked(plan) or plan_digest(plan) == plan.digest)
    edited = next(find_edited(plan, changes), None) if plan.approval is not None else None
    if not is_whole or edited is not None:
        which = f": change {edited.id} ({edited.title})" if edited else ""
        raise PlanRefused(
            f"the plan that the ledger keeps for run {run.run_id} is not the one it was begun with{which}",
            hint=f"look with: allowlist history --verify\n"
            f"leave the run as it is: allowlist history {run.run_id} --close REASON",
        )


def _is_masked(plan: Plan) -> bool:
    return REMOVED.encode() in msgspec.json.encode(plan)


def changes_of_run(ledger: Ledger, run: Run, plan: Plan) -> list[Change]:
    """The changes a run set out to make; it says so before its first step."""
    wanted = {item for step in run.steps for item in step.change_ids}
    begun = set(_changes_begun(ledger, run.run_id) or ())
    return [change for change in plan.changes if change.id in (wanted | begun)]


def has_noted(ledger: Ledger, run: Run) -> bool:
    """Did it come as far as to note what it would do, be it nothing? Until then it wrote nothing."""
    return bool(run.steps) or _changes_begun(ledger, run.run_id) is not None


def _changes_begun(ledger: Ledger, run_id: str) -> list[str] | None:
    """Ids noted when the run began, kept as a snapshot of their own; None where it did not come so far."""
    try:
        ids: list[str] = msgspec.json.decode(ledger.snapshot(run_id, "changes", "before"))
    except AllowlistError:
        return None
    return ids


def changes_of_life(ledger: Ledger, life: Life) -> list[Change]:
    """Every change that any of its forward runs set out to make, in the order of the plan."""
    wanted = {change.id for run in life.forward for change in changes_of_run(ledger, run, life.plan)}
    return [change for change in life.plan.changes if change.id in wanted]


def state_before(ledger: Ledger, life: Life, target: str, live: Estate) -> Estate | None:
    """The state of ``target`` before the first write; None if no run of this life came that far.

    Texts that were masked when it was kept are those of ``live`` again, as far as they still stand there.
    """
    for run in life.forward:
        try:
            bodies: list[Body] = msgspec.json.decode(ledger.snapshot(run.run_id, target, "before"))
        except AllowlistError:
            continue
        return Estate.of(unmasked(bodies, [*live.resources.values()]))
    return None


def refuse_unbegun(life: Life, look: Look) -> None:
    """Cut off before it noted what it would do: to find nothing left would call that done, or undone."""
    if not look.changes:
        run = life.root.run_id
        raise AllowlistError(
            f"run {run} ended before it noted what it would do; nothing was written",
            hint=f"apply its plan again: allowlist apply PLAN\nor close it: allowlist history {run} --close REASON",
        )


def refuse_while_worked_on(life: Life, context: RunContext) -> None:
    """Raises LockHeld while another process still carries out a run of this life."""
    for run in life.runs:
        if is_worked_on(run, context):
            raise LockHeld(
                f"run {run.run_id} is being carried out by {run.who} since {run.begun:%Y-%m-%d %H:%M:%S} UTC",
                hint="wait until it has ended, or end that process; then try again",
            )


def is_worked_on(run: Run, context: RunContext) -> bool:
    """May somebody still be working on it? The ledger knows which processes are gone; of our own, the locks tell."""
    if run.state != "running":
        return False
    if run.process and run.process != str(this_process()):
        return True
    now = context.clock()
    if not run.steps and not run.process:
        return now - run.begun < LEASE
    writing = (lease for lease in context.ledger.locks() if lease.name.startswith("apply "))
    return any(lease.owner == run.who and lease.expires > now for lease in writing)


# what Azure shows


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What Azure shows at the places of a life's changes.

    ``unsettled`` are changes whose resource is there and Failed: writing it again heals. ``foreign`` maps resources
    that differ from what this life left to who is known to have written them.
    """

    changes: tuple[Change, ...]
    places: Mapping[str, Place]
    unsettled: frozenset[str]
    foreign: Mapping[str, str]
    states: Mapping[str, Estate]
    points: Mapping[str, Point] = field(repr=False)

    def fate(self, change: Change) -> Fate:
        """What became of it, looked at as something to be done."""
        place = self.places[change.id]
        if place == "neither" or change.operation.resource in self.foreign:
            return "unknown"
        return "done" if place == "as planned" and change.id not in self.unsettled else "not done"

    @property
    def fates(self) -> dict[str, Fate]:
        return {change.id: self.fate(change) for change in self.changes}


def look_at(project: Project, life: Life, arm: ArmWriter, context: RunContext) -> Look:
    """Wait until nothing that this life sent is on its way any more, and tell what is there."""
    for place in (life.plan, life.root):
        refuse_elsewhere(project.workload, place)
    changes = changes_of_life(context.ledger, life)
    points = points_of(project, life.plan)
    places: dict[str, Place] = {}
    unsettled: set[str] = set()
    states: dict[str, Estate] = {}
    foreign: dict[str, str] = {}
    sent = life.sent()
    for name in dict.fromkeys(change.target for change in changes):
        mine = [change for change in changes if change.target == name]
        point, touched = points[name], [change for change in mine if change.id in sent]
        states[name], failed = _still(point, arm, touched, context)
        found = _places(point, states[name], mine)
        places |= found
        unsettled |= failed
        before = state_before(context.ledger, life, name, states[name])
        for resource in _unexplained(point, before, states[name], mine, found):
            foreign[resource] = _writer(context.ledger, life, resource)
    return Look(
        changes=tuple(changes),
        places=places,
        unsettled=frozenset(unsettled),
        foreign=foreign,
        states=states,
        points=points,
    )


def _still(
    point: Point, arm: ArmReader, changes: Sequence[Change], context: RunContext
) -> tuple[Estate, frozenset[str]]:
    """The state once nothing is moving, and the ids of ``changes`` whose resource is not as Azure wants it.

    What a process sent before it was killed is still running in Azure, so judging earlier would call it not done.
    """
    for attempt in count(1):
        state = read_point(point, arm)
        unmet = _unmet(point, arm, state, changes)
        reasons = [reason for found in unmet.values() for reason in found]
        if not is_moving(reasons) or attempt >= context.settle_attempts * PATIENCE_WHILE_MOVING:
            break
        if attempt == 1:
            text = f"Azure is still at work on what was sent: {reasons[0]}; waiting for it to end"
            context.on_event(ProgressEvent(target=point.name, step="look", state="waiting", text=text))
        context.sleep(context.settle_pause)
    return state, frozenset(
        change_id for change_id, found in unmet.items() if any(item.kind in _OF_STATE for item in found)
    )


def _unmet(point: Point, arm: ArmReader, state: Estate, changes: Sequence[Change]) -> dict[str, list[Unmet]]:
    unmet: dict[str, list[Unmet]] = {}
    for write in point.compose(state, [change.operation for change in changes]):
        unmet |= dict.fromkeys(write.ids(changes), point.verify(arm, write))
    return unmet


def _places(point: Point, state: Estate, changes: Sequence[Change]) -> dict[str, Place]:
    """All at once where all are alike, halves where they are not: most lives end in one piece."""
    if not changes:
        return {}
    if point.holds(state, [change.operation for change in changes]):
        return dict.fromkeys((change.id for change in changes), "as planned")
    if point.holds(state, [inverse(change.operation) for change in changes]):
        return dict.fromkeys((change.id for change in changes), "as before")
    if len(changes) == 1:
        return {changes[0].id: "neither"}
    middle = len(changes) // 2
    return _places(point, state, changes[:middle]) | _places(point, state, changes[middle:])


def _unexplained(
    point: Point,
    before: Estate | None,
    now: Estate,
    changes: Sequence[Change],
    places: Mapping[str, Place],
) -> Iterable[str]:
    """Resources that are not what they were with the changes that are there: somebody else wrote them too."""
    if before is None:
        return
    for resource in dict.fromkeys(change.operation.resource for change in changes):
        mine = [change for change in changes if change.operation.resource == resource]
        there = [change.operation for change in mine if places[change.id] == "as planned"]
        if point.digest_after(before, there, resource) != point.digest(now, resource):
            yield resource


def _writer(ledger: Ledger, life: Life, resource: str) -> str:
    """The latest run of ours that wrote ``resource`` and is no part of this life; empty for somebody else."""
    ours = {run.run_id for run in life.runs}
    for run in ledger.runs(_RECENT):
        if run.begun < life.root.begun:
            break
        if run.run_id not in ours and any(
            step.state in _TOUCHED and str(step.detail.get("resource", "")).lower() == resource.lower()
            for step in run.steps
        ):
            return run.run_id
    return ""


_RECENT = 200
_OF_STATE = frozenset({UnmetKind.MOVING, UnmetKind.FAILED, UnmetKind.UNSETTLED})

_OPPOSITE: Mapping[str, Literal["add", "update", "remove"]] = {
    "add": "remove",
    "remove": "add",
    "update": "update",
}


def inverse(operation: Operation) -> Operation:
    """The same place, the other way round."""
    return msgspec.structs.replace(
        operation, action=_OPPOSITE[operation.action], before=operation.after, after=operation.before
    )


def blame(look: Look, changes: Iterable[Change]) -> str:
    """Who wrote where ``changes`` stand: a run of ours by name, or somebody else."""
    resources = dict.fromkeys(change.operation.resource for change in changes)
    runs = dict.fromkeys(filter(None, (look.foreign.get(resource, "") for resource in resources)))
    if runs:
        return f"run {', '.join(runs)} of ours wrote the same resource since"
    return "somebody else changed the same resource since"


# endings


def end_life(context: RunContext, life: Life, state: RunState, summary: Mapping[str, object]) -> None:
    """Say of every run of this life that is still open that it needs nobody any more."""
    for run in life.runs:
        if run.state not in FINAL_STATES:
            context.ledger.finish_run(run.run_id, state, context.clock(), {**run.summary, **summary})
