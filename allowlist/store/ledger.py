"""The ledger: what was planned, decided and done, and nothing of it is ever overwritten.

Every method that writes returns only after the row is on disk, and raises AllowlistError otherwise; then
nothing of it was written. One ledger may be used from several threads and processes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, func, select

from allowlist.documents import canonical_json
from allowlist.documents.prepared import prepared
from allowlist.errors import AllowlistError
from allowlist.observe.secrets import masked
from allowlist.store import blobs, chain, runs, tables, traffic
from allowlist.store.anchor import keep_anchor, read_anchor
from allowlist.store.database import Database
from allowlist.store.location import require_room
from allowlist.store.locks import Lock, Locks
from allowlist.store.moments import Clock, moment, stamp
from allowlist.store.processes import this_process
from allowlist.store.records import (
    Decision,
    Entry,
    Head,
    KeptAnswer,
    Lease,
    Moment,
    PlanRecord,
    Run,
    RunKind,
    RunState,
    Step,
    Tampering,
)
from allowlist.store.traffic import TrafficDay

_PLAN = "plan"
_DECISION = "decision"
_SNAPSHOT = "snapshot"
_OWNED = "owned"
_NOTE = "note-"
_ANSWER = "answer"
_OUR_WORDS = (_DECISION, _PLAN)
"""Kinds that hold nothing but what people here said: a secret in them is refused. Elsewhere texts of others are masked."""
_AT_ONCE = 500


class Ledger:
    """Made by :func:`allowlist.store.open_ledger`; a context manager that closes its connections."""

    def __init__(self, database: Database, clock: Clock, anchor: Path | None = None) -> None:
        self._database = database
        self._clock = clock
        self.anchor = anchor
        self._locks = Locks(database, clock)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        try:
            if self.anchor is not None and not self.is_cut_off():
                keep_anchor(self.anchor, self.head())
        finally:
            self._database.close()

    def is_cut_off(self) -> bool:
        """Is the row that the anchor remembers gone, or another one?"""
        kept = read_anchor(self.anchor) if self.anchor is not None else None
        if kept is None or kept.seq == 0:
            return False
        query = select(tables.event.c.digest).where(tables.event.c.seq == kept.seq)
        with self._database.read() as connection:
            return connection.scalar(query) != kept.digest

    @property
    def place(self) -> str:
        """File or URL of the ledger, never with a password."""
        return self._database.place

    @property
    def is_local(self) -> bool:
        """Does the ledger live on this machine, out of reach for others?"""
        return self._database.is_sqlite

    # time

    def not_before(self, now: datetime) -> datetime:
        """``now``, or the moment of the newest row where that is later: a clock set back revives nothing."""
        query = select(tables.event.c.at).order_by(tables.event.c.seq.desc()).limit(1)
        with self._database.read() as connection:
            newest = connection.scalar(query)
        return max(now, moment(newest)) if newest else now

    def bounded(self, clock: Clock) -> Clock:
        """``clock``, never before the newest row as it is now."""
        floor = self.not_before(datetime.min.replace(tzinfo=UTC))
        return lambda: max(clock(), floor)

    # plans

    def save_plan(self, plan_id: str, document: bytes, *, workload: str, created: datetime, who: str) -> None:
        """Keep a plan under its digest; a plan that is already there is left as it is."""
        with self._database.write() as connection:
            if _exists(connection, _PLAN, plan_id):
                return
            blob = blobs.put(connection, masked(document), f"plan {plan_id}")
            body = {"workload": workload, "created": stamp(created), "who": who, "blob": blob}
            self._append(connection, _PLAN, plan_id, body)

    def plan(self, plan_id: str) -> bytes:
        """The document of a plan; ``plan_id`` may be shortened to an unambiguous beginning."""
        with self._database.read() as connection:
            full = _resolve(connection, _PLAN, plan_id, "plan")
            row = connection.execute(_events(_PLAN).where(tables.event.c.subject == full)).one()
            return _document(connection, row)

    def plans(self, pending_only: bool = False) -> tuple[PlanRecord, ...]:
        """All plans, latest first; pending are those that no run ever began to apply."""
        with self._database.read() as connection:
            rows = connection.execute(_events(_PLAN, latest_first=True)).all()
            begun = _begun_plans(connection) if pending_only else frozenset()
        return tuple(_plan_record(row) for row in rows if row.subject not in begun)

    def plan_record(self, plan_id: str) -> PlanRecord | None:
        """What was put on record about the plan with exactly this id, None if nothing was."""
        query = _events(_PLAN).where(tables.event.c.subject == plan_id).limit(1)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return _plan_record(row) if row else None

    # decisions

    def decide(self, *decisions: Decision) -> None:
        """Put decisions on record, all or none."""
        with self._database.write() as connection:
            rows = (
                self._row(_DECISION, decision.change_digest, decision, decision.verdict)
                for decision in decisions
            )
            chain.append(connection, *rows)

    def decisions(self, change_digests: Iterable[str]) -> tuple[Decision, ...]:
        """Every decision on these changes, in the order they were put on record."""
        wanted = sorted(set(change_digests))
        with self._database.read() as connection:
            rows = [
                row
                for start in range(0, len(wanted), _AT_ONCE)
                for row in connection.execute(
                    _events(_DECISION).where(tables.event.c.subject.in_(wanted[start : start + _AT_ONCE]))
                )
            ]
        rows.sort(key=lambda row: row.seq)
        return tuple(msgspec.json.decode(row.body, type=prepared(Decision)) for row in rows)

    def decisions_about(self, changes: Mapping[str, str]) -> tuple[Decision, ...]:
        """Every decision on ``changes`` (digest by id), and those on the same change under other terms if one of them
        was a refusal or a deferral, in the order they were put on record."""
        refusals = _events(_DECISION).where(tables.event.c.state.in_(("reject", "defer")))
        with self._database.read() as connection:
            bodies = [row.body for row in connection.execute(refusals)]
            refused = [msgspec.json.decode(body, type=prepared(Decision)) for body in bodies]
            named = dict(_named_by_their_plans(connection, [item for item in refused if not item.change]))
        mine = {
            item.change_digest
            for item in refused
            if (item.change or named.get(item.change_digest)) in changes
        }
        found = self.decisions([*changes.values(), *mine])
        return tuple(
            item if item.change else msgspec.structs.replace(item, change=named.get(item.change_digest, ""))
            for item in found
        )

    def decisions_made(self) -> tuple[Decision, ...]:
        """Every decision there is, in the order they were put on record."""
        with self._database.read() as connection:
            bodies = [row.body for row in connection.execute(_events(_DECISION))]
        return tuple(msgspec.json.decode(body, type=prepared(Decision)) for body in bodies)

    # runs

    def begin_run(
        self,
        run_id: str,
        plan_id: str,
        who: str,
        at: datetime,
        kind: RunKind,
        resumes: str | None = None,
        *,
        cloud: str = "",
        tenant: str = "",
        changes: Collection[str] | None = None,
    ) -> None:
        """Open a run of a stored plan; ``resumes`` names the earlier run it takes up or rolls back.

        ``cloud`` and ``tenant`` are where it writes, ``changes`` the ids of what it sets out to do: noted in the same
        transaction, so that no kill leaves a run of which nobody knows what it was for. Raises AllowlistError where the
        disk is nearly full.
        """
        if self.is_local:
            require_room(Path(self.place))
        with self._database.write() as connection:
            if _exists(connection, runs.BEGUN, run_id):
                raise AllowlistError(
                    f"the run {run_id} was begun before", hint="every run needs an id of its own"
                )
            _require(connection, _PLAN, plan_id, "plan")
            if resumes is not None:
                _require(connection, runs.BEGUN, resumes, "run")
            body = {
                "plan_id": plan_id,
                "who": who,
                "at": stamp(at),
                "kind": kind,
                "resumes": resumes,
                "cloud": cloud,
                "tenant": tenant,
                "process": str(this_process()),
            }
            self._append(connection, runs.BEGUN, run_id, body, state=kind)
            if changes is not None:
                self._append_snapshot(connection, run_id, "changes", "before", canonical_json([*changes]))

    def record_step(self, run_id: str, step: Step) -> None:
        """Write one line of the journal of a run; it is on disk on return."""
        with self._database.write() as connection:
            _require(connection, runs.BEGUN, run_id, "run")
            self._append(connection, runs.STEP, run_id, step, state=step.state)

    def finish_run(self, run_id: str, state: RunState, at: datetime, summary: dict[str, Any]) -> None:
        """Say how a run stands. It may be said again: provisional, then confirmed or rolled-back."""
        self.finish_runs([(run_id, state, summary)], at)

    def finish_runs(self, endings: Iterable[tuple[str, RunState, dict[str, Any]]], at: datetime) -> None:
        """Say how several runs of one life stand, of all of them or of none: (run id, state, summary)."""
        with self._database.write() as connection:
            for run_id, state, summary in endings:
                _require(connection, runs.BEGUN, run_id, "run")
                said = {"at": stamp(at), "summary": summary}
                self._append(connection, runs.FINISHED, run_id, said, state=state)

    def run(self, run_id: str) -> Run:
        """One run with its journal; ``run_id`` may be shortened to an unambiguous beginning."""
        with self._database.read() as connection:
            found = runs.read_runs(connection, [_resolve(connection, runs.BEGUN, run_id, "run")])
        return self._as_they_are(found)[0]

    def runs(self, limit: int = 50) -> tuple[Run, ...]:
        """The latest runs, latest first."""
        with self._database.read() as connection:
            found = runs.read_runs(connection, runs.latest_ids(connection, limit))
        return self._as_they_are(found)

    def unfinished_runs(self) -> tuple[Run, ...]:
        """Runs that still need somebody, oldest first: crashed, interrupted, partial, provisional …

        A run that a later run took up (``resumes``) is no longer among them; that one is, if need be.
        """
        with self._database.read() as connection:
            found = runs.read_runs(connection, runs.unfinished_ids(connection))
        return self._as_they_are(found)

    def _as_they_are(self, found: tuple[Run, ...]) -> tuple[Run, ...]:
        """A run whose process is gone is interrupted, although nobody was left to write that down."""
        if all(run.state != "running" for run in found):
            return found
        leases, now = self.locks(), self._clock()
        return tuple(runs.as_it_is(run, leases, now) for run in found)

    def runs_resuming(self, run_id: str) -> tuple[Run, ...]:
        """The runs that took up ``run_id`` or rolled it back, oldest first."""
        with self._database.read() as connection:
            found = runs.read_runs(connection, runs.ids_resuming(connection, run_id))
        return self._as_they_are(found)

    # snapshots and ownership

    def save_snapshot(self, run_id: str, target: str, moment: Moment, body: bytes) -> None:
        """Keep what ``target`` looked like before or after a run; secrets in it are masked, nothing is refused."""
        with self._database.write() as connection:
            _require(connection, runs.BEGUN, run_id, "run")
            self._append_snapshot(connection, run_id, target, moment, body)

    def _append_snapshot(
        self, connection: Connection, run_id: str, target: str, moment: Moment, body: bytes
    ) -> None:
        blob = blobs.put(connection, masked(body), f"the snapshot of {target}")
        self._append(connection, _SNAPSHOT, run_id, {"target": target, "blob": blob}, state=moment)

    def snapshot(self, run_id: str, target: str, moment: Moment) -> bytes:
        """The first snapshot before, or the last one after, the run touched ``target``."""
        query = _events(_SNAPSHOT, latest_first=moment == "after").where(
            tables.event.c.subject == run_id, tables.event.c.state == moment
        )
        with self._database.read() as connection:
            for row in connection.execute(query):
                if msgspec.json.decode(row.body)["target"] == target:
                    return _document(connection, row)
        raise AllowlistError(f"the run {run_id} kept no snapshot of {target} from {moment} it wrote")

    def last_written(self, workload: str, target: str) -> tuple[datetime, bytes] | None:
        """When a run of ``workload`` last left ``target`` behind, and what it read back then."""
        query = _events(_SNAPSHOT, latest_first=True).where(tables.event.c.state == "after")
        with self._database.read() as connection:
            for row in connection.execute(query):
                if (
                    msgspec.json.decode(row.body)["target"] == target
                    and _workload_of(connection, row.subject) == workload
                ):
                    return moment(row.at), _document(connection, row)
        return None

    def targets_left(self) -> frozenset[str]:
        """The names of all targets, of any workload, that a run read back after it had written them."""
        query = select(tables.event.c.body).where(
            tables.event.c.kind == _SNAPSHOT, tables.event.c.state == "after"
        )
        with self._database.read() as connection:
            return frozenset(msgspec.json.decode(body)["target"] for body in connection.scalars(query))

    def record_owned(self, target: str, entries: Collection[str], run_id: str) -> None:
        """Remember which entries of a list without room for marks are ours; replaces what was said before."""
        with self._database.write() as connection:
            _require(connection, runs.BEGUN, run_id, "run")
            self._append(connection, _OWNED, target, {"entries": sorted(set(entries)), "run_id": run_id})

    def owned_entries(self, target: str) -> frozenset[str]:
        """The entries of ``target`` that are ours, by the last run that recorded them."""
        query = _events(_OWNED, latest_first=True).where(tables.event.c.subject == target).limit(1)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return frozenset(msgspec.json.decode(row.body)["entries"]) if row else frozenset()

    # notes

    def note(self, kind: str, subject: str, state: str, body: dict[str, Any]) -> None:
        """Remember something the next scheduled run has to know; the latest note on a subject counts."""
        with self._database.write() as connection:
            self._append(connection, f"{_NOTE}{kind}", subject, body, state=state)

    def latest_note(self, kind: str, subject: str) -> Entry | None:
        """The latest note of this kind on ``subject``."""
        query = _events(f"{_NOTE}{kind}", latest_first=True).where(tables.event.c.subject == subject)
        with self._database.read() as connection:
            row = connection.execute(query.limit(1)).one_or_none()
        return chain.entry_of(row) if row else None

    def latest_notes(self, kind: str, start: str = "") -> dict[str, Entry]:
        """The latest note on every subject that begins with ``start``."""
        event = tables.event.c
        mine = (event.kind == f"{_NOTE}{kind}") & event.subject.startswith(start, autoescape=True)
        latest = select(func.max(event.seq)).where(mine).group_by(event.subject)
        query = select(tables.event).where(event.seq.in_(latest)).order_by(event.seq)
        with self._database.read() as connection:
            return {row.subject: chain.entry_of(row) for row in connection.execute(query)}

    # answers

    def keep_answers(self, answers: Mapping[str, KeptAnswer]) -> None:
        """Keep answers by subject until one of them is given anew; one that holds a secret is not kept."""
        with self._database.write() as connection:
            rows = []
            for subject, answer in answers.items():
                if masked(answer.body) == answer.body:
                    blob = blobs.put(connection, answer.body, f"the answer about {subject}")
                    rows.append(self._row(_ANSWER, subject, {"blob": blob}, answer.inputs))
            chain.append(connection, *rows)

    def kept_answers(self, start: str) -> dict[str, KeptAnswer]:
        """The latest answer about every subject that begins with ``start``.

        Only those whose row and document are what was written: an edit of either is as if nothing had been kept.
        """
        event = tables.event.c
        mine = (event.kind == _ANSWER) & event.subject.startswith(start, autoescape=True)
        latest = select(func.max(event.seq)).where(mine).group_by(event.subject)
        with self._database.read() as connection:
            rows = connection.execute(select(tables.event).where(event.seq.in_(latest))).all()
            kept = {row: str(msgspec.json.decode(row.body)["blob"]) for row in rows if chain.is_intact(row)}
            bodies = dict(blobs.get_many(connection, set(kept.values())))
        return {
            row.subject: KeptAnswer(row.state, bodies[blob]) for row, blob in kept.items() if blob in bodies
        }

    # traffic

    def keep_traffic(self, workload: str, days: Iterable[TrafficDay], oldest: date) -> int:
        """Take days of traffic into the rolling aggregate; those before ``oldest`` go. Answers how many were written.

        A day that is another than before adds a row with its digest to the chain.
        """
        with self._database.write() as connection:
            written = list(traffic.keep(connection, workload, days, oldest, self._clock()))
            rows = [
                self._row(traffic.KIND, subject, {"digest": named.digest, "events": named.events}, "")
                for subject, named in written
                if named is not None
            ]
            chain.append(connection, *rows)
        return len(written)

    def traffic(self, workload: str) -> Iterator[TrafficDay]:
        """The days of traffic that are remembered, one at a time, each with why it may not be whole."""
        with self._database.read() as connection:
            yield from traffic.kept_days(connection, workload)

    def traffic_tampering(self) -> tuple[Tampering, ...]:
        """Every day of traffic that is not what the chain names. None of them counts for anything, so nothing waits for this."""
        with self._database.read() as connection:
            return tuple(traffic.find_tampering(connection))

    # locks

    def lock(
        self, name: str, *, owner: str, lease: timedelta, wait: timedelta = timedelta()
    ) -> AbstractContextManager[Lock]:
        """Hold a lock for a with-block; raises LockHeld when it is still taken after ``wait``."""
        return self._locks.hold(name, owner=owner, lease=lease, wait=wait)

    def locks(self) -> tuple[Lease, ...]:
        """Every lock that is held, expired leases included."""
        return self._locks.held()

    def unlock(self, name: str, who: str, reason: str, token: int | None = None) -> Lease:
        """Take a lock away from its holder, whose writes then stop at their next check; goes on record.

        With ``token``, only from the holder of that token: whoever took the lock meanwhile keeps it.
        """
        return self._locks.break_open(name, who, reason, token)

    # history

    def entries(self, limit: int = 100) -> tuple[Entry, ...]:
        """The latest rows of the ledger, latest first."""
        query = select(tables.event).order_by(tables.event.c.seq.desc()).limit(limit)
        with self._database.read() as connection:
            return tuple(chain.entry_of(row) for row in connection.execute(query))

    def head(self) -> Head:
        """The last row; kept outside the ledger it is an anchor for :meth:`verify`."""
        with self._database.read() as connection:
            return chain.head_of(connection)

    def verify(self, anchor: Head | None = None) -> tuple[Tampering, ...]:
        """Every row that is not what was written, first row first; empty when the ledger is intact.

        Without ``anchor`` the one this ledger was opened with counts.
        """
        if anchor is None and self.anchor is not None:
            anchor = read_anchor(self.anchor)
        with self._database.read() as connection:
            return tuple(chain.find_tampering(connection, anchor))

    def _append(self, connection: Connection, kind: str, subject: str, body: Any, *, state: str = "") -> None:
        chain.append(connection, self._row(kind, subject, body, state))

    def _row(self, kind: str, subject: str, body: Any, state: str) -> chain.NewRow:
        if kind not in _OUR_WORDS:
            body = msgspec.json.decode(masked(canonical_json(body)))
        return chain.NewRow(kind, subject, body, self._clock(), state)


def _events(kind: str, *, latest_first: bool = False) -> Select[Any]:
    seq = tables.event.c.seq
    return (
        select(tables.event).where(tables.event.c.kind == kind).order_by(seq.desc() if latest_first else seq)
    )


def _named_by_their_plans(connection: Connection, refused: Collection[Decision]) -> Iterator[tuple[str, str]]:
    """Digest and id of the changes that rows from before ids were kept are about: their plans are kept as well."""
    for plan_id in dict.fromkeys(item.plan_id for item in refused):
        row = connection.execute(
            _events(_PLAN).where(tables.event.c.subject == plan_id).limit(1)
        ).one_or_none()
        for change in msgspec.json.decode(_document(connection, row)).get("changes", ()) if row else ():
            yield change["digest"], change["id"]


def _exists(connection: Connection, kind: str, subject: str) -> bool:
    query = _events(kind).where(tables.event.c.subject == subject).limit(1)
    return connection.execute(query).first() is not None


def _require(connection: Connection, kind: str, subject: str, word: str) -> None:
    if not _exists(connection, kind, subject):
        raise AllowlistError(f"the ledger knows no {word} {subject}", hint=f"save the {word} first")


def _resolve(connection: Connection, kind: str, start: str, word: str) -> str:
    """The one subject that is or begins with ``start``."""
    query = select(tables.event.c.subject).where(
        tables.event.c.kind == kind, tables.event.c.subject.startswith(start, autoescape=True)
    )
    found = [subject for subject in connection.scalars(query) if subject.startswith(start)]
    if start in found or len(found) == 1:
        return start if start in found else found[0]
    if found:
        raise AllowlistError(f"{len(found)} {word}s begin with '{start}'", hint="write more of it")
    raise AllowlistError(f"the ledger knows no {word} '{start}'", hint=_latest(connection, kind))


def _latest(connection: Connection, kind: str) -> str:
    """For who named a wrong one: the last few there are."""
    newest = (
        select(tables.event.c.subject).where(tables.event.c.kind == kind).order_by(tables.event.c.seq.desc())
    )
    found = list(dict.fromkeys(connection.scalars(newest.limit(_LOOKED_AT))))[:_NAMED]
    return f"the latest: {', '.join(found)}; 'allowlist history' lists them" if found else "it is empty"


_NAMED, _LOOKED_AT = 3, 50
"""How many a message names, out of how many rows: a run that writes much has many."""


def _document(connection: Connection, row: Row[Any]) -> bytes:
    try:
        return blobs.get(connection, msgspec.json.decode(row.body)["blob"])
    except LookupError:
        raise AllowlistError(
            f"the document of row {row.seq} of the ledger is missing or was changed",
            hint="'allowlist history --verify' shows what was tampered with",
        ) from None


def _workload_of(connection: Connection, run_id: str) -> str:
    begun = connection.execute(_events(runs.BEGUN).where(tables.event.c.subject == run_id)).one()
    plan_id = msgspec.json.decode(begun.body)["plan_id"]
    plan = connection.execute(_events(_PLAN).where(tables.event.c.subject == plan_id)).one()
    return str(msgspec.json.decode(plan.body)["workload"])


def _plan_record(row: Row[Any]) -> PlanRecord:
    body = msgspec.json.decode(row.body)
    return PlanRecord(
        plan_id=row.subject, workload=body["workload"], created=moment(body["created"]), who=body["who"]
    )


def _begun_plans(connection: Connection) -> frozenset[str]:
    return frozenset(
        msgspec.json.decode(row.body)["plan_id"] for row in connection.execute(_events(runs.BEGUN))
    )
