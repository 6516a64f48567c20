"""Runs that ended without a word: what became of them is told and settled before the next one writes."""

from __future__ import annotations

from allowlist.apply.events import ProgressEvent
from allowlist.apply.executor import LEASE, Surroundings
from allowlist.apply.result import Fate
from allowlist.errors import LockHeld
from allowlist.plan.model import Plan
from allowlist.points.point import ArmWriter
from allowlist.store import Run
from allowlist.workflow.fates import changes_of_run, fates_of_run, plan_of_run
from allowlist.workflow.project import Project
from allowlist.workflow.remembering import remember


def settle_predecessors(project: Project, plan: Plan, arm: ArmWriter, around: Surroundings) -> None:
    """Tell what became of earlier runs on the targets of ``plan``, and put on record that this one takes over.

    Raises LockHeld while a provisional run waits to be confirmed: writing over it would take its way back.
    """
    targets = {target.resource.lower() for target in plan.targets}
    for run in around.ledger.unfinished_runs():
        earlier = plan_of_run(around.ledger, run)
        if earlier.workload != plan.workload or targets.isdisjoint(
            target.resource.lower() for target in earlier.targets
        ):
            continue
        if run.state == "provisional":
            raise LockHeld(
                f"run {run.run_id} is provisional until {run.summary['confirm_until']}",
                hint=f"allowlist confirm {run.run_id}, or allowlist rollback {run.run_id}",
            )
        if not _is_alive(run, around):
            _settle(project, run, arm, around)


def _is_alive(run: Run, around: Surroundings) -> bool:
    """May somebody still be working on it? Steps are written under a lock; before the first one, nobody waits for long."""
    if run.state != "running":
        return False
    now = around.clock()
    if not run.steps:
        return now - run.begun < LEASE
    return any(lease.owner == run.who and lease.expires > now for lease in around.ledger.locks())


def _settle(project: Project, run: Run, arm: ArmWriter, around: Surroundings) -> None:
    fates = fates_of_run(project, around.ledger, run, arm) if run.kind == "apply" else {}
    earlier = plan_of_run(around.ledger, run)
    remember(around.ledger, earlier, changes_of_run(around.ledger, run, earlier), fates, run.run_id)
    text = f"{run.kind} {run.run_id} was left {run.state}: {_counted(fates)}; this run goes on from what is there"
    around.on_event(ProgressEvent(target=run.kind, step=run.run_id, state="unknown", text=text))
    around.ledger.finish_run(run.run_id, "superseded", around.clock(), {**run.summary, "fates": fates})


def _counted(fates: dict[str, Fate]) -> str:
    words = list(fates.values())
    return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words)) or "nothing was begun"
