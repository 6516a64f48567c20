"""DuckDB, embedded: the question over files of one shape, within a bound of memory, kept on disk by content.

``memory_limit`` alone does not hold the bound: buffers of the JSON reader are never written out, and a table of very
many groups then ends the query. So a question that does not fit is asked again in two steps: rows go to a Parquet file
first, and are counted part by part, cut by a hash of source and name.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from allowlist.traffic.account import Account, LeftOut, account_of
from allowlist.traffic.dialect import DUCKDB
from allowlist.traffic.files import LogFile, damaged, opened
from allowlist.traffic.query import FAULTS, KEYS, aggregate, aggregate_counted, judged_rows, once
from allowlist.traffic.shapes import COLUMNS, MEMBERS, Columns, Shape, Struct, columns_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

VERSION: Final = "1"
"""Of what is kept on disk; a change of the question makes it anew."""
MEMORY_MB: Final = 240
_PARTS: Final = 16
_BATCH_BYTES: Final = 64 << 20
_BATCH_FILES: Final = 200
_TOLD: Final = 3
_PIECE: Final = 1 << 16
KEPT_BYTES: Final = 2 << 30

Progress = Callable[[int, int], None]
"""Called with bytes read so far and bytes in all."""


def _silent(done: int, total: int) -> None:
    del done, total


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """``zone`` is what times without a zone are declared to be in; ``cache`` None keeps nothing."""

    memory_mb: int = MEMORY_MB
    zone: str = ""
    cache: Path | None = None
    threads: int = 2
    progress: Progress = _silent


@dataclass(slots=True)
class Traffic:
    """What was read: a view ``traffic`` of the aggregate, and the account of how it was read.

    May be asked from several threads: each question has a cursor of its own.
    """

    connection: DuckDBPyConnection
    account: Account
    parts: tuple[Path, ...] = ()
    workspace: Path = field(default_factory=Path)

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.connection.cursor().execute(sql, list(values)).fetchall()

    def stream(self, sql: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Rows of a large answer, a thousand at a time."""
        cursor = self.connection.cursor()
        cursor.execute(sql, list(values))
        while batch := cursor.fetchmany(1000):
            yield from batch


@contextmanager
def read_traffic(files: Sequence[LogFile], settings: Settings) -> Iterator[Traffic]:
    """The traffic of ``files``; what is temporary is gone afterwards."""
    with TemporaryDirectory(prefix="allowlist-traffic-") as folder:
        reader = _Reader(Path(folder), settings)
        try:
            yield reader.read(files)
        finally:
            reader.connection.close()


