"""Which files a question is about, how each is packed, and in which shape its events stand: decided file by file."""

from __future__ import annotations

import gzip
import io
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final, cast
from urllib.parse import unquote

import msgspec

from allowlist.documents.source import refuse_pipes_and_devices
from allowlist.errors import AllowlistError, InvalidInput
from allowlist.traffic import capture
from allowlist.traffic.asking import Ask, Credentials
from allowlist.traffic.documents import elements_of
from allowlist.traffic.exports import answered, bodies, has_body, in_utf_8, is_utf_16, named_rows, rows_of_csv
from allowlist.traffic.frames import is_cut_off
from allowlist.traffic.services import SCHEMES
from allowlist.traffic.shapes import DIAGNOSED, Shape

_WINDOW: Final = 256 * 1024
_SAMPLE: Final = 40
_ANSWER: Final = 128 << 20
MOST_PIPED: Final = 2 << 30
"""Bytes of standard input, which is kept in the temporary folder; files are read where they are, whatever their size."""

Compression = str
"""``none``, ``gzip`` or ``zstd``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFile:
    """One file: ``path`` is what is read, ``shown`` what people call it.

    ``shape`` None means that none was recognised; ``delivery`` names the destination it came from, as two of them may
    hold the same events. ``rewritten``: ``path`` holds one element of a larger document a line, so that places in it
    are numbers of elements.
    """

    shown: str
    path: Path
    shape: Shape | None
    compression: Compression = "none"
    parquet: bool = False
    delivery: str = ""
    rewritten: bool = False
    why_not: str = ""
    partial: tuple[str, ...] = ()
    """Why a log service's answer is not all there is."""

    @property
    def size(self) -> int:
        return self.path.stat().st_size


def find_files(
    places: Sequence[str], spool: Path, *, ask: Ask | None = None, credentials: Credentials | None = None
) -> list[LogFile]:
    """Every log of ``places``: files, folders, ``-`` for standard input, or addresses, whose hosts
    are asked with what ``credentials`` makes.

    ``spool`` is a folder for what cannot be read where it is. Raises InvalidInput for a place that is not there.
    """
    found: list[LogFile] = []
    for number, place in enumerate(places):
        if place == "-":
            found += _one("standard input", _piped(spool / f"stdin-{number}"), spool)
        elif place.partition("://")[0] in SCHEMES:
            found.append(_counted(place, spool / f"service-{number}.jsonl", ask))
        elif "://" in place:
            found += _remote(place, spool / f"remote-{number}", spool, credentials)
        else:
            found += _local(Path(place), spool)
    return found


def _counted(place: str, path: Path, ask: Ask | None) -> LogFile:
    if ask is None:
        raise AllowlistError(f"{place}: a log service is asked by `allowlist evidence` alone")
    partial = ask(place, path)
    return LogFile(
        shown=place, path=path, shape=Shape.COUNTED, delivery=place, rewritten=True, partial=partial
    )


def _local(place: Path, spool: Path) -> Iterator[LogFile]:
    if not place.exists():
        raise InvalidInput.of(
            place, "is not there", hint="give files or folders with logs, or - for standard input"
        )
    if not place.is_dir():
        refuse_pipes_and_devices(place)
    paths = sorted(item for item in place.rglob("*") if item.is_file()) if place.is_dir() else [place]
    visible = [path for path in paths if not path.name.startswith(".")] if place.is_dir() else paths
    for path in visible:
        yield from _one(str(path), path, spool, root=place)


def _remote(place: str, path: Path, spool: Path, credentials: Credentials | None) -> Iterator[LogFile]:
    from allowlist.traffic.remote import blobs, open_blob

    credentials = credentials or _nobody
    for number, name in enumerate(blobs(place, credentials)):
        with open_blob(name, credentials) as stream:
            yield from _one(
                unquote(name.partition("?")[0]),
                _spooled(stream, path.with_name(f"{path.name}-{number}")),
                spool,
            )


def _nobody(host: str) -> Any:
    raise AllowlistError(f"{host} is asked by somebody who signs in")


def _piped(path: Path) -> Path:
    """Standard input as a file. Raises InvalidInput where it goes on for more than ``MOST_PIPED`` bytes."""
    left = MOST_PIPED
    with path.open("wb") as file:
        while piece := sys.stdin.buffer.read(1 << 20):
            left -= len(piece)
            if left < 0:
                text = f"is larger than {MOST_PIPED // 1024 // 1024} MiB"
                raise InvalidInput.of("standard input", text, hint="give a file, which may be larger")
            file.write(piece)
    return path


def _spooled(stream: IO[bytes], path: Path) -> Path:
    with path.open("wb") as file:
        shutil.copyfileobj(stream, file, 1 << 20)
    return path


