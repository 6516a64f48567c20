"""The rolling aggregate of a workload's traffic: a scheduled run reads its logs and keeps counts by day in the ledger.

What is kept has the columns of a log service's counts, so whoever asks it asks as they would ask any log.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from allowlist.documents.words import counted
from allowlist.errors import AllowlistError
from allowlist.store import Ledger
from allowlist.store.traffic import COLUMNS, TrafficDay
from allowlist.traffic.engine import Settings, Traffic, read_traffic
from allowlist.traffic.files import LogFile
from allowlist.traffic.query import KINDS
from allowlist.traffic.shapes import Shape
from allowlist.workflow.logs import asking, reading_logs
from allowlist.workload import TrafficLogs

MOST_GROUPS: Final = 50_000
"""Of one day; beyond them those seen least often are left out, and that is told."""

_CATEGORIES: Final = {kind: category for category, kind in reversed(KINDS.items())}
_MEMBERS: Final = {
    "resource": "_ResourceId", "source": "SourceIp", "name": "Fqdn", "destination": "DestinationIp",
    "port": "DestinationPort", "protocol": "Protocol", "action": "Action", "reason": "ActionReason", "policy": "Policy",
    "rcg": "RuleCollectionGroup", "collection": "RuleCollection", "rule": "Rule", "n": "n", "first": "earliest",
    "last": "latest", "hours": "hours",
}  # fmt: skip
"""Columns of what is kept, as members of a log service's counts."""


def places_of(logs: TrafficLogs, folder: Path) -> list[str]:
    """Paths from the workload file on; addresses as they are."""
    return [place if "://" in place else str(folder / place) for place in logs.logs]


@contextmanager
def rolled(
    logs: TrafficLogs,
    folder: Path,
    ledger: Ledger,
    workload: str,
    environ: Mapping[str, str],
    now: dt.datetime,
    credential: Callable[[str], Any],
) -> Iterator[Traffic]:
    """Read ``logs``, take them into the aggregate of ``workload``, and open what it holds now. Raises AllowlistError."""
    oldest = now.date() - dt.timedelta(days=logs.days - 1)
    with TemporaryDirectory(prefix="allowlist-logs-") as spool:
        places, ask = places_of(logs, folder), asking(oldest, None, now, credential, environ)
        with reading_logs(
            places, Path(spool), environ, zone=logs.zone, ask=ask, credentials=credential
        ) as traffic:
            ledger.keep_traffic(workload, days_of(traffic, oldest), oldest)
    with remembered(ledger, workload) as traffic:
        yield traffic


def days_of(traffic: Traffic, oldest: dt.date) -> Iterator[TrafficDay]:
    """The days of ``traffic`` from ``oldest`` on, each with what was not read when it was read."""
    doubts = tuple(traffic.account.doubts())
    keys = ", ".join(name for name in COLUMNS if name not in ("n", "first", "last", "hours", "port"))
    rows = traffic.stream(
        f"SELECT day, {', '.join(_selected(name) for name in COLUMNS)} FROM traffic WHERE day >= DATE '{oldest}' "
        f"GROUP BY day, coalesce(port, -1), {keys} ORDER BY day, n DESC, {keys}"
    )
    for day, found in groupby(rows, key=lambda row: row[0]):
        yield _day(day, [row[1:] for row in found], doubts)


def _selected(name: str) -> str:
    return {
        "port": "coalesce(port, -1) AS port", "n": "sum(n)::BIGINT AS n", "hours": "bit_or(hours) AS hours",
        "first": "strftime(min(first), '%Y-%m-%d %H:%M:%S') AS first", "last": "strftime(max(last), '%Y-%m-%d %H:%M:%S') AS last",
    }.get(name, f"replace({name}, chr(0), '?') AS {name}")  # fmt: skip


def _day(day: dt.date, rows: Sequence[tuple[Any, ...]], doubts: tuple[str, ...]) -> TrafficDay:
    if len(rows) > MOST_GROUPS:
        doubts = (
            *doubts,
            f"{counted(len(rows) - MOST_GROUPS, 'group')} of flows seen least often not remembered",
        )
    return TrafficDay(day=day, rows=rows[:MOST_GROUPS], doubts=doubts)


@contextmanager
def remembered(ledger: Ledger, workload: str) -> Iterator[Traffic]:
    """The aggregate of ``workload`` as traffic. Raises AllowlistError where nothing is remembered."""
    with TemporaryDirectory(prefix="allowlist-logs-") as name:
        path = Path(name) / "remembered.jsonl"
        days = _written(ledger, workload, path)
        if not days:
            raise AllowlistError(
                f"the ledger remembers no traffic of {workload}",
                hint="name logs, or say under 'evidence' in the workload file where they are, for allowlist sync",
            )
        shown = f"what the ledger remembers of {workload}"
        kept = LogFile(
            shown=shown, path=path, shape=Shape.COUNTED, delivery=shown, rewritten=True, partial=_partial(days)
        )  # fmt: skip
        with read_traffic([kept], Settings()) as traffic:
            yield traffic


def _written(ledger: Ledger, workload: str, path: Path) -> dict[dt.date, tuple[str, ...]]:
    """What is remembered as lines in ``path``; answers its days with their doubts, of the very rows that were written."""
    days: dict[dt.date, tuple[str, ...]] = {}
    with path.open("w", encoding="utf-8") as file:
        for day in ledger.traffic(workload):
            days[day.day] = day.doubts
            file.writelines(json.dumps(_line(str(day.day), row)) + "\n" for row in day.rows)
    return days


def _line(day: str, row: Sequence[Any]) -> dict[str, str]:
    values = dict(zip(COLUMNS, row, strict=True))
    told = {_MEMBERS[name]: str(value) for name, value in values.items() if name in _MEMBERS and value != ""}
    if values["port"] < 0:
        del told["DestinationPort"]
    return {"Type": _CATEGORIES[values["log"]], "day": day, **told}


def _partial(days: Mapping[dt.date, Sequence[str]]) -> tuple[str, ...]:
    """Each doubt once, with the days it is about."""
    about: dict[str, list[dt.date]] = {}
    for day, doubts in days.items():
        for doubt in doubts:
            about.setdefault(doubt, []).append(day)
    return tuple(f"{found[0]}{_and_more(len(found) - 1)}: {doubt}" for doubt, found in about.items())


def _and_more(days: int) -> str:
    return f" and {counted(days, 'more day')}" if days else ""