class _Reader:
    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder
        self._settings = settings
        self._store = settings.cache if settings.cache is not None else folder / "parts"
        self._store.mkdir(parents=True, exist_ok=True)
        self.connection = connect(folder, settings.memory_mb, settings.threads)
        self._twice: list[str] = []
        self._damaged: list[LogFile] = []

    def read(self, files: Sequence[LogFile]) -> Traffic:
        distinct, copies = _without_copies(files, self._store)
        parts: list[tuple[Path, Sequence[LogFile]]] = []
        total, done = sum(file.size for file, _ in distinct), 0
        for batch in _batches(distinct):
            parts += self._parts_of(batch, done, total)
            done += sum(file.size for file, _ in batch)
            self._settings.progress(done, total)
        read = [file for file, _ in distinct]
        self._view(parts)
        repeated = self._taken_once(parts)
        account = account_of(
            self.connection,
            files=[file for _, batch in parts for file in batch],
            unread=[*(file for file in files if file.shape is None), *self._damaged],
            copies=copies,
            repeated=repeated,
            left_out=self._left_out(read, parts),
            partial=self._twice,
        )
        _prune(self._store)
        return Traffic(self.connection, account, tuple(part for part, _ in parts), self._folder)

    def _view(self, parts: Sequence[tuple[Path, Sequence[LogFile]]]) -> None:
        """One view over all parts, files numbered through."""
        selects, start = [], 0
        for part, batch in parts:
            selects.append(f"SELECT * REPLACE (file + {start} AS file) FROM read_parquet('{_quoted(part)}')")
            start += len(batch)
        columns = ", ".join(
            f"CAST(NULL AS {_type(name)}) AS {name}"
            for name in ("file", *KEYS, "n", "first", "last", "hours")
        )
        body = " UNION ALL ".join(selects) if selects else f"SELECT {columns} WHERE false"
        self.connection.execute(f"CREATE OR REPLACE VIEW everything AS {body}")
        self.connection.execute(
            "CREATE OR REPLACE VIEW traffic AS SELECT * FROM everything WHERE fault = '' AND log <> 'beside'"
        )

    def _parts_of(
        self, batch: Sequence[tuple[LogFile, str]], done: int, total: int
    ) -> list[tuple[Path, Sequence[LogFile]]]:
        """One part, or several where a file of ``batch`` is damaged: what it holds up to there is read and told as not all."""
        import duckdb

        try:
            return [(self._part(batch, done, total), [file for file, _ in batch])]
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            self.connection.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
            why = str(error).splitlines()[0]
        middle = len(batch) // 2
        if middle:
            return [
                part
                for half in (batch[:middle], batch[middle:])
                for part in self._parts_of(half, done, total)
            ]
        ((file, digest),) = batch
        if file.compression != "none":
            cut = _unpacked_as_far_as_it_goes(file, self._folder / f"cut-{digest}")
            return self._parts_of([(cut, f"cut {digest}")], done, total)
        self._damaged.append(replace(file, shape=None, why_not=f"cannot be read: {why}"))
        return []

    def _part(self, batch: Sequence[tuple[LogFile, str]], done: int, total: int) -> Path:
        key = hashlib.sha256(
            "\n".join(
                [
                    VERSION,
                    _question(),
                    self._settings.zone,
                    *(f"{file.shape} {digest}" for file, digest in batch),
                ]
            ).encode()
        ).hexdigest()
        path = self._store / f"{key}.parquet"
        if path.exists():
            path.touch()
            return path
        draft = self._folder / f"{key}.parquet"
        with self._ticking(sum(file.size for file, _ in batch), done, total):
            self._count([file for file, _ in batch], draft)
        _moved(draft, path)
        return path

    def _count(self, batch: Sequence[LogFile], draft: Path) -> None:
        import duckdb

        numbers = "[" + ", ".join(f"'{_quoted(file.path)}'" for file in batch) + "]"
        relation = relation_of(batch, self.connection)
        columns = columns_of(_shape(batch), relation, DUCKDB, "file")
        if _shape(batch) is Shape.COUNTED:
            sql = aggregate_counted(columns, DUCKDB, file="file")
        else:
            sql = aggregate(columns, DUCKDB, file="file", zone=self._settings.zone)
        numbered = f"SELECT * REPLACE (CAST(list_position({numbers}, file) - 1 AS INTEGER) AS file) FROM ({sql}) AS folded"
        try:
            self.connection.execute(f"COPY ({numbered}) TO '{_quoted(draft)}' (FORMAT parquet)")
        except duckdb.OutOfMemoryException:
            self._count_in_parts(columns, numbers, draft)
        if _shape(batch) not in MEMBERS:
            self._with_rejected(batch, draft)

    def _with_rejected(self, batch: Sequence[LogFile], draft: Path) -> None:
        """Lines that are not UTF-8 or too long are told in tables of their own: they are left out like others."""
        rows = self.connection.execute(
            "SELECT file_path, count(DISTINCT line) FROM reject_errors JOIN reject_scans USING (scan_id, file_id) GROUP BY file_path"
        ).fetchall()
        self.connection.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
        if not rows:
            return
        paths = [str(file.path) for file in batch]
        values = ", ".join(f"({paths.index(path)}, {count})" for path, count in rows)
        empty = ", ".join(
            "v.file" if name == "file" else "'event' AS fault" if name == "fault" else "v.n" if name == "n"
            else f"CAST({'NULL' if _type(name) != 'VARCHAR' else chr(39) * 2} AS {_type(name)}) AS {name}"
            for name in ("file", *KEYS, "n", "first", "last", "hours")
        )  # fmt: skip
        whole = draft.with_suffix(".whole")
        self.connection.execute(
            f"COPY (SELECT * FROM read_parquet('{_quoted(draft)}') UNION ALL SELECT {empty} FROM (VALUES {values}) AS v(file, n)) TO '{_quoted(whole)}' (FORMAT parquet)"
        )
        whole.replace(draft)

    def _count_in_parts(self, columns: Columns, numbers: str, draft: Path) -> None:
        """Within any bound: rows first, then counted by a sixteenth at a time."""
        rows = draft.with_suffix(".rows")
        bucket = f"CAST(hash(source, name, destination) % {_PARTS} AS TINYINT) AS bucket"
        self.connection.execute(
            f"COPY (SELECT *, {bucket} FROM ({columns.select('file')}) AS raw) TO '{_quoted(rows)}' (FORMAT parquet, ROW_GROUP_SIZE 20000, COMPRESSION lz4_raw)"
        )
        pieces = []
        for number in range(_PARTS):
            piece = draft.with_suffix(f".{number}")
            raw = Columns(
                f"(SELECT * FROM read_parquet('{_quoted(rows)}') WHERE bucket = {number}) AS bucket",
                {name: name for name in COLUMNS},
            )
            sql = aggregate(raw, DUCKDB, file="file", zone=self._settings.zone)
            numbered = f"SELECT * REPLACE (CAST(list_position({numbers}, file) - 1 AS INTEGER) AS file) FROM ({sql}) AS folded"
            self.connection.execute(f"COPY ({numbered}) TO '{_quoted(piece)}' (FORMAT parquet)")
            pieces.append(piece)
        listed = ", ".join(f"'{_quoted(piece)}'" for piece in pieces)
        self.connection.execute(
            f"COPY (SELECT * FROM read_parquet([{listed}])) TO '{_quoted(draft)}' (FORMAT parquet, ROW_GROUP_SIZE 20000)"
        )
        for piece in (rows, *pieces):
            piece.unlink()

    def _taken_once(self, parts: Sequence[tuple[Path, Sequence[LogFile]]]) -> int:
        """Where two destinations hold the same hours of the same log, their events are read again and taken once.

        Answers how many were there twice. Only the firewall's own logs have moments fine enough to tell events apart.
        """
        files = [file for _, batch in parts for file in batch]
        shared = _shared_days(self.connection, files)
        if not shared:
            return 0
        counted = [number for number, file in enumerate(files) if file.shape is Shape.COUNTED]
        if any(number in numbers for numbers, _ in shared for number in counted):
            # Counts hold no moments by which an event could be told from another.
            self._twice.append(
                f"{files[counted[0]].shown} and other logs tell of the same hours: their events count twice"
            )
            shared = [
                (kept, days)
                for numbers, days in shared
                if len(kept := tuple(n for n in numbers if n not in counted)) > 1
            ]
        if not shared:
            return 0
        involved = sorted({number for numbers, _ in shared for number in numbers})
        self._settings.progress(0, sum(files[number].size for number in involved))
        firewall = "('application', 'network', 'nat', 'threat', 'dns')"
        days = sorted({str(day) for _, days in shared for day in days})
        inside = f"day IN ({', '.join(f'DATE {chr(39)}{day}{chr(39)}' for day in days)})"
        before = self.connection.execute(
            f"SELECT coalesce(sum(n), 0) FROM traffic WHERE file IN ({_listed(involved)}) AND log IN {firewall} AND {inside}"
        ).fetchone()
        made = self._folder / "once.parquet"
        self._count_once([files[number] for number in involved], days, made)
        self.connection.execute(
            f"CREATE OR REPLACE VIEW traffic AS SELECT * FROM everything WHERE fault = '' AND log <> 'beside' "
            f"AND NOT (file IN ({_listed(involved)}) AND log IN {firewall} AND {inside}) "
            f"UNION ALL SELECT * REPLACE (CAST({involved[0]} AS INTEGER) AS file) FROM read_parquet('{_quoted(made)}') WHERE fault = '' AND log <> 'beside'"
        )
        after = self.connection.execute(
            f"SELECT coalesce(sum(n), 0) FROM read_parquet('{_quoted(made)}') WHERE fault = '' AND log IN {firewall}"
        ).fetchone()
        return int((before or (0,))[0]) - int((after or (0,))[0])

    def _count_once(self, files: Sequence[LogFile], days: Sequence[str], made: Path) -> None:
        """Day by day, so that the table of events stays within the bound."""
        from allowlist.traffic.query import counted_moments, folded

        raws = []
        destinations = sorted({file.delivery for file in files})
        for shape_batch in _alike(files):
            columns = columns_of(
                _shape(shape_batch), relation_of(shape_batch, self.connection), DUCKDB, "file"
            )
            paths = ", ".join(f"'{_quoted(file.path)}'" for file in shape_batch)
            held = _listed(destinations.index(file.delivery) for file in shape_batch)
            raws.append(
                columns.select(
                    f"CAST(list_extract([{held}], list_position([{paths}], file)) AS INTEGER) AS file"
                )
            )
        rows = made.with_suffix(".events")
        everything = " UNION ALL ".join(f"SELECT * FROM ({raw}) AS one" for raw in raws)
        self.connection.execute(
            f"COPY ({everything}) TO '{_quoted(rows)}' (FORMAT parquet, ROW_GROUP_SIZE 20000, COMPRESSION lz4_raw)"
        )
        pieces = []
        for number, day in enumerate(days):
            piece = made.with_suffix(f".{number}")
            distinct = once(f"read_parquet('{_quoted(rows)}')", DUCKDB, zone=self._settings.zone, day=day)
            sql = folded(counted_moments(f"({distinct}) AS events", DUCKDB), DUCKDB)
            self.connection.execute(f"COPY ({sql}) TO '{_quoted(piece)}' (FORMAT parquet)")
            pieces.append(piece)
        listed = ", ".join(f"'{_quoted(piece)}'" for piece in pieces)
        self.connection.execute(
            f"COPY (SELECT * FROM read_parquet([{listed}])) TO '{_quoted(made)}' (FORMAT parquet)"
        )
        rows.unlink()

    def _left_out(
        self, files: Sequence[LogFile], parts: Sequence[tuple[Path, Sequence[LogFile]]]
    ) -> list[LeftOut]:
        """The first lines that were not understood, with the file and line where they stand."""
        del files
        numbered = [file for _, batch in parts for file in batch]
        faulty = self.connection.execute(
            "SELECT file, sum(n) FROM everything WHERE fault <> '' GROUP BY file ORDER BY file"
        ).fetchall()
        found: list[LeftOut] = []
        for number, _ in faulty[:_TOLD]:
            found += self._places(numbered[number])
        return found[: 2 * _TOLD]

    def _places(self, file: LogFile) -> list[LeftOut]:
        import duckdb

        ordered = connect(self._folder, self._settings.memory_mb, 1, ordered=True)
        try:
            relation = relation_of([file], ordered)
            numbered = f"(SELECT *, row_number() OVER () AS r FROM {relation}) AS numbered"
            columns = columns_of(_shape([file]), numbered, DUCKDB, "file, r")
            sql = judged_rows(columns, DUCKDB, zone=self._settings.zone)
            rows = ordered.execute(
                f"SELECT DISTINCT r, fault FROM ({sql}) AS rows WHERE fault <> '' ORDER BY r LIMIT {_TOLD}"
            ).fetchall()
            rejected = []
            if _shape([file]) not in MEMBERS:
                rejected = [
                    int(line)
                    for (line,) in ordered.execute(
                        "SELECT DISTINCT line FROM reject_errors ORDER BY line LIMIT 1000"
                    ).fetchall()
                ]
        except duckdb.Error as error:
            return [LeftOut(file=file.shown, line=0, why=str(error).splitlines()[0])]
        finally:
            ordered.close()
        return _with_lines(file, [(int(r), str(fault)) for r, fault in rows], rejected)

    @contextmanager
    def _ticking(self, size: int, done: int, total: int) -> Iterator[None]:
        """Tells how far a query is while it runs."""
        ended = threading.Event()

        def tick() -> None:
            while not ended.wait(0.25):
                with suppress(Exception):
                    share = max(0.0, self.connection.query_progress())
                    self._settings.progress(done + int(size * share / 100), total)

        thread = threading.Thread(target=tick, daemon=True)
        if self._settings.progress is not _silent:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            if thread.is_alive():
                thread.join()


