"""One target: read, check, plan, apply what may go, verify; whatever happens ends in an outcome."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from allowlist.apply.result import RunResult
from allowlist.documents import canonical_json, digest_of
from allowlist.documents.words import counted
from allowlist.errors import (
    AllowlistError,
    AppliedInPart,
    Interrupted,
    InvalidInput,
    LockHeld,
    PlanRefused,
    StalePlan,
    TargetError,
)
from allowlist.estate.bodies import Estate
from allowlist.plan.model import Change, Plan
from allowlist.store import Decision
from allowlist.store.identity import Identity
from allowlist.store.records import POLICY_PREFIX
from allowlist.workflow.applying import (
    ApplyOptions,
    begin_run,
    check_converged,
    execute,
    finish,
    new_run_id,
    raise_if_incomplete,
    refuse_own_secrets,
)
from allowlist.workflow.deciding import decision_on, standings_in, subject_of
from allowlist.workflow.files import write_file
from allowlist.workflow.planning import make_plan
from allowlist.workflow.project import Project, read_estate
from allowlist.workflow.remembering import remembering
from allowlist.workflow.reuse import Looked
from allowlist.workflow.syncing.context import Pass
from allowlist.workflow.syncing.drift import (
    Found,
    Owned,
    attributed,
    find_drift,
    owned_now,
    remember,
    remember_written,
)
from allowlist.workflow.syncing.outcome import (
    SHOWN_LINES,
    Drift,
    Outcome,
    bounded,
    concern_text,
    failed,
    gap_text,
)
from allowlist.workflow.syncing.policy import Permit, permits
from allowlist.workload import TargetSpec

REPEATS = 2


@dataclass(frozen=True, slots=True)
class _Undone:
    """Ids of changes that undo what others did to our rules, and of those that bring one back to what we left."""

    ids: Collection[str] = frozenset()
    exactly: Collection[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What one look at a target showed; ``seen`` is the moment it began, by the count of this run's writes."""

    project: Project
    plan: Plan
    permits: Sequence[Permit]
    drifted: _Undone
    lock_group: str
    resources: tuple[str, ...]
    """What the target is, and whose rules decide for it: both are read anew after a write."""
    seen: int
    found: Found | None
    drift: tuple[Drift, ...]
    is_kept: bool
    """Was the plan kept from an earlier run? Then nothing is written by it."""
    unread: tuple[str, ...] = ()
    """Lists that were not answered. What hangs on them is a gap or a concern; that they are missing is told besides."""

    @property
    def going(self) -> list[Permit]:
        return [item for item in self.permits if item.may_go]

    @property
    def waiting(self) -> list[Permit]:
        return [item for item in self.permits if not item.may_go]


def sync_target(given: Pass, spec: TargetSpec) -> Outcome:
    """Never raises an error of ours: it becomes the outcome, so that the next target gets its turn."""
    begun = time.monotonic()
    try:
        found = _settle(given, spec)
    except AllowlistError as error:
        found = failed(given.workload, spec.name, error)
    return replace(found, seconds=time.monotonic() - begun)


def _settle(given: Pass, spec: TargetSpec) -> Outcome:
    """Look, and act on what was seen; look again when somebody was faster."""
    for left in reversed(range(REPEATS + 1)):
        try:
            return _look_and_act(given, spec)
        except StalePlan:
            given.reads.forget(spec.resource)
            if not left:
                raise
    raise AssertionError("the last attempt returns or raises")


def _look_and_act(given: Pass, spec: TargetSpec) -> Outcome:
    look = _look(given, spec)
    if not look.going:
        return _outcome(given, spec, look, None)
    with given.lock_groups.hold([look.lock_group]):
        was_written = given.lock_groups.was_written_since(look.lock_group, look.seen)
        if was_written:
            _forget(given, look)
        if was_written or look.is_kept:
            look = _look(given, spec, anew=True)
        try:
            result = _carry_out(given, spec, look) if look.going else None
        finally:
            _forget(given, look)
    return _outcome(given, spec, look, result)


def _forget(given: Pass, look: _Look) -> None:
    for resource in look.resources:
        given.reads.forget(resource)


