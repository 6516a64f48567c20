"""How the reading went: what was understood, what was left out and where, which hours are missing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from allowlist.documents.words import counted, lasting
from allowlist.traffic.files import LogFile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

HOUR: Final = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A line that was not understood; ``line`` 0 where the file has no lines."""

    file: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.why}" if self.line else f"{self.file}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Hours without a single line of one stream, from ``start`` until before ``end`` (UTC)."""

    stream: str
    start: dt.datetime
    end: dt.datetime

    @property
    def hours(self) -> int:
        return int((self.end - self.start) / HOUR)

    def __str__(self) -> str:
        return f"{self.stream}: nothing from {self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M} UTC ({self.hours} h)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """``read`` lines, of which ``understood`` tell of traffic, ``beside`` of something else, and the rest is left out."""

    files: tuple[tuple[str, str], ...] = ()
    """Each file with its shape in words."""
    read: int = 0
    understood: int = 0
    beside: int = 0
    repeated: int = 0
    """Events that a second destination held too; they are counted once."""
    unread: tuple[LeftOut, ...] = ()
    """Files of which nothing was read, with the reason."""
    copies: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    """The first of the lines that were left out."""
    categories: tuple[tuple[str, int], ...] = ()
    """Lines left out because their category is not known, by category."""
    first: dt.datetime | None = None
    last: dt.datetime | None = None
    gaps: tuple[Gap, ...] = ()
    partial: tuple[str, ...] = ()
    """What a log service said about its own answer: cut, throttled, in part."""
    start: dt.datetime | None = None
    end: dt.datetime | None = None
    """The window that is asked about; None where it is as far as the logs go."""
    min_days: int = 0
    """A window that is shorter is too short to call anything unused without a word about that."""

    @property
    def missed(self) -> int:
        return self.read - self.understood - self.beside

    @property
    def span(self) -> dt.timedelta:
        """How long the window is, in whole hours that have begun."""
        start, end = self.start or self.first, self.end or self.last
        if start is None or end is None:
            return dt.timedelta()
        return -((_hour(start) - end) // HOUR) * HOUR

    @property
    def is_short(self) -> bool:
        return self.span < dt.timedelta(days=self.min_days)

    @property
    def lasted(self) -> str:
        """``30 days``; of a short window with what that means for whoever concludes anything from it."""
        only = " only (what runs once a week or month may need it)" if self.is_short else ""
        return f"{lasting(self.span)}{only}"

    @property
    def is_whole(self) -> bool:
        """May one say "nobody" and "unused"? Only if every line was understood and no hour is missing."""
        return bool(self.understood) and not any(self.doubts())

    def doubts(self) -> Iterator[str]:
        """Why no statement about all traffic can be made."""
        if not self.understood:
            yield "no line tells of traffic"
        if self.missed:
            yield f"{self.missed} of {counted(self.read, 'line')} left out"
        if self.unread:
            yield f"{len(self.unread)} {'file was' if len(self.unread) == 1 else 'files were'} not read"
        if self.gaps:
            hours = sum(gap.hours for gap in self.gaps)
            yield f"{hours} {'hour is' if hours == 1 else 'hours are'} missing, first {self.gaps[0]}"
        yield from self.partial


def account_of(
    connection: DuckDBPyConnection,
    *,
    files: Sequence[LogFile],
    unread: Iterable[LogFile],
    copies: Iterable[tuple[LogFile, LogFile]],
    repeated: int,
    left_out: Sequence[LeftOut],
    partial: Sequence[str] = (),
) -> Account:
    """The account of the views ``everything`` and ``traffic``."""
    totals = connection.execute(
        "SELECT coalesce(sum(n), 0), coalesce(sum(n) FILTER (fault = '' AND log <> 'beside'), 0), "
        "coalesce(sum(n) FILTER (fault = '' AND log = 'beside'), 0) FROM everything"
    ).fetchone() or (0, 0, 0)
    categories = connection.execute(
        "SELECT log, sum(n) FROM everything WHERE fault = 'category' GROUP BY log ORDER BY 2 DESC, 1 LIMIT 10"
    ).fetchall()
    ends = connection.execute("SELECT min(first), max(last) FROM traffic").fetchone() or (None, None)
    return Account(
        files=tuple((file.shown, _shape_text(file)) for file in files),
        read=int(totals[0]),
        understood=int(totals[1]),
        beside=int(totals[2]),
        repeated=repeated,
        unread=tuple(LeftOut(file=file.shown, line=0, why=file.why_not) for file in unread),
        copies=tuple(f"{copy.shown} is the same as {first.shown}" for copy, first in copies),
        left_out=tuple(left_out),
        categories=tuple((str(name), int(count)) for name, count in categories),
        first=_utc(ends[0]),
        last=_utc(ends[1]),
        partial=(*(text for file in files for text in file.partial), *partial),
    )


def _shape_text(file: LogFile) -> str:
    return f"{file.shape}{' in Parquet' if file.parquet else ''}"


def _hour(moment: dt.datetime) -> dt.datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _utc(moment: Any) -> dt.datetime | None:
    return moment.replace(tzinfo=dt.UTC) if moment is not None else None


def gaps_of(
    connection: DuckDBPyConnection, first: dt.datetime, last: dt.datetime, *, quiet_hours: int = 1
) -> list[Gap]:
    """Hours between ``first`` and ``last`` in which a stream says nothing, at least ``quiet_hours`` in a row.

    A stream is one log of one firewall or proxy. An hour without a line may be a quiet one; nobody can tell, so it
    counts as missing.
    """
    streams = _hours_by_stream(connection, "regexp_extract(resource, '[^/]*$')")
    return [
        gap for stream, seen in sorted(streams.items()) for gap in _holes(stream, seen, first, last)
        if gap.hours >= quiet_hours
    ]  # fmt: skip


def is_logged(
    connection: DuckDBPyConnection,
    resource: str,
    log: str,
    first: dt.datetime,
    last: dt.datetime,
    *,
    quiet_hours: int = 1,
) -> bool:
    """Does ``log`` of the firewall with the id ``resource`` (lower case) tell of every hour from ``first`` to ``last``?"""
    seen = _hours_by_stream(connection, "resource").get(f"{resource} {log} log", set())
    return all(gap.hours < quiet_hours for gap in _holes("", seen, first, last))


def _hours_by_stream(connection: DuckDBPyConnection, place: str) -> dict[str, set[dt.datetime]]:
    """The hours in which each log said something, by ``place`` (SQL) and log."""
    rows = (
        connection.cursor()
        .execute(
            f"SELECT {place} AS place, log, day, bit_or(hours) FROM everything "
            "WHERE fault = '' AND day IS NOT NULL AND log IN ('application', 'network', 'proxy', 'flow') GROUP BY ALL ORDER BY ALL"
        )
        .fetchall()
    )
    streams: dict[str, set[dt.datetime]] = {}
    for found, log, day, mask in rows:
        start = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
        seen = streams.setdefault(f"{found} {log} log".strip(), set())
        seen.update(start + hour * HOUR for hour in range(24) if mask >> hour & 1)
    return streams


def _holes(stream: str, seen: set[dt.datetime], first: dt.datetime, last: dt.datetime) -> Iterator[Gap]:
    start = None
    hour = first.replace(minute=0, second=0, microsecond=0)
    while hour <= last:
        if hour in seen:
            if start is not None:
                yield Gap(stream=stream, start=start, end=hour)
            start = None
        elif start is None:
            start = hour
        hour += HOUR
    if start is not None:
        yield Gap(stream=stream, start=start, end=hour)
