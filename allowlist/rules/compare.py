"""What changes, exactly, between two rulesets: every flow that is newly let through or newly stopped.

Only rules that differ can make a difference, so only the destinations they speak of are asked about, each
taken apart where any rule or requirement names something more special.
"""

from __future__ import annotations

import copy
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, reduce

from allowlist.names import SuffixIndex, witness_outside
from allowlist.rules.addresses import EVERYWHERE, AddressSet, Interval
from allowlist.rules.coverage import CoverageEngine, Outcome, is_within, key_of
from allowlist.rules.flow import NOTHING_KNOWN, Facts
from allowlist.rules.index import (
    ANY_KEY,
    DOUBTFUL_NAME,
    RuleIndex,
    Service,
    Zones,
    destination_cuts,
    endpoint_key,
    source_sets,
    wider_keys,
)
from allowlist.rules.matching import is_protocol_match
from allowlist.rules.model import HTTP_PORTS, Action, ApplicationRule, FilterRule, NetworkRule, Ruleset
from allowlist.rules.requirement import Requirement

# A protocol that no rule can name: it stands for every IANA protocol other than TCP, UDP and ICMP.
OTHER_PROTOCOL = "other"


class Relation(StrEnum):
    """How the second of two rulesets compares with the first, by effect."""

    SAME = "same"
    WIDER = "wider"
    NARROWER = "narrower"
    DIFFERENT = "different"
    OPAQUE = "opaque"


@dataclass(frozen=True, slots=True)
class Difference:
    """Flows whose fate changes: names of ``key`` outside ``holes``, for ``sources``, to one service.

    ``opened`` were not allowed and are now, or may be (then not ``certain``); ``closed`` the other way round; both,
    where what was unknown before depends on something else now.
    """

    key: str
    holes: tuple[str, ...]
    service: Service
    opened: AddressSet
    closed: AddressSet
    certain: bool
    before: Outcome
    after: Outcome

    def witness(self) -> str:
        """A flow in words: ``10.0.0.4 → evil.example https:443``."""
        sources = self.opened or self.closed
        protocol, port = self.service
        return f"{sources.witness()} → {self.name() or self.key} {protocol}:{port}"

    def name(self) -> str | None:
        return self.key if self.key[:1] != "*" else witness_outside(self.key, set(self.holes))


def find_differences(
    before: Ruleset, after: Ruleset, requirements: Iterable[Requirement] = (), facts: Facts = NOTHING_KNOWN
) -> list[Difference]:
    """Every flow let through by ``after`` and not by ``before`` or the reverse, beyond ``requirements``.

    Flows that a requirement asks for do not count as opened; that they are wanted is not news.
    """
    requirements = tuple(requirements)
    return Comparison(CoverageEngine.of(before, requirements, facts), after, requirements).differences()


def relation(
    before: Ruleset, after: Ruleset, facts: Facts = NOTHING_KNOWN
) -> tuple[Relation, Difference | None]:
    """Compare two rulesets by effect, with a witness where they differ."""
    return relation_of(find_differences(before, after, facts=facts))


def relation_of(differences: Sequence[Difference]) -> tuple[Relation, Difference | None]:
    """What ``differences`` amount to, with the one that shows it."""
    certain = [item for item in differences if item.certain]
    opened = next((item for item in certain if item.opened), None)
    closed = next((item for item in certain if item.closed), None)
    # A doubtful difference is opaque, unless it only repeats a direction that is certain elsewhere.
    doubtful = [item for item in differences if not item.certain]
    for item in doubtful:
        if (item.opened and not opened) or (item.closed and not closed):
            return Relation.OPAQUE, item
    if opened and closed:
        return Relation.DIFFERENT, opened
    if opened:
        return Relation.WIDER, opened
    return (Relation.NARROWER, closed) if closed else (Relation.SAME, None)


