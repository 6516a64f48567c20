"""Response policy zones: names in a DNS tree, where an entry changes what a wildcard above it covers.

A wildcard answers for a name only from the *closest encloser*, the deepest existing node above the name (RFC 4592).
Every listed name makes all nodes above it exist, so adding an entry can close, or in one zone with a final ``*``
open, names that nobody listed. BIND walks the tree of existing nodes. Unbound looks at the entry that sorts just
before the name (labels compared by length first) and takes the part both share; in a closed zone both agree.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable
from enum import StrEnum

from allowlist.names import NameSet, is_host_name, normalise

__all__ = ["Answer", "Resolver", "Zone", "close"]


class Answer(StrEnum):
    """``PASS`` and ``BLOCK`` by an entry, ``NONE`` where no entry of the zone matches."""

    PASS = "pass"
    BLOCK = "block"
    NONE = "none"


class Resolver(StrEnum):
    BIND_9_18 = "bind 9.18"
    BIND_9_20 = "bind 9.20"
    UNBOUND = "unbound"


Labels = tuple[str, ...]
"""A name from its last label to its first: ``("com", "contoso", "www")``."""


def _labels(name: str) -> Labels:
    return tuple(reversed(name.lower().removesuffix(".").split("."))) if name else ()


def close(patterns: Iterable[str]) -> list[str]:
    """Owners that make a zone mean exactly ``patterns`` (exact names and ``*.x``) to every resolver.

    Below a wildcard each listed name, and each name between it and the wildcard, becomes a node that hides the
    wildcard; so each gets itself and its own wildcard.

    >>> close(["*.x.com", "a.b.x.com"])
    ['*.a.b.x.com', '*.b.x.com', '*.x.com', 'a.b.x.com', 'b.x.com']
    """
    wanted = set(patterns)
    tops = {text[2:] for text in wanted if text.startswith("*.")}
    owners = set(wanted)
    for text in wanted:
        name = text.removeprefix("*.")
        while name:
            parent = name.partition(".")[2]
            above = parent
            covered = False
            while above:
                if above in tops:
                    covered = True
                    break
                above = above.partition(".")[2]
            if not covered:
                break
            owners |= {name, f"*.{name}"}
            name = parent
    return sorted(owners)


class Zone:
    """The owners of one zone, each with what its record does: True passes, False blocks."""

    def __init__(self, records: Iterable[tuple[str, bool]]) -> None:
        self.data: dict[Labels, bool] = {}
        for owner, passes in records:
            self.data.setdefault(_labels(owner), passes)
        self.nodes: set[Labels] = {()}
        for labels in self.data:
            self.nodes |= {labels[:depth] for depth in range(len(labels) + 1)}
        self._below: dict[Labels, list[Labels]] = defaultdict(list)
        for node in self.nodes:
            if node:
                self._below[node[:-1]].append(node)
        self._sorted = sorted((_by_length(labels), labels) for labels in self.data)

    def answer(self, sent: str, resolver: Resolver) -> Answer:
        """What the zone does with the name as a client asked for it."""
        name = _labels(sent)
        if resolver is Resolver.UNBOUND:
            return self._said(self._found_by_unbound(name))
        return self._answer_of_bind(name, resolver)

    def _said(self, owner: Labels | None) -> Answer:
        if owner is None:
            return Answer.NONE
        return Answer.PASS if self.data[owner] else Answer.BLOCK

    def _answer_of_bind(self, name: Labels, resolver: Resolver) -> Answer:
        if name in self.nodes:
            return self._said(name if name in self.data else None)
        depth = max(depth for depth in range(len(name)) if name[:depth] in self.nodes)
        wildcard = (*name[:depth], "*")
        if wildcard in self.data:
            return self._said(wildcard)
        if wildcard in self.nodes and resolver is Resolver.BIND_9_18:
            # 9.18.49: a wildcard node that exists only because something stands below it sends the look-up
            # on to the wildcard of the zone (measured; 9.20.30 does not)
            return self._said(("*",) if ("*",) in self.data else None)
        return Answer.NONE

    def _found_by_unbound(self, name: Labels) -> Labels | None:
        if name in self.data:
            return name
        place = bisect_right(self._sorted, (_by_length(name), name))
        before: Labels = self._sorted[place - 1][1] if place else ()
        shared = 0
        while shared < min(len(before), len(name)) and before[shared] == name[shared]:
            shared += 1
        wildcard = (*name[:shared], "*")
        return wildcard if wildcard in self.data else None

    def names_of(self, owner: str) -> NameSet:
        """The names that the entry of ``owner`` answers for, as the tree says (BIND)."""
        labels = _labels(owner)
        text = normalise(".".join(reversed(labels)))
        if labels[-1:] != ("*",):
            return NameSet([text]) if is_host_name(text) else NameSet()
        hidden = [
            pattern
            for child in self._below.get(labels[:-1], ())
            if child != labels
            for name in (".".join(reversed(child)),)
            for pattern in (name, f"*.{name}")
        ]
        return NameSet([text]) - NameSet(hidden)

    def is_closed(self) -> bool:
        """Has every node below a passing wildcard an entry and a wildcard of its own? Then all resolvers agree."""
        tops = {owner[:-1] for owner, passes in self.data.items() if passes and owner[-1:] == ("*",)}
        return all(
            node in self.data and (*node, "*") in self.data
            for node in self.nodes
            if node[-1:] != ("*",) and _is_below(node, tops)
        )


def _is_below(node: Labels, tops: Collection[Labels]) -> bool:
    return any(node[:depth] in tops for depth in range(len(node)))


def _by_length(name: Labels) -> tuple[tuple[int, bytes], ...]:
    """Unbound sorts labels by their length in octets before their text."""
    return tuple((len(label.encode()), label.encode()) for label in name)
