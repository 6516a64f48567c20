"""One of two values, where only a deployment knows which: what both share is known, member by member, item by item."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from allowlist.estate.template.budget import Budget
from allowlist.estate.template.values import (
    ABSENT,
    Refused,
    Unknown,
    equal,
    hides_members,
    is_unknown,
    may_be_absent,
    member,
    nickname,
    settled,
)


def one_of(one: Any, other: Any, text: str, budget: Budget) -> Any:
    """What is known of a value that is ``one`` or ``other``; what is not is called by ``text``, the expression."""
    budget.spend()
    if isinstance(one, dict) and isinstance(other, dict):
        return _object(one, other, text, budget)
    if isinstance(one, list) and isinstance(other, list):
        return _list(one, other, text, budget)
    if isinstance(one, Unknown) and isinstance(other, Unknown):
        return _unknown(one, other, text)
    known = not is_unknown(one, budget) and not is_unknown(other, budget)
    return one if known and _same(one, other, budget) else Unknown(text, nickname(text))


def _same(one: Any, other: Any, budget: Budget) -> bool:
    try:
        return equal(one, other, budget)
    except Refused:
        return False


def _unknown(one: Unknown, other: Unknown, text: str) -> Unknown:
    """An id that both are stays one; of all else only what it is called is kept, where that is the same."""
    alike = one.called == other.called and type(one.called) is type(other.called)
    if one.is_id and other.is_id and alike:
        return replace(one.single, is_id=True)
    return Unknown(text, one.called if alike and one.called is not None else nickname(text))


def _object(one: dict[str, Any], other: dict[str, Any], text: str, budget: Budget) -> Any:
    if hides_members(one) or hides_members(other):
        return Unknown(text, nickname(text))
    found: dict[str, Any] = {}
    for key, value in one.items():
        opposite = member(other, key)
        sure = opposite is not ABSENT and not any(map(may_be_absent, (value, opposite)))
        found[key] = one_of(value, opposite, text, budget) if sure else _perhaps(text)
    for key in other:
        if member(one, key) is ABSENT:
            found[key] = _perhaps(text)
    return settled(found)


def _perhaps(text: str) -> Unknown:
    return Unknown(text, nickname(text), perhaps=True)


def _list(one: list[Any], other: list[Any], text: str, budget: Budget) -> list[Any]:
    """Item by item where both are as long as each other; else what they begin with, and any number of others."""
    if len(one) == len(other) and not any(isinstance(item, Unknown) and item.some for item in (*one, *other)):
        return [one_of(a, b, text, budget) for a, b in zip(one, other, strict=True)]
    same: list[Any] = []
    for a, b in zip(one, other, strict=False):
        if is_unknown(a, budget) or is_unknown(b, budget) or not _same(a, b, budget):
            break
        same.append(a)
    return [*same, Unknown(text, nickname(text), some=True)]
