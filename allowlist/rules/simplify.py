"""Say the same with fewer rules, or say exactly what was meant: every suggestion is proved before it is offered."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from msgspec.structs import replace

from allowlist.names import Pattern, is_host_name, is_lookalike
from allowlist.rules.addresses import AddressSet
from allowlist.rules.compare import Comparison, Difference
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.flow import NOTHING_KNOWN, Facts
from allowlist.rules.index import Service, Zones, source_sets, transport_of
from allowlist.rules.matching import is_protocol_match
from allowlist.rules.model import Action, ApplicationRule, NetworkRule, RuleRef, Ruleset, Sources


class Kind(StrEnum):
    """``drop`` and ``merge`` change no flow; ``split`` stops look-alikes and nothing else."""

    DROP = "drop"
    MERGE = "merge"
    SPLIT = "split"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What could be written instead of ``rules``; ``instead`` is the rule that replaces them, None for a drop.

    ``closes`` are witnesses of the flows a split stops (``source → host protocol:port``).
    """

    kind: Kind
    rules: tuple[RuleRef, ...]
    instead: ApplicationRule | None
    closes: tuple[str, ...] = ()


Told = Callable[[int, int], None]
"""Hears how many looks at a rule are done, of how many."""


def _nobody(done: int, total: int) -> None:
    del done, total


def suggest(ruleset: Ruleset, facts: Facts = NOTHING_KNOWN, told: Told = _nobody) -> list[Suggestion]:
    """Simplifications of the application rules that hold together, in evaluation order.

    Left alone are rules with parts that cannot be modelled, rules with an ``owner`` (written by this product, one
    for each requirement) and denies: one that decides nothing today still guards against tomorrow's allow.
    """
    state = _State(ruleset, facts)
    looks = _Looks(len(ruleset.application), told)
    found = [*_drops(state, looks), *_merges(state, looks), *_splits(state, looks)]
    return sorted(found, key=lambda item: item.rules[0].order)


class _Looks:
    """Each rule is looked at to be dropped, twice to be merged and once to be split."""

    def __init__(self, rules: int, told: Told) -> None:
        self._rules = rules
        self._told = told

    def at(self, number: int, rules: Iterable[LookedAt]) -> Iterator[LookedAt]:
        """``rules``, or groups of them, in look ``number``."""
        for count, rule in enumerate(rules):
            self._told(number * self._rules + count, 4 * self._rules)
            yield rule


