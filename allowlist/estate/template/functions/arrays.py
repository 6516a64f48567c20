"""Arrays, and what works on arrays, texts and objects alike. Unknown items stay unknown one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allowlist.estate.template.budget import Budget
from allowlist.estate.template.functions.table import (
    MANY,
    Function,
    array,
    ascii_text,
    has_several,
    integer,
    sized,
    text,
)
from allowlist.estate.template.functions.texts import concat_texts
from allowlist.estate.template.values import (
    ABSENT,
    Open,
    Refused,
    Unknown,
    differ,
    equal,
    hides_members,
    is_unknown,
    may_be_absent,
    member,
)

LONGEST_RANGE = 10_000


def _concat(budget: Budget, *parts: Any) -> Any:
    """Texts, or arrays; an unknown beside an array is an array of which nothing is known."""
    if not any(isinstance(part, list) for part in parts):
        if any(isinstance(part, Unknown) for part in parts):
            raise Refused("an unknown text")
        return concat_texts(budget, parts)
    found: list[Any] = []
    for part in parts:
        found += [part.several] if isinstance(part, Unknown) else array(part)
        budget.items(len(found))
    return found


def _contains(budget: Budget, where: Any, what: Any) -> Any:
    if isinstance(where, dict):
        found = member(where, text(what))
        if (found is ABSENT and hides_members(where)) or may_be_absent(found):
            raise Refused("an object that is not all known")
        return found is not ABSENT
    if isinstance(where, list):
        return _holds(budget, where, what)
    return text(what) in text(where)


def _holds(budget: Budget, items: list[Any], what: Any) -> bool:
    known = not is_unknown(what, budget)
    unknown = False
    for item in items:
        if is_unknown(item, budget) or not known:
            unknown = True
        elif equal(item, what, budget):
            return True
    if unknown:
        raise Refused("items that are not known")
    return False


def _empty(budget: Budget, value: Any) -> bool:
    """An id is never empty, wherever its deployment goes."""
    if isinstance(value, Unknown) and value.is_id:
        return False
    if isinstance(value, list):
        if value and all(isinstance(item, Unknown) and item.some for item in value):
            raise Refused("a list of unknown length")
        return not value
    if isinstance(value, Open):
        if all(map(may_be_absent, value.values())):
            raise Refused("an object that is not all known")
        return False
    if value is None or isinstance(value, str | dict):
        return not value
    raise Refused("nothing that could be empty")


def _length(budget: Budget, value: Any) -> int:
    if isinstance(value, Open):
        raise Refused("an object that is not all known")
    if isinstance(value, list):
        return len(sized(value))
    if isinstance(value, str) and max(value, default="") > "\uffff":
        raise Refused("characters of two units")
    if isinstance(value, str | dict):
        return len(value)
    raise Refused("no length")


def _end(at: int) -> Function:
    def end(budget: Budget, value: Any) -> Any:
        if isinstance(value, str) and value:
            return value[at]
        items = array(value)
        if not items:
            return None
        if isinstance(items[at], Unknown) and items[at].some:
            raise Refused("a list of unknown length")
        return items[at]

    return Function(end, 1, 1, looks_inside=True)


def _skip(budget: Budget, value: Any, count: Any) -> Any:
    if isinstance(value, str):
        return value[max(0, integer(count)) :]
    return _known_head(array(value), integer(count))[max(0, count) :]


def _take(budget: Budget, value: Any, count: Any) -> Any:
    if isinstance(value, str):
        return value[: max(0, integer(count))]
    return _known_head(array(value), integer(count))[: max(0, count)]


def _known_head(items: list[Any], count: int) -> list[Any]:
    """``items`` if it is known which the first ``count`` of them are."""
    if has_several(items[: max(0, count)]):
        raise Refused("a list of unknown length")
    return items


def _flatten(budget: Budget, items: Any) -> list[Any]:
    found: list[Any] = []
    for item in array(items):
        found += [item.several] if isinstance(item, Unknown) else array(item)
        budget.items(len(found))
    return found


def distinct(budget: Budget, items: list[Any]) -> list[Any]:
    """Each value once, the first time it occurs."""
    found: list[Any] = []
    seen: set[str | int] = set()
    for item in items:
        if isinstance(item, str):
            if item not in seen:
                seen.add(item)
                found.append(item)
        elif is_unknown(item, budget) or not any(
            not is_unknown(other, budget) and equal(item, other, budget) for other in found
        ):
            found.append(item)
    return _as_set(found, budget)


_PAIRS = 20_000
"""So many pairs of values are compared one by one; of longer lists all that is not known may stand there twice."""


def _as_set(items: list[Any], budget: Budget) -> list[Any]:
    """Of two items that may be equal one may not be there: the later one, but for one that is known.

    That one is there for certain, but not where: it may have stood in the place of an earlier one. So behind it, too,
    any number of items may stand.
    """
    partly = {at for at, item in enumerate(items) if is_unknown(item, budget)}
    doubtful = _perhaps_twice(items, partly, budget)
    if not doubtful:
        return items
    found = [_any_number(item) if at in doubtful else item for at, item in enumerate(items)]
    last = found[max(doubtful)]
    return found if found[-1] is last else [*found, last]


def _perhaps_twice(items: list[Any], partly: set[int], budget: Budget) -> set[int]:
    if len(partly) * len(items) > _PAIRS:
        return partly
    found: set[int] = set()
    for at in partly:
        for other in range(len(items)):
            pair = min(at, other), max(at, other)
            if at != other and not differ(items[at], items[other], budget):
                found.add(pair[1] if pair[1] in partly else pair[0])
    return found


def _any_number(item: Any) -> Unknown:
    return (item if isinstance(item, Unknown) else Unknown("union()", "union")).several


def _range(budget: Budget, start: Any, count: Any) -> list[int]:
    if not 0 <= integer(count) <= LONGEST_RANGE or not -(2**31) <= integer(start) <= 2**31 - 1 - count:
        raise Refused("no range that Resource Manager makes")
    return list(range(start, start + count))


def _index(find: Callable[[str, str], int], *, last: bool) -> Function:
    def index(budget: Budget, where: Any, what: Any) -> int:
        if isinstance(where, str):
            if not text(what):
                raise Refused("an empty text")
            return find(ascii_text(where).lower(), ascii_text(what).lower())
        places = [at for at, item in enumerate(array(where)) if equal(item, what, budget)]
        if isinstance(what, str) and len(places) < sum(
            isinstance(item, str) and item.lower() == what.lower() for item in where
        ):
            raise Refused("items that differ in letter case only")
        return places[-1 if last else 0] if places else -1

    return Function(index, 2, 2)


def _from_end(budget: Budget, items: Any, count: Any) -> Any:
    if not 1 <= integer(count) <= len(array(items)):
        raise Refused("beyond the list")
    return items[-count]


def _try_from_end(budget: Budget, items: Any, count: Any) -> Any:
    return items[-count] if 1 <= integer(count) <= len(array(items)) else None


def _array(budget: Budget, value: Any) -> list[Any]:
    if isinstance(value, Unknown):
        raise Refused("whether it is an array already")
    return value if isinstance(value, list) else [value]


ARRAYS: dict[str, Function] = {
    "array": Function(_array, 1, 1, looks_inside=True),
    "concat": Function(_concat, 1, MANY, looks_inside=True, takes_unknown=True),
    "contains": Function(_contains, 2, 2, looks_inside=True),
    "createarray": Function(
        lambda budget, *items: list(items), 0, MANY, looks_inside=True, takes_unknown=True
    ),
    "empty": Function(_empty, 1, 1, looks_inside=True, takes_unknown=True),
    "first": _end(0),
    "flatten": Function(_flatten, 1, 1, looks_inside=True),
    "indexof": _index(str.find, last=False),
    "indexfromend": Function(_from_end, 2, 2),
    "last": _end(-1),
    "lastindexof": _index(str.rfind, last=True),
    "length": Function(_length, 1, 1, looks_inside=True),
    "range": Function(_range, 2, 2),
    "skip": Function(_skip, 2, 2, looks_inside=True),
    "take": Function(_take, 2, 2, looks_inside=True),
    "tryindexfromend": Function(_try_from_end, 2, 2),
}