def _unpacked_as_far_as_it_goes(file: LogFile, path: Path) -> LogFile:
    # Each library has exceptions of its own for what is cut off or changed.
    with (
        opened(file.path, file.compression) as stream,
        path.open("wb") as unpacked,
        suppress(Exception),
    ):
        while piece := stream.read(_PIECE):
            unpacked.write(piece)
    told = {*file.partial, damaged(file.shown)}
    return replace(file, path=path, compression="none", partial=tuple(sorted(told)))


def connect(folder: Path, memory_mb: int, threads: int, *, ordered: bool = False) -> DuckDBPyConnection:
    """An engine in memory that spills below ``folder``, in UTC, and reaches no network."""
    import duckdb

    return duckdb.connect(config={
        "threads": threads, "memory_limit": f"{memory_mb}MB", "temp_directory": str(folder / "spill"),
        "preserve_insertion_order": ordered, "autoinstall_known_extensions": False, "autoload_known_extensions": False,
        "enable_external_access": True,
    })  # fmt: skip


def relation_of(batch: Sequence[LogFile], connection: DuckDBPyConnection) -> str:
    """The members or lines of files of one shape and packing, with the path as ``file``; every column is text."""
    first = batch[0]
    paths = "[" + ", ".join(f"'{_quoted(file.path)}'" for file in batch) + "]"
    if first.parquet:
        return _parquet(paths, _shape(batch), connection)
    shape = _shape(batch)
    if shape in MEMBERS:
        columns = ", ".join(f"{_member(name)}: '{_struct(kind)}'" for name, kind in MEMBERS[shape].items())
        return (
            f"(SELECT * RENAME (filename AS file) FROM read_json({paths}, format = 'newline_delimited', records = 'true', columns = {{{columns}}}, "
            f"ignore_errors = true, filename = true, hive_partitioning = false, compression = '{first.compression}')) AS members"
        )
    return (
        f"(SELECT line, filename AS file FROM read_csv({paths}, columns = {{line: 'VARCHAR'}}, delim = '\x01', quote = '', escape = '', "
        f"header = false, auto_detect = false, strict_mode = false, ignore_errors = true, store_rejects = true, filename = true, hive_partitioning = false, "
        f"compression = '{first.compression}') WHERE trim(line, ' \t\r') <> '') AS lines"
    )