class _State:
    """The rules as they stand after what was suggested so far, so that all suggestions hold together.

    A change of a few rules can only change flows that those rules match. Rules that share no flow with them decide
    the same before and after, so a comparison is made among the neighbours alone: its answer is that of the whole
    ruleset, at the cost of the neighbourhood. Nor does a neighbour match such a flow by a name that shares nothing with
    theirs, so only its other names are taken along: a rule that was merged from thousands is a neighbour of many.
    """

    def __init__(self, ruleset: Ruleset, facts: Facts) -> None:
        self._ruleset = ruleset
        self._facts = facts
        self._alive = {id(rule): rule for rule in ruleset.application}
        self._place = {key: place for place, key in enumerate(self._alive)}
        self._opaque = [rule for rule in ruleset.application if _may_match_anything(rule)]
        self._wildcards = {text for rule in ruleset.application for text in rule.patterns if text[:1] == "*"}
        self._named = _ByName[ApplicationRule](self._wildcards)
        for rule in ruleset.application:
            self._named.enter(rule, rule.patterns)
        self._nameless = [rule for rule in ruleset.network if not _is_by_name(rule, facts)]
        self._places = {id(rule): place for place, rule in enumerate(ruleset.network)}
        self._named_network = _ByName[NetworkRule](self._wildcards)
        for network_rule in ruleset.network:
            if _is_by_name(network_rule, facts):
                self._named_network.enter(network_rule, network_rule.fqdns)
        self._meetings: dict[tuple[AddressSet, AddressSet], bool] = {}
        self._zones = Zones(source_sets(ruleset, facts))

    def rules(self) -> list[ApplicationRule]:
        return [rule for rule in self._in_order(self._alive) if _is_plain(rule)]

    def _in_order(self, keys: Iterable[int]) -> Iterator[ApplicationRule]:
        return (self._alive[key] for key in sorted(keys, key=self._place.__getitem__))

    def surely_decides(self, rule: ApplicationRule) -> bool:
        """Is there a flow to a name it spells out that ``rule`` is the first to match, and no later allow might match?

        Then it is let through with the rule and not without it, whatever else there is: no proof has to be tried.
        """
        if self._facts != NOTHING_KNOWN:
            return False
        return any(
            self._left_to(rule, text, service)
            for text in rule.patterns
            if text[:1] != "*"
            for service in rule.services
        )

    def _left_to(self, rule: ApplicationRule, text: str, service: Service) -> int:
        """The sources whose flows to ``text`` no rule but ``rule`` and denies after it may match."""
        place, left = self._place[id(rule)], self._mask(rule)
        for other in itertools.chain(self._opaque, self._named.above(text)):
            if other is rule or id(other) not in self._alive or service not in other.services:
                continue
            if other.action is Action.ALLOW or self._place[id(other)] < place:
                left &= ~self._mask(other)
        for network_rule in itertools.chain(self._nameless, self._named_network.above(text)):
            if left and self._carries(network_rule, frozenset((service,))):
                left &= ~self._mask(network_rule)
        return left

    def _mask(self, rule: ApplicationRule | NetworkRule) -> int:
        return self._zones.everything if rule.sources.unresolved else self._zones.mask(rule.sources.addresses)

    def has_company(self, rule: ApplicationRule) -> bool:
        """Is each of its names spoken of by another rule too? Otherwise it decides something; no proof is needed."""
        if not (self._opaque or self._nameless or all(map(self._others(rule), rule.patterns))):
            return False
        return _has_company(self._engine([rule]), rule)

    def _others(self, rule: ApplicationRule) -> Callable[[str], bool]:
        return lambda text: any(
            other is not rule and (id(other) in self._alive or isinstance(other, NetworkRule))
            for other in (*self._named.above(text), *self._named_network.above(text))
        )

    def differences(
        self, rules: Sequence[ApplicationRule], instead: ApplicationRule | None
    ) -> list[Difference]:
        engine = self._engine(rules)
        return Comparison(engine, _changed(engine.index.ruleset, rules, instead), ()).differences()

    def differences_around(
        self,
        names: Iterable[str],
        rule: ApplicationRule,
        change: Callable[[ApplicationRule], ApplicationRule],
    ) -> list[Difference]:
        """What ``change`` does to ``rule``, where it can only bear on flows to ``names`` of it: then the rest of its names
        is no more looked at than those of a neighbour.
        """
        places = {place for text in names for place, other in self._named.near(text) if other is rule}
        part = _narrowed(rule, places)
        engine = self._engine([part], instead_of=rule)
        return Comparison(engine, _changed(engine.index.ruleset, [part], change(part)), ()).differences()

    def accept(self, rules: Sequence[ApplicationRule], instead: ApplicationRule | None) -> None:
        if instead is not None:
            self._alive[id(instead)] = instead
            self._place[id(instead)] = self._place[id(rules[0])]
            self._named.enter(instead, instead.patterns)
        for rule in rules:
            del self._alive[id(rule)]

    def _engine(
        self, rules: Sequence[ApplicationRule], instead_of: ApplicationRule | None = None
    ) -> CoverageEngine:
        """The rules that may share a flow with ``rules``, in their order. ``rules`` stand themselves, or one that is a part
        of ``instead_of`` stands in its place.
        """
        services = frozenset(service for rule in rules for service in rule.services)
        addresses = {rule.sources.addresses for rule in rules}
        found = {self._place[id(instead_of or rule)]: rule for rule in rules}
        for key, places in self._near(rules).items():
            rule = self._alive.get(key)
            if rule is None or self._place[key] in found:
                continue
            if rule.services & services and self._meets(rule.sources, addresses):
                found[self._place[key]] = _narrowed(rule, places) if places else rule
        network = tuple(
            rule
            for rule in self._near_network(rules)
            if self._carries(rule, services) and self._meets(rule.sources, addresses)
        )
        application = tuple(found[place] for place in sorted(found))
        return CoverageEngine.of(
            replace(self._ruleset, application=application, network=network), (), self._facts
        )

    def _near(self, rules: Iterable[ApplicationRule]) -> dict[int, set[int]]:
        """By identity whoever names a name of ``rules``, and at which places; at no place whoever may name any."""
        found: dict[int, set[int]] = defaultdict(set)
        for text in {text for rule in rules for text in rule.patterns}:
            for place, rule in self._named.near(text):
                found[id(rule)].add(place)
        return {**found, **{id(rule): set() for rule in self._opaque}}

    def _near_network(self, rules: Sequence[ApplicationRule]) -> list[NetworkRule]:
        """The network rules that name a name of ``rules``, or may, in their order."""
        texts = {text for rule in rules for text in rule.patterns}
        named = (rule for text in texts for _, rule in self._named_network.near(text))
        found = {self._places[id(rule)]: rule for rule in (*self._nameless, *named)}
        return [found[place] for place in sorted(found)]

    def _meets(self, sources: Sources, addresses: set[AddressSet]) -> bool:
        if sources.unresolved:
            return True
        return any(self._meet(sources.addresses, other) for other in addresses)

    def _meet(self, one: AddressSet, other: AddressSet) -> bool:
        found = self._meetings.get((one, other))
        if found is None:
            found = self._meetings[one, other] = bool(one & other)
        return found

    @staticmethod
    def _carries(rule: NetworkRule, services: frozenset[Service]) -> bool:
        return any(
            is_protocol_match(rule.protocols, rule.ports, transport_of(protocol), port)
            for protocol, port in services
        )


