"""From catalogs and a workload file to requirements: who must reach which names, on which ports, and why."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache
from typing import Any

import msgspec

from allowlist.azure.facts import fqdn_tags
from allowlist.catalog import Catalog, Entry, Kind, Library, Need, Port, Protocol, parse_port
from allowlist.catalog.evidence import evidence_line
from allowlist.catalog.hits import Hits
from allowlist.catalog.removal import Removal, RemovalPolicy, kept_by_field, waiting_removals
from allowlist.documents.reader import near_miss, or_known
from allowlist.documents.source import Source
from allowlist.documents.words import counted
from allowlist.errors import CatalogError, InvalidInput, Problem
from allowlist.names import InvalidPattern, parse_pattern
from allowlist.rules.addresses import EVERYWHERE, NOWHERE, AddressSet
from allowlist.rules.model import HTTP_PORTS
from allowlist.rules.requirement import Origin, Requirement
from allowlist.workload.document import CatalogUse, OwnRequirement, TargetSpec, Workload

AddressLookup = Callable[[str], AddressSet | None]
"""Addresses of an IP group, subnet or virtual network by resource id; None if it cannot be read."""

OWN = "own"

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A requirement whose name a private endpoint serves.

    ``private`` says whether the name resolves to it: True, None where that cannot be known, False where it still
    resolves to the public address; then it is a requirement like any other, and this is only worth telling.
    """

    requirement: Requirement
    endpoint: str
    private: bool | None
    because: str


class Resolved(msgspec.Struct, frozen=True):
    """The requirements of one target, and in words what could not become one.

    ``served`` are those a private endpoint serves; what it serves privately, or perhaps, needs no rule and is
    not among ``requirements``.
    """

    requirements: tuple[Requirement, ...]
    notes: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    """Required entries that no rule can say, in words: nobody looks whether they are let through."""
    served: tuple[Served, ...] = ()
    sources: AddressSet = EVERYWHERE
    """Where the traffic of the target starts."""

    @property
    def wanted(self) -> tuple[Requirement, ...]:
        """Everything the workload asks for, whoever serves it."""
        return (*self.requirements, *(item.requirement for item in self.served if item.private is not False))


def resolve_requirements(
    workload: Workload,
    source: Source,
    library: Library,
    target: TargetSpec,
    consumers: Collection[str],
    lookup: AddressLookup,
    today: dt.date,
    hits: Hits | None = None,
    known: Resolved | None = None,
) -> Resolved:
    """Everything ``target`` must let through for ``workload``.

    ``hits`` of one's own logs make what is known of an entry fresh again. ``known`` is what this found for the same
    arguments but ``lookup``: it holds where traffic starts at the same addresses. Raises InvalidInput for unknown catalogs,
    versions, scenarios or parameters (all at once), with their place.
    """
    builder = _Builder(workload, source, library, set(target.consumers or consumers), today)
    builder.hits = hits or Hits()
    addresses = _sources_of(workload, source, target, lookup)
    if known is not None and known.sources == addresses:
        return known
    found = [*builder.from_catalogs(addresses), *builder.own(addresses)]
    if builder.problems:
        raise InvalidInput(builder.problems)
    return Resolved(tuple(_distinct(found)), tuple(builder.notes), tuple(builder.left_out), sources=addresses)


class Silent(msgspec.Struct, frozen=True):
    """A catalog that asks for nothing of a target: why, in words, and what to write so that it does."""

    catalog: str
    because: str
    remedy: str


def silent_catalogs(
    workload: Workload,
    source: Source,
    library: Library,
    target: TargetSpec,
    consumers: Collection[str],
    today: dt.date,
) -> list[Silent]:
    """The catalogs of ``workload`` that contribute nothing to ``target``."""
    builder = _Builder(workload, source, library, set(target.consumers or consumers), today)
    return list(builder.silent())


def resolve_ended(
    workload: Workload,
    source: Source,
    library: Library,
    target: TargetSpec,
    consumers: Collection[str],
    lookup: AddressLookup,
    today: dt.date,
) -> list[tuple[Removal, tuple[Requirement, ...]]]:
    """What entries asked for that their catalog ended so lately that their rules may not go like others yet."""
    builder = _Builder(workload, source, library, set(target.consumers or consumers), today)
    return list(builder.ended(_sources_of(workload, source, target, lookup)))


def _sources_of(workload: Workload, source: Source, target: TargetSpec, lookup: AddressLookup) -> AddressSet:
    addresses = NOWHERE
    problems: list[Problem] = []
    for name in target.sources or workload.sources:
        spec = workload.sources[name]
        addresses |= AddressSet.parse(spec.addresses)
        for key in ("ip_groups", "subnets", "virtual_networks"):
            for index, resource in enumerate(getattr(spec, key)):
                found = lookup(resource)
                if found is None:
                    problems.append(
                        source.problem(("sources", name, key, index), f"{resource} is not in the estate")
                    )
                else:
                    addresses |= found
    if problems:
        raise InvalidInput(problems, hint="without it the source of the traffic is not known")
    return addresses


