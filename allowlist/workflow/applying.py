"""Apply an approved plan: gates and approvals first, then the executor, then a fresh plan that must be empty."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from allowlist.apply.executor import Executor, RunContext
from allowlist.apply.result import RunResult
from allowlist.azure.connection import refuse_elsewhere
from allowlist.documents import canonical_json
from allowlist.documents.words import counted
from allowlist.errors import (
    AllowlistError,
    AppliedInPart,
    BlockedByGate,
    NotApproved,
    PlanRefused,
    StalePlan,
    TargetError,
)
from allowlist.observe.secrets import refuse_secrets
from allowlist.plan.approval import ApprovalStatus
from allowlist.plan.digest import require_intact
from allowlist.plan.model import Change, Plan
from allowlist.points.point import ArmReader, ArmWriter
from allowlist.store import Ledger, RunKind
from allowlist.workflow.approval_policy import refuse_other_policy
from allowlist.workflow.deciding import standings_in
from allowlist.workflow.driving import lock_groups_of, points_of, read_point
from allowlist.workflow.meaning import refuse_other_meaning, refuse_other_project
from allowlist.workflow.planning import make_plan
from allowlist.workflow.predecessors import settle_predecessors
from allowlist.workflow.project import Project, read_estate
from allowlist.workflow.remembering import remember, remembering
from allowlist.workflow.sources import refuse_moved_sources

_CLOCKS_APART = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOptions:
    """``approved_only`` applies the approved part of a plan; otherwise all of it has to be approved."""

    approved_only: bool = False
    max_age: dt.timedelta = dt.timedelta(hours=72)
    confirm_within: dt.timedelta | None = None
    plan_name: str = "PLAN"
    """How hints name the plan: the file it came from."""


def check_ready(
    plan: Plan, standings: Sequence[ApprovalStatus], now: dt.datetime, options: ApplyOptions
) -> list[Change]:
    """The changes that may be applied now. Raises PlanRefused (edited), StalePlan (old), BlockedByGate, NotApproved."""
    require_intact(plan, "the plan")
    _refuse_old(plan, standings, now, options.max_age)
    ready = [item.change for item in standings if item.is_approved]
    if len(ready) == len(standings) or (options.approved_only and ready):
        return ready
    raise _not_ready(standings, options.plan_name)


def _not_ready(standings: Sequence[ApprovalStatus], plan_name: str = "PLAN") -> PlanRefused:
    gated = [item for item in standings if item.state == "gated"]
    if gated:
        return BlockedByGate(
            f"gates are closed for {counted(len(gated), 'change')}: {gated[0].change.title}: {gated[0].text}",
            hint=f"accept each gate by id: allowlist approve {plan_name} --accept {_gate_of(gated[0])} --reason TEXT",
        )
    waiting = [item for item in standings if not item.is_approved]
    return NotApproved(
        f"{len(waiting)} of {counted(len(standings), 'change')} are not approved: {waiting[0].change.title}: {waiting[0].text}",
        hint=f"approve them: allowlist approve {plan_name} --all --reason TEXT\n"
        "or apply the approved part: --approved-only",
    )


def _gate_of(standing: ApprovalStatus) -> str:
    return next(iter(standing.change.gates), "GATE")


def _refuse_old(
    plan: Plan, standings: Sequence[ApprovalStatus], now: dt.datetime, max_age: dt.timedelta
) -> None:
    """The age of a plan is that of the oldest one its approvals were given on: a file can say any date."""
    made = dt.datetime.fromisoformat(plan.created)
    if made > now + _CLOCKS_APART:
        raise PlanRefused(f"the plan says it was made in the future ({plan.created})", hint="make a new plan")
    approved = [item.planned for item in standings if item.is_approved and item.planned]
    age = now - min([made, *approved])
    if age > max_age:
        told = f"the plan is {counted(round(age.total_seconds() / 3600), 'hour')} old"
        since = " (its approvals were given on an older one)" if now - made <= max_age else ""
        limit = max_age.total_seconds() / 3600
        raise StalePlan(
            f"{told}{since}; {limit:.0f} are let through (gates.plan_age_hours)", hint="make a new plan"
        )


def apply_plan(
    project: Project, plan: Plan, arm: ArmWriter, context: RunContext, options: ApplyOptions
) -> RunResult:
    """Apply what is approved and say how it ended. Raises PlanRefused and its children before anything is written."""
    ledger = context.ledger
    refuse_edited_ledger(ledger)
    refuse_elsewhere(project.workload, plan)
    context = replace(context, clock=ledger.bounded(context.clock))
    project = remembering(replace(project, now=ledger.not_before(project.now)), ledger)
    policy = project.approval.policy
    changes = check_ready(plan, standings_in(ledger, plan, policy, context.clock()), context.clock(), options)
    refuse_other_project(project, plan)
    refuse_other_policy(ledger, project.workload.name, project.approval)
    refuse_moved_sources(project, plan, arm)
    settle_predecessors(project, plan, arm, context)
    refuse_own_secrets(changes)
    run_id = new_run_id(context.clock())
    ledger.save_plan(
        plan.digest, canonical_json(plan), workload=plan.workload, created=context.clock(), who=context.who
    )
    begin_run(context, plan, run_id, "apply", changes)

    def last_word() -> None:
        """Nothing may have changed while this run waited: neither what was said nor what it means."""
        still = standings_in(ledger, plan, policy, context.clock())
        refuse_withdrawn(changes, still)
        refuse_other_meaning(project, plan, arm, changes)

    result = execute(project, plan, changes, arm, context, run_id, last_word=last_word)
    check_converged(project, plan, arm, changes, result)
    finish(context, result, options)
    return result


def refuse_own_secrets(changes: Sequence[Change]) -> None:
    """What we write ourselves has to be kept as it is, to be resumed and undone; a secret is not kept."""
    for change in changes:
        refuse_secrets(canonical_json(change.operation.after), f"{change.id} {change.title}")


def begin_run(
    context: RunContext,
    plan: Plan,
    run_id: str,
    kind: RunKind,
    changes: Sequence[Change],
    resumes: str | None = None,
) -> None:
    """Open a run on record: what it sets out to do, and the cloud and tenant its plan was made for."""
    context.ledger.begin_run(
        run_id, plan.digest, context.who, context.clock(), kind, resumes,
        cloud=plan.cloud, tenant=plan.tenant, changes=[change.id for change in changes],
    )  # fmt: skip


def refuse_withdrawn(changes: Sequence[Change], standings: Sequence[ApprovalStatus]) -> None:
    """Raises NotApproved or BlockedByGate where one of ``changes`` is not approved any more."""
    ids = {change.id for change in changes}
    mine = [item for item in standings if item.change.id in ids]
    if any(not item.is_approved for item in mine):
        raise _not_ready(mine)


def check_converged(
    project: Project, plan: Plan, arm: ArmWriter, applied: Sequence[Change], result: RunResult
) -> None:
    """After a complete run a fresh plan has to be empty; where none can be made, the run is not complete."""
    if not result.is_complete:
        return
    try:
        fresh = plan_again(project, plan, arm)
        result.converged = not still_wanted(plan, fresh, applied)
        result.afterwards = fresh
    except TargetError as error:
        result.error = f"written and verified, but a fresh plan could not be made: {error}"


def refuse_edited_ledger(ledger: Ledger) -> None:
    """Approvals are only as good as the ledger they stand in. Raises AllowlistError at the first row that was edited."""
    found = ledger.verify()
    if found:
        raise AllowlistError(
            f"the ledger was edited (row {found[0].seq}: {found[0].because}); nothing is applied on its word",
            hint="look with: allowlist history --verify; then decide again in a fresh ledger",
        )


def execute(
    project: Project,
    plan: Plan,
    changes: Sequence[Change],
    arm: ArmWriter,
    context: RunContext,
    run_id: str,
    *,
    expected: Mapping[str, str] | None = None,
    lock_groups: Mapping[str, str] | None = None,
    last_word: Callable[[], None] = lambda: None,
) -> RunResult:
    """Run the executor for ``changes``; a refusal before the first write is put on record and raised.

    ``lock_groups`` names the write lock groups of targets where they are known, which saves reading them twice.
    ``last_word`` may still refuse when every lock is held.
    """
    planned = {target.name: target.fingerprint for target in plan.targets}
    try:
        points = points_of(project, plan)
        executor = Executor(run_id, context, arm, points, lock_groups_of(points, arm, lock_groups))
        result = executor.run(changes, planned if expected is None else expected, last_word)
    except (Exception, KeyboardInterrupt) as error:
        _note_broken_off(context, run_id, error)
        raise
    remember(context.ledger, plan, changes, result.fates, run_id)
    try:
        _save_after(context, result, executor, changes)
    except TargetError as error:
        result.error = result.error or f"written, but not readable afterwards: {error}"
    return result


def _note_broken_off(context: RunContext, run_id: str, error: BaseException) -> None:
    """Before its first step a run has failed and that is all; after it, somebody has to look."""
    begun = any(step.state != "intended" for step in context.ledger.run(run_id).steps)
    text = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error)
    summary: dict[str, Any] = {"error": text} if begun else {"error": text, "written": 0}
    context.ledger.finish_run(run_id, "interrupted" if begun else "failed", context.clock(), summary)


def _save_after(
    context: RunContext, result: RunResult, executor: Executor, changes: Sequence[Change]
) -> None:
    if not result.wrote_something:
        return
    for name in dict.fromkeys(change.target for change in changes):
        after = read_point(executor.points[name], executor.arm)
        context.ledger.save_snapshot(
            result.run_id, name, "after", canonical_json([*after.resources.values()])
        )


def plan_again(project: Project, plan: Plan, arm: ArmReader) -> Plan:
    """A plan for the same targets from what is there now."""
    specs = project.targets([target.name for target in plan.targets])
    return make_plan(project, read_estate(project, specs, arm), specs)


def still_wanted(plan: Plan, fresh: Plan, applied: Sequence[Change]) -> list[Change]:
    """What ``fresh`` would still change, apart from what was left out of ``plan`` on purpose.

    Those are known by what they do and for whom: what stands over them (gates that count a plan) may be other now.
    """
    left_out = {change.id for change in plan.changes} - {change.id for change in applied}
    return [change for change in fresh.changes if change.id not in left_out]


def finish(context: RunContext, result: RunResult, options: ApplyOptions) -> None:
    now = context.clock()
    summary: dict[str, Any] = {
        "fates": dict(result.fates),
        "error": result.error,
        "converged": result.convergence,
    }
    if result.interrupted:
        state = "interrupted"
    elif not result.is_complete:
        state = "partial" if result.wrote_something else "failed"
    elif options.confirm_within is not None:
        state = "provisional"
        summary["confirm_until"] = (now + options.confirm_within).isoformat(timespec="seconds")
    else:
        state = "succeeded"
    context.ledger.finish_run(result.run_id, state, now, summary)  # type: ignore[arg-type]


def raise_if_incomplete(result: RunResult) -> None:
    """AppliedInPart for a run that is partial, unknown or not converged; nothing for a good one."""
    if not result.is_complete:
        again = "nothing was written; apply the plan again when that is mended"
        hint = next_steps(result.run_id) if result.wrote_something or result.interrupted else again
        raise AppliedInPart(f"run {result.run_id}: {result.summary()}: {result.error}", hint=hint)
    if result.converged is False:
        raise AppliedInPart(
            f"run {result.run_id}: everything was written, but a fresh plan is not empty",
            hint="somebody else may have changed the target; make a new plan",
        )


def next_steps(run_id: str, *, undoes: str = "") -> str:
    """What can be done about a run that did not come to its end: one command a line.

    ``undoes`` is the run that a rollback was undoing.
    """
    if undoes:
        return (
            f"go on with it: allowlist rollback {undoes}\n"
            f"or leave it as it is: allowlist history {run_id} --close REASON"
        )
    return (
        f"go on with it: allowlist apply --resume {run_id}\n"
        f"or undo it: allowlist rollback {run_id}\n"
        f"or leave it as it is: allowlist history {run_id} --close REASON"
    )


def new_run_id(now: dt.datetime, token: Callable[[], str] = lambda: secrets.token_hex(3)) -> str:
    return f"{now:%Y%m%d-%H%M%S}-{token()}"
