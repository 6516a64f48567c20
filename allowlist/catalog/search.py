"""Which catalogs allow a host, or mention a word: entries, scenarios, placeholders and catalogs themselves.

A placeholder stands for one label (a region, the name of a registry), or for the value it is given. An entry whose
domain is a placeholder would answer to every host, so it answers to none unless the value is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit

from allowlist.catalog.library import Library
from allowlist.catalog.model import Catalog, Entry, Need, Port, Protocol
from allowlist.catalog.reach import label_shape, pattern_of
from allowlist.errors import AllowlistError
from allowlist.names import InvalidPattern, Pattern, covers, is_host_name, normalise

_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_]\w*)\}")
_LABEL: Final = r"[a-z0-9_-]+"
_SCHEMES: Final = {
    "https": (Protocol.HTTPS, 443),
    "wss": (Protocol.HTTPS, 443),
    "http": (Protocol.HTTP, 80),
    "ws": (Protocol.HTTP, 80),
}


class Relation(StrEnum):
    """What a catalog has to do with what was asked for, the strongest first."""

    ALLOWS = "allows"
    REFUSE = "refuse"
    DEAD = "dead"
    PORT_DIFFERS = "other port"
    WITHIN = "names below it"
    MENTIONS = "mentions"
    ENDED = "ended"


_TELLING: Final = (Relation.ALLOWS, Relation.REFUSE, Relation.DEAD)


class Subject(StrEnum):
    """What of a catalog was found."""

    CATALOG = "catalog"
    SCENARIO = "scenario"
    PARAMETER = "parameter"
    ENTRY = "entry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody looks for: a host or a pattern, with the port of a URL, or else a word."""

    text: str
    host: str = ""
    port: Port | None = None

    @property
    def pattern(self) -> Pattern | None:
        return Pattern(self.host) if self.host else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One place that answers. ``name`` is the id of an entry or the name of a scenario or parameter.

    ``values`` are what placeholders stand for in the host that was asked for; ``is_default``: a workload gets it
    without naming the scenario.
    """

    catalog: str
    version: str
    subject: Subject
    name: str
    relation: Relation
    text: str
    entry: Entry | None = None
    values: tuple[tuple[str, str], ...] = ()
    is_default: bool = False


def parse_asked(text: str) -> Asked:
    """A URL, ``host:port``, a host, a pattern such as ``*.contoso.com``, or else a word.

    Raises AllowlistError for a URL without a host and for a port that is none.
    """
    text = text.strip()
    if "://" in text:
        return _parse_url(text)
    host, colon, port = text.partition(":")
    if colon and port.isdecimal() and _is_name(host):
        return Asked(text=text, host=normalise(host), port=_tcp(text, int(port)))
    if _is_name(text) and "." in text:
        return Asked(text=text, host=normalise(text))
    return Asked(text=text)


def _parse_url(text: str) -> Asked:
    parts = urlsplit(text)
    try:
        host, port = normalise(parts.hostname or ""), parts.port
    except (ValueError, UnicodeError) as error:
        raise AllowlistError(f"'{text}' is no address: {error}") from None
    if not is_host_name(host):
        raise AllowlistError(f"'{text}' holds no host name", hint="write https://HOST/… or the host alone")
    protocol, usual = _SCHEMES.get(parts.scheme.lower(), (Protocol.TCP, 0))
    number = port or usual
    if not number:
        return Asked(text=text, host=host)
    return Asked(text=text, host=host, port=Port(protocol, number, number))


def _tcp(text: str, number: int) -> Port:
    if not 1 <= number <= 65535:
        raise AllowlistError(f"'{text}': port {number} is outside 1 to 65535")
    known = {usual: protocol for protocol, usual in _SCHEMES.values()}
    return Port(known.get(number, Protocol.TCP), number, number)


def _is_name(text: str) -> bool:
    try:
        name = normalise(text)
    except UnicodeError:
        return False
    return is_host_name(name.removeprefix("*.")) and not name.replace(".", "").isdigit()


@dataclass(frozen=True, slots=True)
class _Place:
    """One entry, ready to be compared with hosts; ``version`` is empty where the latest release lacks it."""

    catalog: Catalog
    version: str
    entry: Entry
    pattern: Pattern | None
    shape: re.Pattern[str] | None


class Searcher:
    """A library ready for many questions; ``parameters`` are values of placeholders, as a workload gives them."""

    def __init__(self, library: Library, parameters: Mapping[str, str] | None = None) -> None:
        self._library = library
        self._parameters = {name: value for name, value in (parameters or {}).items() if value}

    def find(self, asked: Asked) -> list[Hit]:
        """Everything that answers, the strongest first, then in the order of catalogs and entries."""
        hits = list(self._hosts(asked) if asked.host else self._words(asked.text))
        return sorted(hits, key=_strength)

    def may_know(self, host: str) -> bool:
        """Does any entry end like ``host``? Where none does, :meth:`find` has no answer for it."""
        return _tail(host) in self._by_tail

    @cached_property
    def _places(self) -> tuple[_Place, ...]:
        return tuple(place for catalog in self._library for place in _places_of(catalog, self._parameters))

    @cached_property
    def _by_tail(self) -> dict[str, list[_Place]]:
        """Entries by the last two labels of their names, which hold no placeholder as a rule."""
        found: dict[str, list[_Place]] = {}
        for place in self._places:
            if place.pattern:
                found.setdefault(_tail(place.pattern.text), []).append(place)
        return found

    def _hosts(self, asked: Asked) -> Iterator[Hit]:
        found = (_match(place, asked) for place in self._by_tail.get(_tail(asked.host), ()))
        return (hit for hit in found if hit)

    def _words(self, text: str) -> Iterator[Hit]:
        words = text.lower().split()
        if not words:
            return
        for catalog in self._library:
            version = _latest(catalog)
            yield from _about_catalog(catalog, version, words)
        for place in self._places:
            if _holds(words, *_texts(place.entry)):
                relation = Relation.MENTIONS if place.version else Relation.ENDED
                yield _hit(place, relation, place.entry.purpose or str(place.entry))


def is_by_name(hit: Hit) -> bool:
    """Does the entry name the very host, not a wildcard or a placeholder it falls under?"""
    return hit.entry is not None and not ("*" in hit.entry.value or "{" in hit.entry.value)


def _strength(hit: Hit) -> tuple[bool, int, int, bool, int]:
    """An entry that names the very host comes before those it merely falls under: what is better refused is said first."""
    need = list(Need).index(hit.entry.need) if hit.entry else 0
    wide = hit.relation is Relation.ALLOWS and not is_by_name(hit)
    return (
        wide or hit.relation not in _TELLING,
        list(Relation).index(hit.relation),
        list(Subject).index(hit.subject),
        not hit.is_default,
        need,
    )


def _latest(catalog: Catalog) -> str:
    return catalog.latest if catalog.releases else "next"


def _places_of(catalog: Catalog, parameters: Mapping[str, str]) -> Iterator[_Place]:
    version = _latest(catalog)
    current = {entry.id for entry in catalog.entries_at(version)}
    newest: dict[str, Entry] = {}
    for entry in catalog.entries:
        if entry.id not in current:
            newest[entry.id] = entry
    for entry in (*catalog.entries_at(version), *newest.values()):
        if entry.since != "next" or not catalog.releases:
            pattern, shape = _pattern_and_shape(entry, parameters)
            yield _Place(catalog, version if entry.id in current else "", entry, pattern, shape)


def _pattern_and_shape(
    entry: Entry, parameters: Mapping[str, str]
) -> tuple[Pattern | None, re.Pattern[str] | None]:
    if not entry.pattern or not (entry.is_egress or entry.refuse or entry.dead_since):
        return None, None
    value = _PLACEHOLDER.sub(lambda found: parameters.get(found[1], found[0]), entry.pattern)
    if not _tail(value):
        return None, None
    try:
        pattern = pattern_of(value)
    except InvalidPattern:
        return None, None
    return pattern, _shape(value) if "{" in value else None


def _shape(value: str) -> re.Pattern[str]:
    """``{registry}.azurecr.io`` as an expression with a group per placeholder; a placeholder is one label."""
    seen: set[str] = set()
    parts = []
    for index, part in enumerate(_PLACEHOLDER.split(value)):
        if index % 2 == 0:
            parts.append(re.escape(part.lower()).replace(r"\*\.", r"(?:.+\.)"))
        elif part in seen:
            parts.append(f"(?P={part})")
        else:
            seen.add(part)
            parts.append(f"(?P<{part}>{label_shape(part, _LABEL)})")
    return re.compile("".join(parts))


def _tail(value: str) -> str:
    """The last two labels of a name or pattern; empty where one of them is a placeholder or missing."""
    labels = value.lower().removeprefix("*").removeprefix(".").split(".")[-2:]
    return "" if len(labels) < 2 or any("{" in label or not label for label in labels) else ".".join(labels)


def _match(place: _Place, asked: Asked) -> Hit | None:
    wanted, pattern = asked.pattern, place.pattern
    if wanted is None or pattern is None:
        return None
    if place.shape:
        found = place.shape.fullmatch(asked.host.removeprefix("*.") if wanted.is_wildcard else asked.host)
        if found and not wanted.is_wildcard:
            return _hit(place, _allowing(place, asked), place.entry.purpose, tuple(found.groupdict().items()))
    elif covers(pattern, wanted):
        return _hit(place, _allowing(place, asked), place.entry.purpose)
    if _is_below(pattern, wanted):
        relation = Relation.WITHIN if place.version else Relation.ENDED
        return _hit(place, relation, place.entry.purpose)
    return None


def _is_below(pattern: Pattern, wanted: Pattern) -> bool:
    """Does the entry name something under what was asked for, such as cdn.contoso.com for contoso.com?"""
    base = wanted.text.removeprefix("*.")
    return (pattern.suffix.lstrip(".") != base and pattern.suffix.endswith(f".{base}")) or (
        pattern.is_wildcard and pattern.suffix == f".{base}"
    )


def _allowing(place: _Place, asked: Asked) -> Relation:
    if not place.version:
        return Relation.ENDED
    if place.entry.dead_since:
        return Relation.DEAD
    if place.entry.refuse:
        return Relation.REFUSE
    ports = place.entry.ports
    fits = asked.port is None or any(_carries(port, asked.port) for port in ports)
    return Relation.ALLOWS if fits else Relation.PORT_DIFFERS


def _carries(port: Port, wanted: Port) -> bool:
    same_number = port.first <= wanted.first <= port.last
    return port.covers(wanted) or (wanted.protocol is Protocol.TCP and same_number)


def _hit(place: _Place, relation: Relation, text: str, values: Sequence[tuple[str, str]] = ()) -> Hit:
    scenario = place.catalog.scenarios.get(place.entry.scenario)
    return Hit(
        catalog=place.catalog.name,
        version=place.version or place.entry.until,
        subject=Subject.ENTRY,
        name=place.entry.id,
        relation=relation,
        text=text,
        entry=place.entry,
        values=tuple(values),
        is_default=bool(scenario and scenario.default),
    )


def _about_catalog(catalog: Catalog, version: str, words: Sequence[str]) -> Iterator[Hit]:
    def hit(subject: Subject, name: str, text: str, *, default: bool = False) -> Hit:
        return Hit(
            catalog=catalog.name, version=version, subject=subject, name=name, relation=Relation.MENTIONS,
            text=text, is_default=default,
        )  # fmt: skip

    if _holds(words, catalog.name, catalog.title, catalog.description):
        yield hit(Subject.CATALOG, catalog.name, catalog.title)
    for name, scenario in catalog.scenarios.items():
        if _holds(words, name, scenario.title):
            yield hit(Subject.SCENARIO, name, scenario.title, default=scenario.default)
    for name, meaning in catalog.placeholders.items():
        if _holds(words, name, meaning):
            yield hit(Subject.PARAMETER, name, meaning)


def _texts(entry: Entry) -> tuple[str, ...]:
    return (
        entry.id,
        *(client.package for client in entry.asked_by),
        entry.value,
        entry.purpose,
        entry.breaks,
        entry.condition,
        entry.note,
        entry.sub_resource,
    )


def _holds(words: Sequence[str], *texts: str) -> bool:
    whole = " ".join(texts).lower()
    return all(word in whole for word in words)
