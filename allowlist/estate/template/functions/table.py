"""How a function stands in the table, and what its arguments have to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from allowlist.estate.template.values import Lambda, Refused, Unknown

MANY = 1000


@dataclass(frozen=True, slots=True)
class Function:
    """``call`` gets the budget, then the arguments.

    ``looks_inside``: it takes lists and objects with unknown parts. ``takes_unknown``: it takes arguments that are
    unknown as a whole, too. Other functions are never called with anything unknown.
    """

    call: Callable[..., Any]
    fewest: int
    most: int
    looks_inside: bool = False
    takes_unknown: bool = False

    def refuse_count(self, count: int) -> None:
        if not self.fewest <= count <= self.most:
            raise Refused(f"{count} arguments")


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise Refused("no text")
    return value


def ascii_text(value: Any) -> str:
    """A text whose letter case means the same to every library."""
    found = text(value)
    if not found.isascii():
        raise Refused("letter case beyond ASCII")
    return found


def integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused("no integer")
    return value


def boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Refused("neither true nor false")
    return value


def array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Refused("no array")
    return value


def mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused("no object")
    return value


def function(value: Any) -> Lambda:
    if not isinstance(value, Lambda):
        raise Refused("no lambda")
    return value


def has_several(items: list[Any]) -> bool:
    """Is it unknown how many items there are?"""
    return any(isinstance(item, Unknown) and item.some for item in items)


def sized(items: list[Any]) -> list[Any]:
    """``items`` if it is known how many there are."""
    if has_several(array(items)):
        raise Refused("a list of unknown length")
    return items
