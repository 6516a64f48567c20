"""The rolling aggregate of traffic: counts by day, kept for a while. No part of the chain, and no ground for an approval.

A day is one reading of its logs and is replaced as a whole, by a reading that saw no fewer events: reading the same files
again counts nothing twice, and files that were rotated away take nothing with them. What is kept are groups of flows
with their counts; no port of a client, no address of a page.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select

from allowlist.documents import digest_of
from allowlist.store import tables
from allowlist.store.moments import stamp

COLUMNS = tuple(column.name for column in tables.traffic.columns if column.name not in ("workload", "day"))
"""Of one group: what it is by, then ``n``, ``first``, ``last`` (text, UTC) and ``hours`` (a bit for each hour)."""
_AT_ONCE = 2000
EDITED = "what is kept of the day is not what was put there"


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


def keep(
    connection: Connection, workload: str, days: Iterable[TrafficDay], oldest: dt.date, now: dt.datetime
) -> int:
    """Take over what is as full as what is there; days before ``oldest`` go. Answers how many days changed."""
    for table in (tables.traffic, tables.traffic_day):
        connection.execute(delete(table).where(table.c.workload == workload, table.c.day < str(oldest)))
    known = {row.day: row for row in connection.execute(_days(workload))}
    changed = 0
    for day in days:
        before = known.get(str(day.day))
        if day.day >= oldest and (before is None or _is_news(day, before)):
            _replace(connection, workload, day, now)
            changed += 1
    return changed


def _is_news(day: TrafficDay, before: Any) -> bool:
    return bool(day.events >= before.events and day.digest != before.digest)


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


def days_of(connection: Connection, workload: str) -> dict[dt.date, tuple[str, ...]]:
    """The days that are kept, each with why it may not be whole."""
    kept: dict[dt.date, list[tuple[Any, ...]]] = {}
    for text, values in rows_of(connection, workload):
        kept.setdefault(dt.date.fromisoformat(text), []).append(values)
    found: dict[dt.date, tuple[str, ...]] = {}
    for row in connection.execute(_days(workload)):
        day, doubts = dt.date.fromisoformat(row.day), tuple(msgspec.json.decode(row.doubts))
        same = TrafficDay(day=day, rows=kept.pop(day, []), doubts=doubts).digest == row.digest
        found[day] = doubts if same else (*doubts, EDITED)
    return found | dict.fromkeys(kept, (EDITED,))


def rows_of(connection: Connection, workload: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Every group with its day, a few at a time."""
    columns = [tables.traffic.c[name] for name in ("day", *COLUMNS)]
    query = select(*columns).where(tables.traffic.c.workload == workload).order_by(tables.traffic.c.day)
    for row in connection.execution_options(yield_per=_AT_ONCE).execute(query):
        day, *values = row
        yield day, tuple(values)


def _days(workload: str) -> Any:
    table = tables.traffic_day
    return select(table).where(table.c.workload == workload).order_by(table.c.day)
