"""After an interruption: tell done, not done or unknown per change by asking Azure, and go on in the same direction."""

from __future__ import annotations

from allowlist.apply.executor import RunContext
from allowlist.apply.result import RunResult
from allowlist.documents import canonical_json
from allowlist.documents.words import counted
from allowlist.errors import AllowlistError, AppliedInPart
from allowlist.points.point import ArmWriter
from allowlist.store import FINAL_STATES, Run
from allowlist.workflow.applying import (
    ApplyOptions,
    begin_run,
    check_converged,
    execute,
    finish,
    new_run_id,
    next_steps,
    refuse_edited_ledger,
)
from allowlist.workflow.going_on import refuse_not_going_on
from allowlist.workflow.lives import (
    Life,
    Look,
    blame,
    end_life,
    life_of,
    look_at,
    refuse_edited_plan,
    refuse_unbegun,
    refuse_while_worked_on,
)
from allowlist.workflow.project import Project
from allowlist.workflow.remembering import remember, remembering
from allowlist.workflow.rolling_back import roll_back


def resume_run(
    project: Project, run_id: str, arm: ArmWriter, context: RunContext, options: ApplyOptions
) -> RunResult:
    """Finish what an interrupted or partial run left; a rollback is finished as a rollback.

    Raises AppliedInPart where Azure cannot be explained, NotApproved or PlanRefused where what is left may not go any more,
    LockHeld while another process is at work on it.
    """
    ledger = context.ledger
    run, life = ledger.run(run_id), life_of(ledger, run_id)
    _refuse_ended(run, life)
    refuse_while_worked_on(life, context)
    refuse_edited_ledger(ledger)
    if run.kind == "rollback":
        return roll_back(project, run_id, arm, context)
    look = look_at(project, life, arm, context)
    refuse_unbegun(life, look)
    _refuse_unexplained(run, look)
    rest = [change for change in look.changes if look.fate(change) == "not done"]
    plan = life.plan
    refuse_edited_plan(life, rest)
    refuse_not_going_on(project, plan, rest, context, run_id)
    new_id = new_run_id(context.clock())
    begin_run(context, plan, new_id, "apply", rest, resumes=run.run_id)
    result = RunResult(new_id)
    if rest:
        expected = {name: look.points[name].fingerprint(state) for name, state in look.states.items()}
        result = execute(
            project,
            plan,
            rest,
            arm,
            context,
            new_id,
            expected=expected,
            last_word=lambda: refuse_not_going_on(project, plan, rest, context, run_id),
        )
    for name in look.states.keys() - {change.target for change in rest}:
        body = canonical_json([*look.states[name].resources.values()])
        ledger.save_snapshot(new_id, name, "after", body)
    result.fates |= {change_id: "done" for change_id, fate in look.fates.items() if fate == "done"}
    done = [change for change in plan.changes if result.fates.get(change.id) == "done"]
    remember(ledger, plan, done, result.fates, new_id)
    project = remembering(project, ledger)
    check_converged(project, plan, arm, done, result)
    finish(context, result, options)
    _hand_over(context, life, result)
    return result


def _refuse_ended(run: Run, life: Life) -> None:
    if run.state not in FINAL_STATES:
        return
    if life.open_rollback:
        raise AllowlistError(
            f"run {run.run_id} is not resumed: its rollback {life.open_rollback.run_id} did not come to its end",
            hint=next_steps(life.open_rollback.run_id, undoes=life.root.run_id),
        )
    later = str(run.summary.get("resumed_by") or run.summary.get("undone_by") or "")
    raise AllowlistError(
        f"run {run.run_id} is {run.state}{f' by run {later}' if later else ''}; there is nothing to resume",
        hint=f"see its story: allowlist history {later or run.run_id}",
    )


def _refuse_unexplained(run: Run, look: Look) -> None:
    unknown = [change for change in look.changes if look.fate(change) == "unknown"]
    if unknown:
        names = "; ".join(change.title for change in unknown[:5])
        raise AppliedInPart(
            f"run {run.run_id} cannot go on: {blame(look, unknown)}; {counted(len(unknown), 'change', 'is')} neither as before"
            f" nor as planned: {names}",
            hint=f"make a new plan from what is there: allowlist plan -o plan.json\n"
            f"leave it as it is: allowlist history {run.run_id} --close REASON",
        )


def _hand_over(context: RunContext, life: Life, result: RunResult) -> None:
    """The new run speaks for all of this life from now on."""
    end_life(context, life, "resumed", {"resumed_by": result.run_id})
