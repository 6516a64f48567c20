"""Runs that ended without a word: what became of them is told and settled before the next one writes."""

from __future__ import annotations

from allowlist.apply.events import ProgressEvent
from allowlist.apply.executor import RunContext
from allowlist.apply.result import Fate
from allowlist.errors import LockHeld
from allowlist.plan.model import Plan
from allowlist.points.point import ArmWriter
from allowlist.store import Run
from allowlist.workflow.lives import end_life, is_worked_on, life_of, look_at, plan_of_run
from allowlist.workflow.project import Project
from allowlist.workflow.remembering import remember


def settle_predecessors(project: Project, plan: Plan, arm: ArmWriter, context: RunContext) -> None:
    """Tell what became of earlier runs on the targets of ``plan``, and put on record that this one takes over.

    Raises LockHeld while a provisional run waits to be confirmed: writing over it would take its rollback.
    """
    targets = {target.resource.lower() for target in plan.targets}
    for run in context.ledger.unfinished_runs():
        earlier = plan_of_run(context.ledger, run)
        if earlier.workload != plan.workload or targets.isdisjoint(
            target.resource.lower() for target in earlier.targets
        ):
            continue
        if run.state == "provisional":
            raise LockHeld(
                f"run {run.run_id} is provisional until {run.summary['confirm_until']}",
                hint=f"allowlist confirm {run.run_id}, or allowlist rollback {run.run_id}",
            )
        if not is_worked_on(run, context):
            _settle(project, run, arm, context)


def _settle(project: Project, run: Run, arm: ArmWriter, context: RunContext) -> None:
    life = life_of(context.ledger, run.run_id)
    look = look_at(project, life, arm, context)
    fates = look.fates
    remember(context.ledger, life.plan, look.changes, fates, run.run_id)
    text = f"{run.kind} {run.run_id} was left {run.state}: {_counted(fates)}; this run goes on from what is there"
    context.on_event(ProgressEvent(target=run.kind, step=run.run_id, state="unknown", text=text))
    end_life(context, life, "superseded", {"fates": fates})


def _counted(fates: dict[str, Fate]) -> str:
    words = list(fates.values())
    return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words)) or "nothing was begun"