LookedAt = TypeVar("LookedAt")
NamedRule = TypeVar("NamedRule", ApplicationRule, NetworkRule)


class _ByName(Generic[NamedRule]):
    """Rules by the names they speak of; what is below a name is known for ``wildcards`` alone."""

    def __init__(self, wildcards: Collection[str]) -> None:
        self._wildcards = wildcards
        self._lengths = {len(text) - 1 for text in wildcards if text[1:2] not in ("", ".")}
        """Of the tails of wildcards that have no dot behind the asterisk."""
        self._by_text: dict[str, list[tuple[int, NamedRule]]] = defaultdict(list)
        """With the place of the name in the rule."""
        self._below: dict[str, list[tuple[int, NamedRule]]] = defaultdict(list)

    def enter(self, rule: NamedRule, texts: Iterable[str]) -> None:
        for place, text in enumerate(texts):
            self._by_text[text].append((place, rule))
            for wider in self._around(text):
                if wider in self._wildcards:
                    self._below[wider].append((place, rule))

    def _around(self, text: str) -> Iterator[str]:
        """The wildcards that hold all of ``text`` and are not it: those with a dot, and those of lengths there are."""
        suffix = text[1:] if text[:1] == "*" else text
        size = len(suffix)
        starts = {size - length for length in self._lengths if length <= size}
        starts.update(at for at, letter in enumerate(suffix) if letter == ".")
        starts.add(size)
        for start in starts:
            wider = f"*{suffix[start:]}"
            if wider != text:
                yield wider

    def above(self, text: str) -> Iterator[NamedRule]:
        """Whoever names all of ``text``."""
        return (rule for _, rule in self._named_above(text))

    def _named_above(self, text: str) -> Iterator[tuple[int, NamedRule]]:
        yield from self._by_text.get(text, ())
        for wider in self._around(text):
            yield from self._by_text.get(wider, ())

    def near(self, text: str) -> Iterator[tuple[int, NamedRule]]:
        """Whoever names all or a part of ``text``, and at which place of its names."""
        yield from self._named_above(text)
        yield from self._below.get(text, ())


def _narrowed(rule: ApplicationRule, places: Collection[int]) -> ApplicationRule:
    """``rule`` with those of its names that stand at ``places``."""
    if len(places) == len(rule.patterns):
        return rule
    return replace(rule, patterns=tuple(rule.patterns[place] for place in sorted(places)))


def _is_by_name(rule: NetworkRule, facts: Facts) -> bool:
    """Does all that is known of its destinations stand in its names? With DNS answers, names that share an address meet;
    a deny of a name may hit another one at the same address.
    """
    other = rule.destinations or rule.service_tags or rule.unresolved or rule.unmodelled or rule.state
    return bool(rule.fqdns) and not (other or facts.dns) and rule.action is Action.ALLOW


def _changed(ruleset: Ruleset, rules: Sequence[ApplicationRule], instead: ApplicationRule | None) -> Ruleset:
    """``instead`` stands where the first of ``rules`` stood; the others are gone."""
    gone = set(map(id, rules[1:] if instead else rules))
    kept = (rule for rule in ruleset.application if id(rule) not in gone)
    return replace(
        ruleset, application=tuple(instead if instead and rule is rules[0] else rule for rule in kept)
    )


