"""Objects. Their keys are one and the same in whatever letter case; the spelling that came first stays."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from allowlist.estate.template.budget import Budget
from allowlist.estate.template.functions.arrays import distinct
from allowlist.estate.template.functions.table import MANY, Function, array, mapping, sized, text
from allowlist.estate.template.values import (
    ABSENT,
    Either,
    Open,
    Refused,
    Unknown,
    equal,
    hides_members,
    is_several,
    kind_of,
    may_be_absent,
    member,
    settled,
    spelled,
)


def whole(value: Any) -> dict[str, Any]:
    """An object all of whose keys are known, each in one letter case."""
    found = mapping(value)
    if isinstance(found, Open):
        raise Refused("an object that is not all known")
    if len({key.lower() for key in found}) < len(found):
        raise Refused("keys that differ in letter case only")
    return found


def _members(value: Any) -> dict[str, Any]:
    """An object all of whose keys are known, those among them that may not be there."""
    return mapping(value) if isinstance(value, Either) else whole(value)


def _create(budget: Budget, *parts: Any) -> dict[str, Any]:
    if len(parts) % 2:
        raise Refused("a key without a value")
    return whole_of(zip(map(text, parts[::2]), parts[1::2], strict=True))


def whole_of(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if spelled(found, key) in found:
            raise Refused("a key twice")
        found[key] = value
    return found


def _union(budget: Budget, *parts: Any) -> Any:
    """Arrays as sets; objects deeply, where the later value wins."""
    known = [part for part in parts if part is not None]
    if any(isinstance(part, list) for part in known):
        return distinct(budget, _all_items(known))
    if not known or any(isinstance(part, Unknown) for part in known):
        raise Refused("nothing, or what is not known")
    found: dict[str, Any] = {}
    for part in known:
        found = _merged(found, _members(part), budget)
    return settled(found)


def _all_items(parts: list[Any]) -> list[Any]:
    return [item for part in parts for item in ([part.several] if isinstance(part, Unknown) else array(part))]


def _merged(one: dict[str, Any], other: dict[str, Any], budget: Budget) -> dict[str, Any]:
    found = dict(one)
    for key, value in other.items():
        budget.spend()
        name = spelled(found, key)
        found[name] = _over(found[name], value, budget) if name in found else value
    return found


def _over(old: Any, new: Any, budget: Budget) -> Any:
    if new is None:
        raise Refused("null over a value")
    if may_be_absent(new):
        return new if may_be_absent(old) else new.single
    if isinstance(old, dict) and isinstance(new, dict):
        return settled(_merged(_members(old), _members(new), budget))
    if may_be_absent(old) and isinstance(new, dict):
        return old.single
    # Two objects would be merged, so beside an unknown one nothing is known of the outcome.
    return old if isinstance(old, Unknown) and isinstance(new, dict) else new


def _shallow_merge(budget: Budget, parts: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in sized(parts):
        for key, value in _members(part).items():
            budget.spend()
            name = spelled(found, key)
            covers = may_be_absent(value) and name in found and not may_be_absent(found[name])
            found[name] = value.single if covers else value
    return settled(found)


def _intersection(budget: Budget, first: Any, *others: Any) -> Any:
    if isinstance(first, list):
        kept = [item for item in first if all(_among(budget, item, array(other)) for other in others)]
        return distinct(budget, kept)
    found = whole(first)
    for other in others:
        rest = whole(other)
        found = {key: value for key, value in found.items() if _same(budget, value, member(rest, key))}
    return found


def _among(budget: Budget, item: Any, items: list[Any]) -> bool:
    return any(equal(item, other, budget) for other in items)


def _same(budget: Budget, one: Any, other: Any) -> bool:
    return other is not ABSENT and equal(one, other, budget)


def sorted_keys(holder: dict[str, Any]) -> list[str]:
    """Keys in the order of ``items()``: without letter case. Raises Refused where two cultures disagree."""
    orders = [
        sorted(holder, key=str.upper),
        sorted(holder, key=lambda key: [(_rank(mark), mark) for mark in key.lower()]),
        sorted(holder, key=lambda key: re.sub(r"[-']", "", key.lower())),
    ]
    if any(order != orders[0] for order in orders) or not all(key.isascii() for key in holder):
        raise Refused("the order depends on the culture")
    return orders[0]


def _rank(mark: str) -> int:
    return 2 if mark.isalpha() else 1 if mark.isdigit() else 0


def _items(budget: Budget, value: Any) -> list[Any]:
    found = whole(value)
    return [{"key": key, "value": found[key]} for key in sorted_keys(found)]


def _object_keys(budget: Budget, value: Any) -> list[str]:
    keys = list(whole(value))
    if keys != sorted_keys(value):
        raise Refused("the order is not documented")
    return keys


def _try_get(budget: Budget, value: Any, *keys: Any) -> Any:
    for key in keys:
        value = got(value, key)
        if value is ABSENT or value is None:
            return None
        if isinstance(value, Unknown):
            raise Refused("a member of what is not known")
    return value


def got(value: Any, key: Any) -> Any:
    """A member by name or position, ABSENT if there is none. Raises Refused where there cannot be one."""
    if isinstance(value, dict):
        found = member(value, text(key))
        if found is ABSENT and hides_members(value):
            raise Refused("a member that is not known")
        return found.single if may_be_absent(found) else found
    if isinstance(value, list) and kind_of(key) == "int":
        before = value[: max(0, key + 1)]
        if any(isinstance(item, Unknown) and item.some for item in before) or (
            not 0 <= key < len(value) and key >= 0 and any(is_several(item) for item in value)
        ):
            raise Refused("a list of unknown length")
        return value[key] if 0 <= key < len(value) else ABSENT
    raise Refused("no member of it")


def _try_get_last(budget: Budget, value: Any, *keys: Any) -> Any:
    """The last step may lead to what is not known; a step beyond it may not."""
    *steps, last = keys
    holder = _try_get(budget, value, *steps) if steps else value
    if holder is None:
        return None
    found = got(holder, last)
    return None if found is ABSENT else found


OBJECTS: dict[str, Function] = {
    "createobject": Function(_create, 0, MANY, looks_inside=True, takes_unknown=True),
    "union": Function(_union, 1, MANY, looks_inside=True, takes_unknown=True),
    "shallowmerge": Function(_shallow_merge, 1, 1, looks_inside=True),
    "intersection": Function(_intersection, 2, MANY),
    "items": Function(_items, 1, 1, looks_inside=True),
    "objectkeys": Function(_object_keys, 1, 1, looks_inside=True),
    "tryget": Function(_try_get_last, 2, MANY, looks_inside=True),
}