def _look(given: Pass, spec: TargetSpec, *, anew: bool = False) -> _Look:
    """What there is to do; what an earlier run found out from the same is taken over, but for ``anew``."""
    seen = given.lock_groups.moment()
    estate = read_estate(given.project, [spec], given.reads)
    project = remembering(given.project, given.context.ledger, [spec])
    inputs = given.kept.inputs(project, spec, estate)
    kept = None if anew else given.kept.find(spec, inputs, project.now)
    looked = kept or _looked(given, project, spec, estate)
    if kept is None:
        given.kept.keep(spec, inputs, looked)
    plan = looked.plan
    found = _find_drift(given, project, spec, looked)
    drifted = _Undone(found.undone_by(plan), found.brought_back_by(plan)) if found else _Undone()
    given.seen.look(project, estate, spec)
    return _Look(
        project=project,
        plan=plan,
        permits=_permits(given, spec, plan, drifted),
        drifted=drifted,
        lock_group=looked.lock_group,
        resources=(spec.resource, looked.decider),
        seen=seen,
        found=found,
        drift=attributed(found, given.arm) if found else (),
        is_kept=kept is not None,
        unread=tuple(f"not readable: {item}" for item in estate.unreadable if item.kind),
    )


def _looked(given: Pass, project: Project, spec: TargetSpec, estate: Estate) -> Looked:
    plan = make_plan(project, estate, [spec], given.context.who)
    point = given.project.point(spec)
    owned = owned_now(project, spec, estate, given.context.clock())
    return Looked(
        plan=plan,
        rules=owned.rules,
        resource=owned.resource,
        lock_group=point.lock_group(estate),
        decider=point.decider(estate),
    )


def _find_drift(given: Pass, project: Project, spec: TargetSpec, looked: Looked) -> Found | None:
    """Where an earlier run is still open, what it left is its own business."""
    if spec.name in given.blocked:
        return None
    owned = Owned(rules=looked.rules, resource=looked.resource, at=given.context.clock())
    return find_drift(project, spec, owned, given.context.ledger, given.notes)


def _permits(given: Pass, spec: TargetSpec, plan: Plan, drifted: _Undone) -> list[Permit]:
    if plan.is_empty:
        return []
    ledger, now = given.context.ledger, given.context.clock()
    automation = given.project.workload.automation
    given.approvals.take_in(plan, ledger)
    policy = given.project.approval.policy
    standings = standings_in(ledger, plan, policy, now, made_here=True)
    return permits(plan, standings, automation, given.closed(spec.name), drifted.ids, drifted.exactly)


def _carry_out(given: Pass, spec: TargetSpec, look: _Look) -> RunResult:
    """Apply, verify, converge. Raises AppliedInPart when any of it did not come to its end."""
    context, ledger, plan = given.context, given.context.ledger, look.plan
    given.trust_ledger()
    changes = [item.change for item in look.going]
    refuse_own_secrets(changes)
    now = context.clock()
    run_id = new_run_id(now)
    ledger.save_plan(plan.digest, canonical_json(plan), workload=plan.workload, created=now, who=context.who)
    ledger.decide(*(_word(plan, item, given) for item in look.going if item.without_person))
    given.notes.writes(spec.name)
    begin_run(context, plan, run_id, "apply", changes)
    lock_groups = {plan.targets[0].name: look.lock_group}
    with _ledger_at_hand(run_id):
        result = execute(
            look.project,
            plan,
            changes,
            given.arm,
            context,
            run_id,
            lock_groups=lock_groups,
            last_word=lambda: _refuse_withdrawn(given, spec, look),
        )
        check_converged(look.project, plan, given.arm, changes, result)
        finish(context, result, ApplyOptions(approved_only=True))
    raise_if_incomplete(result)
    return result


def _refuse_withdrawn(given: Pass, spec: TargetSpec, look: _Look) -> None:
    """What was said, or ended, while this run waited for its lock counts. Raises StalePlan: what is left goes then."""
    now_going = {item.change.id for item in _permits(given, spec, look.plan, look.drifted) if item.may_go}
    gone = [item.change for item in look.going if item.change.id not in now_going]
    if gone:
        raise StalePlan(
            f"{gone[0].title} may not go any more: that was decided while this run waited; nothing was written",
            hint="the next look decides again",
        )


@contextmanager
def _ledger_at_hand(run_id: str) -> Iterator[None]:
    """A run that cannot write its journal any more may have written to Azure: that is no plain failure."""
    try:
        yield
    except (PlanRefused, LockHeld, InvalidInput, Interrupted, TargetError):
        raise
    except AllowlistError as error:
        raise AppliedInPart(
            f"run {run_id} lost its ledger on the way: {error}",
            hint="the next run asks Azure what became of it, and goes on from there",
        ) from error


