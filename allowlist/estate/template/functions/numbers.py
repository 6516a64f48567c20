"""Numbers, logic and comparison. Integers have 64 bits; division and remainder truncate, as in .NET."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from allowlist.estate.template.budget import Budget
from allowlist.estate.template.functions.table import MANY, Function, boolean, integer
from allowlist.estate.template.values import Refused, equal, kind_of

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_FRACTION = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")
Number = int | float


def _long(value: int) -> int:
    if not -(2**63) <= value < 2**63:
        raise Refused("more than 64 bits")
    return value


def _arithmetic(work: Callable[[int, int], int]) -> Function:
    return Function(lambda budget, one, other: _long(work(integer(one), integer(other))), 2, 2)


def _div(one: int, other: int) -> int:
    if other == 0:
        raise Refused("division by zero")
    quotient = abs(one) // abs(other)
    return quotient if (one < 0) == (other < 0) else -quotient


def _mod(one: int, other: int) -> int:
    return one - other * _div(one, other)


def _int(budget: Budget, value: Any) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return _long(int(value))
    return integer(value)


def _float(budget: Budget, value: Any) -> float:
    if isinstance(value, str) and _FRACTION.fullmatch(value):
        return float(value)
    return value if isinstance(value, float) else float(integer(value))


def _bool(budget: Budget, value: Any) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if kind_of(value) == "int" and value in (0, 1):
        return bool(value)
    return boolean(value)


def _extreme(choose: Callable[[list[int]], int]) -> Function:
    def extreme(budget: Budget, *values: Any) -> int:
        numbers = [item for value in values for item in (value if isinstance(value, list) else [value])]
        if not numbers:
            raise Refused("nothing to choose from")
        return choose([integer(item) for item in numbers])

    return Function(extreme, 1, MANY)


def _comparison(holds: Callable[[int, int], bool]) -> Function:
    def compared(budget: Budget, one: Any, other: Any) -> bool:
        kinds = (kind_of(one), kind_of(other))
        if kinds == ("string", "string"):
            return holds(_order(one, other), 0)
        if not set(kinds) <= {"int", "float"}:
            raise Refused("not to be compared")
        return holds((one > other) - (one < other), 0)

    return Function(compared, 2, 2)


_PLAIN = re.compile(r"[a-z0-9]*|[A-Z0-9]*|[A-Z][a-z0-9]*")


def _order(one: str, other: str) -> int:
    """Of texts whose order is the same by code point and in every culture."""
    if one != other and not (_PLAIN.fullmatch(one) and _PLAIN.fullmatch(other) and _alike(one, other)):
        raise Refused("the order depends on the culture")
    return (one > other) - (one < other)


def _alike(one: str, other: str) -> bool:
    """Do both use letter case in the same places, as far as both go?"""
    return (
        all(a.isupper() == b.isupper() for a, b in zip(one, other, strict=False))
        and one.lower() != other.lower()
    )


NUMBERS: dict[str, Function] = {
    "add": _arithmetic(lambda one, other: one + other),
    "sub": _arithmetic(lambda one, other: one - other),
    "mul": _arithmetic(lambda one, other: one * other),
    "div": _arithmetic(_div),
    "mod": _arithmetic(_mod),
    "int": Function(_int, 1, 1),
    "float": Function(_float, 1, 1),
    "bool": Function(_bool, 1, 1),
    "min": _extreme(min),
    "max": _extreme(max),
    "true": Function(lambda budget: True, 0, 0),
    "false": Function(lambda budget: False, 0, 0),
    "null": Function(lambda budget: None, 0, 0),
    "not": Function(lambda budget, value: not boolean(value), 1, 1),
    "equals": Function(lambda budget, one, other: equal(one, other, budget), 2, 2),
    "less": _comparison(lambda order, zero: order < zero),
    "lessorequals": _comparison(lambda order, zero: order <= zero),
    "greater": _comparison(lambda order, zero: order > zero),
    "greaterorequals": _comparison(lambda order, zero: order >= zero),
}
