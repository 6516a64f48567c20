"""Items by what they have in common: one walk, where a filter for each group would be one walk for each."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)


def grouped(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """The items by ``key``, groups in the order of their first item, items in theirs.

    >>> grouped(["ape", "bee", "ant"], lambda word: word[0])
    {'a': ['ape', 'ant'], 'b': ['bee']}
    """
    found: dict[Key, list[Item]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found