def _word(plan: Plan, permit: Permit, given: Pass) -> Decision:
    """On record why nobody was asked. A comment, so that it opens nothing when the policy changes."""
    who = Identity(who=f"{POLICY_PREFIX}{plan.workload}", kind="unverified")
    return decision_on(plan, subject_of(permit.change), "comment", who, permit.because, given.context.clock())


def _keep_pending(given: Pass, spec: TargetSpec, plan: Plan, waiting: Sequence[Permit]) -> str:
    """Keep a plan that waits for people, once per meaning; returns its id in the ledger."""
    meaning = meaning_of([item.change for item in waiting])
    ledger = given.context.ledger
    last = given.notes.latest("pending", spec.name)
    if not waiting:
        if last is not None and last.state:
            given.notes.note("pending", spec.name, "", {})
        if given.settings.plans is not None:
            _plan_file(given.settings.plans, given, spec).unlink(missing_ok=True)
        return ""
    if given.settings.plans is not None:
        write_file(_plan_file(given.settings.plans, given, spec), plan)
    if last is not None and last.state == meaning:
        return str(last.body["plan"])
    ledger.save_plan(
        plan.digest,
        canonical_json(plan),
        workload=plan.workload,
        created=given.context.clock(),
        who=given.context.who,
    )
    given.notes.note("pending", spec.name, meaning, {"plan": plan.digest})
    return plan.digest


def _plan_file(folder: Path, given: Pass, spec: TargetSpec) -> Path:
    return folder / f"{given.workload}.{spec.name}.plan.json"


def meaning_of(changes: Sequence[Change]) -> str:
    """One text for one set of changes on one state of their target, whenever it was planned."""
    return digest_of(sorted([change.digest, change.precondition] for change in changes)) if changes else ""


def _remember(given: Pass, spec: TargetSpec, look: _Look, result: RunResult | None) -> None:
    """Drift that the plan has no change for serves as well as what was there: it is told once."""
    ledger, found = given.context.ledger, look.found
    if result is not None:
        remember_written(remembering(given.project, ledger, [spec]), spec, ledger, given.notes)
    elif found is not None and not found.undone_by(look.plan):
        remember(spec, given.notes, found)


def _outcome(given: Pass, spec: TargetSpec, look: _Look, result: RunResult | None) -> Outcome:
    plan, waiting = (result.afterwards if result else None) or look.plan, look.waiting
    _remember(given, spec, look, result)
    gaps = [gap_text(gap) for gap in plan.gaps]
    lines = [
        *map(str, look.drift),
        *_waiting_lines(waiting),
        *gaps,
        *map(concern_text, plan.concerns),
        *look.unread,
    ]
    pending = bool(waiting or gaps or plan.concerns or look.drift)
    unmet = {ref for item in waiting for ref in item.change.requirements if item.change.operation.after}
    return Outcome(
        workload=given.workload,
        target=spec.name,
        state="applied" if result else "pending" if pending else "in sync",
        code=2 if pending else 0,
        text=_text(plan, waiting, result, look.drift),
        drift=look.drift,
        applied=result.count("done") if result else 0,
        waiting=len(waiting),
        gaps=len(gaps),
        missing=len(unmet) + len(gaps),
        concerns=len(plan.concerns),
        plan_id=_keep_pending(given, spec, look.plan, waiting),
        run_id=result.run_id if result else "",
        meaning=meaning_of([item.change for item in waiting]),
        unmet=tuple(gaps[:SHOWN_LINES]),
        lines=bounded(lines),
    )


def _waiting_lines(waiting: Sequence[Permit]) -> Iterator[str]:
    """Changes that wait for the same thing stand below it."""
    for because in dict.fromkeys(item.because for item in waiting):
        mine = [item.change for item in waiting if item.because == because]
        yield f"{len(mine)} wait: {because}"
        yield from (f"  {change.id} {change.title}" for change in mine)


def _text(plan: Plan, waiting: Sequence[Permit], result: RunResult | None, drift: Sequence[Drift]) -> str:
    parts = [f"{result.count('done')} applied and verified (run {result.run_id})"] if result else []
    parts += [f"{len(drift)} of our rules changed by others"] if drift else []
    parts += [f"{len(waiting)} wait"] if waiting else []
    parts += [f"{counted(len(plan.gaps), 'gap')}"] if plan.gaps else []
    parts += [f"{counted(len(plan.concerns), 'finding')}"] if plan.concerns else []
    return ", ".join(parts) or f"{counted(plan.covered, 'requirement')} covered"
