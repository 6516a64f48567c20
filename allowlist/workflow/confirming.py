"""Commit-confirmed: what was applied provisionally stands only if somebody says so in time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final

from allowlist.apply.executor import RunContext
from allowlist.apply.result import RunResult
from allowlist.errors import AllowlistError, LockHeld, TargetThrottled, TargetUnavailable
from allowlist.points.point import ArmWriter
from allowlist.store import Ledger, Run
from allowlist.workflow.applying import next_steps
from allowlist.workflow.lives import life_of
from allowlist.workflow.project import Project
from allowlist.workflow.rolling_back import roll_back

AGAIN_SECONDS: Final = 30.0


def confirm_run(ledger: Ledger, run_id: str, who: str, now: dt.datetime) -> Run:
    """Make a provisional run final. Raises AllowlistError when it is not provisional any more, or its time is over.

    A clock that was set back gives no more time.
    """
    now = ledger.not_before(now)
    run = ledger.run(run_id)
    if run.state != "provisional":
        raise AllowlistError(f"run {run.run_id} is {run.state}, not provisional")
    if is_expired(run, now):
        raise AllowlistError(
            f"run {run.run_id} had to be confirmed until {run.summary['confirm_until']}; it is being rolled back",
            hint="plan and apply again",
        )
    _refuse_being_undone(ledger, run)
    ledger.finish_run(run.run_id, "confirmed", now, {**run.summary, "confirmed_by": who})
    return run


def _refuse_being_undone(ledger: Ledger, run: Run) -> None:
    """What a rollback has begun to take away does not stand any more, and nothing calls it confirmed."""
    rollback = life_of(ledger, run.run_id).open_rollback
    if rollback is not None:
        raise AllowlistError(
            f"run {run.run_id} is not confirmed: its rollback {rollback.run_id} has begun",
            hint=next_steps(rollback.run_id, undoes=run.run_id),
        )


def is_expired(run: Run, now: dt.datetime) -> bool:
    return run.state == "provisional" and time_left(run, now) <= dt.timedelta()


def time_left(run: Run, now: dt.datetime) -> dt.timedelta:
    """How long a provisional run may still be confirmed."""
    return dt.datetime.fromisoformat(run.summary["confirm_until"]) - now


def await_confirmation(
    project: Project,
    run_id: str,
    arm: ArmWriter,
    context: RunContext,
    tell: Callable[[str], None] = lambda _: None,
) -> RunResult | None:
    """Wait until a provisional run is confirmed (None); roll it back when its time is over (how that ended).

    A lock that somebody holds and an Azure that does not answer are waited for: nobody else would undo it.
    """
    while (run := context.ledger.run(run_id)).state == "provisional":
        left = time_left(run, context.clock())
        if left > dt.timedelta():
            context.sleep(min(1.0, left.total_seconds()))
            continue
        try:
            return roll_back(project, run_id, arm, context)
        except (LockHeld, TargetThrottled, TargetUnavailable) as error:
            tell(f"not undone yet: {error}; trying again in {AGAIN_SECONDS:.0f} s")
            context.sleep(AGAIN_SECONDS)
    return None
