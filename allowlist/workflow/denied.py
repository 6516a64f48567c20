"""Denied names as news: one line each, with how often, since when, from where, and who has them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from allowlist.documents.words import counted
from allowlist.estate.bodies import Estate
from allowlist.estate.resource_id import ResourceId
from allowlist.network.read import member, objects, prefixes, properties, texts
from allowlist.rules.addresses import AddressSet
from allowlist.traffic.engine import Traffic
from allowlist.traffic.findings import Denied
from allowlist.workflow.evidence import Judge, Window, denied_in, number_of
from allowlist.workflow.known_names import KnownNames
from allowlist.workflow.project import Project, addresses_of
from allowlist.workload import SourceSet, TargetSpec

MOST = 1000
"""Names that are told one by one; of more, how many there are."""
_USUAL = ("https:443", "http:80")
_PLACES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DeniedName:
    """``end`` is what makes it the same news: the name and its service."""

    end: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one target is judged by, and how its sources are called."""

    judge: Judge
    places: Places

    @classmethod
    def of(cls, project: Project, estate: Estate, spec: TargetSpec) -> View:
        return cls(judge=Judge.of(project, estate, spec), places=Places.of(project, estate, spec))


def denied_names(
    views: Sequence[View], traffic: Traffic, known: KnownNames, now: dt.datetime
) -> tuple[DeniedName, ...]:
    """What sources of a workload, or its requirements, were denied at its targets; required and known names first.

    Of all targets together: the log of a default names none of them, so each would tell the same flows.
    """
    places = Places.together(view.places for view in views)
    found = [
        item
        for item in denied_in([view.judge for view in views], traffic, Window(), known)
        if item.name and (item.ours or item.wanted_by)
    ]
    ordered = sorted(_by_end(found), key=lambda item: (not item.wanted_by, not item.known.entries, _first(item), item.end))  # fmt: skip
    told = tuple(DeniedName(end=item.end, text=told_of(item, places, now)) for item in ordered[:MOST])
    more = len(ordered) - MOST
    return (*told, DeniedName(end="more", text=f"and {counted(more, 'more name')}")) if more > 0 else told


def _by_end(found: Iterable[Denied]) -> list[Denied]:
    """One for each name and service, whatever denied it."""
    kept: dict[str, Denied] = {}
    for item in found:
        before = kept.get(item.end)
        kept[item.end] = replace(before, tally=before.tally.with_(item.tally)) if before else item
    return list(kept.values())


def _first(item: Denied) -> float:
    return item.tally.first.timestamp() if item.tally.first else 0.0


def told_of(item: Denied, places: Places, now: dt.datetime) -> str:
    """``pytorch.org denied 412 times since 09:10 from snet-agents; catalog python-packages has it``; times in UTC."""
    service = item.end.rpartition(" ")[2]
    name = item.name if service in _USUAL else f"{item.name} {service}"
    times = "once" if item.tally.count == 1 else f"{item.tally.count} times"
    first = item.tally.first
    since = f" {'at' if item.tally.count == 1 else 'since'} {_moment(first, now)}" if first else ""
    where = places.named(item.tally.sources)
    return f"{name} denied {times}{since}{f' from {where}' if where else ''}; {'; '.join(_who(item))}"


def _moment(moment: dt.datetime, now: dt.datetime) -> str:
    return f"{moment:%H:%M}" if moment.date() == now.date() else f"{moment:%Y-%m-%d %H:%M}"


def _who(item: Denied) -> Iterator[str]:
    if item.wanted_by:
        yield f"required by {', '.join(item.wanted_by)}"
    elif item.known.catalogs:
        have = "has" if len(item.known.catalogs) == 1 else "have"
        word = "catalog" if len(item.known.catalogs) == 1 else "catalogs"
        yield f"{word} {', '.join(item.known.catalogs[:_PLACES])} {have} it"
    else:
        yield str(item.known)
    if item.now == "allow":
        yield "the rules as read let it through now"


@dataclass(frozen=True, slots=True)
class Places:
    """Names for addresses of clients: their subnet, IP group or source set, the narrowest that holds them."""

    known: tuple[tuple[AddressSet, str], ...] = ()
    _found: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, project: Project, estate: Estate, spec: TargetSpec) -> Places:
        sources = project.workload.sources
        sets = [(name, sources[name]) for name in (spec.sources or sources)]
        found = [item for name, source in sets for item in _places(name, source, estate)]
        return cls(tuple(sorted(found, key=lambda item: item[0].size)))

    @classmethod
    def together(cls, places: Iterable[Places]) -> Places:
        found = [item for one in places for item in one.known]
        return cls(tuple(sorted(found, key=lambda item: item[0].size)))

    def named(self, sources: Mapping[str, int]) -> str:
        """The places that asked most, most first; addresses that are in none by themselves."""
        counts: dict[str, int] = {}
        for address, count in sources.items():
            place = self.place(address)
            counts[place] = counts.get(place, 0) + count
        ordered = sorted(filter(None, counts), key=lambda place: (-counts[place], place))
        more = len(ordered) - _PLACES
        return ", ".join(ordered[:_PLACES]) + (f" and {more} more" if more > 0 else "")

    def place(self, address: str) -> str:
        if address not in self._found:
            number = number_of(address)
            held = (name for where, name in self.known if number is not None and number in where)
            self._found[address] = next(held, address)
        return self._found[address]


def _places(name: str, source: SourceSet, estate: Estate) -> Iterator[tuple[AddressSet, str]]:
    yield AddressSet.parse(source.addresses), name
    for resource in (*source.ip_groups, *source.subnets, *source.virtual_networks):
        addresses = addresses_of(estate, resource)
        if addresses is not None:
            yield addresses, ResourceId(resource).name
    for network in source.virtual_networks:
        yield from _subnets(estate, network)


def _subnets(estate: Estate, network: str) -> Iterable[tuple[AddressSet, str]]:
    for subnet in objects(properties(estate.get(network)), "subnets"):
        inner = properties(subnet)
        single = [str(member(inner, "addressPrefix"))] if member(inner, "addressPrefix") else []
        yield prefixes([*texts(inner, "addressPrefixes"), *single]), str(subnet.get("name", ""))
