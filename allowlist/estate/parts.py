"""Parts of a body as they are meant: a list, an object, a number, whatever stands in their place.

Resource Manager converts ``"300"`` to the number it is; an expression of a template that could not be worked out is
unknown, and neither a wrong value nor an absent one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allowlist.estate.bodies import Body


def is_unread(value: Any) -> bool:
    """Is it an expression that stayed, in place of a value?"""
    return isinstance(value, str) and value.startswith("[")


def without_nulls(value: Any) -> Any:
    """``value`` without members that are null, at any depth: in a template they are not set."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return list(map(without_nulls, value)) if isinstance(value, list) else value


def number_in(value: Any) -> Any:
    """The number that a text of digits is; anything else as it stands."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 10:
        return int(value)
    return value


def whole_number(value: Any) -> int:
    """The whole number that stands there, also as a text. Raises TypeError or ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"{value!r} is no whole number")
    return int(value)


def object_in(holder: Any, key: str) -> Body:
    """An inner object; empty where there is none, or something else stands there."""
    found = holder.get(key) if isinstance(holder, Mapping) else None
    return found if isinstance(found, dict) else {}


def objects_in(holder: Any, key: str) -> list[Body]:
    """The objects of a list; empty where there is none."""
    found = holder.get(key) if isinstance(holder, Mapping) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def texts_in(holder: Any, key: str) -> list[str]:
    """The texts of a list that are known, a single one too. Numbers are texts here: ports are written either way."""
    found = holder.get(key) if isinstance(holder, Mapping) else None
    items = found if isinstance(found, list) else [] if found is None else [found]
    return [
        str(item)
        for item in items
        if isinstance(item, str | int) and not isinstance(item, bool) and not is_unread(item) and item != ""
    ]