def _distinct(requirements: list[Requirement]) -> Iterator[Requirement]:
    seen = set()
    for requirement in requirements:
        identity = (requirement.destination, requirement.protocol, requirement.ports, requirement.sources)
        if identity not in seen:
            seen.add(identity)
            yield requirement


class _Builder:
    def __init__(
        self, workload: Workload, source: Source, library: Library, consumers: set[str], today: dt.date
    ) -> None:
        self.workload = workload
        self.source = source
        self.library = library
        self.consumers = consumers
        self.today = today
        self.hits = Hits()
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self.left_out: list[str] = []

    def from_catalogs(self, addresses: AddressSet) -> Iterator[Requirement]:
        for index, use in enumerate(self.workload.catalogs):
            try:
                catalog = self.library.get(use.name)
                version = catalog.resolve(use.version)
            except CatalogError as error:
                self.problems.append(self.source.problem(("catalogs", index), _with_choices(error)))
                continue
            for entry in self._chosen(catalog, version, use, index):
                yield from self._requirements(entry, catalog, version, addresses, index)

    def silent(self) -> Iterator[Silent]:
        """Which catalogs ask for nothing, and what keeps their entries out."""
        for index, use in enumerate(self.workload.catalogs):
            catalog = self.library.get(use.name)
            version = catalog.resolve(use.version)
            if not any(True for _ in self._chosen(catalog, version, use, index)):
                yield self._why_silent(catalog, version, use)

    def _why_silent(self, catalog: Catalog, version: str, use: CatalogUse) -> Silent:
        entries = [entry for entry in catalog.entries_at(version) if entry.is_egress]
        here = [entry for entry in entries if self.workload.cloud in entry.clouds]
        mine = [entry for entry in here if self._is_for_us(entry)]
        scenarios = use.scenarios or list(catalog.default_scenarios)
        chosen = [entry for entry in mine if entry.scenario in scenarios]
        name = f"{catalog.name}@{version}"
        if not here:
            because = f"none of its {counted(len(entries), 'entry')} is for the cloud '{self.workload.cloud}'"
            return Silent(catalog.name, f"{name} asks for nothing: {because}", "take it out of catalogs:")
        if not mine:
            who = ", ".join(sorted({item.value for entry in here for item in entry.consumers}))
            because = f"its {counted(len(here), 'entry')} are for {who}, not for this kind of target"
            return Silent(
                catalog.name,
                f"{name} asks for nothing: {because}",
                f"add a target of the kind that serves {who}, write consumers: on the target, or take the catalog out",
            )
        if not chosen:
            names = ", ".join(sorted({entry.scenario for entry in mine}))
            because = f"its {counted(len(mine), 'entry')} belong to the scenarios {names}"
            return Silent(
                catalog.name, f"{name} asks for nothing: {because}", f"choose some under scenarios: [{names}]"
            )
        needs = sorted({entry.need.value for entry in chosen} - set(use.needs))
        if not needs:
            return Silent(
                catalog.name,
                f"{name} asks for nothing: all its entries are excluded",
                "take some out of exclude:, or take the catalog out",
            )
        because = f"its {counted(len(chosen), 'entry')} are {' or '.join(needs)}"
        wanted = ", ".join(dict.fromkeys([*use.needs, *needs]))
        return Silent(
            catalog.name,
            f"{name} asks for nothing: {because}",
            f"decide: needs: [{wanted}] under the catalog, or include: single entries by id "
            f"(allowlist catalog show {catalog.name})",
        )

    def ended(self, addresses: AddressSet) -> Iterator[tuple[Removal, tuple[Requirement, ...]]]:
        """Whether the workload ever asked for them shows in its rules: without one there is nothing to remove."""
        limits = self.workload.gates
        policy = RemovalPolicy(propose_days=limits.propose_days, quarantine_days=limits.quarantine_days)
        for index, use in enumerate(self.workload.catalogs):
            catalog = self.library.get(use.name)
            version = catalog.resolve(use.version)
            waiting = waiting_removals(catalog, version, self.today, policy)
            for removal in (*waiting, *kept_by_field(catalog)):
                if self._is_for_us(removal.entry):
                    found = self._requirements(removal.entry, catalog, version, addresses, index)
                    yield removal, tuple(found)

    def _chosen(self, catalog: Catalog, version: str, use: CatalogUse, index: int) -> Iterator[Entry]:
        entries = catalog.entries_at(version)
        self._check_names(use, index, catalog, {entry.id for entry in entries})
        scenarios = use.scenarios or list(catalog.default_scenarios)
        if Need.CONDITIONAL.value not in use.needs:
            self._note_conditional(catalog, entries, scenarios, use)
        chosen = [
            entry
            for entry in entries
            if ((entry.scenario in scenarios and entry.need in use.needs) or entry.id in use.include)
            and entry.id not in use.exclude
            and self._is_for_us(entry)
        ]
        named = {entry.alternative for entry in chosen if entry.kind is Kind.PATTERN and entry.alternative}
        for entry in chosen:
            if entry.alternative in named and entry.kind is not Kind.PATTERN and entry.id not in use.include:
                text = f"{entry.kind.value} {entry.value} is left out, its names are used; include it by id to prefer it"
                self.notes.append(f"{catalog.name}#{entry.id}: {text}")
            else:
                yield entry

    def _note_conditional(
        self, catalog: Catalog, entries: tuple[Entry, ...], scenarios: list[str], use: CatalogUse
    ) -> None:
        """What nobody decided about: needed under a condition that only the workload's owner knows."""
        open_questions = [
            entry
            for entry in entries
            if entry.need is Need.CONDITIONAL
            and entry.scenario in scenarios
            and entry.id not in (*use.include, *use.exclude)
            and self._is_for_us(entry)
        ]
        if open_questions:
            names = ", ".join(entry.id for entry in open_questions[:3])
            more = f" and {len(open_questions) - 3} more" if len(open_questions) > 3 else ""
            self.notes.append(
                f"{catalog.name}: {counted(len(open_questions), 'conditional entry')} not asked "
                f"for ({names}{more}); decide each by include:, exclude: or needs: [required, conditional]"
            )

    def _is_for_us(self, entry: Entry) -> bool:
        return (
            entry.is_egress
            and self.workload.cloud in entry.clouds
            and bool(self.consumers & {consumer.value for consumer in entry.consumers})
        )

    def _check_names(self, use: CatalogUse, index: int, catalog: Catalog, ids: set[str]) -> None:
        for key, known in (("scenarios", set(catalog.scenarios)), ("include", ids), ("exclude", ids)):
            for number, name in enumerate(getattr(use, key)):
                if name not in known:
                    message = (
                        f"catalog '{use.name}' has no {key[:-1] if key == 'scenarios' else 'entry'} '{name}'"
                    )
                    place = ("catalogs", index, key, number)
                    self.problems.append(self.source.problem(place, message + or_known(name, known)))

    def _requirements(
        self, entry: Entry, catalog: Catalog, version: str, addresses: AddressSet, index: int
    ) -> Iterator[Requirement]:
        who = f"catalog '{catalog.name}', entry '{entry.id}'"
        for value in self._filled(entry.value, who, ("catalogs", index)):
            yield from self._of_value(value, entry, catalog, version, addresses)

    def _of_value(
        self, value: str, entry: Entry, catalog: Catalog, version: str, addresses: AddressSet
    ) -> Iterator[Requirement]:
        destination = self._destination(entry.kind, value, entry.sub_resource)
        if destination is None:
            self.left_out.append(_left_out(catalog.name, entry, value))
            return
        page = entry.sources[0] if entry.sources else None
        for port in entry.ports or (_EVERY_PORT if entry.kind is Kind.PRIVATE_ENDPOINT else ()):
            for protocol, ports in expand_port(port):
                yield Requirement(
                    origin=Origin(
                        catalog=catalog.name, version=version, entry=entry.id, scenario=entry.scenario
                    ),
                    sources=addresses,
                    protocol=protocol,
                    ports=ports,
                    need=entry.need.value,
                    purpose=entry.purpose,
                    breaks=entry.breaks,
                    source_url=f"https://github.com/{page.repo}/blob/{page.commit}/{page.path}"
                    if page
                    else "",
                    source_date=page.date if page else "",
                    evidence=evidence_line(entry, self.today, allowed=self.hits.last(entry))
                    if entry.evidence
                    else "",
                    **destination,
                )

    def own(self, addresses: AddressSet) -> Iterator[Requirement]:
        for index, item in enumerate(self.workload.requirements):
            if dt.date.fromisoformat(item.expires) < self.today:
                self.notes.append(f"own requirement '{item.id}' of {item.owner} expired on {item.expires}")
                continue
            values = self._filled(
                item.pattern or item.service_tag or item.fqdn_tag,
                f"requirement '{item.id}'",
                ("requirements", index),
            )
            for value in values:
                yield from self._own_requirements(item, value, addresses)

    def _own_requirements(
        self, item: OwnRequirement, value: str, addresses: AddressSet
    ) -> Iterator[Requirement]:
        kind = Kind.PATTERN if item.pattern else Kind.SERVICE_TAG if item.service_tag else Kind.FQDN_TAG
        destination = self._destination(kind, value) or {}
        for text in item.ports:
            for protocol, ports in expand_port(parse_port(text)):
                yield Requirement(
                    origin=Origin(catalog=OWN, version=self.workload.name, entry=item.id),
                    sources=addresses,
                    protocol=protocol,
                    ports=ports,
                    purpose=item.reason,
                    breaks=f"asked for by {item.owner} until {item.expires}",
                    **destination,
                )

    def _filled(self, value: str, who: str, place: tuple[str | int, ...]) -> list[str]:
        """``value`` with its parameters, once for each combination where a parameter has several values."""
        if "{" not in value:
            return [value]
        missing = [name for name in _PLACEHOLDER.findall(value) if not self.workload.parameters.get(name)]
        if missing:
            empty = [name for name in missing if name in self.workload.parameters]
            place = ("parameters", empty[0]) if empty else place
            self.problems.append(self.source.problem(place, f"{who} needs {self._lacking(missing)}"))
            return []
        names = list(dict.fromkeys(_PLACEHOLDER.findall(value)))
        choices = (values_of(self.workload.parameters[name]) for name in names)
        fillings = (dict(zip(names, chosen, strict=True)) for chosen in itertools.product(*choices))
        return [value.format_map(given) for given in fillings] if names else [value]

    def _lacking(self, missing: list[str]) -> str:
        """What to write: a parameter that is there without a value needs no other name."""
        names, given = ", ".join(missing), self.workload.parameters
        if all(name in given for name in missing):
            return f"the parameter {names}, which is empty; write its value under 'parameters:'"
        return f"the parameter {names}; write it under 'parameters:'{near_miss(missing[0], given)}"

    def _destination(self, kind: Kind, value: str, sub_resource: str = "") -> dict[str, Any] | None:
        match kind:
            case Kind.PRIVATE_ENDPOINT if value.lower().startswith("/subscriptions/"):
                return {"endpoint": (value.rstrip("/"), sub_resource)}
            case Kind.ADDRESSES:
                return self._addresses(value)
            case Kind.PATTERN:
                try:
                    return {"pattern": parse_pattern(value).text}
                except InvalidPattern as error:
                    self.problems.append(self.source.problem(("parameters",), str(error)))
                    return None
            case Kind.SERVICE_TAG:
                return {"service_tag": value}
            case Kind.FQDN_TAG:
                # Pages and the API spell some tags differently; a rule with the spelling of the page is refused.
                return {"fqdn_tag": fqdn_tags().get(value, value)}
            case _:
                return None

    def _addresses(self, value: str) -> dict[str, Any] | None:
        """Addresses, or the host name that somebody gave in their place."""
        texts = [text.strip() for text in value.split(",") if text.strip()]
        try:
            return {"addresses": AddressSet.parse(texts)}
        except ValueError as error:
            if len(texts) == 1 and any(letter.isalpha() for letter in texts[0]):
                return self._destination(Kind.PATTERN, texts[0])
            self.problems.append(self.source.problem(("parameters",), f"'{value}' is no address: {error}"))
            return None


