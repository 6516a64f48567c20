"""What was read from an engine's files: statements in the order in which they decide, and entries that are not what they seem."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import reduce
from typing import Final

from allowlist.filters.lists import ANY_SERVICE, Service, beside, meet
from allowlist.filters.reading import Form, Reading
from allowlist.names import NameSet, Pattern
from allowlist.rules.addresses import EVERYWHERE, AddressSet

__all__ = [
    "EVERY_NAME",
    "Imported",
    "Line",
    "Place",
    "Scope",
    "Trouble",
    "TroubleKind",
    "all_of",
    "both",
    "joined",
    "negated",
    "union",
]

EVERY_NAME: Final = NameSet.everything()
_MOST_SCOPES: Final = 20_000
"""Alternatives that one condition may have; hand-written ones have a handful, lists of names stay in one piece."""


class TroubleKind(StrEnum):
    """What is wrong with an entry that was read: each is a finding of its own."""

    FATAL = "does not load"
    DEAD = "never matches"
    OPAQUE = "cannot be said as names"
    CONFLICT = "conflicts with another entry"
    HIDES = "hides other entries"
    UNREAD = "was not read"


@dataclass(frozen=True, slots=True)
class Trouble:
    kind: TroubleKind
    file: str
    line: int
    entry: str
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: '{self.entry}' {self.kind}: {self.why}"


_TROUBLES: Final = {
    Form.FATAL: TroubleKind.FATAL,
    Form.DEAD: TroubleKind.DEAD,
    Form.OPAQUE: TroubleKind.OPAQUE,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands; line 0 where the format has no lines."""

    entry: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.line} {self.entry}" if self.line else self.entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The flows that a condition selects; with ``doubts`` it perhaps selects fewer, and they say what decides that."""

    place: Place
    names: NameSet = EVERY_NAME
    services: tuple[Service, ...] = (ANY_SERVICE,)
    sources: AddressSet = EVERYWHERE
    doubts: tuple[str, ...] = ()

    @property
    def is_by_name_alone(self) -> bool:
        return self.services == (ANY_SERVICE,) and self.sources == EVERYWHERE and not self.doubts


def all_of(parts: Iterable[Sequence[Scope]], place: Place) -> list[Scope]:
    """The flows that every one of ``parts`` selects."""
    found = [Scope(place=place)]
    for part in parts:
        found = both(found, part)
    return found


def both(ones: Sequence[Scope], others: Sequence[Scope]) -> list[Scope]:
    """The flows that some of ``ones`` and some of ``others`` select; the narrower of two says the entry."""
    if len(ones) * len(others) > _MOST_SCOPES:
        place = ones[0].place
        return [Scope(place=place, doubts=(f"the condition of '{place.entry}', which has too many parts",))]
    found = (_meeting(one, other) for one in ones for other in others)
    return [scope for scope in found if scope is not None]


def _meeting(one: Scope, other: Scope) -> Scope | None:
    names = _common_names(one.names, other.names)
    services = tuple(
        common
        for mine in one.services
        for theirs in other.services
        if (common := meet(mine, theirs)) is not None
    )
    sources = one.sources & other.sources
    if not (names and services and sources):
        return None
    return Scope(
        place=one.place if other.names == EVERY_NAME else other.place,
        names=names,
        services=services,
        sources=sources,
        doubts=tuple(dict.fromkeys((*one.doubts, *other.doubts))),
    )


def _common_names(one: NameSet, other: NameSet) -> NameSet:
    if one == EVERY_NAME or other == EVERY_NAME:
        return other if one == EVERY_NAME else one
    return one & other


def joined(scopes: Sequence[Scope]) -> list[Scope]:
    """The same flows in fewer scopes: those that differ only in their sources, or only in their services, are one."""
    by_sources: dict[object, Scope] = {}
    for scope in scopes:
        key = (scope.names, scope.services, scope.doubts)
        known = by_sources.get(key)
        by_sources[key] = replace(known, sources=known.sources | scope.sources) if known else scope
    found: dict[object, Scope] = {}
    for scope in by_sources.values():
        same = (scope.names, scope.sources, scope.doubts)
        known = found.get(same)
        services = tuple(sorted({*known.services, *scope.services})) if known else ()
        found[same] = replace(known, services=services) if known else scope
    return list(found.values())


def negated(scopes: Sequence[Scope], universe: tuple[Service, ...], place: Place) -> list[Scope]:
    """The flows that none of ``scopes`` selects for certain; ``universe`` are the services the engine sees."""
    by_name = [scope for scope in scopes if scope.is_by_name_alone]
    rest = [scope for scope in scopes if not scope.is_by_name_alone]
    found = [Scope(place=place, names=EVERY_NAME - union(scope.names for scope in by_name))]
    for scope in rest:
        found = both(found, list(_outside(scope, universe, place)))
    return found