def _may_match_anything(rule: ApplicationRule) -> bool:
    """Which names it matches is not all said by its patterns."""
    return bool(
        rule.urls or rule.fqdn_tags or rule.web_categories or rule.unresolved or rule.unmodelled or rule.state
    )


def _is_plain(rule: ApplicationRule) -> bool:
    return (
        not (_may_match_anything(rule) or rule.sources.unresolved or rule.owner)
        and bool(rule.patterns)
        and rule.action is Action.ALLOW
    )


def _drops(state: _State, looks: _Looks) -> Iterator[Suggestion]:
    """Rules that hide behind earlier ones, and those whose flows others allow just the same; the first one stays."""
    for rule in looks.at(0, reversed(state.rules())):
        if state.surely_decides(rule):
            continue
        if state.has_company(rule) and not state.differences([rule], None):
            state.accept([rule], None)
            yield Suggestion(kind=Kind.DROP, rules=(rule.ref,), instead=None)


def _has_company(engine: CoverageEngine, rule: ApplicationRule) -> bool:
    for service in rule.services:
        table = engine.index.table(service)
        for pattern in rule.patterns:
            entries = (table.entries[number] for number in table.numbers_at(pattern))
            if all(entry.rule is rule for entry in entries):
                return False
    return True


def _merges(state: _State, looks: _Looks) -> Iterator[Suggestion]:
    """Rules of one collection that differ in nothing but their names, or in nothing but their sources."""
    for number, likeness in enumerate((_all_but_names, _all_but_sources), start=1):
        for rules in looks.at(number, _groups(state.rules(), likeness)):
            merged = _merged(rules)
            if len(rules) > 1 and not state.differences(rules, merged):
                state.accept(rules, merged)
                yield Suggestion(kind=Kind.MERGE, rules=tuple(rule.ref for rule in rules), instead=merged)


def _groups(
    rules: Iterable[ApplicationRule], likeness: Callable[[ApplicationRule], object]
) -> list[list[ApplicationRule]]:
    groups: dict[object, list[ApplicationRule]] = defaultdict(list)
    for rule in rules:
        place = (rule.ref.policy, rule.ref.group, rule.ref.collection, rule.terminates_tls)
        groups[(place, likeness(rule))].append(rule)
    return list(groups.values())


def _all_but_names(rule: ApplicationRule) -> object:
    return (rule.sources.addresses.intervals, rule.services)


def _all_but_sources(rule: ApplicationRule) -> object:
    return (frozenset(rule.patterns), rule.services)


def _merged(rules: Sequence[ApplicationRule]) -> ApplicationRule:
    sources = rules[0].sources.addresses
    for rule in rules[1:]:
        sources |= rule.sources.addresses
    patterns = dict.fromkeys(pattern for rule in rules for pattern in rule.patterns)
    return replace(rules[0], sources=Sources(addresses=sources), patterns=tuple(patterns))


def _splits(state: _State, looks: _Looks) -> Iterator[Suggestion]:
    """``*contoso.com`` opens xcontoso.com to whoever registers it; ``contoso.com`` and ``*.contoso.com`` do not."""
    for rule in looks.at(3, state.rules()):
        loose = list(filter(_can_be_split, rule.patterns))
        if not loose:
            continue
        tight = _tightened(rule)
        differences = state.differences_around(loose, rule, _tightened)
        if differences and not any(item.opened for item in differences):
            closes = tuple(item.witness() for item in differences)
            yield Suggestion(kind=Kind.SPLIT, rules=(rule.ref,), instead=tight, closes=closes)


def _tightened(rule: ApplicationRule) -> ApplicationRule:
    return replace(rule, patterns=tuple(_without_lookalikes(rule.patterns)))


def _without_lookalikes(patterns: Iterable[str]) -> Iterator[str]:
    for pattern in patterns:
        if _can_be_split(pattern):
            yield from (pattern[1:], f"*.{pattern[1:]}")
        else:
            yield pattern


def _can_be_split(pattern: str) -> bool:
    """``*-agents.example`` names no host behind its asterisk."""
    return is_lookalike(Pattern(pattern)) and is_host_name(pattern[1:])
