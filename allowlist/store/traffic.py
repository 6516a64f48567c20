"""The rolling aggregate of traffic: counts by day, kept for a while. Its rows come and go; what they were stands in the chain.

A day is one reading of its logs and is replaced as a whole, by a reading that saw no fewer events: reading the same files
again counts nothing twice, and files that were rotated away take nothing with them. What is kept are groups of flows
with their counts; no port of a client, no address of a page.

Every reading that changes a day adds one row to the chain, with the digest of what was put there. A day whose rows do not
have the digest that its newest row of the chain names is in doubt, so that nothing is called unused on its word.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from allowlist.documents import digest_of
from allowlist.store import chain, tables
from allowlist.store.moments import stamp
from allowlist.store.records import Tampering

KIND = "traffic"
"""Of the rows of the chain that name what is kept of a day."""
COLUMNS = tuple(column.name for column in tables.traffic.columns if column.name not in ("workload", "day"))
"""Of one group: what it is by, then ``n``, ``first``, ``last`` (text, UTC) and ``hours`` (a bit for each hour)."""
_AT_ONCE = 2000
EDITED = "what is kept of the day is not what was put there"
UNNAMED = "no row of the ledger says what was kept of the day"
GONE = "nothing is left of what was kept of the day"
CUT = "rows are missing in the ledger, so none says for certain what was kept of the day"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficDay:
    """One day (UTC) of a workload's traffic: groups in the order of :data:`COLUMNS`, and why they may not be all."""

    day: dt.date
    rows: Sequence[tuple[Any, ...]]
    doubts: tuple[str, ...] = ()

    @property
    def events(self) -> int:
        place = COLUMNS.index("n")
        return sum(row[place] for row in self.rows)

    @property
    def digest(self) -> str:
        return digest_of([list(self.doubts), sorted(list(map(str, row)) for row in self.rows)])


@dataclass(frozen=True, slots=True)
class Named:
    """What the newest row of the chain names of a day; ``seq`` is that row."""

    seq: int
    digest: str
    events: int


def subject(workload: str, day: dt.date) -> str:
    """Of the row of the chain that names what is kept of ``day``."""
    return f"{workload}/{day}"


def keep(
    connection: Connection, workload: str, days: Iterable[TrafficDay], oldest: dt.date, now: dt.datetime
) -> Iterator[tuple[str, Named | None]]:
    """Take over what is as full as what is there; days before ``oldest`` go.

    Answers for each day that was written the subject and what the chain has to name; None where it names that already,
    and rows that were edited are what they were again.
    """
    for table in (tables.traffic, tables.traffic_day):
        connection.execute(delete(table).where(table.c.workload == workload, table.c.day < str(oldest)))
    named = _named(connection, workload)
    told = {row.day: row.events for row in connection.execute(_days(workload))}
    for day in days:
        known = named.get(str(day.day))
        fullest = known.events if known else told.get(str(day.day), 0)
        if day.day < oldest or day.events < fullest:
            continue
        same = known is not None and known.digest == day.digest
        if same and _is_kept(connection, workload, day):
            continue
        _replace(connection, workload, day, now)
        yield subject(workload, day.day), None if same else Named(0, day.digest, day.events)


def _is_kept(connection: Connection, workload: str, day: TrafficDay) -> bool:
    return any(
        day.day == kept.day and day.digest == kept.digest for kept in _stored(connection, workload, day.day)
    )


def _replace(connection: Connection, workload: str, day: TrafficDay, now: dt.datetime) -> None:
    text = str(day.day)
    for table in (tables.traffic, tables.traffic_day):
        connection.execute(delete(table).where(table.c.workload == workload, table.c.day == text))
    told = msgspec.json.encode(list(day.doubts)).decode()
    connection.execute(
        insert(tables.traffic_day).values(
            workload=workload, day=text, events=day.events, digest=day.digest, doubts=told, at=stamp(now)
        )
    )
    for start in range(0, len(day.rows), _AT_ONCE):
        connection.execute(
            insert(tables.traffic),
            [
                {"workload": workload, "day": text, **dict(zip(COLUMNS, row, strict=True))}
                for row in day.rows[start : start + _AT_ONCE]
            ],
        )