def _outside(scope: Scope, universe: tuple[Service, ...], place: Place) -> Iterable[Scope]:
    whole = Scope(place=place)
    if scope.names != EVERY_NAME:
        yield replace(whole, names=EVERY_NAME - scope.names)
    if scope.services != (ANY_SERVICE,) and (others := beside(universe, scope.services)):
        yield replace(whole, services=others)
    if scope.sources != EVERYWHERE:
        yield replace(whole, sources=EVERYWHERE - scope.sources)
    if scope.doubts:
        yield replace(scope, place=place)


@dataclass(frozen=True, slots=True)
class Line:
    """One statement: flows of ``scope`` are let through, or denied."""

    allows: bool
    scope: Scope

    @property
    def place(self) -> Place:
        return self.scope.place


@dataclass(slots=True)
class Imported:
    """Statements of which the first that matches decides; what none matches is denied."""

    troubles: list[Trouble] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    def say(self, allows: bool, *scopes: Scope) -> None:
        self.lines += [Line(allows, scope) for scope in scopes]

    def add(
        self, service: Service, entry: str, reading: Reading, file: str, line: int, *, allows: bool = True
    ) -> None:
        """One entry, with the finding about it if it does not mean what it seems to."""
        scopes = self.scopes(reading, Place(entry, file, line))
        self.say(allows, *(replace(item, services=(service,)) for item in scopes))

    def scopes(self, reading: Reading, place: Place) -> list[Scope]:
        """What an entry selects: for one that names cannot say, what is certain of it and a doubt about the rest.

        One that is dead, fatal or opaque is a finding.
        """
        if reading.form in _TROUBLES:
            self.tell(_TROUBLES[reading.form], place, reading.why)
        elif reading.names is not None and not reading.names:
            self.tell(TroubleKind.DEAD, place, "is no name that a client sends")
        if reading.names is not None:
            return [Scope(place=place, names=reading.names)] if reading.names else []
        sure = [Scope(place=place, names=reading.sure)] if reading.sure else []
        doubts = (f"'{place.entry}', which {reading.why}",)
        return [*sure, Scope(place=place, names=reading.within, doubts=doubts)]

    def either(self, scope: Scope, doubt: str) -> None:
        """Flows that may pass and may not, by what ``doubt`` says."""
        doubtful = replace(scope, doubts=(*scope.doubts, doubt))
        self.say(False, doubtful)
        self.say(True, doubtful)

    def tell(self, kind: TroubleKind, place: Place, why: str) -> None:
        self.troubles.append(Trouble(kind, place.file, place.line, place.entry, why))

    def unknown(self, place: Place, why: str, kind: TroubleKind = TroubleKind.OPAQUE) -> None:
        """What stands here may let through or deny anything: no later statement is certain."""
        self.tell(kind, place, why)
        self.either(Scope(place=place), f"'{place.entry}' in {place.file or 'the list'}: {why}")

    def refuse_nothing(self, files: Mapping[str, str]) -> None:
        """Files that say something, of which nothing was understood, are not a filter that lets nothing through."""
        if self.lines:
            return
        for file, text in files.items():
            if any(line.strip()[:1] not in ("", "#") for line in text.splitlines()):
                self.unknown(Place(file, file), "holds nothing that this format has", TroubleKind.UNREAD)

    def everything_else(self, allows: bool, why: str) -> None:
        """What is done with flows that no statement matches; a denial needs no saying."""
        if allows:
            self.say(True, Scope(place=Place(why)))

    def allowed_at(self, service: Service) -> NameSet:
        """The names that certainly pass at every port of ``service``, from every source."""
        allowed, undecided = NameSet(), EVERY_NAME
        deciding = (line for line in self.lines if _covers(line.scope, service))
        for allows, run in itertools.groupby(deciding, key=lambda line: line.allows):
            names = union(line.scope.names for line in run)
            allowed = union((allowed, names & undecided)) if allows else allowed
            undecided -= names
        return allowed

    @property
    def services(self) -> list[Service]:
        """Those that some statement speaks of."""
        return sorted({service for line in self.lines for service in line.scope.services})

    @property
    def allowed(self) -> dict[Service, NameSet]:
        found = {service: self.allowed_at(service) for service in self.services}
        return {service: names for service, names in found.items() if names}

    @property
    def loads(self) -> bool:
        return not any(item.kind in (TroubleKind.FATAL, TroubleKind.CONFLICT) for item in self.troubles)


def _covers(scope: Scope, service: Service) -> bool:
    if scope.doubts or scope.sources != EVERYWHERE:
        return False
    return any(meet(service, other) == service for other in scope.services)


def union(sets: Iterable[NameSet]) -> NameSet:
    """All of them as one; those without holes are joined in one step, since each union looks at all of a set."""
    plain: list[Pattern] = []
    holed: list[NameSet] = []
    for names in sets:
        patterns = names.patterns()
        if patterns is None:
            holed.append(names)
        else:
            plain.extend(patterns)
    return reduce(operator.or_, holed, NameSet(plain))
