"""What tests of the ledger need: a clock they move by hand, decisions, steps, and a way around the triggers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import create_engine

from allowlist.store import Decision, Ledger, Step, open_ledger

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PLAN = "sha256:" + "a" * 64


class HandClock:
    """Stands still until somebody moves it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


def wall_clock() -> datetime:
    return datetime.now(UTC)


def opened(url: str, clock: Any = wall_clock) -> Ledger:
    return open_ledger(url, environ={}, clock=clock)


def decision(**changes: Any) -> Decision:
    values: dict[str, Any] = {
        "change_digest": "sha256:c1",
        "precondition": "sha256:p1",
        "verdict": "approve",
        "who": "ada@example.com",
        "identity": "verified",
        "reason": "needed for pip",
        "at": NOON,
        "plan_id": PLAN,
    }
    return Decision(**values | changes)


def step(index: int = 0, **changes: Any) -> Step:
    values: dict[str, Any] = {
        "index": index,
        "change_ids": ("c1",),
        "target": "hub-firewall",
        "action": "put group",
        "state": "intended",
        "at": NOON,
    }
    return Step(**values | changes)


def with_run(ledger: Ledger, run_id: str = "run-1", plan_id: str = PLAN, **more: Any) -> str:
    """Begin a run, with its plan."""
    ledger.save_plan(
        plan_id, b'{"schema":"allowlist/plan/v1"}', workload="w", created=NOON, who="ada@example.com"
    )
    ledger.begin_run(run_id, plan_id, "ada@example.com", NOON, more.pop("kind", "apply"), **more)
    return run_id


def execute_raw(url: str, *statements: str) -> None:
    """What somebody with rights in the database can do to it."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
    finally:
        engine.dispose()


def read_row(url: str, seq: int) -> dict[str, Any]:
    """One row of the event table as it stands there."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            row = connection.exec_driver_sql(f"SELECT * FROM ledger_event WHERE seq = {seq}").one()
            return dict(row._mapping)
    finally:
        engine.dispose()


def execute_without_triggers(url: str, *statements: str) -> None:
    """What an owner of the database can do: switch its guards off first."""
    if url.startswith("postgresql"):
        execute_raw(url, "SET session_replication_role = replica", *statements)
        return
    names = ("event_update", "event_delete", "event_insert", "blob_update", "blob_delete", "head_update")
    execute_raw(url, *(f"DROP TRIGGER ledger_{name}" for name in names), *statements)
