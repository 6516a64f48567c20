"""What changed inside one rule, line by line, found by deepdiff."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Line:
    """``sign`` is ``+``, ``-`` or `` ``; ``path`` is where in the rule, ``text`` the value there."""

    sign: str
    path: str
    text: str


def difference(before: dict[str, Any] | None, after: dict[str, Any] | None) -> tuple[Line, ...]:
    """The lines a person has to read to see what becomes of the rule. Order inside lists means nothing."""
    if before is None or after is None:
        sign, body = ("+", after) if before is None else ("-", before)
        return tuple(_flat(sign, body or {}))
    return tuple(_changed(before, after))


def _flat(sign: str, body: dict[str, Any]) -> Iterator[Line]:
    for key, value in body.items():
        if value not in (None, [], {}, ""):
            yield Line(sign, key, _text(value))


def _changed(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Line]:
    from deepdiff import DeepDiff

    found = DeepDiff(before, after, ignore_order=True, view="tree")
    for levels in found.values():
        for level in sorted(levels, key=lambda item: str(item.path())):
            yield from _level(_place(level.path(output_format="list")), level.t1, level.t2)


def _level(path: str, old: Any, new: Any) -> Iterable[Line]:
    if not _is_absent(old):
        yield Line("-", path, _text(old))
    if not _is_absent(new):
        yield Line("+", path, _text(new))


def _is_absent(value: Any) -> bool:
    return type(value).__name__ == "NotPresent"


def _place(path: Iterable[Any]) -> str:
    return ".".join(str(part) for part in path if not isinstance(part, int)) or "rule"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)
