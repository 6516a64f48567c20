"""How two readings of a page differ: as sets of what they ask for, never as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from allowlist.catalog.upstream.claims import ANY_CLOUD, Subject, claims_of
from allowlist.catalog.upstream.ports import PortRange
from allowlist.catalog.upstream.row import Row


class Change(StrEnum):
    """What happened to one requirement on its page."""

    ADDED = "added"
    ENDED = "ended"
    PORTS = "ports"
    NEED = "need"
    SCENARIO = "scenario"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A subject in one cloud; ``ANY_CLOUD`` where the page names none."""

    subject: Subject
    cloud: str


_TOLD_BY_NOBODY: Final = (ANY_CLOUD, "public")
_NEEDS: Final = ("required", "conditional", "optional")


@dataclass(frozen=True, slots=True)
class Said:
    """How a page asks for a place: how much it is needed, under which condition, and in which section.

    Empty where nobody remembers, which is no objection to anything.
    """

    need: str = ""
    condition: str = ""
    section: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a page asks for: each place with the ports stated for it, and the rows that say so."""

    ports: Mapping[Place, frozenset[PortRange]] = field(default_factory=dict)
    rows: Mapping[Place, tuple[Row, ...]] = field(default_factory=dict)
    words: Mapping[Place, Said] = field(default_factory=dict)

    def covers(self, place: Place) -> bool:
        """Like ``has``, but a page that told no clouds apart said nothing about a cloud of its own suffixes."""
        return place in self.ports or (place.cloud in _TOLD_BY_NOBODY and self.has(place))

    def has(self, place: Place) -> bool:
        """Is the subject asked for in this cloud, or by a page that tells no clouds apart?"""
        return self.key_of(place) is not None

    def key_of(self, place: Place) -> Place | None:
        """The place under which these facts hold the subject of ``place``."""
        for cloud in (place.cloud, ANY_CLOUD):
            candidate = Place(place.subject, cloud)
            if candidate in self.ports:
                return candidate
        if place.cloud != ANY_CLOUD:
            return None
        return next((known for known in self.ports if known.subject == place.subject), None)

    def merged(self, other: Facts) -> Facts:
        """Both together; ports are united."""
        ports = dict(self.ports)
        for place, stated in other.ports.items():
            ports[place] = ports.get(place, frozenset()) | stated
        return Facts(ports, {**self.rows, **other.rows}, {**self.words, **other.words})


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """One difference. ``rows`` are the evidence: the new rows, or the old ones of what ended."""

    change: Change
    place: Place
    before: frozenset[PortRange] = frozenset()
    after: frozenset[PortRange] = frozenset()
    rows: tuple[Row, ...] = ()
    said: tuple[str, str] = ("", "")
    """What the page said before and what it says now, where words changed and not ports."""


def facts_of(rows: Iterable[Row]) -> Facts:
    """The facts that ``rows`` state."""
    ports: dict[Place, frozenset[PortRange]] = {}
    evidence: dict[Place, tuple[Row, ...]] = {}
    words: dict[Place, Said] = {}
    for subject, claim in claims_of(rows).items():
        for cloud in claim.clouds:
            place = Place(subject, cloud)
            ports[place] = claim.ports_in(cloud)
            evidence[place] = tuple(claim.rows_in(cloud))
            words[place] = _said(evidence[place])
    return Facts(ports, evidence, words)


def _said(rows: tuple[Row, ...]) -> Said:
    """The strongest need of the rows of one place, with the words of the row that says so."""
    row = min(rows, key=lambda one: _NEEDS.index(one.need))
    condition = row.purpose if row.need == "conditional" and not row.in_purpose else ""
    return Said(need=row.need, condition=condition, section=row.section or row.tab)


def deltas_between(before: Facts, after: Facts) -> list[Delta]:
    """Every difference, in a stable order. A page that stops or starts to state ports at all is no change."""
    added = [
        Delta(change=Change.ADDED, place=place, after=stated, rows=after.rows.get(place, ()))
        for place, stated in after.ports.items()
        if not before.covers(place)
    ]
    ended = [
        Delta(change=Change.ENDED, place=place, before=stated, rows=before.rows.get(place, ()))
        for place, stated in before.ports.items()
        if not after.has(place)
    ]
    return sorted(
        [*added, *ended, *_changed_ports(before, after), *_changed_words(before, after)],
        key=lambda delta: (delta.place, delta.change),
    )


def _changed_words(before: Facts, after: Facts) -> Iterable[Delta]:
    """What is needed more or less than before, under another condition, or in another section that was there before."""
    sections = {said.section for said in before.words.values()}
    kept = {said.section for said in after.words.values()}
    for place, now in after.words.items():
        known = before.key_of(place)
        then = before.words.get(known, Said()) if known else Said()
        if not then.need or not before.covers(place):
            continue
        rows = after.rows.get(place, ())
        if then.need != now.need:
            yield Delta(change=Change.NEED, place=place, rows=rows, said=(then.need, now.need))
        elif then.condition and now.condition and then.condition != now.condition:
            yield Delta(change=Change.NEED, place=place, rows=rows, said=(then.condition, now.condition))
        if then.section != now.section and (then.section in kept or now.section in sections):
            yield Delta(change=Change.SCENARIO, place=place, rows=rows, said=(then.section, now.section))


def _changed_ports(before: Facts, after: Facts) -> Iterable[Delta]:
    for place, stated in after.ports.items():
        known = before.key_of(place)
        old = before.ports[known] if known else frozenset()
        if old and stated and _numbers(old) != _numbers(stated):
            yield Delta(
                change=Change.PORTS, place=place, before=old, after=stated, rows=after.rows.get(place, ())
            )


def _numbers(ports: Iterable[PortRange]) -> set[tuple[bool, int, int]]:
    """UDP is another port than TCP; HTTPS, HTTP and TCP are spellings of the same one."""
    return {(port.protocol == "udp", port.first, port.last) for port in ports}
