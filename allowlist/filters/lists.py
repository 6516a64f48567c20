"""What is to be written for a filter: patterns by service, each with the catalog entries that want it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from allowlist.names import NameSet, Pattern, ancestors, minimal_cover
from allowlist.rules.model import HTTP_PORTS
from allowlist.rules.requirement import Requirement

__all__ = [
    "ANY_SERVICE",
    "Kind",
    "Lists",
    "Service",
    "Shape",
    "beside",
    "lists_of",
    "meet",
    "said_by",
    "shapes_of",
]

_LAST_PORT: Final = 65535


@dataclass(frozen=True, slots=True, order=True)
class Service:
    """One protocol with a range of ports, both ends included; ``any`` where a filter knows names only."""

    protocol: str
    low: int = 0
    high: int = _LAST_PORT

    def __str__(self) -> str:
        if self.protocol == "any":
            return "any port"
        ports = str(self.low) if self.low == self.high else f"{self.low}-{self.high}"
        return f"{self.protocol}:{ports}"

    @property
    def slug(self) -> str:
        """For file and object names: ``https-443``."""
        return str(self).replace(":", "-").replace(" ", "-")


ANY_SERVICE = Service("any")

_WITHIN: Final = {
    "https": ("https", "tcp", "any"),
    "http": ("http", "tcp", "any"),
    "mssql": ("mssql", "tcp", "any"),
    "tcp": ("tcp", "any"),
}


def meet(one: Service, other: Service) -> Service | None:
    """What both hold, None for nothing; HTTP(S) and MSSQL are spoken over TCP.

    >>> str(meet(Service("tcp", 400, 500), Service("https")))
    'https:400-500'
    """
    if other.protocol in _WITHIN.get(one.protocol, (one.protocol, "any")):
        protocol = one.protocol
    elif one.protocol in _WITHIN.get(other.protocol, (other.protocol, "any")):
        protocol = other.protocol
    else:
        return None
    low, high = max(one.low, other.low), min(one.high, other.high)
    return Service(protocol, low, high) if low <= high else None


_SAID: Final = re.compile(
    r"(?:https?|tls|port)[_-](\d{1,5})(?:[_-](\d{1,5}))?(?!\d)|[_-](80|443|8080|8443)(?!\w)"
)
"""Ports in names that people give: ``allowlist_https_443``, ``allow_443``; a year is none."""


def said_by(protocol: str, *labels: str) -> Service:
    """The service that the first of ``labels`` says, else the usual port of ``protocol``.

    >>> str(said_by("https", "sites_2024", "allowlist-https-8443.conf")), str(said_by("https", "sites_2024"))
    ('https:8443', 'https:443')
    """
    for found in filter(None, map(_SAID.search, labels)):
        low, high, usual = found.groups()
        return Service(protocol, int(low or usual), int(high or low or usual))
    return Service(protocol, HTTP_PORTS[protocol], HTTP_PORTS[protocol])


def beside(whole: Iterable[Service], gone: Iterable[Service]) -> tuple[Service, ...]:
    """What of ``whole`` lies outside ``gone``; protocols of ``whole`` are disjoint."""
    left = list(whole)
    for taken in gone:
        left = [piece for service in left for piece in _around(service, taken)]
    return tuple(sorted(left))


def _around(service: Service, taken: Service) -> Iterator[Service]:
    common = meet(service, taken)
    if common is None or common.protocol != service.protocol:
        yield service
        return
    if service.low < common.low:
        yield Service(service.protocol, service.low, common.low - 1)
    if common.high < service.high:
        yield Service(service.protocol, common.high + 1, service.high)


class Kind(StrEnum):
    """The shapes of name lists: what an engine can say differs by shape, not by name."""

    EXACT = "one name"
    BELOW = "everything below a name"
    TREE = "a name and everything below it"
    ENDS = "every name that ends with a text"
    EVERYTHING = "every name"


@dataclass(frozen=True, slots=True, order=True)
class Shape:
    kind: Kind
    name: str
    """The host name, or for ``ENDS`` the text a name ends with; empty for ``EVERYTHING``."""

    @property
    def patterns(self) -> tuple[str, ...]:
        match self.kind:
            case Kind.EXACT:
                return (self.name,)
            case Kind.BELOW:
                return (f"*.{self.name}",)
            case Kind.TREE:
                return (self.name, f"*.{self.name}")
            case _:
                return (f"*{self.name}",)


@dataclass(frozen=True)
class Lists:
    """Patterns by service; the value of a pattern is who wants it (``catalog@version#entry``)."""

    services: Mapping[Service, Mapping[str, tuple[str, ...]]]

    @cached_property
    def meaning(self) -> dict[Service, NameSet]:
        return {service: NameSet(patterns) for service, patterns in self.services.items()}

    def seen_by(self, sees: Callable[[Service], Service | None]) -> tuple[Lists, Lists]:
        """The lists in the services an engine can tell apart, and what it cannot see at all."""
        seen: dict[Service, dict[str, tuple[str, ...]]] = {}
        unseen: dict[Service, Mapping[str, tuple[str, ...]]] = {}
        for service, patterns in sorted(self.services.items()):
            place = sees(service)
            if place is None:
                unseen[service] = patterns
                continue
            names = seen.setdefault(place, {})
            for pattern, origins in patterns.items():
                names[pattern] = tuple(sorted({*names.get(pattern, ()), *origins}))
        return Lists(seen), Lists(unseen)

    def __iter__(self) -> Iterator[tuple[Service, list[tuple[Shape, tuple[str, ...]]]]]:
        return iter(self._shapes)

    @cached_property
    def _shapes(self) -> list[tuple[Service, list[tuple[Shape, tuple[str, ...]]]]]:
        return [(service, shapes_of(self.services[service])) for service in sorted(self.services)]


def lists_of(requirements: Iterable[Requirement]) -> tuple[Lists, list[Requirement]]:
    """The requirements by name as lists, and those that name no host (service and FQDN tags)."""
    services: dict[Service, dict[str, set[str]]] = {}
    nameless: list[Requirement] = []
    for item in requirements:
        if not item.pattern:
            nameless.append(item)
            continue
        patterns = services.setdefault(Service(item.protocol, *item.ports), {})
        patterns.setdefault(item.pattern, set()).add(str(item.origin))
    ordered = {
        service: {pattern: tuple(sorted(origins)) for pattern, origins in sorted(patterns.items())}
        for service, patterns in services.items()
    }
    return Lists(ordered), nameless


def shapes_of(patterns: Mapping[str, tuple[str, ...]]) -> list[tuple[Shape, tuple[str, ...]]]:
    """The fewest shapes that mean ``patterns``, in a fixed order; what a shape covers is named among its origins.

    >>> [str(shape.kind) for shape, _ in shapes_of({"x.com": (), "*.x.com": (), "a.x.com": ()})]
    ['a name and everything below it']
    """
    kept = {pattern.text for pattern in minimal_cover(Pattern(text) for text in patterns)}
    shapes = sorted({shape for text in kept if (shape := _shape(text, kept)) is not None})
    shape_of = {pattern: shape for shape in shapes for pattern in shape.patterns}
    origins: dict[Shape, set[str]] = {shape: set() for shape in shapes}
    for text, who in patterns.items():
        for wider in shape_of.keys() & set(ancestors(text)):
            origins[shape_of[wider]].update(who)
    return [(shape, tuple(sorted(origins[shape]))) for shape in shapes]


def _shape(text: str, kept: set[str]) -> Shape | None:
    """The shape of one pattern; None for a name that its own subtree takes along."""
    if text == "*":
        return Shape(Kind.EVERYTHING, "")
    if text.startswith("*."):
        name = text[2:]
        return Shape(Kind.TREE if name in kept else Kind.BELOW, name)
    if text.startswith("*"):
        return Shape(Kind.ENDS, text[1:])
    return None if f"*.{text}" in kept else Shape(Kind.EXACT, text)