class Comparison:
    """Two rulesets over the same cuts; the engine of the first is used again where its cuts are fine enough."""

    def __init__(self, before: CoverageEngine, after: Ruleset, requirements: tuple[Requirement, ...]) -> None:
        old = before.index.ruleset
        self.changed = _changed_rules(old, after)
        self.rules: list[FilterRule] = [*old.network, *after.network, *old.application, *after.application]
        has_network = any(isinstance(rule, NetworkRule) for rule in self.changed)
        asked = [item.addresses for item in requirements if item.addresses]
        self.cuts = destination_cuts(old, after, asked=asked) if has_network or asked else ()
        sets = [
            *source_sets(old, before.index.facts),
            *source_sets(after),
            *(requirement.sources for requirement in requirements),
        ]
        self.zones = before.index.zones
        if self.cuts or not self.zones.fits(sets):
            self.zones = Zones(sets)
            index = RuleIndex(old, self.zones, before.index.facts, self.cuts)
            before = CoverageEngine(index, presumes=before.presumes)
        self.before = before
        index = RuleIndex(after, self.zones, before.index.facts, self.cuts, beside=before.index)
        self.after = CoverageEngine(index, presumes=before.presumes)
        self.required = _Required(requirements, self.zones, index)
        # Flows by name meet network rules first, so a change of those is looked at with every such service.
        applications = (rule for rule in self.rules if isinstance(rule, ApplicationRule))
        self.named_services = set(HTTP_PORTS.items()).union(*(rule.services for rule in applications))

    @classmethod
    def over(
        cls,
        before: Ruleset,
        after: Ruleset,
        requirements: tuple[Requirement, ...],
        facts: Facts = NOTHING_KNOWN,
        *,
        also: Iterable[Requirement] = (),
        presumes: bool = False,
    ) -> Comparison:
        """Both over cuts that are fine enough for the requirements and for those that are ``also`` asked about."""
        sources = (item.sources for item in (*requirements, *also))
        zones = Zones([*source_sets(before, facts), *source_sets(after), *sources])
        engine = CoverageEngine(RuleIndex(before, zones, facts), presumes=presumes)
        return cls(engine, after, requirements)

    def regardless(self) -> Comparison:
        """The same comparison whatever is asked for; what either side knows of its rules is shared.

        It says what one without requirements says, unless some ask for addresses: those cut what is compared.
        """
        found = copy.copy(self)
        found.required = _Required((), self.zones, self.after.index)
        found.__dict__.pop("_edges", None)  # what is asked for cuts ports as well
        return found

    def differences(self) -> list[Difference]:
        """Every set of flows whose fate changes, beyond the requirements."""
        return list(self._differences())

    def _differences(self) -> Iterator[Difference]:
        regions: dict[Service, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for rule in self.changed:
            mask = self._mask(rule)
            for service, key in self._regions(rule):
                regions[service][key] |= mask
        for service, keys in regions.items():
            yield from self._differences_at(service, keys)

    def _mask(self, rule: FilterRule) -> int:
        return self.zones.mask(EVERYWHERE if rule.sources.unresolved else rule.sources.addresses)

    def _regions(self, rule: FilterRule) -> Iterator[tuple[Service, str]]:
        if isinstance(rule, ApplicationRule):
            whole = rule.urls or rule.web_categories or rule.fqdn_tags or rule.unresolved
            for service in sorted(rule.services):
                yield from ((service, key) for key in ((ANY_KEY,) if whole else rule.patterns))
                yield from ((service, f"%{tag.lower()}") for tag in rule.fqdn_tags)
            return
        for service in self._network_services(rule):
            yield from ((service, key) for key in self._network_keys(rule, service))

    def _network_keys(self, rule: NetworkRule, service: Service) -> Iterator[str]:
        by_name = service[0] in HTTP_PORTS
        if by_name:
            # A deny by name may also hit other names at the same address; so does an allow where that is known.
            elsewhere = rule.destinations or rule.service_tags or rule.unresolved
            only_names = rule.action is Action.ALLOW and not (elsewhere or self.before.index.facts.dns)
            yield from rule.fqdns if only_names else (ANY_KEY,)
        else:
            yield from (f"@{number}" for number in range(len(self.cuts)))
            yield from (*rule.fqdns, ANY_KEY)
        yield from (f"#{tag.lower()}" for tag in rule.service_tags)
        if rule.endpoint and not by_name:
            yield endpoint_key(rule.endpoint)

    @cached_property
    def _edges(self) -> list[int]:
        """Where ranges of ports begin, or end just before, in rules and in what is asked for: between two of them all
        ports fare alike."""
        ranges = [item for rule in self._network_rules() for item in rule.ports]
        ranges += self.required.ports
        return sorted({edge for low, high in ranges for edge in (low, high + 1)})

    def _network_services(self, rule: NetworkRule) -> Iterator[Service]:
        ports = self._edges
        for transport in ("tcp", "udp", "icmp", OTHER_PROTOCOL):
            for port in ports if transport in ("tcp", "udp") else (0,):
                if is_protocol_match(rule.protocols, rule.ports, transport, port):
                    yield (transport, port)
        for protocol, port in sorted(self.named_services):
            if is_protocol_match(rule.protocols, rule.ports, "tcp", port):
                yield (protocol, port)

    def _network_rules(self) -> Iterator[NetworkRule]:
        return (rule for rule in self.rules if isinstance(rule, NetworkRule))

    def _differences_at(self, service: Service, keys: dict[str, int]) -> Iterator[Difference]:
        atoms: dict[str, int] = defaultdict(int)
        changed = SuffixIndex(key for key in keys if key[0] not in "#%@")
        for key, mask in keys.items():
            atoms[key] |= mask
            for part in (*self._parts(service, key), *changed.below(key)):
                atoms[part] |= mask
        inside = SuffixIndex(key for key in atoms if key[0] not in "#%@")
        for key, mask in atoms.items():
            found = self._difference(service, key, mask, inside)
            if found:
                yield found

    def _parts(self, service: Service, key: str) -> Iterator[str]:
        yield from self.before.index.table(service).keys_below(key)
        yield from self.after.index.table(service).keys_below(key)
        yield from self.required.keys_below(service, key)

    def _difference(self, service: Service, key: str, mask: int, inside: SuffixIndex) -> Difference | None:
        before = self.before.outcome(key, service, mask)
        after = self.after.outcome(key, service, mask)
        surely_opened = after.allowed & (before.denied | before.missing)
        surely_closed = before.allowed & (after.denied | after.missing)
        opened = (
            surely_opened
            | (after.allowed & before.unknown)
            | (after.unknown & (before.denied | before.missing))
        )
        closed = (
            surely_closed
            | (before.allowed & after.unknown)
            | (before.unknown & (after.denied | after.missing))
        )
        required = self._required_at(service, key)
        perhaps_opened, perhaps_closed = self._unlike(
            service, key, before.unknown & after.unknown & ~required
        )
        opened = (opened & ~required) | perhaps_opened
        if key[0] == "@" or self.required.has_places:
            # What is certain now is news; only a doubt about who has the address may come from what is asked for.
            opened &= after.allowed | self._unasked(service, after)
        closed |= perhaps_closed
        if not opened | closed:
            return None
        difference = Difference(
            key=key,
            holes=tuple(inside.below(key)),
            service=service,
            opened=self.zones.addresses(opened),
            closed=self.zones.addresses(closed),
            certain=not (opened & ~surely_opened or closed & ~surely_closed),
            before=before,
            after=after,
        )
        return difference if difference.name() else None

    def _required_at(self, service: Service, key: str) -> int:
        """The sources that ask for it; who asks for a tag by TCP asks for what is called by name there as well."""
        found = self.required.mask(service, key)
        return found | self.required.mask(_transport(service), key) if key[0] == "#" else found

    def _unasked(self, service: Service, after: Outcome) -> int:
        """The sources that may reach an address for another reason than that a name or tag they ask for is there."""
        found = 0
        for entry in after.doubts:
            part = entry.about[0] if isinstance(entry.about, tuple) else None
            asked = self._asked(service, part)
            if entry.allows:
                found |= entry.mask & ~asked
            elif after.allowing:
                found |= entry.mask
        return found

    def _asked(self, service: Service, part: object) -> int:
        """The sources for which ``part`` of a rule, a name, a tag or addresses, is asked for."""
        if isinstance(part, AddressSet):
            transport = _transport(service)
            masks = (self.required.mask(transport, key) for key in self.after.index.keys_within(part))
            return reduce(int.__and__, masks, self.zones.everything) if part else 0
        return self._required_at(service, part) if isinstance(part, str) and part else 0

    def _unlike(self, service: Service, key: str, mask: int) -> tuple[int, int]:
        """Of sources whose fate is unknown on both sides: those that more, and those that less, may let through now."""
        opened = closed = 0
        old = self.before.dependences(key, service, mask) if mask else {}
        new = self.after.dependences(key, service, mask) if mask else {}
        for (was, one), (now, other) in itertools.product(old.items(), new.items()):
            both = one & other
            if both and was != now:
                opened |= both if not is_within(now, was) else 0
                closed |= both if not is_within(was, now) else 0
        return opened, closed


def _transport(service: Service) -> Service:
    protocol, port = service
    return ("tcp", port) if protocol in HTTP_PORTS else service


class _Masks:
    """Sources by destination key, asked for everything around a key: what is around all of its parent domain once."""

    def __init__(self) -> None:
        self.by_key: dict[str, int] = defaultdict(int)
        self._above: dict[str, int] = {}
        self._lengths: set[int] = set()
        """Of the wildcards without a dot after the asterisk."""

    def add(self, key: str, mask: int) -> None:
        self.by_key[key] |= mask
        self._above.clear()
        if key[0] == "*" and key[1:2] not in ("", "."):
            self._lengths.add(len(key) - 1)

    def around(self, key: str) -> int:
        """The sources of every key that covers ``key``: what :func:`wider_keys` names, without looking for each."""
        if key[0] in "#%@":
            wider = (text for text in wider_keys(key) if text != DOUBTFUL_NAME)
            return reduce(int.__or__, (self.by_key.get(text, 0) for text in wider), 0)
        suffix = key[1:] if key[0] == "*" else key
        dot = suffix.find(".", 1)
        parent = suffix[dot:] if dot >= 0 else ""
        found = self._above.get(parent)
        if found is None:
            found = self._above[parent] = self._around_parent(parent)
        found |= self.by_key.get(key, 0) | self.by_key.get(f"*{suffix}", 0)
        for length in self._lengths:
            if len(parent) < length <= len(suffix):
                found |= self.by_key.get(f"*{suffix[-length:]}", 0)
        return found

    def _around_parent(self, parent: str) -> int:
        starts = [at for at, letter in enumerate(parent) if letter == "."]
        starts += [len(parent) - length for length in self._lengths if length <= len(parent)]
        keys = (ANY_KEY, *(f"*{parent[start:]}" for start in starts))
        return reduce(int.__or__, (self.by_key.get(text, 0) for text in keys), 0)


class _Required:
    """The flows requirements ask for, by service and destination key."""

    def __init__(self, requirements: Iterable[Requirement], zones: Zones, index: RuleIndex) -> None:
        self._masks: dict[Service, _Masks] = defaultdict(_Masks)
        self._ranges: list[tuple[Requirement, frozenset[str], int]] = []
        self._inside: dict[Service, SuffixIndex] = {}
        self.ports: set[Interval] = set()
        self.has_places = False
        """Are addresses or tags asked for? Then a name may be let through because of where it is."""
        for requirement in requirements:
            mask = zones.mask(requirement.sources)
            low, high = requirement.ports
            self.ports.add((low, high))
            within = index.keys_within(requirement.addresses) if requirement.addresses else []
            keys = within or [key_of(requirement)]
            place = requirement.addresses or requirement.service_tag or requirement.fqdn_tag
            self.has_places = self.has_places or bool(place)
            if low == high:
                for key in keys:
                    self._masks[(requirement.protocol, low)].add(key, mask)
            else:
                self._ranges.append((requirement, frozenset(keys), mask))

    def mask(self, service: Service, key: str) -> int:
        masks = self._masks.get(service)
        found = masks.around(key) if masks else 0
        for requirement, keys, mask in self._ranges:
            low, high = requirement.ports
            if (
                requirement.protocol == service[0]
                and low <= service[1] <= high
                and not keys.isdisjoint(wider_keys(key))
            ):
                found |= mask
        return found

    def keys_below(self, service: Service, key: str) -> Iterator[str]:
        if service not in self._inside:
            named = self._masks[service].by_key if service in self._masks else ()
            self._inside[service] = SuffixIndex(other for other in named if other[0] not in "#%@")
        return self._inside[service].below(key)


def _changed_rules(before: Ruleset, after: Ruleset) -> list[FilterRule]:
    """Rules that stand in one ruleset only; a rule that moved counts as both gone and new.

    Under other settings (tier, DNS) every rule may mean something else.
    """
    old, new = _filter_rules(before), _filter_rules(after)
    if before.settings != after.settings:
        return [*old, *new]
    known, kept = set(map(id, old)), set(map(id, new))
    gone = dict.fromkeys(rule for rule in old if id(rule) not in kept)
    come = dict.fromkeys(rule for rule in new if id(rule) not in known)
    if not (gone and come):
        return [*gone, *come]
    return [*(rule for rule in gone if rule not in come), *(rule for rule in come if rule not in gone)]


def _filter_rules(ruleset: Ruleset) -> list[FilterRule]:
    return [*ruleset.network, *ruleset.application]
