"""The rules of one collection while operations edit them: found by what they say, in the order they stand in."""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Callable, Iterable

from allowlist.estate.bodies import Body
from allowlist.estate.fields import owner_of
from allowlist.plan.model import Operation

_Mark = tuple[str, str]


class StandingRules:
    """Rules under numbers that rise in their order; ``shape`` turns one into the shape that operations speak of."""

    def __init__(self, rules: Iterable[Body], shape: Callable[[Body], Body] = lambda rule: rule) -> None:
        self._shape = shape
        self._rules: dict[int, Body] = {}
        self._numbers: dict[_Mark, list[int]] = defaultdict(list)
        self._next = 0
        for rule in rules:
            self.append(rule)

    def place_of(self, operation: Operation) -> int | None:
        """The number of the rule that ``operation`` edits: the one that reads as it did, else the one that carries its
        mark under its name. A rule of somebody else is never it, whatever it is called.
        """
        before = operation.before
        if before is not None:
            same = (item for item in self._numbers.get(_mark_of(before), ()) if self._reads(item) == before)
            if (found := next(same, None)) is not None:
                return found
        owner = owner_of((before or operation.after or {}).get("description"))
        return next(iter(self._numbers.get((repr(operation.path[1]), repr(owner)), ())), None)

    def append(self, rule: Body) -> None:
        self._put(self._next, rule)
        self._next += 1

    def replace(self, place: int, rule: Body) -> None:
        """``rule`` stands where the one under ``place`` stood."""
        self._take(place)
        self._put(place, rule)

    def remove(self, place: int) -> None:
        """The rule under ``place`` goes, and with it every copy of it."""
        self.remove_copies(place)
        self._take(place)

    def remove_copies(self, place: int) -> None:
        """Every other rule that reads to the letter as the one under ``place`` does goes."""
        rule = self._rules[place]
        for number in list(self._numbers[self._mark(rule)]):
            if number != place and self._rules[number] == rule:
                self._take(number)

    def in_order(self) -> list[Body]:
        return [self._rules[number] for number in sorted(self._rules)]

    def __len__(self) -> int:
        return len(self._rules)

    def _reads(self, number: int) -> Body:
        return self._shape(self._rules[number])

    def _mark(self, rule: Body) -> _Mark:
        return _mark_of(self._shape(rule))

    def _put(self, number: int, rule: Body) -> None:
        self._rules[number] = rule
        bisect.insort(self._numbers[self._mark(rule)], number)

    def _take(self, number: int) -> None:
        self._numbers[self._mark(self._rules.pop(number))].remove(number)


def _mark_of(rule: Body) -> _Mark:
    """Name and owner: rules that read alike have the same; any JSON may stand where a name belongs."""
    return repr(rule.get("name")), repr(owner_of(rule.get("description")))
