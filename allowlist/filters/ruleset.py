"""Statements of a filter as neutral rules, so that what is asked of Azure's rules can be asked of them.

Statements may hold sets of names with holes; rules hold patterns, and the first that matches decides. So the names are
taken apart into all patterns that any statement mentions. Each becomes a rule for what lies in it and in no narrower
one, the narrowest first, decided by the statements in their own order.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from allowlist.filters.imported import EVERY_NAME, Imported, Line, Place, Scope
from allowlist.filters.lists import Service, meet
from allowlist.names import ancestors
from allowlist.rules.addresses import EVERYWHERE, AddressSet, Interval
from allowlist.rules.model import (
    Action,
    ApplicationRule,
    FilterRule,
    NetworkRule,
    RuleRef,
    Ruleset,
    Settings,
    Sources,
)
from allowlist.rules.services import PortRanges

__all__ = ["Sight", "idle_lines", "ruleset_of", "sight_of"]


class Sight(Enum):
    """What a filter looks at: names in HTTP(S), addresses learnt from names by TCP port, or names in DNS alone."""

    WEB = "web"
    ADDRESS = "address"
    NAME = "name"


def sight_of(seen: Service | None) -> Sight:
    """By what an engine makes of ``https:443``."""
    match seen.protocol if seen else "":
        case "any":
            return Sight.NAME
        case "tcp":
            return Sight.ADDRESS
        case _:
            return Sight.WEB


_PROTOCOLS: Final = {Sight.WEB: ("https", "http"), Sight.ADDRESS: ("tcp",), Sight.NAME: ("any",)}


@dataclass(frozen=True, slots=True)
class _Piece:
    """Services and sources for which the same statements count."""

    protocol: str
    ports: Interval
    sources: AddressSet


def ruleset_of(found: Imported, name: str, sight: Sight) -> Ruleset:
    """The rules of a filter called ``name``."""
    rules = list(_rules(found.lines, name, sight))
    settings = Settings(
        is_managed=all(line.scope.sources == EVERYWHERE for line in found.lines),
        names_only=sight is Sight.NAME,
    )
    return Ruleset(
        name=name,
        network=tuple(rule for rule in rules if isinstance(rule, NetworkRule)),
        application=tuple(rule for rule in rules if isinstance(rule, ApplicationRule)),
        settings=settings,
    )


_ANYTHING: Final = Line(False, Scope(place=Place("")))


def idle_lines(found: Imported, sight: Sight) -> Iterator[tuple[Line, Line]]:
    """Statements that decide nothing because earlier ones, together, decide all of their flows; with the first of those."""
    working: set[int] = set()
    hiding: dict[int, Line] = {}
    for lines, _ in _cells(found.lines, sight):
        for _, chain, matching in _decisions(lines):
            working |= {id(line) for line in chain}
            for line in matching[len(chain) :]:
                if hiding.get(id(line), _ANYTHING).scope.names == EVERY_NAME:
                    hiding[id(line)] = chain[-1]
    told: set[Place] = set()
    for line in found.lines:
        if line.place.line and line.place not in told and id(line) not in working and id(line) in hiding:
            told.add(line.place)
            yield line, hiding[id(line)]


def _rules(lines: Sequence[Line], name: str, sight: Sight) -> Iterator[FilterRule]:
    for cell, pieces in _cells(lines, sight):
        decisions = [(pattern, chain) for pattern, chain, _ in _decisions(cell)]
        for sources, services in _by_sources(pieces):
            for pattern, chain in decisions:
                for line in chain:
                    yield _rule(name, sight, line, pattern, services, sources)
                if pattern != "*" and not (chain and not chain[-1].scope.doubts):
                    yield _rule(name, sight, None, pattern, services, sources)


def _cells(lines: Sequence[Line], sight: Sight) -> Iterator[tuple[list[Line], list[_Piece]]]:
    """Pieces of the services and sources by the statements that count in them, in their order."""
    groups: dict[tuple[tuple[Service, ...], AddressSet], list[int]] = defaultdict(list)
    for number, line in enumerate(lines):
        groups[line.scope.services, line.scope.sources].append(number)
    zones = _zones(sources for _, sources in groups)
    found: dict[tuple[int, ...], list[_Piece]] = defaultdict(list)
    keys = list(groups)
    for protocol in _PROTOCOLS[sight]:
        for piece in _port_pieces(protocol, [services for services, _ in keys]):
            for zone in zones:
                counting = tuple(
                    index
                    for index, (services, sources) in enumerate(keys)
                    if _holds(services, piece) and not zone - sources
                )
                if counting:
                    found[counting].append(_Piece(protocol, (piece.low, piece.high), zone))
    for counting, pieces in found.items():
        numbers = sorted(number for index in counting for number in groups[keys[index]])
        yield [lines[number] for number in numbers], pieces


def _zones(sets: Iterable[AddressSet]) -> list[AddressSet]:
    """All addresses, taken apart so that each part lies wholly inside or wholly outside every one of ``sets``."""
    zones = [EVERYWHERE]
    for sources in set(sets):
        zones = [part for zone in zones for part in (zone & sources, zone - sources) if part]
    return zones


def _port_pieces(protocol: str, services: Sequence[tuple[Service, ...]]) -> Iterator[Service]:
    whole = Service(protocol, 1)
    edges = {whole.low, whole.high + 1}
    for service in {one for group in services for one in group}:
        common = meet(service, whole)
        if common is not None:
            edges |= {common.low, common.high + 1}
    ordered = sorted(edges)
    for low, after in itertools.pairwise(ordered):
        yield Service(protocol, low, after - 1)


def _holds(services: tuple[Service, ...], piece: Service) -> bool:
    return any(meet(service, piece) == piece for service in services)


def _by_sources(pieces: Sequence[_Piece]) -> Iterator[tuple[AddressSet, tuple[tuple[str, int, int], ...]]]:
    """(sources, port ranges), each pair of both once."""
    ranges: dict[AddressSet, list[tuple[str, int, int]]] = defaultdict(list)
    for piece in pieces:
        ranges[piece.sources].append((piece.protocol, *piece.ports))
    joined: dict[tuple[tuple[str, int, int], ...], AddressSet] = {}
    for zone, services in ranges.items():
        key = tuple(_joined(services))
        joined[key] = joined.get(key, AddressSet()) | zone
    for ports, zone in joined.items():
        yield zone, ports


def _joined(ranges: Iterable[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    found: list[tuple[str, int, int]] = []
    for protocol, low, high in sorted(ranges):
        if found and found[-1][0] == protocol and found[-1][2] + 1 == low:
            found[-1] = (protocol, found[-1][1], high)
        else:
            found.append((protocol, low, high))
    return found


def _decisions(lines: Sequence[Line]) -> Iterator[tuple[str, list[Line], list[Line]]]:
    """Each pattern, the narrowest first, with the statements that decide there (the last for certain, if any does)
    and all that speak of it.
    """
    marks: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    for number, line in enumerate(lines):
        for text, holds in line.scope.names.marks().items():
            marks[text].append((number, holds))
    for pattern in sorted({*marks, "*"}, key=_narrowest_first):
        held: dict[int, bool] = {}
        for wider in ancestors(pattern):
            for number, holds in marks.get(wider, ()):
                held.setdefault(number, holds)
        matching = [lines[number] for number in sorted(held) if held[number]]
        certain = next((at for at, line in enumerate(matching) if not line.scope.doubts), len(matching) - 1)
        yield pattern, matching[: certain + 1], matching


def _narrowest_first(pattern: str) -> tuple[bool, int, str]:
    return pattern[:1] == "*", -len(pattern), pattern


_NOTHING_LISTED: Final = Place("names that no entry holds")


def _rule(
    name: str,
    sight: Sight,
    line: Line | None,
    pattern: str,
    services: tuple[tuple[str, int, int], ...],
    sources: AddressSet,
) -> FilterRule:
    place = line.place if line else _NOTHING_LISTED
    ref = RuleRef(policy=name, group="", collection=place.file, rule=str(place))
    action = Action.ALLOW if line and line.allows else Action.DENY
    doubts = line.scope.doubts if line else ()
    if sight is Sight.WEB:
        return ApplicationRule(
            ref=ref,
            action=action,
            sources=Sources(addresses=sources),
            services=PortRanges(services),
            patterns=(pattern,),
            unmodelled=doubts,
        )
    return NetworkRule(
        ref=ref,
        action=action,
        sources=Sources(addresses=sources),
        protocols=frozenset(protocol for protocol, _, _ in services),
        ports=tuple((low, high) for _, low, high in services),
        destinations=EVERYWHERE if pattern == "*" and sight is Sight.ADDRESS else AddressSet(),
        fqdns=(pattern,),
        unmodelled=doubts,
    )
