"""Read YAML or JSON text into plain data and remember where every value stands.

Files may come from a stranger's pull request. What a list of names never needs is refused with its
position: anchors and aliases, tags, duplicate keys, control and bidirectional characters, huge scalars.
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from allowlist.errors import InvalidInput, Problem

MAX_DOCUMENT_BYTES = 32 * 1024 * 1024
MAX_JSON_BYTES = 512 * 1024 * 1024

_FORBIDDEN_CHARACTER = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
)

Path_ = tuple[str | int, ...]
"""Keys and list indexes from the root of a document to one node."""


@dataclass(frozen=True, slots=True)
class Source:
    """Plain data with the position of every node; ``positions`` maps a path to (line, column) from 1."""

    file: str
    data: Any
    positions: dict[Path_, tuple[int, int]] = field(repr=False)

    def problem(self, path: Path_, message: str) -> Problem:
        """A complaint about the node at ``path``, or about its nearest ancestor that has a position."""
        while path and path not in self.positions:
            path = path[:-1]
        line, column = self.positions.get(path, (0, 0))
        return Problem(self.file, line, column, message)

    def only(self, key: str, kept: Sequence[int]) -> Source:
        """The same document with just the ``kept`` items of its list ``key``; their positions go with them."""
        number: dict[str | int, int] = {old: new for new, old in enumerate(kept)}
        positions: dict[Path_, tuple[int, int]] = {}
        for path, place in self.positions.items():
            if path[:1] != (key,) or len(path) == 1:
                positions[path] = place
            elif path[1] in number:
                positions[(key, number[path[1]], *path[2:])] = place
        items = self.data[key]
        return Source(self.file, {**self.data, key: [items[index] for index in kept]}, positions)


_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
"""Brackets of JSON; texts are passed over whole."""
_LONG_NUMBER = re.compile(r"\d{4300}")
"""Longer ones Python does not make numbers of."""


class DeferredSource(Source):
    """A source whose text was read and found good before: it is read again only where somebody complains of it."""

    __slots__ = ("_read",)
    _read: Callable[[], Source]

    def __init__(self, file: str, read: Callable[[], Source]) -> None:
        object.__setattr__(self, "file", file)
        object.__setattr__(self, "_read", read)

    def problem(self, path: Path_, message: str) -> Problem:
        return self._read().problem(path, message)

    def only(self, key: str, kept: Sequence[int]) -> Source:
        return self._read().only(key, kept)


def load_source(path: Path) -> Source:
    """Read a YAML or JSON file, by its suffix. Raises InvalidInput with all mistakes of form."""
    return parse_source(read_text(path), str(path))


def parse_source(text: str, file: str) -> Source:
    return parse_json_source(text, file) if file.endswith(".json") else parse_yaml_source(text, file)


def read_text(path: Path, most: int = MAX_DOCUMENT_BYTES) -> str:
    """The text of one of our files, or InvalidInput in words a person can act on."""
    try:
        if path.stat().st_size > most:
            raise InvalidInput.of(path, f"is larger than {most // 1024 // 1024} MiB")
        refuse_pipes_and_devices(path)
        with path.open("rb") as stream:
            raw = stream.read(most + 1)
        if len(raw) > most:
            raise InvalidInput.of(path, f"is larger than {most // 1024 // 1024} MiB")
        return in_utf8(raw, str(path))
    except FileNotFoundError:
        raise InvalidInput.of(path, "does not exist") from None
    except OSError as error:
        raise InvalidInput.of(path, f"cannot be read: {error.strerror}") from None


def read_standard_input(most: int = MAX_DOCUMENT_BYTES) -> bytes:
    """What is piped in, to its end. Raises InvalidInput where that is more than ``most`` bytes."""
    raw = sys.stdin.buffer.read(most + 1)
    if len(raw) > most:
        raise InvalidInput.of("standard input", f"is larger than {most // 1024 // 1024} MiB")
    return raw


def in_utf8(raw: bytes, name: str) -> str:
    """The text. Raises InvalidInput with the line of the first byte that is none."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        text = f"is not UTF-8 text (byte {error.start})"
        raise InvalidInput.of(name, text, line=line, column=1) from None


def deepest_line(text: str) -> int:
    """The line on which JSON is nested deepest, from 1."""
    depth = deepest = place = 0
    for found in _BRACKETS.finditer(text):
        mark = found.group()
        depth += (mark in "{[") - (mark in "}]")
        if depth > deepest:
            deepest, place = depth, found.start()
    return text.count("\n", 0, place) + 1


def refuse_pipes_and_devices(path: Path) -> None:
    """Raises InvalidInput for what may never be filled or never end, and OSError for what is not there."""
    if not _may_be_read(path):
        raise InvalidInput.of(path, "is no regular file, so it is not read")


def _may_be_read(path: Path) -> bool:
    """Not a named pipe or a device, which nobody may ever fill or end; what a shell hands over open (``<(…)``) may."""
    mode = path.stat().st_mode
    if stat.S_ISFIFO(mode):
        return str(path).startswith(("/dev/fd/", "/dev/stdin", "/proc/self/fd/"))
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode) or str(path) == os.devnull


def parse_yaml_source(text: str, file: str) -> Source:
    problems = _forbidden_characters(text, file)
    if problems:
        raise InvalidInput(problems)
    from allowlist.documents.composing import composed

    data, positions = composed(text, file)
    return Source(file, data, positions)


def parse_json_source(text: str, file: str) -> Source:
    """JSON is read twice: strictly for its form, then as YAML (its superset) for the positions."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidInput.of(
            file, f"is not JSON: {error.msg}", line=error.lineno, column=error.colno
        ) from None
    except RecursionError:
        raise InvalidInput.of(file, "is nested too deeply", line=deepest_line(text), column=1) from None
    except ValueError:
        found = _LONG_NUMBER.search(text)
        line = text.count("\n", 0, found.start()) + 1 if found else 1
        raise InvalidInput.of(file, "holds a number of too many digits", line=line, column=1) from None
    return parse_yaml_source(text.replace("\t", " "), file)


def _forbidden_characters(text: str, file: str) -> list[Problem]:
    problems = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.isascii() and line.isprintable():
            continue
        match = _FORBIDDEN_CHARACTER.search(line.rstrip("\r"))
        if match:
            code = f"U+{ord(match.group()):04X}"
            problems.append(
                Problem(file, number, match.start() + 1, f"holds the invisible character {code}; remove it")
            )
    return problems
