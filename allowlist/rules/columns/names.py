"""Which rules name a host: a column of rule numbers for every name and pattern that stands in a rule."""

from __future__ import annotations

from collections.abc import Iterable

NOTHING: tuple[int, ...] = ()
ANY_NAME = "*"


class NameColumn:
    """Rule numbers by the text of a pattern; asked by name, with what is above a domain remembered.

    >>> column = NameColumn()
    >>> for number, pattern in enumerate(["*.a.com", "x.a.com", "*a.com", "*"]):
    ...     column.add(pattern, number)
    >>> column.numbers("x.a.com"), column.numbers("y.xa.com"), column.numbers("b.org")
    ((0, 1, 2, 3), (2, 3), (3,))
    """

    def __init__(self) -> None:
        self._numbers: dict[str, list[int]] = {}
        self._lookalike_lengths: set[int] = set()
        self._lookalikes: dict[tuple[int, int], tuple[int, ...]] = {}
        self._above: dict[str, tuple[int, ...]] = {}

    def add(self, pattern: str, number: int) -> None:
        """``number`` is named by ``pattern``. To be called in rising order of numbers, before the first question."""
        found = self._numbers.get(pattern)
        if found is None:
            self._numbers[pattern] = [number]
            if pattern[0] == "*" and len(pattern) > 1 and pattern[1] != ".":
                self._lookalike_lengths.add(len(pattern) - 1)
        elif found[-1] != number:
            found.append(number)

    def numbers(self, key: str) -> tuple[int, ...]:
        """Every number whose pattern covers all of ``key``, a host name or a pattern, ascending."""
        suffix = key[1:] if key[0] == "*" else key
        dot = suffix.find(".", 1)
        parent = suffix[dot:] if dot >= 0 else ""
        found = self._above.get(parent)
        if found is None:
            found = self._walk(parent)
        more = self._beside(key, suffix, len(parent))
        return tuple(sorted({*found, *more})) if more else found

    def _walk(self, parent: str) -> tuple[int, ...]:
        """The numbers of everything that covers the whole domain ``parent`` (``.b.com``), for all names in it."""
        domains = [parent]
        while (parent := self._parent_of(domains[-1])) not in self._above and domains[-1]:
            domains.append(parent)
        for domain in reversed(domains):
            self._above[domain] = self._above_domain(domain)
        return self._above[domains[0]]

    def _above_domain(self, domain: str) -> tuple[int, ...]:
        own = self._numbers.get("*" + domain, NOTHING)
        if not domain:
            return tuple(own)
        parent = self._parent_of(domain)
        above, lookalikes = self._above[parent], self._between(domain, len(parent))
        if not own and not lookalikes:
            return above
        return tuple(sorted({*above, *own, *lookalikes}))

    @staticmethod
    def _parent_of(domain: str) -> str:
        dot = domain.find(".", 1)
        return domain[dot:] if dot >= 0 else ""

    def _beside(self, key: str, suffix: str, above: int) -> list[int]:
        """What covers ``key`` besides what covers its whole parent domain: itself, and ``*suffix`` without a dot."""
        own = self._numbers.get(key, NOTHING)
        lookalikes = self._between(suffix, above)
        whole = self._numbers.get("*" + key, NOTHING) if suffix is key else NOTHING
        return [*own, *whole, *lookalikes]

    def _between(self, suffix: str, above: int) -> list[int]:
        """The numbers of look-alike patterns (``*suffix``) longer than ``above`` and shorter than ``suffix``."""
        if not self._lookalike_lengths:
            return []
        size, numbers = len(suffix), self._numbers
        return [
            number
            for length in self._lengths(above, size)
            for number in numbers.get("*" + suffix[size - length :], NOTHING)
        ]

    def _lengths(self, above: int, size: int) -> tuple[int, ...]:
        found = self._lookalikes.get((above, size))
        if found is None:
            lengths = (item for item in self._lookalike_lengths if above < item < size)
            found = self._lookalikes[above, size] = tuple(sorted(lengths))
        return found

    @classmethod
    def of(cls, patterns: Iterable[Iterable[str]]) -> NameColumn:
        """A column of the patterns of each number in turn."""
        column = cls()
        for number, texts in enumerate(patterns):
            for text in texts:
                column.add(text, number)
        return column
