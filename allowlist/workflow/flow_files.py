"""Files of flows: JSON Lines, or CSV with the same words in its first line."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec.structs import astuple

from allowlist.documents.prepared import prepared
from allowlist.documents.reader import near_miss
from allowlist.errors import InvalidInput, Problem
from allowlist.workflow.explaining import FlowLine

STANDARD_INPUT = Path("-")
_BOM = b"\xef\xbb\xbf"

Numbered = tuple[int, FlowLine]


class FlowFile:
    """The flows of one file, read as often as they are walked over; nothing is kept of a line that was passed."""

    def __init__(self, path: Path, text: bytes) -> None:
        self.path = path
        self._text = text.removeprefix(_BOM)
        self._is_csv = path.suffix.lower() == ".csv" or self._text.lstrip()[:1] not in (b"{", b"")

    @classmethod
    def read(cls, path: Path) -> FlowFile:
        """``-`` is standard input. Raises InvalidInput with the line of every mistake."""
        try:
            text = sys.stdin.buffer.read() if path == STANDARD_INPUT else path.read_bytes()
        except OSError as error:
            raise InvalidInput.of(path, f"cannot be read: {error}") from None
        file = cls(path, text)
        problems = list(file._problems())
        if problems:
            raise InvalidInput(problems)
        return file

    def __iter__(self) -> Iterator[FlowLine]:
        return (line for _, line in self._numbered([]))

    def __len__(self) -> int:
        """About how many flows there are: the lines of the file."""
        return self._text.count(b"\n") + 1

    def _problems(self) -> Iterator[Problem]:
        problems: list[Problem] = []
        sources, goals = set[object](), set[object]()
        for number, line in self._numbered(problems):
            fields = astuple(line)
            if fields[0] in sources and fields[1:] in goals:
                continue
            try:
                line.require_sense()
            except ValueError as error:
                problems.append(self._problem(number, 1, str(error)))
            else:
                sources.add(fields[0])
                goals.add(fields[1:])
        yield from sorted(problems, key=lambda item: item.line)

    def _numbered(self, problems: list[Problem]) -> Iterator[Numbered]:
        return self._rows(problems) if self._is_csv else self._documents(problems)

    def _documents(self, problems: list[Problem]) -> Iterator[Numbered]:
        decode = msgspec.json.Decoder(prepared(FlowLine)).decode
        for number, text in enumerate(io.BytesIO(self._text), 1):
            try:
                yield number, decode(text)
            except (msgspec.MsgspecError, ValueError) as error:
                if text.strip():
                    shown = text.decode("utf-8", "replace")
                    problems.append(self._problem(number, *_mistake(str(error), shown)))

    def _rows(self, problems: list[Problem]) -> Iterator[Numbered]:
        reader = csv.reader(io.StringIO(self._text.decode("utf-8", "replace"), newline=""))
        try:
            names = [name.strip() for name in next(reader, [])]
            unknown = [name for name in names if name not in FlowLine.__struct_fields__]
            if unknown or "source" not in names:
                problems.append(self._problem(1, 1, _no_head(unknown)))
                return
            for row in reader:
                values = {name: value for name, value in zip(names, row, strict=False) if value}
                if values:
                    try:
                        yield reader.line_num, msgspec.convert(values, prepared(FlowLine), strict=False)
                    except msgspec.ValidationError as error:
                        problems.append(self._problem(reader.line_num, 1, str(error)))
        except csv.Error as error:
            problems.append(self._problem(reader.line_num, 1, str(error)))

    def _problem(self, line: int, column: int, reason: str) -> Problem:
        name = "standard input" if self.path == STANDARD_INPUT else str(self.path)
        return Problem(name, line, column, f"is no flow: {reason}")


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