def _parquet(paths: str, shape: Shape, connection: DuckDBPyConnection) -> str:
    """The columns of a table, every one as text; times with a zone are written as Azure writes them."""
    rows = connection.execute(
        f"DESCRIBE SELECT * FROM read_parquet({paths}, union_by_name = true)"
    ).fetchall()
    types = {str(row[0]): str(row[1]) for row in rows}
    wanted = MEMBERS[shape]

    def text(name: str) -> str:
        kind = types.get(name)
        if kind is None:
            return f"CAST(NULL AS VARCHAR) AS {name}"
        quoted = f'"{name}"'
        if kind == "TIMESTAMP WITH TIME ZONE":
            return f"strftime(make_timestamp(epoch_us({quoted})), '%Y-%m-%dT%H:%M:%S.%f') || 'Z' AS {name}"
        if kind.startswith("TIMESTAMP"):
            return f"strftime({quoted}, '%Y-%m-%dT%H:%M:%S.%f') AS {name}"
        return f"CAST({quoted} AS VARCHAR) AS {_member(name)}"

    listed = ", ".join(text(name) for name in wanted)
    return f"(SELECT {listed}, filename AS file FROM read_parquet({paths}, union_by_name = true, filename = true, hive_partitioning = false)) AS members"


def _member(name: str) -> str:
    return f'"{name}"'


