"""What people export by hand or keep of an answer: tables with columns and rows, CSV of the portal, wrapped batches.

Each becomes one element a line, as the services write them. Sources: the response of the Log Analytics query API
(``tables`` with ``columns`` and ``rows``, ``error`` where it is partial), Kusto's responses of version 1 (``Tables``) and
2 (a list of frames), the portal's "Export to CSV" (``TimeGenerated [UTC]``, times as in the United States), and messages of an
event hub with their ``Body``.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, Final

import msgspec

_HEADING: Final = re.compile(r"(.+) \[(UTC|Local Time|UTC[+-]\d\d:?\d\d)\]")
"""The portal names the zone in which it shows times; which one "Local Time" is, the file does not say."""
_SEPARATORS: Final = ",;\t"
_TWELVE_HOURS: Final = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4}),? (1[0-2]|0?[1-9]):(\d\d):(\d\d)(\.\d+)?[ \u00a0\u202f]([AP])M"
)
_ZONED: Final = re.compile(r":\d\d(\.\d+)?[+-]\d\d:?\d\d$")
_UTF_16: Final = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_CHUNK: Final = 1 << 20


def is_utf_16(window: bytes) -> bool:
    """By its mark; without one it is taken for what it is not, and told as unreadable."""
    return window[:2] in _UTF_16


def in_utf_8(stream: IO[bytes]) -> Iterator[bytes]:
    """The text of ``stream``, whose first two bytes mark it as UTF-16; what is no such text becomes a mark of that."""
    decoder = io.TextIOWrapper(stream, _UTF_16[stream.read(2)], errors="replace", newline="")
    while text := decoder.read(_CHUNK):
        yield text.encode()


def answered(text: bytes) -> tuple[list[dict[str, Any]], tuple[str, ...]] | None:
    """Rows of a kept answer, and why they are not all; None for what is no answer of a log service."""
    try:
        found = msgspec.json.decode(text.lstrip(b"\xef\xbb\xbf"))
        if isinstance(found, dict) and isinstance(found.get("tables"), list):
            rows = [
                row for table in found["tables"] for row in _rows(table["columns"], table["rows"], "name")
            ]
            return rows, _told([found["error"]] if found.get("error") else [])
        if isinstance(found, dict) and isinstance(found.get("Tables"), list):
            first = found["Tables"][0]
            return _kusto(first, found.get("Exceptions") or [])
        if isinstance(found, list) and _is_frame(found):
            return _frames(found)
    except (msgspec.MsgspecError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return None


def _rows(
    columns: Sequence[Mapping[str, str]], rows: Iterable[Sequence[Any]], name: str
) -> list[dict[str, Any]]:
    names = [str(column[name]) for column in columns]
    return [dict(zip(names, row, strict=True)) for row in rows]


def _kusto(table: Mapping[str, Any], errors: Sequence[Any]) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """A row that is an object tells of an error in the midst of an answer."""
    broken = [row for row in table["Rows"] if not isinstance(row, list)]
    rows = [row for row in table["Rows"] if isinstance(row, list)]
    return _rows(table["Columns"], rows, "ColumnName"), _told([*broken, *errors])


def _is_frame(found: Sequence[Any]) -> bool:
    return bool(found) and isinstance(found[0], dict) and "FrameType" in found[0]


def _frames(frames: Sequence[Any]) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    rows: list[dict[str, Any]] = []
    doubts: list[str] = []
    ended = False
    for frame in frames:
        if frame["FrameType"] == "DataTable" and frame["TableKind"] == "PrimaryResult":
            more, told = _kusto(frame, [])
            rows += more
            doubts += told
        if frame["FrameType"] == "DataSetCompletion":
            ended = True
            if frame.get("HasErrors"):
                doubts += _told(frame.get("OneApiErrors") or ["it ended with errors"])
    return rows, tuple(doubts) if ended else (*doubts, "the kept answer breaks off")


def _told(errors: Sequence[Any]) -> tuple[str, ...]:
    return tuple(f"the kept answer is one in part: {_message(error)[:200]}" for error in errors)


def _message(error: Any) -> str:
    if isinstance(error, dict):
        inner = error.get("error", error)
        found = inner.get("@message") or inner.get("message") if isinstance(inner, dict) else None
        return str(found or json.dumps(error))
    return str(error)


def named_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """As lines of the table: what is null or empty is nothing."""
    for row in rows:
        yield json.dumps({name: value for name, value in row.items() if value not in (None, "")}).encode()


def rows_of_csv(stream: IO[bytes]) -> Iterator[bytes]:
    """Rows of a CSV export; the portal writes "TimeGenerated [UTC]" over times without a zone.

    "[Local Time]" stays without a zone until one is declared.
    Others save it again with semicolons or tabs. A time in the manner of the United States is read where it says AM or PM: without
    these nobody can tell the day from the month.
    """
    text = io.TextIOWrapper(stream, "utf-8-sig", errors="replace", newline="")
    first = text.readline()
    separator = max(_SEPARATORS, key=first.count)
    heads = next(csv.reader([first], delimiter=separator))
    told = {index: found for index, head in enumerate(heads) if (found := _HEADING.fullmatch(head.strip()))}
    zones = {index: _ZONES.get(found[2], found[2][3:]) for index, found in told.items()}
    names = [told[index][1] if index in told else head for index, head in enumerate(heads)]
    for row in csv.reader(text, delimiter=separator):
        if row:
            cells = (
                _moment(cell, zones[index]) if index in zones else cell for index, cell in enumerate(row)
            )
            filled = {name: cell for name, cell in zip(names, cells, strict=False) if cell != ""}
            yield json.dumps(filled).encode()


_ZONES: Final = {"UTC": "Z", "Local Time": ""}


def _moment(cell: str, zone: str) -> str:
    """``cell`` as ISO 8601 with ``zone`` at its end, where it is a time and names none of its own."""
    found = _TWELVE_HOURS.fullmatch(cell.strip())
    if not found:
        return cell + zone if cell[-1:].isdigit() and not _ZONED.search(cell) else cell
    month, day, year, hour, minute, second, digits, half = found.groups()
    try:
        at = dt.datetime(
            int(year), int(month), int(day), int(hour) % 12 + 12 * (half == "P"), int(minute), int(second),
            tzinfo=dt.UTC,
        )  # fmt: skip
    except ValueError:
        return cell
    return f"{at:%Y-%m-%dT%H:%M:%S}{digits or ''}{zone}"


def has_body(line: bytes) -> bool:
    """Is ``line`` a message of an event hub with what was sent inside?"""
    return _body(line) is not None


def bodies(lines: Iterable[bytes]) -> Iterator[bytes]:
    """What was sent in each message; a line that is none stays as it is, and is judged as that."""
    for line in lines:
        if line.strip():
            yield _body(line) or line.replace(b"\r", b" ").replace(b"\n", b" ")


def _body(line: bytes) -> bytes | None:
    try:
        members = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        raw = next((value for name, value in members.items() if name.lower() == "body"), None)
        if raw is None:
            return None
        value = msgspec.json.decode(raw)
        value = msgspec.json.decode(value) if isinstance(value, str) else value
        return msgspec.json.encode(value) if isinstance(value, dict) else None
    except (msgspec.MsgspecError, RecursionError):
        return None
