"""Runs, read back from the rows that tell their story."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from allowlist.documents.prepared import prepared
from allowlist.store import tables
from allowlist.store.moments import moment
from allowlist.store.processes import parse_process, this_place
from allowlist.store.records import FINAL_STATES, Lease, Run, Step

BEGUN = "run-begun"
STEP = "step"
FINISHED = "run-finished"
_AT_ONCE = 500


def read_runs(connection: Connection, run_ids: Sequence[str]) -> tuple[Run, ...]:
    """The runs with these ids, each with its journal, in the order of ``run_ids``."""
    found: dict[str, Run] = {}
    journal: dict[str, list[Step]] = {run_id: [] for run_id in run_ids}
    for row in _rows_of(connection, run_ids):
        match row.kind:
            case "run-begun":
                found[row.subject] = _begun(row)
            case "step":
                journal[row.subject].append(msgspec.json.decode(row.body, type=prepared(Step)))
            case _:
                found[row.subject] = _finished(found[row.subject], row)
    return tuple(
        replace(found[run_id], steps=tuple(journal[run_id])) for run_id in run_ids if run_id in found
    )


def latest_ids(connection: Connection, limit: int) -> list[str]:
    query = select(tables.event.c.subject).where(tables.event.c.kind == BEGUN)
    return list(connection.scalars(query.order_by(tables.event.c.seq.desc()).limit(limit)))


def unfinished_ids(connection: Connection) -> list[str]:
    """Runs in no final state that no later run took up, oldest first; one that failed wrote nothing and took up nothing."""
    states = last_states(connection)
    begun = connection.execute(_rows().where(tables.event.c.kind == BEGUN))
    resumed = {msgspec.json.decode(row.body)["resumes"] for row in begun if states[row.subject] != "failed"}
    return [run_id for run_id, state in states.items() if state not in FINAL_STATES and run_id not in resumed]


def ids_resuming(connection: Connection, run_id: str) -> list[str]:
    begun = connection.execute(_rows().where(tables.event.c.kind == BEGUN))
    return [row.subject for row in begun if msgspec.json.decode(row.body)["resumes"] == run_id]


def last_states(connection: Connection) -> dict[str, str]:
    """The state of every run by its id, oldest run first."""
    states: dict[str, str] = {}
    for row in connection.execute(_rows().where(tables.event.c.kind.in_((BEGUN, FINISHED)))):
        states[row.subject] = "running" if row.kind == BEGUN else row.state
    return states


SILENCE = timedelta(minutes=10)
"""After this long without a word and without a lock, a run on another machine is taken to be dead."""


def as_it_is(run: Run, leases: Sequence[Lease], now: datetime) -> Run:
    """``run``, told to be interrupted when whoever carried it out is gone without a word."""
    if run.state != "running" or is_worked_on(run, leases, now):
        return run
    return replace(run, state="interrupted", summary={"error": GONE})


GONE = "its process ended without a word"


def is_worked_on(run: Run, leases: Sequence[Lease], now: datetime) -> bool:
    """Certain for a process of this machine; of others their locks tell, and how long nothing was heard of them."""
    process = parse_process(run.process)
    if process is not None and process.where == this_place():
        return not process.is_gone
    holds = (lease.process == run.process if run.process else lease.owner == run.who for lease in leases)
    if any(mine and lease.expires > now for mine, lease in zip(holds, leases, strict=True)):
        return True
    return now - run.last_word < SILENCE


def _rows() -> Any:
    return select(tables.event).order_by(tables.event.c.seq)


def _rows_of(connection: Connection, run_ids: Sequence[str]) -> Iterable[Row[Any]]:
    for start in range(0, len(run_ids), _AT_ONCE):
        some = tables.event.c.subject.in_(run_ids[start : start + _AT_ONCE])
        kinds = tables.event.c.kind.in_((BEGUN, STEP, FINISHED))
        yield from connection.execute(_rows().where(kinds, some))


def _begun(row: Row[Any]) -> Run:
    body = msgspec.json.decode(row.body)
    return Run(
        run_id=row.subject,
        plan_id=body["plan_id"],
        who=body["who"],
        kind=body["kind"],
        begun=moment(body["at"]),
        resumes=body["resumes"],
        cloud=body.get("cloud", ""),
        tenant=body.get("tenant", ""),
        process=body.get("process", ""),
    )


def _finished(run: Run, row: Row[Any]) -> Run:
    body = msgspec.json.decode(row.body)
    return replace(run, state=row.state, finished=moment(body["at"]), summary=body["summary"])
