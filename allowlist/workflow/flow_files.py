"""Files of flows: JSON Lines, or CSV with the same words in its first line."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from operator import itemgetter
from pathlib import Path

import msgspec

from allowlist.documents.prepared import prepared
from allowlist.documents.reader import near_miss
from allowlist.documents.source import read_standard_input, refuse_pipes_and_devices
from allowlist.errors import InvalidInput, Problem
from allowlist.workflow.explaining import MANY, FlowLine, address_of

STANDARD_INPUT = Path("-")
_BOM = b"\xef\xbb\xbf"

_BYTES_AT_ONCE = 1 << 20
_ROWS_AT_ONCE = 8192

MANY_TOWARD = 1 << 18
"""So many different ends of flows are remembered at once."""
_SOME_SOURCE = "192.0.2.1"
_TOWARD = itemgetter(1)

MOST_BYTES = 2 << 30
"""Of a file of flows; it is held in memory."""


def _content(path: Path) -> bytes:
    refuse_pipes_and_devices(path)
    with path.open("rb") as stream:
        text = stream.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise InvalidInput.of(path, f"is larger than {MOST_BYTES // 1024 // 1024} MiB; ask in parts")
    return text


class Toward:
    """Where flows go: a line without its source. Flows of a file that say the same of it share one, so that whatever is
    found out about it is found by what it is, not by what it says.
    """

    __slots__ = ("line",)

    def __init__(self, line: FlowLine) -> None:
        self.line = line

    def line_from(self, source: str) -> FlowLine:
        """The flow from ``source``."""
        return msgspec.structs.replace(self.line, source=source)


Sent = tuple[str, Toward]
"""A flow: its source as it was written, and where it goes."""
Numbered = tuple[int, Sent]
Block = tuple[Sequence[int], list[Sent]]
"""The numbers of lines, and the flows in them."""

_PLAIN = re.compile(r'^(\{.*?"source": ?")([0-9./]*)(".*)$', re.MULTILINE)
"""A line of JSON as programs write it: what stands before and after its source, where that needs no decoding."""


class FlowFile:
    """The flows of one file, read as often as they are walked over; nothing is kept of a line that was passed."""

    def __init__(self, path: Path, text: bytes) -> None:
        self.path = path
        self.names: dict[str, None] = {}
        """Every name that was asked about, once, as it was written; known when the file was read."""
        self._text = text.removeprefix(_BOM)
        self._toward: dict[FlowLine, Toward] = {}
        self._around: dict[tuple[str, str], Toward] = {}
        """By what stands around the source in a line."""
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
        return (toward.line_from(source) for block in self.blocks() for source, toward in block)

    def __len__(self) -> int:
        """About how many flows there are: the lines of the file."""
        return self._text.count(b"\n") + 1

    def blocks(self) -> Iterator[list[Sent]]:
        """The flows in order, many at a time."""
        return (flows for _, flows in self._blocks([]))

    def _problems(self) -> list[Problem]:
        """A flow makes sense if its source and its goal do, and each of them is looked at once."""
        problems: list[Problem] = []
        sources, goals = set[str](), set[Toward]()
        for numbers, flows in self._blocks(problems):
            new_sources = {source for source, _ in flows} - sources
            new_goals = [toward for toward in dict.fromkeys(map(_TOWARD, flows)) if toward not in goals]
            self.names |= dict.fromkeys(toward.line.fqdn for toward in new_goals)
            if all(map(_is_address, new_sources)) and all(_makes_sense(item.line) for item in new_goals):
                sources |= new_sources
                goals.update(new_goals)
            else:
                problems += self._senseless(numbers, flows)
        return sorted(problems, key=lambda item: item.line)

    def _senseless(self, numbers: Sequence[int], flows: Sequence[Sent]) -> Iterator[Problem]:
        for number, (source, toward) in zip(numbers, flows, strict=True):
            try:
                toward.line_from(source).require_sense()
            except ValueError as error:
                yield self._problem(number, 1, str(error))

    def _blocks(self, problems: list[Problem]) -> Iterator[Block]:
        return self._blocks_of_rows(problems) if self._is_csv else self._blocks_of_documents(problems)

    def _blocks_of_documents(self, problems: list[Problem]) -> Iterator[Block]:
        start, number = 0, 1
        while start < len(self._text):
            end = self._text.find(b"\n", start + _BYTES_AT_ONCE) + 1 or len(self._text)
            text = self._text[start:end].removesuffix(b"\n")
            numbers = range(number, number + text.count(b"\n") + 1)
            try:
                yield numbers, self._plain_lines(text, len(numbers))
            except (msgspec.MsgspecError, ValueError):
                lines = zip(numbers, text.split(b"\n"), strict=True)
                yield _unzipped(self._documents(lines, problems))
            start, number = end, numbers.stop

    def _plain_lines(self, text: bytes, count: int) -> list[Sent]:
        """Lines as programs write them: what stands around the source is decoded once, however many lines it stands in.

        Raises an error where they are others.
        """
        found = _PLAIN.findall(text.decode())
        if len(found) != count:
            raise ValueError("lines of another form")
        around = self._around
        try:
            return [(source, around[before, after]) for before, source, after in found]
        except KeyError:
            if len(around) >= MANY_TOWARD:
                around.clear()
            for before, after in {(before, after) for before, _, after in found} - around.keys():
                around[before, after] = self._toward_between(before, after)
            return [(source, around[before, after]) for before, source, after in found]

    def _toward_between(self, before: str, after: str) -> Toward:
        """What a line says but for its source. It stands where it seems to: what is put there is what is read as it."""
        line, tried = _decode(before + after), _decode(before + _SOME_SOURCE + after)
        if line.source or tried != msgspec.structs.replace(line, source=_SOME_SOURCE):
            raise ValueError("its source stands elsewhere")
        return self._shared(line)

    def _shared(self, line: FlowLine) -> Toward:
        """The one that flows with this ``line``, which has no source, share."""
        found = self._toward.get(line)
        if found is None:
            if len(self._toward) >= MANY_TOWARD:
                self._toward.clear()
            found = self._toward[line] = Toward(line)
        return found

    def _sent(self, line: FlowLine) -> Sent:
        return line.source, self._shared(msgspec.structs.replace(line, source=""))

    def _documents(self, texts: Iterable[tuple[int, bytes]], problems: list[Problem]) -> Iterator[Numbered]:
        """Lines that are not all flows: some may be blank."""
        for number, text in texts:
            try:
                yield number, self._sent(_decode(text))
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
                    yield reader.line_num, (source, self._shared(prototype(tuple(row))))
                except msgspec.ValidationError as error:
                    problems.append(self._problem(reader.line_num, 1, str(error)))
        except csv.Error as error:
            problems.append(self._problem(reader.line_num, 1, str(error)))

    def _problem(self, line: int, column: int, reason: str) -> Problem:
        name = "standard input" if self.path == STANDARD_INPUT else str(self.path)
        return Problem(name, line, column, f"is no flow: {reason}")


def _unzipped(found: Iterable[Numbered]) -> Block:
    pairs = list(found)
    return [number for number, _ in pairs], [sent for _, sent in pairs]


def _is_address(source: str) -> bool:
    try:
        return not source or address_of(source) >= 0
    except ValueError:
        return False


def _makes_sense(line: FlowLine) -> bool:
    try:
        line.require_sense()
    except ValueError:
        return False
    return True


def _decode(text: str | bytes) -> FlowLine:
    return _decoder().decode(text)


@cache
def _decoder() -> msgspec.json.Decoder[FlowLine]:
    return msgspec.json.Decoder(prepared(FlowLine))


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