def _one(shown: str, path: Path, spool: Path, root: Path | None = None) -> Iterator[LogFile]:
    try:
        yield _recognised(shown, path, spool, root)
    except (OSError, EOFError, ValueError, msgspec.MsgspecError, RecursionError) as error:
        yield LogFile(shown=shown, path=path, shape=None, why_not=f"cannot be read: {error}")


def _recognised(shown: str, path: Path, spool: Path, root: Path | None) -> LogFile:
    with path.open("rb") as file:
        magic = file.read(4)
    delivery = _delivery(shown)
    if magic == b"PAR1":
        return LogFile(shown=shown, path=path, shape=_shape_of_columns(path), parquet=True, delivery=delivery)
    if magic == capture.MAGIC:
        return _captured(shown, path, spool)
    compression = {b"\x1f\x8b": "gzip", b"\x28\xb5": "zstd"}.get(magic[:2], "none")
    with opened(path, compression) as stream:
        window = stream.read(_WINDOW)
    if is_utf_16(window):
        path, compression = _transcoded(path, compression, spool), "none"
        window = path.read_bytes()[:_WINDOW]
    if not window.strip():
        return LogFile(shown=shown, path=path, shape=Shape.EVENTS, compression=compression, delivery=delivery)
    shape = sniff(window)
    partial = (damaged(shown),) if compression == "zstd" and is_cut_off(path) else ()
    if shape is not None:
        return LogFile(
            shown=shown, path=path, shape=shape, compression=compression, delivery=delivery, partial=partial
        )
    found = _rewritten(shown, path, compression, window, spool, delivery)
    return replace(found, partial=(*found.partial, *partial))


def damaged(shown: str) -> str:
    """What is said of a packed file that breaks off, or holds what cannot be unpacked."""
    return f"{shown} is damaged: what stands before that was read"


def _shape_of_columns(path: Path) -> Shape:
    """Raises ValueError for what only begins as Parquet does."""
    import duckdb

    try:
        names = (
            duckdb.connect().execute("SELECT name FROM parquet_schema($path)", {"path": str(path)}).fetchall()
        )
    except duckdb.Error as error:
        raise ValueError(str(error).splitlines()[0]) from None
    return Shape.DIAGNOSTICS if (DIAGNOSED["SourceIp"][0],) in names else Shape.TABLE


def _delivery(shown: str) -> str:
    """The destination: of a storage account the container, so that late events of one hour are no duplicates."""
    found = re.search("resourceId=", shown, re.IGNORECASE)
    return shown[: found.start()] if found else shown


def opened(path: Path, compression: Compression) -> IO[bytes]:
    """``path`` for reading, unpacked."""
    if compression == "gzip":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    if compression == "zstd":
        import zstandard

        return io.BufferedReader(
            zstandard.ZstdDecompressor().stream_reader(path.open("rb"), read_across_frames=True, closefd=True)
        )
    return path.open("rb")


def sniff(window: bytes) -> Shape | None:
    """The shape of most of the first lines; None where lines are not what the file consists of."""
    lines = window.splitlines()
    whole = lines[:-1] if len(window) >= _WINDOW and len(lines) > 1 else lines
    filled = [line for line in whole if line.strip()][:_SAMPLE]
    votes = Counter(shape for line in filled if (shape := shape_of_line(line)) is not None)
    # Rows of AzureDiagnostics may be structured or plain text; what reads the former reads both.
    structured = next(
        (shape for shape in (Shape.DIAGNOSTICS, Shape.DIAGNOSTICS_RECORDS) if shape in votes), None
    )
    return structured or (votes.most_common(1)[0][0] if votes else None)


_SQUID: Final = re.compile(rb"\d{9,11}\.\d+ +-?\d+ \S+ [A-Z_]+/\d+ ")
_SQUID_COMMON: Final = re.compile(
    rb'\S+ \S+ \S+ \[\d\d/[A-Z][a-z]{2}/\d{4}:[^\]]+\] "[^"]*" .*[A-Z_]+:[A-Z_]+$'
)
_ENVOY: Final = re.compile(rb'\[\d{4}-\d\d-\d\dT[^\]]+\] "\S+ ')

_TEXTS: Final = {Shape.SQUID: _SQUID, Shape.SQUID_COMMON: _SQUID_COMMON, Shape.ENVOY: _ENVOY}


def shape_of_line(line: bytes) -> Shape | None:
    """The shape that one line shows; None where it shows none."""
    text = line.strip()
    if not text.startswith(b"{"):
        return next((shape for shape, pattern in _TEXTS.items() if pattern.match(text)), None)
    try:
        value = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    return _shape_of_object(value) if isinstance(value, dict) else None


def _shape_of_object(value: Mapping[str, Any]) -> Shape | None:
    records = value.get("records")
    if isinstance(records, list):
        shapes = (_shape_of_event(item) or _shape_of_row(item) for item in records if isinstance(item, dict))
        return _IN_RECORDS.get(next(filter(None, shapes), Shape.EVENTS), Shape.RECORDS)
    return _shape_of_event(value) or _shape_of_row(value)