def kept_days(connection: Connection, workload: str) -> Iterator[TrafficDay]:
    """What is kept, day by day, each with why it may not be whole; of a day that is not what the chain names, nothing is.

    One reading: what was looked at is what is answered.
    """
    named, is_cut = _named(connection, workload), _is_cut(connection)
    first: dt.date | None = None
    for day in _stored(connection, workload):
        first = first or day.day
        doubt = _doubt(day, named.pop(str(day.day), None), is_cut)
        yield (
            replace(day, rows=day.rows if doubt == CUT else (), doubts=(*day.doubts, doubt)) if doubt else day
        )
    for text in sorted(named):
        if first is not None and dt.date.fromisoformat(text) > first:
            yield TrafficDay(day=dt.date.fromisoformat(text), rows=(), doubts=(GONE,))


def _doubt(day: TrafficDay, known: Named | None, is_cut: bool) -> str:
    if known is None:
        return UNNAMED
    return EDITED if known.digest != day.digest else CUT if is_cut else ""


def find_tampering(connection: Connection) -> Iterator[Tampering]:
    """Every day of every workload that is not what the chain names, beside what :func:`chain.find_tampering` finds."""
    for workload in connection.scalars(_workloads()).all():
        named = _named(connection, workload)
        for day in kept_days(connection, workload):
            doubt = day.doubts[-1] if day.doubts else ""
            if doubt in (EDITED, UNNAMED, GONE):
                seq = named[str(day.day)].seq if str(day.day) in named else 0
                yield Tampering(seq=seq, because=f"traffic of {workload} on {day.day}: {doubt}")


def _workloads() -> Any:
    return select(tables.traffic.c.workload).union(select(tables.traffic_day.c.workload))


def _named(connection: Connection, workload: str) -> dict[str, Named]:
    """By day, what its newest row of the chain names; a row that was edited names nothing."""
    event = tables.event.c
    mine = (event.kind == KIND) & event.subject.startswith(f"{workload}/", autoescape=True)
    latest = select(func.max(event.seq)).where(mine).group_by(event.subject)
    found: dict[str, Named] = {}
    for row in connection.execute(select(tables.event).where(event.seq.in_(latest))):
        owner, _, day = row.subject.rpartition("/")
        if owner == workload and chain.is_intact(row):
            found[day] = _named_by(row)
    return found


def _named_by(row: Any) -> Named:
    body = msgspec.json.decode(row.body)
    return Named(row.seq, str(body["digest"]), int(body["events"]))


def _is_cut(connection: Connection) -> bool:
    """Are rows missing, so that the newest that is left of a day need not be the newest there was?"""
    counted = connection.scalar(select(func.count()).select_from(tables.event))
    return bool(counted != chain.head_of(connection).seq)


def _stored(connection: Connection, workload: str, only: dt.date | None = None) -> Iterator[TrafficDay]:
    """The days as their rows stand, one at a time; those of no day are nobody's."""
    told = {
        row.day: row.doubts
        for row in connection.execute(_days(workload))
        if _is_day(row.day) and (only is None or row.day == str(only))
    }
    for text, found in groupby(_rows(connection, workload, only), key=lambda row: row[0]):
        if _is_day(text):
            rows = [tuple(values) for _, *values in found]
            yield TrafficDay(day=dt.date.fromisoformat(text), rows=rows, doubts=_doubts(told.pop(text, "")))
    for text, doubts in told.items():
        yield TrafficDay(day=dt.date.fromisoformat(text), rows=(), doubts=_doubts(doubts))


def _is_day(text: str) -> bool:
    try:
        return str(dt.date.fromisoformat(text)) == text
    except ValueError:
        return False


def _doubts(text: str) -> tuple[str, ...]:
    try:
        return msgspec.json.decode(text, type=tuple[str, ...])
    except msgspec.MsgspecError:
        return ("its account cannot be read",)


def _rows(connection: Connection, workload: str, only: dt.date | None) -> Iterator[Any]:
    """Every group after its day, a few at a time."""
    columns = [tables.traffic.c[name] for name in ("day", *COLUMNS)]
    query = select(*columns).where(tables.traffic.c.workload == workload).order_by(tables.traffic.c.day)
    if only is not None:
        query = query.where(tables.traffic.c.day == str(only))
    yield from connection.execute(query, execution_options={"yield_per": _AT_ONCE})


def _days(workload: str) -> Any:
    table = tables.traffic_day
    return select(table).where(table.c.workload == workload).order_by(table.c.day)
