"""Read YAML or JSON text into plain data and remember where every value stands.

Files may come from a stranger's pull request. What a list of names never needs is refused with its
position: anchors and aliases, tags, duplicate keys, control and bidirectional characters, huge scalars.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from allowlist.errors import InvalidInput, Problem

MAX_DOCUMENT_BYTES = 32 * 1024 * 1024
MAX_JSON_BYTES = 512 * 1024 * 1024
MAX_SCALAR_CHARACTERS = 16 * 1024
MAX_DEPTH = 64

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
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


_ODD_NUMBER = re.compile(r"[-+]?(0[0-7_]+|[0-9][0-9_]*(:[0-5]?[0-9])+)")
"""YAML 1.1 reads ``010`` as eight and ``1:30`` as ninety; YAML 1.2, and most people, do not."""


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
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise InvalidInput.of(path, "does not exist") from None
    except UnicodeDecodeError as error:
        raise InvalidInput.of(path, f"is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise InvalidInput.of(path, f"cannot be read: {error.strerror}") from None


def parse_yaml_source(text: str, file: str) -> Source:
    problems = _forbidden_characters(text, file)
    if problems:
        raise InvalidInput(problems)
    try:
        root = _compose(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise InvalidInput.of(
            file, f"is not YAML: {error.problem or error.context}", line=line, column=column
        ) from None
    except yaml.YAMLError as error:
        raise InvalidInput.of(file, f"is not YAML: {error}") from None
    builder = _Builder(file)
    data = builder.build(root, ()) if root is not None else None
    if builder.problems:
        raise InvalidInput(builder.problems)
    return Source(file, data, builder.positions)


def parse_json_source(text: str, file: str) -> Source:
    """JSON is read twice: strictly for its form, then as YAML (its superset) for the positions."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidInput.of(
            file, f"is not JSON: {error.msg}", line=error.lineno, column=error.colno
        ) from None
    except RecursionError:
        raise InvalidInput.of(file, "is nested too deeply") from None
    return parse_yaml_source(text.replace("\t", " "), file)


def _compose(text: str) -> Any:
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


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


class _Builder:
    """Turns a YAML node graph into plain data; collects problems instead of stopping at the first."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.positions: dict[Path_, tuple[int, int]] = {}
        self._seen: set[int] = set()
        self._constructor: Any = yaml.constructor.SafeConstructor()

    def build(self, node: Any, path: Path_) -> Any:
        if path not in self.positions:
            self.positions[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if len(path) > MAX_DEPTH:
            return self._complain(node, "is nested too deeply")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if id(node) in self._seen:
            return self._complain(node, "uses an alias (*name); write the value out")
        self._seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*path, index)) for index, child in enumerate(node.value)]
        return self._mapping(node, path)

    def _mapping(self, node: Any, path: Path_) -> dict[str, Any]:
        if node.tag != "tag:yaml.org,2002:map":
            self._complain(node, f"carries the tag {node.tag}; tags are not allowed")
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None or key == "<<":
                self._complain(key_node, "is not a plain key")
                continue
            if key in result:
                self._complain(
                    key_node,
                    f"repeats the key '{key}'; the first one stands at line {self.positions[(*path, key)][0]}",
                )
                continue
            self.positions[(*path, key)] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            result[key] = self.build(value_node, (*path, key))
        return result

    def _scalar(self, node: Any) -> Any:
        if len(node.value) > MAX_SCALAR_CHARACTERS:
            return self._complain(node, f"holds a text of more than {MAX_SCALAR_CHARACTERS} characters")
        if node.tag == "tag:yaml.org,2002:str":
            return node.value
        if node.tag in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:binary"):
            return node.value
        if node.tag == "tag:yaml.org,2002:int" and _ODD_NUMBER.fullmatch(node.value):
            return self._complain(
                node,
                f"'{node.value}' is no number everybody reads alike (octal or base 60); write it in quotes",
            )
        try:
            return self._constructor.construct_object(node)
        except (yaml.YAMLError, ValueError):
            return self._complain(node, f"carries a value that is not allowed here ({node.tag})")

    def _complain(self, node: Any, message: str) -> None:
        mark = node.start_mark
        self.problems.append(Problem(self.file, mark.line + 1, mark.column + 1, message))