_IN_RECORDS: Final = {
    Shape.EVENTS: Shape.RECORDS, Shape.FLOWS: Shape.FLOW_RECORDS, Shape.NSG: Shape.NSG_RECORDS, Shape.TABLE: Shape.TABLE_RECORDS,
    Shape.DIAGNOSTICS: Shape.DIAGNOSTICS_RECORDS,
}  # fmt: skip


def _shape_of_event(value: Mapping[str, Any]) -> Shape | None:
    if "flowRecords" in value:
        return Shape.FLOWS
    if value.get("category") == "NetworkSecurityGroupFlowEvent":
        return Shape.NSG
    if "properties" in value and "category" in value:
        return Shape.EVENTS
    return None


def _shape_of_row(value: Mapping[str, Any]) -> Shape | None:
    if "TimeGenerated" in value:
        return Shape.DIAGNOSTICS if _is_diagnosed(value) else Shape.TABLE
    return Shape.ENVOY_JSON if {"start_time", "response_code"} <= value.keys() else None


def _is_diagnosed(row: Mapping[str, Any]) -> bool:
    """Does ``row`` hold structured fields as AzureDiagnostics names them? With its plain text alone it is a row like others."""
    return any(row.get(name) not in (None, "") for name in DIAGNOSED["SourceIp"])


def _rewritten(
    shown: str, path: Path, compression: Compression, window: bytes, spool: Path, delivery: str
) -> LogFile:
    """A document over several lines, or a table with commas, as one element a line."""
    draft = _free(spool, "jsonl")
    partial: tuple[str, ...] = ()
    lines: Iterable[bytes]
    start = window.lstrip(b"\xef\xbb\xbf \t\r\n")
    if has_body(start.partition(b"\n")[0]):
        lines = bodies(opened(path, compression))
    elif start[:1] in (b"{", b"["):
        kept = _kept_answer(path, compression, start)
        lines, partial = kept or (bodies(elements_of(lambda: opened(path, compression))), ())
    elif b"TimeGenerated" in window.splitlines()[0]:
        lines = rows_of_csv(opened(path, compression))
    else:
        return LogFile(shown=shown, path=path, shape=None, why_not="its lines are of no shape that is known")
    _written(draft, lines)
    shape = _shape_at_start(draft)
    if shape is None:
        return LogFile(
            shown=shown, path=path, shape=None, why_not="its elements are of no shape that is known"
        )
    return LogFile(shown=shown, path=draft, shape=shape, delivery=delivery, rewritten=True, partial=partial)


def _captured(shown: str, path: Path, spool: Path) -> LogFile:
    draft = _free(spool, "jsonl")
    with path.open("rb") as file:
        written = _written(draft, capture.messages(file))
    shape = _shape_at_start(draft) if written else Shape.EVENTS
    if shape is None:
        why = "its messages are of no shape that is known"
        return LogFile(shown=shown, path=path, shape=None, why_not=why)
    return LogFile(
        shown=shown, path=draft, shape=shape, delivery=capture.hub_of(_delivery(shown)), rewritten=True
    )


def _written(draft: Path, lines: Iterable[bytes]) -> int:
    """How many lines ``draft`` holds then."""
    count = 0
    with draft.open("wb") as file:
        for line in lines:
            count += bool(file.write(line + b"\n"))
    return count


def _shape_at_start(draft: Path) -> Shape | None:
    with draft.open("rb") as file:
        return sniff(file.read(_WINDOW))


_TABLES: Final = re.compile(rb'"tables"|"Tables"|"FrameType"')


def _kept_answer(
    path: Path, compression: Compression, start: bytes
) -> tuple[Iterator[bytes], tuple[str, ...]] | None:
    """Rows and doubts of an answer that somebody kept. A service answers no more than a hundred megabytes at once."""
    if not _TABLES.search(start[:4096]):
        return None
    with opened(path, compression) as stream:
        found = answered(stream.read(_ANSWER))
    return (named_rows(found[0]), found[1]) if found else None


def _transcoded(path: Path, compression: Compression, spool: Path) -> Path:
    draft = _free(spool, "txt")
    with opened(path, compression) as stream, draft.open("wb") as file:
        file.writelines(in_utf_8(stream))
    return draft


def _free(spool: Path, ending: str) -> Path:
    return spool / f"document-{len(list(spool.iterdir()))}.{ending}"


def refuse_none(files: Sequence[LogFile], places: Sequence[str]) -> None:
    """Raises AllowlistError where there is nothing to read at all."""
    if not files:
        raise AllowlistError(
            f"{', '.join(places)}: no log files there", hint="give a file or a folder that holds some"
        )