_EVERY_PORT = (Port(Protocol.TCP, 1, 65535),)
"""A private endpoint answers on every port its resource has."""


def _left_out(catalog: str, entry: Entry, value: str) -> str:
    """What no rule can say, and where it is decided instead."""
    name = f"{catalog}#{entry.id}"
    if entry.is_private_zone:
        return (
            f"{name}: the private DNS zone '{value}' is no rule; see whether names resolve privately with "
            f"allowlist posture, then exclude: [{entry.id}]"
        )
    if entry.kind is Kind.PORTS_ONLY:
        ports = ", ".join(map(str, entry.ports))
        return (
            f"{name}: {ports} to no named destination; write requirements: of your own with the destinations you know, "
            f"then exclude: [{entry.id}]"
        )
    return f"{name}: {entry.kind.value} '{value}' is no rule of this target; decide it, then exclude: [{entry.id}]"


def values_of(parameter: str) -> list[str]:
    """The values of one parameter: several stand beside each other with commas, such as the regions of an account."""
    return [part for text in parameter.split(",") if (part := text.strip())]


@lru_cache(maxsize=4096)
def expand_port(port: Port) -> tuple[tuple[str, tuple[int, int]], ...]:
    """A catalog port as (protocol, port range): ``any`` is TCP and UDP, all ports are 1 to 65535."""
    low, high = max(port.first, 1), port.last
    if port.protocol in HTTP_PORTS:
        return tuple((port.protocol.value, (number, number)) for number in range(low, high + 1))
    if port.protocol == "any":
        return ("tcp", (low, high)), ("udp", (low, high))
    return ((port.protocol.value, (low, high)),)


def _with_choices(error: CatalogError) -> str:
    """Beside the complaint stands what there is; several of them have no room for hints."""
    return f"{error}; {error.hint}" if error.hint else str(error)
