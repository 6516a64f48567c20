"""Functions that take a function. What is unknown about one item does not spoil the others."""

from __future__ import annotations

from functools import cmp_to_key
from typing import Any

from allowlist.estate.template.budget import Budget
from allowlist.estate.template.functions.objects import got, whole
from allowlist.estate.template.functions.table import (
    Function,
    array,
    boolean,
    function,
    has_several,
    sized,
    text,
)
from allowlist.estate.template.values import ABSENT, Lambda, Refused, Unknown, equal, is_unknown


def _each(items: list[Any], change: Lambda, at: int) -> Any:
    """The lambda on one item; its second name, where it has one, is the item's position."""
    item = items[at]
    value = item.single if isinstance(item, Unknown) else item
    if len(change.names) == 1:
        return change.call(value)
    if len(change.names) != 2 or has_several(items[: at + 1]):
        raise Refused("a position that is not known")
    return change.call(value, at)


def _map(budget: Budget, items: Any, change: Any) -> list[Any]:
    found = []
    for at, item in enumerate(array(items)):
        value = _each(items, function(change), at)
        if isinstance(item, Unknown) and item.some:
            value = value.several if isinstance(value, Unknown) else item
        found.append(value)
    return found


def _filter(budget: Budget, items: Any, keep: Any) -> list[Any]:
    """An item of which it is not known whether it stays may stay."""
    found: list[Any] = []
    for at, item in enumerate(array(items)):
        kept = _each(items, function(keep), at)
        if isinstance(kept, Unknown):
            found.append(item.several if isinstance(item, Unknown) else Unknown(kept.text, item, some=True))
        elif boolean(kept):
            found.append(item)
    return found


def _reduce(budget: Budget, items: Any, start: Any, change: Any) -> Any:
    value = start
    for at, item in enumerate(sized(items)):
        names = len(function(change).names)
        value = change.call(*(value, item, at)[:names]) if names in (2, 3) else _no_shape()
    return value


def _no_shape() -> Any:
    raise Refused("a lambda of another shape")


def _sort(budget: Budget, items: Any, before: Any) -> list[Any]:
    def compared(one: Any, other: Any) -> int:
        if _holds(before, one, other):
            return -1
        if _holds(before, other, one):
            return 1
        if not equal(one, other, budget):
            raise Refused("two items of one rank")
        return 0

    if is_unknown(items, budget):
        raise Refused("items that are not known")
    return sorted(array(items), key=cmp_to_key(compared))


def _holds(before: Any, one: Any, other: Any) -> bool:
    return boolean(function(before).call(one, other))


def _to_object(budget: Budget, items: Any, key: Any, value: Any = None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in sized(items):
        name = text(function(key).call(item))
        if got(found, name) is not ABSENT:
            raise Refused("a key twice")
        found[name] = function(value).call(item) if value is not None else item
    return found


def _group_by(budget: Budget, items: Any, key: Any, value: Any = None) -> dict[str, Any]:
    found: dict[str, list[Any]] = {}
    for item in sized(items):
        name = text(function(key).call(item))
        if name not in found and got(found, name) is not ABSENT:
            raise Refused("keys that differ in letter case only")
        found.setdefault(name, []).append(function(value).call(item) if value is not None else item)
    return found


def _map_values(budget: Budget, holder: Any, change: Any) -> dict[str, Any]:
    return {key: function(change).call(value) for key, value in whole(holder).items()}


LAMBDAS: dict[str, Function] = {
    "map": Function(_map, 2, 2, looks_inside=True),
    "filter": Function(_filter, 2, 2, looks_inside=True),
    "reduce": Function(_reduce, 3, 3, looks_inside=True),
    "sort": Function(_sort, 2, 2, looks_inside=True),
    "toobject": Function(_to_object, 2, 3, looks_inside=True),
    "groupby": Function(_group_by, 2, 3, looks_inside=True),
    "mapvalues": Function(_map_values, 2, 2, looks_inside=True),
}
