"""Exact sets of names, closed under union, intersection and difference.

Patterns are nested or disjoint, so a set is a tree of them: each marked pattern says whether the names in it,
outside the marked patterns below it, belong to the set. ``_marks`` holds only marks that differ from the
nearest mark above, so equal sets have equal marks. The one exception, a pattern all of whose names are taken
by marks below it, needs a mark for every character that can stand in front; it is found and dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Final

from allowlist.names.pattern import (
    MAX_LABEL_LENGTH,
    MAX_NAME_LENGTH,
    Pattern,
    ancestors,
    covers,
    is_host_name,
)

_ALPHABET: Final = "xabcdefghijklmnopqrstuvwyz0123456789-_."


class NameSet:
    """An immutable set of host names; build it from patterns and combine with ``|``, ``&`` and ``-``.

    >>> azure = NameSet(["*.azure.com", "azure.com"])
    >>> azure - NameSet(["*.openai.azure.com"])
    NameSet(azure.com, *.azure.com except *.openai.azure.com)
    >>> NameSet(["*azure.com"]) - azure
    NameSet(*azure.com except *.azure.com, azure.com)
    >>> (NameSet(["*azure.com"]) - azure).witness()
    'xazure.com'
    >>> "api.openai.azure.com" in azure, NameSet(["api.azure.com"]).is_subset(azure)
    (True, True)
    """

    __slots__ = ("_marks",)

    def __init__(self, patterns: Iterable[Pattern | str] = ()) -> None:
        self._marks: dict[str, bool] = _reduced({str(pattern): True for pattern in patterns})

    @classmethod
    def everything(cls) -> NameSet:
        return cls(["*"])

    @classmethod
    def _of(cls, marks: dict[str, bool]) -> NameSet:
        result = cls.__new__(cls)
        result._marks = _reduced(marks)
        return result

    def __contains__(self, name: str) -> bool:
        return self._value_at(name)

    def __or__(self, other: NameSet) -> NameSet:
        return self._combined(other, lambda mine, theirs: mine or theirs)

    def __and__(self, other: NameSet) -> NameSet:
        return self._combined(other, lambda mine, theirs: mine and theirs)

    def __sub__(self, other: NameSet) -> NameSet:
        return self._combined(other, lambda mine, theirs: mine and not theirs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NameSet) and self._marks == other._marks

    def __hash__(self) -> int:
        return hash(frozenset(self._marks.items()))

    def __bool__(self) -> bool:
        return any(self._marks.values())

    def __repr__(self) -> str:
        return f"NameSet({', '.join(self.terms())})"

    def is_subset(self, other: NameSet) -> bool:
        return not self - other

    def is_disjoint(self, other: NameSet) -> bool:
        return not self & other

    def terms(self) -> Iterator[str]:
        """The set in words: ``*.a.com`` or ``*.a.com except b.a.com``, widest first."""
        for text in sorted(self._marks, key=lambda text: (len(text), text)):
            if self._marks[text]:
                below = [hole for hole in self._children(text) if not self._marks[hole]]
                yield f"{text} except {', '.join(sorted(below))}" if below else text

    def witness(self) -> str | None:
        """Some valid host name of the set, the plainest one; None if the set is empty."""
        for text in sorted(self._marks, key=lambda text: (text[:1] == "*", len(text), text)):
            if self._marks[text]:
                return _own_name(text, self._children(text))
        return None

    def patterns(self) -> tuple[Pattern, ...] | None:
        """The set as a plain list of patterns, if it is one: None when it has holes."""
        if not all(self._marks.values()):
            return None
        return tuple(Pattern(text) for text in sorted(self._marks))

    def marks(self) -> Mapping[str, bool]:
        """Patterns by text: do the names in one, outside those of the narrower ones, belong to the set?"""
        return self._marks

    def _value_at(self, text: str) -> bool:
        for wider in ancestors(text):
            mark = self._marks.get(wider)
            if mark is not None:
                return mark
        return False

    def _children(self, text: str) -> list[str]:
        return _marks_below(text, self._marks)

    def _combined(self, other: NameSet, operation: Callable[[bool, bool], bool]) -> NameSet:
        texts = self._marks.keys() | other._marks.keys()
        return NameSet._of({text: operation(self._value_at(text), other._value_at(text)) for text in texts})


def minimal_cover(patterns: Iterable[Pattern]) -> tuple[Pattern, ...]:
    """The fewest of ``patterns`` that hold the same names: those covered by another one are left out.

    >>> minimal_cover([Pattern("*.a.com"), Pattern("x.a.com"), Pattern("a.com")])
    (Pattern(text='*.a.com'), Pattern(text='a.com'))
    """
    texts = {pattern.text for pattern in patterns}
    kept = (text for text in texts if not any(wider in texts for wider in ancestors(text) if wider != text))
    return tuple(Pattern(text) for text in sorted(kept))


def witness_outside(text: str, holes: Collection[str]) -> str | None:
    """A valid name in pattern ``text`` and in none of the ``holes``, all of which lie inside it; None if none is left."""
    plain = "x" + text[1:] if text[:1] == "*" else text
    if plain not in holes and is_host_name(plain) and not any(wider in holes for wider in ancestors(plain)):
        return plain
    return _own_name(text, holes)


def _reduced(marks: dict[str, bool]) -> dict[str, bool]:
    """Drop marks that repeat the nearest mark above, and marks whose own region holds no name."""
    marks = {text: value for text, value in marks.items() if _has_own_name(text, marks)}
    return {text: value for text, value in marks.items() if value != _nearest_above(text, marks)}


def _nearest_above(text: str, marks: dict[str, bool]) -> bool:
    walk = ancestors(text)
    next(walk)
    for wider in walk:
        mark = marks.get(wider)
        if mark is not None:
            return mark
    return False


def _marks_below(text: str, marks: dict[str, bool]) -> list[str]:
    if text[:1] != "*":
        return []
    region = Pattern(text)
    return [other for other in marks if other != text and covers(region, Pattern(other))]


def _has_own_name(text: str, marks: dict[str, bool]) -> bool:
    if text[:1] != "*":
        return True
    # One letter in front is free unless exactly that name or its own wildcard is marked: no look at the other marks.
    plain = "x" + text[1:]
    if is_host_name(plain) and plain not in marks and "*" + plain not in marks:
        return True
    return _own_name(text, _marks_below(text, marks)) is not None


def _own_name(text: str, below: Collection[str]) -> str | None:
    """A valid name in pattern ``text`` and in none of the patterns ``below`` it; breadth first, so a short one."""
    if text[:1] != "*":
        return text
    suffix = text[1:]
    if not any(is_host_name(front + suffix) for front in ("", "x", "x.")):
        return None
    taken = set(below)
    frontier = [suffix]
    while frontier:
        longer = [letter + tail for tail in frontier for letter in _ALPHABET if _may_precede(letter, tail)]
        frontier = [tail for tail in longer if "*" + tail not in taken]
        for tail in frontier:
            if tail not in taken and is_host_name(tail):
                return tail
    return suffix if suffix not in taken and is_host_name(suffix) else None


def _may_precede(letter: str, tail: str) -> bool:
    if len(tail) >= MAX_NAME_LENGTH:
        return False
    if letter == ".":
        return tail[:1] not in ("", ".", "-")
    if letter == "-":
        return tail[:1] not in ("", ".")
    label, _, _ = tail.partition(".")
    return len(label) < MAX_LABEL_LENGTH
