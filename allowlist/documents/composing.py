"""YAML composed into plain data, with the place of every value.

Apart from :mod:`allowlist.documents.source`, which most commands need for its types alone: what was compiled before is
not composed again, and then nobody pays for the YAML library.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from allowlist.errors import InvalidInput, Problem

_Path = tuple[str | int, ...]

MAX_SCALAR_CHARACTERS = 16 * 1024
MAX_DEPTH = 64

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ODD_NUMBER = re.compile(r"[-+]?(0[0-7_]+|[0-9][0-9_]*(:[0-5]?[0-9])+)")
"""YAML 1.1 reads ``010`` as eight and ``1:30`` as ninety; YAML 1.2, and most people, do not."""


def composed(text: str, file: str) -> tuple[Any, dict[_Path, tuple[int, int]]]:
    """The data, and line and column of each path in it. Raises InvalidInput with every mistake of form."""
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
    return data, builder.positions


def _compose(text: str) -> Any:
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


class _Builder:
    """Turns a YAML node graph into plain data; collects problems instead of stopping at the first."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.positions: dict[_Path, tuple[int, int]] = {}
        self._seen: set[int] = set()
        self._constructor: Any = yaml.constructor.SafeConstructor()

    def build(self, node: Any, path: _Path) -> Any:
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

    def _mapping(self, node: Any, path: _Path) -> dict[str, Any]:
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
