"""What certain allows let through, for very many requirements at once.

**Certain allows.** Rules consume sources in order. Where only certain allows meet any source until nothing is left, no
rule of another kind decides about any flow: all is allowed, and no assumption was made. Whether that is so needs the
union of the allows only, not their order:

- the certain allows around a name together hold all of the sources, and no rule of another kind around it meets any
  of them, but for denies that close the rules, which come last; or else the rules are gone through in order.
- Inside a wildcard more rules may stand. A further certain allow takes flows from nobody but the rules after it. So
  the names at which a rule of another kind stands are looked at, and no others.

``CoverageEngine.cover`` says the same (``tests/property/test_certain_allows.py``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from allowlist.names import SuffixIndex
from allowlist.rules.index import ANY_KEY, DOUBTFUL_NAME, Around, RuleIndex, Service, Table
from allowlist.rules.model import FilterRule
from allowlist.rules.requirement import Requirement

OTHERWISE: Final = 0
"""A rule that is no certain allow meets a flow of it, or nobody looked."""
ALLOWED: Final = 1
"""Certain allows let all of it through."""
OPEN: Final = 2
"""Certain allows let none or a part of it through, and no other rule decides about it but denies that close the rules."""

_NO_NAMES = "#%@"


class CertainAllows:
    """The certain allows of one ruleset, by service, as masks of the sources they let through."""

    def __init__(self, index: RuleIndex) -> None:
        self._index = index
        self._columns: dict[Service, _Column] = {}

    def fates(self, requirements: Iterable[Requirement]) -> list[int]:
        """For each requirement ``ALLOWED``, ``OPEN`` or ``OTHERWISE``."""
        return list(map(self.fate, requirements))

    def fate(self, item: Requirement) -> int:
        key, (low, high) = item.pattern, item.ports
        if not key or low != high or key in (ANY_KEY, DOUBTFUL_NAME) or self._index.knows_names:
            return OTHERWISE
        service = (item.protocol, low)
        column = self._columns.get(service)
        if column is None:
            column = self._columns[service] = _Column.of(self._index.table(service))
        sources = self._index.zones.mask(item.sources)
        return column.fate(key, sources) if sources else OTHERWISE

    def closing(self) -> list[FilterRule]:
        """The denies that close the rules to any service that was asked about."""
        tables = [column.table for column in self._columns.values()]
        return [table.entries[number].rule for table in tables for number in table.closing]


@dataclass(slots=True)
class _Parent:
    """What every name of a parent domain meets: the sources certain allows hold, and the sources of all others."""

    around: Around
    allowed: int
    others: int


@dataclass(slots=True)
class _Column:
    """The rules to one service: by number their sources, and whether they certainly allow."""

    table: Table
    masks: list[int]
    allows: list[bool]
    spoilt: SuffixIndex
    """The keys at which a rule stands that is no certain allow."""
    parents: dict[str, _Parent] = field(default_factory=dict)
    known: dict[tuple[str, int], int] = field(default_factory=dict)

    @classmethod
    def of(cls, table: Table) -> _Column:
        allows = [entry.allows and entry.certain for entry in table.entries]
        others = {number for number, allowing in enumerate(allows) if not allowing}
        spoilt = (
            key
            for key, numbers in table.by_key.items()
            if key[0] not in _NO_NAMES
            and key not in (ANY_KEY, DOUBTFUL_NAME)
            and not others.isdisjoint(numbers)
        )
        return cls(table, [entry.mask for entry in table.entries], allows, SuffixIndex(spoilt))

    def fate(self, key: str, sources: int) -> int:
        if key[0] != "*":
            return self._fate_at(key, sources)
        found = self.known.get((key, sources))
        if found is None:
            found = self.known[key, sources] = self._fate_within(key, sources)
        return found

    def _fate_within(self, key: str, sources: int) -> int:
        found = self._fate_at(key, sources)
        if found == OTHERWISE:
            return OTHERWISE
        inside = (self._fate_at(part, sources) for part in self.spoilt.below(key))
        return OTHERWISE if OTHERWISE in inside else found

    def _fate_at(self, key: str, sources: int) -> int:
        """The fate at this key, whatever stands inside it."""
        table = self.table
        numbers, parent = table.numbers_beside(key), self._parent(table.parent_of(key))
        left, others = sources & ~parent.allowed, parent.others & sources
        for number in numbers:
            if self.allows[number]:
                left &= ~self.masks[number]
            elif number not in table.closing:
                others |= self.masks[number] & sources
        if not others:
            return OPEN if left else ALLOWED
        if left:
            return OTHERWISE
        return self._in_order(sorted({*parent.around.numbers, *numbers}), sources)

    def _parent(self, name: str) -> _Parent:
        found = self.parents.get(name)
        if found is None:
            found = self.parents[name] = self._find_parent(self.table.around(name))
        return found

    def _find_parent(self, around: Around) -> _Parent:
        found = _Parent(around, 0, 0)
        for number in around.numbers:
            if self.allows[number]:
                found.allowed |= self.masks[number]
            elif number not in self.table.closing:
                found.others |= self.masks[number]
        return found

    def _in_order(self, numbers: Iterable[int], sources: int) -> int:
        for number in numbers:
            if not self.masks[number] & sources:
                continue
            if not self.allows[number]:
                return OTHERWISE
            sources &= ~self.masks[number]
            if not sources:
                return ALLOWED
        return OTHERWISE
