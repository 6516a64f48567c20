"""Close a run that nobody wants to finish or undo: what it left stays as it is, and that is on record."""

from __future__ import annotations

from collections import Counter

from allowlist.apply.executor import RunContext
from allowlist.apply.result import Fate
from allowlist.errors import AllowlistError
from allowlist.store import FINAL_STATES, Run, StepState
from allowlist.workflow.lives import (
    changes_of_life,
    changes_of_run,
    end_life,
    has_noted,
    life_of,
    refuse_while_worked_on,
)

_FATES: dict[StepState, Fate] = {
    "intended": "not done",
    "failed": "not done",
    "verified": "done",
    "reverted": "not done",
}


def close_run(context: RunContext, run_id: str, reason: str) -> tuple[Run, dict[str, int]]:
    """Close every open run of the life of ``run_id``; returns the run, and how many changes it left how.

    Azure is not asked: what the journal does not record is unknown. Raises AllowlistError when there is nothing to
    close, LockHeld while a process is at work on it.
    """
    ledger = context.ledger
    run, life = ledger.run(run_id), life_of(ledger, run_id)
    if run.state in FINAL_STATES:
        raise AllowlistError(
            f"run {run.run_id} is {run.state}; there is nothing to close",
            hint=f"see its story: allowlist history {run.run_id}",
        )
    if run.state == "provisional":
        raise AllowlistError(
            f"run {run.run_id} is provisional until {run.summary['confirm_until']}",
            hint=f"keep it: allowlist confirm {run.run_id}\nor undo it: allowlist rollback {run.run_id}",
        )
    refuse_while_worked_on(life, context)
    meant = (
        changes_of_run(ledger, run, life.plan) if has_noted(ledger, run) else changes_of_life(ledger, life)
    )
    left = _left(run, [change.id for change in meant])
    closing = {"reason": reason, "closed_by": context.who}
    ledger.finish_run(run.run_id, "closed", context.clock(), {**run.summary, **closing, "fates": left})
    end_life(context, life_of(ledger, run_id), "closed", closing)
    return run, dict(Counter(left.values()))


def _left(run: Run, changes: list[str]) -> dict[str, Fate]:
    """What the journal tells of each change; one that was sent and not heard of again may have landed."""
    told: dict[str, Fate] = dict.fromkeys(changes, "not done")
    for step in run.standing:
        told |= dict.fromkeys(step.change_ids, _FATES.get(step.state, "unknown"))
    return told
