"""Files of flows: JSON Lines, or CSV with the same words in its first line."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec

from allowlist.documents.prepared import prepared
from allowlist.documents.reader import near_miss
from allowlist.documents.source import read_standard_input, refuse_pipes_and_devices
from allowlist.errors import InvalidInput, Problem
from allowlist.workflow.explaining import MANY, FlowLine, goal_of, source_of

STANDARD_INPUT = Path("-")
_BOM = b"\xef\xbb\xbf"

_BYTES_AT_ONCE = 1 << 20
_ROWS_AT_ONCE = 8192

_name_of = attrgetter("fqdn")


MOST_BYTES = 2 << 30
"""Of a file of flows; it is held in memory."""


def _content(path: Path) -> bytes:
    refuse_pipes_and_devices(path)
    with path.open("rb") as stream:
        text = stream.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise InvalidInput.of(path, f"is larger than {MOST_BYTES // 1024 // 1024} MiB; ask in parts")
    return text


Numbered = tuple[int, FlowLine]
Block = tuple[Sequence[int], list[FlowLine]]
"""The numbers of lines, and the flows in them."""


class FlowFile:
    """The flows of one file, read as often as they are walked over; nothing is kept of a line that was passed."""

    def __init__(self, path: Path, text: bytes) -> None:
        self.path = path
        self.names: dict[str, None] = {}
        """Every name that was asked about, once, as it was written; known when the file was read."""
        self._text = text.removeprefix(_BOM)
        self._is_csv = path.suffix.lower() == ".csv" or self._text.lstrip()[:1] not in (b"{", b"")

    @classmethod
    def read(cls, path: Path) -> FlowFile:
        """``-`` is standard input. Raises InvalidInput with the line of every mistake."""
        try:
            text = read_standard_input(MOST_BYTES) if path == STANDARD_INPUT else _content(path)
        except OSError as error:
            raise InvalidInput.of(path, f"cannot be read: {error.strerror}") from None
        file = cls(path, text)
        problems = file._problems()
        if problems:
            raise InvalidInput(problems)
        return file

    def __iter__(self) -> Iterator[FlowLine]:
        return itertools.chain.from_iterable(self.blocks())

    def __len__(self) -> int:
        """About how many flows there are: the lines of the file."""
        return self._text.count(b"\n") + 1

    def blocks(self) -> Iterator[list[FlowLine]]:
        """The flows in order, many at a time."""
        return (flows for _, flows in self._blocks([]))

    def _problems(self) -> list[Problem]:
        """A flow makes sense if its source and its goal do, and each of them is looked at once."""
        problems: list[Problem] = []
        sources, goals = set[str](), set[tuple[object, ...]]()
        for numbers, flows in self._blocks(problems):
            self.names |= dict.fromkeys(map(_name_of, flows))
            new_sources = set(map(source_of, flows)) - sources
            new_goals = set(map(goal_of, flows)) - goals
            one_of_each = itertools.zip_longest(new_sources, new_goals, fillvalue=None)
            if all(_makes_sense(source, goal) for source, goal in one_of_each):
                sources |= new_sources
                goals |= new_goals
            else:
                problems += self._senseless(numbers, flows)
        return sorted(problems, key=lambda item: item.line)

    def _senseless(self, numbers: Sequence[int], flows: Sequence[FlowLine]) -> Iterator[Problem]:
        for number, line in zip(numbers, flows, strict=True):
            try:
                line.require_sense()
            except ValueError as error:
                yield self._problem(number, 1, str(error))

    def _blocks(self, problems: list[Problem]) -> Iterator[Block]:
        return self._blocks_of_rows(problems) if self._is_csv else self._blocks_of_documents(problems)

    def _blocks_of_documents(self, problems: list[Problem]) -> Iterator[Block]:
        decode = msgspec.json.Decoder(prepared(FlowLine)).decode
        start, number = 0, 1
        while start < len(self._text):
            end = self._text.find(b"\n", start + _BYTES_AT_ONCE) + 1 or len(self._text)
            texts = self._text[start:end].removesuffix(b"\n").split(b"\n")
            numbers = range(number, number + len(texts))
            try:
                yield numbers, list(map(decode, texts))
            except (msgspec.MsgspecError, ValueError):
                yield _unzipped(self._documents(zip(numbers, texts, strict=True), decode, problems))
            start, number = end, numbers.stop

    def _documents(
        self, texts: Iterable[tuple[int, bytes]], decode: Callable[[bytes], FlowLine], problems: list[Problem]
    ) -> Iterator[Numbered]:
        """Lines that are not all flows: some may be blank."""
        for number, text in texts:
            try:
                yield number, decode(text)
            except (msgspec.MsgspecError, ValueError) as error:
                if text.strip():
                    shown = text.decode("utf-8", "replace")
                    problems.append(self._problem(number, *_mistake(str(error), shown)))

    def _blocks_of_rows(self, problems: list[Problem]) -> Iterator[Block]:
        rows = self._rows(problems)
        while block := list(itertools.islice(rows, _ROWS_AT_ONCE)):
            yield _unzipped(block)

    def _rows(self, problems: list[Problem]) -> Iterator[Numbered]:
        reader = csv.reader(io.StringIO(self._text.decode("utf-8", "replace"), newline=""))
        try:
            names = [name.strip() for name in next(reader, [])]
            unknown = [name for name in names if name not in FlowLine.__struct_fields__]
            if unknown or "source" not in names:
                problems.append(self._problem(1, 1, _no_head(unknown)))
                return
            at, prototype = names.index("source"), _prototypes(tuple(names))
            for row in reader:
                if not any(row):
                    continue
                source, row[at : at + 1] = (row[at] if at < len(row) else ""), [""]
                try:
                    yield reader.line_num, msgspec.structs.replace(prototype(tuple(row)), source=source)
                except msgspec.ValidationError as error:
                    problems.append(self._problem(reader.line_num, 1, str(error)))
        except csv.Error as error:
            problems.append(self._problem(reader.line_num, 1, str(error)))

    def _problem(self, line: int, column: int, reason: str) -> Problem:
        name = "standard input" if self.path == STANDARD_INPUT else str(self.path)
        return Problem(name, line, column, f"is no flow: {reason}")


def _unzipped(found: Iterable[Numbered]) -> Block:
    pairs = list(found)
    return [number for number, _ in pairs], [line for _, line in pairs]


def _makes_sense(source: str | None, goal: tuple[Any, ...] | None) -> bool:
    """Of a flow the source, its goal, or both."""
    said = dict(zip(FlowLine.__struct_fields__[1:], goal or (), strict=False))
    try:
        FlowLine(source=source or "", **said).require_sense()
    except ValueError:
        return False
    return True


def _prototypes(names: tuple[str, ...]) -> Callable[[tuple[str, ...]], FlowLine]:
    """Reads rows of a CSV file without their sources; rows that are alike in the rest are read once."""

    @lru_cache(MANY)
    def read(row: tuple[str, ...]) -> FlowLine:
        values = {name: value for name, value in zip(names, row, strict=False) if value}
        return msgspec.convert(values, prepared(FlowLine), strict=False)

    return read


def _no_head(unknown: list[str]) -> str:
    """Why the first line of a CSV file does not say what its columns are."""
    words = ", ".join(FlowLine.__struct_fields__)
    if not unknown:
        return f"the first line names no column 'source'; columns are {words}"
    return f"unknown column '{unknown[0]}'{near_miss(unknown[0], FlowLine.__struct_fields__)}; columns are {words}"


def _mistake(reason: str, line: str) -> tuple[int, str]:
    """The column of what is wrong in ``line``, as far as it is known, and the reason with a near miss."""
    unknown = re.search(r"unknown field `(.*)`", reason)
    if unknown:
        name = unknown[1]
        return line.find(
            f'"{name}"'
        ) + 1, f"unknown key '{name}'{near_miss(name, FlowLine.__struct_fields__)}"
    malformed = re.search(r" \(byte (\d+)\)$", reason)
    return (int(malformed[1]) + 1, reason[: malformed.start()]) if malformed else (1, reason)