def _struct(kind: str | Struct) -> str:
    """DuckDB's type of a member."""
    if isinstance(kind, str):
        return "VARCHAR"
    if "[]" in kind:
        return f"{_struct(kind['[]'])}[]"
    return "STRUCT(" + ", ".join(f'"{name}" {_struct(inner)}' for name, inner in kind.items()) + ")"


def _type(name: str) -> str:
    return {
        "file": "INTEGER", "port": "INTEGER", "day": "DATE", "n": "BIGINT", "first": "TIMESTAMP", "last": "TIMESTAMP",
        "hours": "INTEGER",
    }.get(name, "VARCHAR")  # fmt: skip


def _shape(batch: Sequence[LogFile]) -> Shape:
    shape = batch[0].shape
    assert shape is not None
    return shape


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(str(number) for number in numbers)


def _question() -> str:
    """Changes with every word of the question, so that nothing kept answers another one."""
    sample = (aggregate(columns_of(shape, "r", DUCKDB), DUCKDB) for shape in Shape)
    return hashlib.sha256("\n".join(sample).encode()).hexdigest()


def _alike(files: Sequence[LogFile]) -> list[list[LogFile]]:
    """Files that one relation can read, kept in order."""
    groups: dict[tuple[Shape | None, str, bool], list[LogFile]] = {}
    for file in files:
        groups.setdefault((file.shape, file.compression, file.parquet), []).append(file)
    return list(groups.values())


def _batches(files: Sequence[tuple[LogFile, str]]) -> Iterator[list[tuple[LogFile, str]]]:
    """Alike files together, up to a size: each batch is counted, and kept, as one."""
    digests = {id(file): digest for file, digest in files}
    for alike in _alike([file for file, _ in files]):
        batch: list[LogFile] = []
        for file in alike:
            if batch and (
                sum(item.size for item in batch) + file.size > _BATCH_BYTES or len(batch) >= _BATCH_FILES
            ):
                yield [(item, digests[id(item)]) for item in batch]
                batch = []
            batch.append(file)
        yield [(item, digests[id(item)]) for item in batch]


