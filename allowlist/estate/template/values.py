"""What an expression can stand for. What only a deployment knows is a value of its own: :class:`Unknown`.

An unknown is never a text, so that no function can take it for one. It carries what it is *called*: a stand-in from
which names and ids are built, so that resources of one template still find each other, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from allowlist.estate.template.budget import Budget

SHOWN = 200
"""Characters of an expression that are worth showing to a person."""


class Refused(ValueError):
    """Resource Manager refuses this, or it is not certain what it does with it."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only a deployment knows.

    ``text`` is the expression it comes from. ``is_id``: built from a scope that was made up here, and known but for
    that. ``some``: as an item of a list, any number of items, none included. ``perhaps``: as a member of an object,
    it may not be there.
    """

    text: str
    called: Any = None
    is_id: bool = False
    some: bool = False
    perhaps: bool = False

    @property
    def several(self) -> Unknown:
        return replace(self, some=True, perhaps=False, is_id=False)

    @property
    def single(self) -> Unknown:
        return replace(self, some=False, perhaps=False)


class Open(dict[str, Any]):
    """An object of which only some members are known here."""


class Either(Open):
    """One of several objects: each member that it may have is here, and some of them may not be there."""


def may_be_absent(value: Any) -> bool:
    """Is it a member that only one of two objects has?"""
    return isinstance(value, Unknown) and value.perhaps


def settled(members: dict[str, Any]) -> dict[str, Any]:
    """``members`` as an object: one that is not all known where some of them may not be there."""
    return Either(members) if any(map(may_be_absent, members.values())) else members


def hides_members(value: Any) -> bool:
    """Is it an object that may have other members than are known?"""
    return isinstance(value, Open) and not isinstance(value, Either)


@dataclass(frozen=True, slots=True)
class Lambda:
    """A function value: ``call`` takes as many values as there are ``names``."""

    names: tuple[str, ...]
    call: Callable[..., Any]


def nickname(expression: str) -> str:
    """What something is called whose name cannot be worked out."""
    return re.sub(r"\W+", "-", expression).strip("-")[:SHOWN] or "unknown"


def is_unknown(value: Any, budget: Budget) -> bool:
    """Does any part of ``value`` depend on a deployment?"""
    budget.spend()
    if isinstance(value, dict):
        return isinstance(value, Open) or any(is_unknown(item, budget) for item in value.values())
    if isinstance(value, list):
        return any(is_unknown(item, budget) for item in value)
    return isinstance(value, Unknown | Lambda)


def called(value: Any, budget: Budget) -> Any:
    """``value`` with every unknown part replaced by what it is called."""
    budget.spend()
    if isinstance(value, Unknown):
        return nickname(value.text) if value.called is None else value.called
    if isinstance(value, dict):
        return {key: called(item, budget) for key, item in value.items()}
    if isinstance(value, list):
        return [called(item, budget) for item in value]
    if isinstance(value, Lambda):
        raise Refused("a lambda is no value")
    return value


def ids_in(values: Iterator[Any] | list[Any]) -> Iterator[Unknown]:
    """The ids of unknown scope among ``values``."""
    return (value for value in values if isinstance(value, Unknown) and value.is_id)


def kind_of(value: Any) -> str:
    """The JSON type: Python takes True for 1, Azure does not."""
    if value is None:
        return "null"
    for kind, name in (
        (bool, "bool"),
        (int, "int"),
        (float, "float"),
        (str, "string"),
        (list, "array"),
        (dict, "object"),
    ):
        if isinstance(value, kind):
            return name
    return "unknown"


def equal(one: Any, other: Any, budget: Budget) -> bool:
    """Deep equality of two known values, types included. Raises Refused where it is not certain."""
    budget.spend()
    kinds = {kind_of(one), kind_of(other)}
    if kinds == {"int", "float"} and one == other:
        raise Refused("an integer beside a fraction")
    if len(kinds) > 1:
        return False
    if isinstance(one, dict):
        return _equal_objects(one, other, budget)
    if isinstance(one, list):
        return len(one) == len(other) and all(equal(a, b, budget) for a, b in zip(one, other, strict=True))
    return bool(one == other)


def _equal_objects(one: dict[str, Any], other: dict[str, Any], budget: Budget) -> bool:
    if one.keys() != other.keys() and {key.lower() for key in one} == {key.lower() for key in other}:
        raise Refused("keys that differ in letter case only")
    return one.keys() == other.keys() and all(equal(one[key], other[key], budget) for key in one)


def differ(one: Any, other: Any, budget: Budget) -> bool:
    """Are two values different for certain, whatever is unknown in them?"""
    budget.spend()
    if isinstance(one, Unknown | Lambda) or isinstance(other, Unknown | Lambda):
        return False
    kinds = {kind_of(one), kind_of(other)}
    if len(kinds) > 1:
        return kinds != {"int", "float"}
    if isinstance(one, dict):
        return _objects_differ(one, other, budget)
    if isinstance(one, list):
        return _lists_differ(one, other, budget)
    return bool(one != other)


def _objects_differ(one: dict[str, Any], other: dict[str, Any], budget: Budget) -> bool:
    return (
        _lacks(one, other)
        or _lacks(other, one)
        or any(differ(value, other[key], budget) for key, value in one.items() if key in other)
    )


def _lacks(holder: dict[str, Any], other: dict[str, Any]) -> bool:
    """Is there a member of ``other`` for certain which ``holder`` has not, in no letter case?"""
    if hides_members(holder):
        return False
    folded = {key.lower() for key in holder}
    return any(key.lower() not in folded and not may_be_absent(value) for key, value in other.items())


def _lists_differ(one: list[Any], other: list[Any], budget: Budget) -> bool:
    """What stands in the same place is compared, and that is known up to where any number of items may stand."""
    for a, b in zip(one, other, strict=False):
        if is_several(a) or is_several(b):
            return False
        if differ(a, b, budget):
            return True
    return len(one) != len(other) and not any(map(is_several, (*one, *other)))


def is_several(item: Any) -> bool:
    """Does it stand for any number of items of a list?"""
    return isinstance(item, Unknown) and item.some


ABSENT = object()


def member(holder: Mapping[str, Any], name: str) -> Any:
    """A member by name in whatever letter case; ABSENT if there is none. Raises Refused where two would do."""
    folded = name.lower()
    found = [item for key, item in holder.items() if key.lower() == folded]
    if len(found) > 1:
        raise Refused(f"two members are called {name}")
    return found[0] if found else ABSENT


def spelled(holder: Mapping[str, Any], name: str) -> str:
    """The key of ``holder`` that equals ``name`` but for letter case; ``name`` itself if there is none."""
    folded = name.lower()
    return next((key for key in holder if key.lower() == folded), name)