def _without_copies(
    files: Sequence[LogFile], store: Path
) -> tuple[list[tuple[LogFile, str]], list[tuple[LogFile, LogFile]]]:
    """Every content once, with its digest; a second file of the same content is a copy."""
    from allowlist.traffic.identity import Digests

    digests = Digests(store)
    found: dict[str, LogFile] = {}
    copies: list[tuple[LogFile, LogFile]] = []
    for file in files:
        if file.shape is None:
            continue
        digest = digests.of(file.path)
        if digest in found and file.size:
            copies.append((file, found[digest]))
        else:
            found[digest if file.size else f"{digest}{len(found)}"] = file
    digests.save()
    return [(file, digest[:64]) for digest, file in found.items()], copies


def _shared_days(
    connection: DuckDBPyConnection, files: Sequence[LogFile]
) -> list[tuple[tuple[int, ...], tuple[Any, ...]]]:
    """Files of different destinations that hold the same hours of one firewall's log: their numbers and the days."""
    rows = connection.execute(
        "SELECT CASE WHEN resource LIKE '%/azurefirewalls/%' THEN regexp_extract(resource, '[^/]*$') ELSE resource END AS firewall, "
        "log, day, file, bit_or(hours) FROM traffic WHERE log IN ('application', 'network', 'nat', 'threat', 'dns') GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    groups: dict[tuple[str, str, Any], list[tuple[int, int]]] = {}
    for firewall, log, day, file, hours in rows:
        groups.setdefault((firewall, log, day), []).append((file, hours))
    pairs: dict[tuple[int, ...], set[Any]] = {}
    for (_, _, day), held in groups.items():
        numbers = _meeting(held, files)
        if numbers:
            pairs.setdefault(numbers, set()).add(day)
    return [(numbers, tuple(sorted(days))) for numbers, days in pairs.items()]


def _meeting(held: Sequence[tuple[int, int]], files: Sequence[LogFile]) -> tuple[int, ...]:
    """The files among ``held`` that share an hour with one of another destination."""
    by_delivery: dict[str, int] = {}
    for number, hours in held:
        by_delivery[files[number].delivery] = by_delivery.get(files[number].delivery, 0) | hours
    return tuple(
        number for number, hours in held
        if any(hours & other for delivery, other in by_delivery.items() if delivery != files[number].delivery)
    )  # fmt: skip


def _with_lines(file: LogFile, rows: Sequence[tuple[int, str]], rejected: Sequence[int]) -> list[LeftOut]:
    """From numbers of rows to numbers of lines: blank lines are no rows of JSON, rejected ones none of text."""
    is_text = _shape([file]) not in MEMBERS
    found = [
        LeftOut(file=file.shown, line=line, why="is no text in UTF-8, or far too long")
        for line in rejected[:_TOLD]
    ]
    wanted = dict(rows)
    if file.parquet or file.rewritten:
        what = "row" if file.parquet else "record"
        return [LeftOut(file=file.shown, line=0, why=f"{what} {r} {FAULTS[fault]}") for r, fault in rows]
    if wanted:
        skipped, number = set(rejected), 0
        with opened(file.path, file.compression) as stream:
            for line, text in enumerate(stream, 1):
                if not text.strip(b" \t\r\n") or (is_text and line in skipped):
                    continue
                number += 1
                if number in wanted:
                    found.append(LeftOut(file=file.shown, line=line, why=FAULTS[wanted[number]]))
                if number >= max(wanted):
                    break
    return sorted(found, key=lambda item: item.line)[:_TOLD]


def _moved(draft: Path, path: Path) -> None:
    import os
    import shutil

    part = path.with_name(f".{path.name}.{os.getpid()}")
    shutil.move(draft, part)
    part.replace(path)


def _prune(store: Path) -> None:
    """The oldest of what is kept goes when it is more than two gigabytes."""
    kept = sorted(
        (*store.glob("*.parquet"), *store.glob("answer-*.jsonl")),
        key=lambda item: item.stat().st_mtime,
        reverse=True,
    )
    size = 0
    for item in kept:
        size += item.stat().st_size
        if size > KEPT_BYTES:
            item.unlink(missing_ok=True)
