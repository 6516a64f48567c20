"""A flow is not allowed: which rule nearly lets it through, and what is missing.

Only rules that name what the flow goes to are told: nearly every rule matches nearly every flow but for its name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Final

import msgspec

from allowlist.names import Pattern, normalise
from allowlist.rules.addresses import EVERYWHERE, AddressSet, address_text
from allowlist.rules.evaluate import evaluate, hidden_steps, reaches_application_rules
from allowlist.rules.flow import NOTHING_KNOWN, Facts, Flow, Step, Verdict
from allowlist.rules.matching import can_match_urls, is_protocol_match
from allowlist.rules.model import Action, ApplicationRule, FilterRule, NetworkRule, RuleRef, Ruleset, Stage
from allowlist.rules.urls import find_url_fault, host_of_url, matches_url

MOST: Final = 3
"""Near misses of one flow that are told; more of them explain nothing."""

_SHOWN: Final = 4
MANY: Final = 1 << 17
"""What is known of so many domains is remembered at once."""


class Lack(StrEnum):
    """What keeps a rule from letting a flow through."""

    NAME = "name"
    PORT = "port"
    PROTOCOL = "protocol"
    SOURCE = "source"
    DNS_PROXY = "dns-proxy"
    URL = "url"
    ORDER = "order"
    STATE = "state"


class Missing(msgspec.Struct, frozen=True):
    """One thing that would have to be otherwise, and in words."""

    lack: Lack
    text: str


class NearMiss(msgspec.Struct, frozen=True, kw_only=True):
    """An allow rule that names the destination of a flow and does not let it through."""

    ref: RuleRef
    stage: Stage
    missing: tuple[Missing, ...]

    def __str__(self) -> str:
        return (
            f"{self.stage} rule {self.ref} nearly allows it: {'; '.join(item.text for item in self.missing)}"
        )


_Named = list[tuple[int, FilterRule]]
"""Rules with a number each, by which each is told once."""


class NearMisses:
    """The rules of one ruleset by what they name, ready for many flows."""

    def __init__(self, ruleset: Ruleset, facts: Facts = NOTHING_KNOWN) -> None:
        self._ruleset = ruleset
        self._facts = facts
        self._inside: dict[str, _Named] = {}
        self._sources: dict[int, str] = {}

    def of(
        self,
        flow: Flow,
        verdict: Verdict | None = None,
        hidden: Iterable[Step] | None = None,
        named: Iterable[FilterRule] | None = None,
    ) -> tuple[NearMiss, ...]:
        """The rules that come nearest to letting ``flow`` through, those that lack least first; none if it passes.

        ``hidden`` are the rules that match and are never asked, ``named`` what :meth:`named` finds, where they are
        known already.
        """
        verdict = verdict or evaluate(self._ruleset, flow, self._facts)
        if verdict.action is not Action.DENY:
            return ()
        if hidden is None:
            hidden = hidden_steps(self._ruleset, flow, verdict, self._facts)
        behind = tuple(_behind(hidden, verdict))
        return (*behind, *self.unmatched(flow, named))[:MOST]

    def unmatched(self, flow: Flow, named: Iterable[FilterRule] | None = None) -> tuple[NearMiss, ...]:
        """The same for a flow of which it is known that no rule matches it: quick where rules and flows are many."""
        rules = self._candidates(flow) if named is None else named
        found = ((tuple(self._missing(rule, flow)), rule) for rule in rules)
        nearest = sorted((item for item in found if item[0]), key=lambda item: _distance(item[0]))[:MOST]
        return tuple(_near(rule, missing) for missing, rule in nearest)

    def has_unmatched(self, flow: Flow) -> bool:
        """Would :meth:`unmatched` tell of any? Quicker, where many flows are counted and few are told."""
        return any(True for rule in self._candidates(flow) for _ in self._missing(rule, flow))

    def _missing(self, rule: FilterRule, flow: Flow) -> Iterator[Missing]:
        if isinstance(rule, ApplicationRule):
            return self._of_application_rule(rule, flow)
        return self._of_network_rule(rule, flow)

    def named(self, flow: Flow) -> Iterable[FilterRule]:
        """The rules of which something may be told about ``flow``, wherever it starts."""
        return self._candidates(flow)

    def _candidates(self, flow: Flow) -> Iterable[FilterRule]:
        """Allow rules that name the host, its parent as a wildcard, or its address, each once."""
        name = _name_of(flow)
        found: dict[int, FilterRule] = dict(self._holding(name)) if name else {}
        for twin in _twins(name) if name else ():
            found.update(self._by_name.get(twin, ()))
        if flow.destination is not None:
            found.update(hit for hit in self._by_address if flow.destination in hit[1].destinations)
        return found.values()

    def _holding(self, name: str) -> Iterator[tuple[int, FilterRule]]:
        """The rules that name ``name`` or a pattern that holds it, the most specific first."""
        named, dot = self._by_name, name.find(".")
        yield from named.get(name, ())
        before = dot if dot >= 0 else len(name)
        for length in self._lookalike_lengths:
            if len(name) >= length > len(name) - before:
                yield from named.get("*" + name[len(name) - length :], ())
        yield from self._inside_domain(name[dot:] if dot >= 0 else "")

    def _inside_domain(self, domain: str) -> _Named:
        """The rules whose patterns hold all of ``domain`` (``.contoso.com``), the most specific first."""
        found = self._inside.get(domain)
        if found is None:
            size = len(domain)
            starts = {size - length for length in self._lookalike_lengths if length <= size}
            starts.update(at for at, letter in enumerate(domain) if letter == ".")
            if len(self._inside) >= MANY:
                self._inside.clear()
            texts = ("*" + domain[start:] for start in sorted(starts))
            found = self._inside[domain] = [hit for text in texts for hit in self._by_name.get(text, ())]
        return found

    @cached_property
    def _lookalike_lengths(self) -> list[int]:
        """How long the tails are that rules name without a dot in front, the longest first."""
        lengths = {len(text) - 1 for text in self._by_name if text[:1] == "*" and text[1:2] != "."}
        return sorted(lengths, reverse=True)

    @cached_property
    def _by_name(self) -> dict[str, _Named]:
        """Allow rules by the patterns they name, target URLs by their hosts; a rule for every name names none."""
        named: dict[str, _Named] = defaultdict(list)
        for number, rule in self._allowing:
            for text in dict.fromkeys(_names_in(rule)):
                named[text].append((number, rule))
        return dict(named)

    @cached_property
    def _allowing(self) -> _Named:
        """Allow rules with a number each; an entry of a filter may stand for several rules, which have one."""
        numbers: dict[RuleRef, int] = {}
        rules: tuple[FilterRule, ...] = (*self._ruleset.application, *self._ruleset.network)
        return [
            (numbers.setdefault(rule.ref, len(numbers)), rule)
            for rule in rules
            if rule.action is Action.ALLOW
        ]

    @cached_property
    def _by_address(self) -> list[tuple[int, NetworkRule]]:
        return [
            (number, rule)
            for number, rule in self._allowing
            if isinstance(rule, NetworkRule) and rule.destinations and rule.destinations != EVERYWHERE
        ]

    def _of_application_rule(self, rule: ApplicationRule, flow: Flow) -> Iterator[Missing]:
        name = _name_of(flow)
        if not _holds(rule.patterns, name):
            twin, odd = _twin_in(rule.patterns, name), _meant_by(rule.ignored, name)
            if odd:
                yield Missing(Lack.NAME, f"it names '{odd}', which as it is written matches nothing")
            elif twin:
                yield Missing(Lack.NAME, f"it names {twin}, which does not hold {name}")
            else:
                yield from self._url(rule, name, flow)
        yield from _services(rule, flow)
        yield from self._source(rule, flow)
        yield from _state(rule)

    def _url(self, rule: ApplicationRule, name: str, flow: Flow) -> Iterator[Missing]:
        """What a rule lacks that names the host in a target URL only."""
        url = next((item for item in rule.urls if Pattern(host_of_url(item)).matches(name)), "")
        if not can_match_urls(rule, flow.application, self._ruleset.settings):
            text = f"its target URL {url} takes a Premium policy and, for https, TLS inspection"
            yield Missing(Lack.URL, text)
        elif matches_url(url, name, flow.path) is False:
            yield Missing(Lack.URL, f"its target URL {url} does not hold the path {flow.path}")

    def _of_network_rule(self, rule: NetworkRule, flow: Flow) -> Iterator[Missing]:
        name = _name_of(flow)
        if flow.destination is None or flow.destination not in rule.destinations:
            if _holds(rule.fqdns, name):
                yield from self._unresolved_names()
            elif odd := _meant_by(rule.ignored, name):
                yield Missing(Lack.NAME, f"it names '{odd}', which as it is written matches nothing")
            else:
                yield Missing(Lack.NAME, f"it names {_twin_in(rule.fqdns, name)}, which does not hold {name}")
        yield from _ports(rule, flow)
        yield from self._source(rule, flow)
        yield from _state(rule)

    def _source(self, rule: FilterRule, flow: Flow) -> Iterator[Missing]:
        sources = rule.sources
        if flow.source not in sources.addresses and not sources.unresolved:
            told = self._sources.get(id(sources)) or self._sources.setdefault(
                id(sources), _texts(sources.addresses)
            )
            yield Missing(Lack.SOURCE, f"it is for {told}, not for {address_text(flow.source)}")

    def _unresolved_names(self) -> Iterator[Missing]:
        if self._ruleset.settings.tier == "basic":
            yield Missing(Lack.DNS_PROXY, "a Basic firewall takes no names in network rules")
        elif not self._ruleset.settings.resolves_network_names:
            text = "names in network rules count only while the DNS proxy is on, and it is off"
            yield Missing(Lack.DNS_PROXY, text)


def _behind(hidden: Iterable[Step], verdict: Verdict) -> Iterator[NearMiss]:
    """Rules that match, and are never asked because a deny comes before them."""
    for step in hidden:
        if step.action is Action.ALLOW:
            text = f"it is evaluated after {verdict.stage} rule {verdict.ref}, which denies"
            yield NearMiss(ref=step.ref, stage=step.stage, missing=(Missing(Lack.ORDER, text),))


_RANK: Final = {lack: rank for rank, lack in enumerate(Lack)}


def _distance(missing: tuple[Missing, ...]) -> tuple[int, int]:
    return len(missing), min([_RANK[part.lack] for part in missing])


def _near(rule: FilterRule, missing: tuple[Missing, ...]) -> NearMiss:
    stage = Stage.APPLICATION if isinstance(rule, ApplicationRule) else Stage.NETWORK
    return NearMiss(ref=rule.ref, stage=stage, missing=missing)


def _holds(patterns: Collection[str], name: str) -> bool:
    return name in patterns or any(text[:1] == "*" and name.endswith(text[1:]) for text in patterns)


def _twins(name: str) -> tuple[str, ...]:
    """What people write for ``name`` and is something else: its wildcard, and the domain without it."""
    _, dot, parent = name.partition(".")
    return (f"*.{name}", parent) if dot and "." in parent else (f"*.{name}",)


def _twin_in(patterns: Iterable[str], name: str) -> str:
    twins = _twins(name)
    return next((text for text in patterns if text in twins), "")


def _name_of(flow: Flow) -> str:
    return flow.name or flow.sni or flow.host


def _meaning(text: str) -> str:
    """What somebody meant by a destination that matches nothing: the host of a URL, the name before a port."""
    host = text.partition("://")[2] or text
    try:
        return normalise(host.partition("/")[0].partition(":")[0])
    except UnicodeError:
        return ""


def _meant_by(ignored: Iterable[str], name: str) -> str:
    return next((text for text in ignored if _meaning(text) and Pattern(_meaning(text)).matches(name)), "")


def _names_in(rule: FilterRule) -> Iterator[str]:
    yield from filter(None, map(_meaning, rule.ignored))
    if isinstance(rule, NetworkRule):
        yield from rule.fqdns
        return
    yield from (text for text in rule.patterns if text != "*")
    yield from (host_of_url(url) for url in rule.urls if not find_url_fault(url))


def _services(rule: ApplicationRule, flow: Flow) -> Iterator[Missing]:
    if (flow.application, flow.port) in rule.services:
        return
    listed = _listed(sorted(f"{protocol}:{port}" for protocol, port in rule.services))
    if not reaches_application_rules(flow):
        yield Missing(
            Lack.PROTOCOL, f"it is for {listed}; {flow.transport}:{flow.port} reaches no application rule"
        )
    elif any(protocol == flow.application for protocol, _ in rule.services):
        yield Missing(Lack.PORT, f"it is for {listed}, not for {flow.application}:{flow.port}")
    else:
        yield Missing(Lack.PROTOCOL, f"it is for {listed}, not for {flow.application}:{flow.port}")


def _ports(rule: NetworkRule, flow: Flow) -> Iterator[Missing]:
    if is_protocol_match(rule.protocols, rule.ports, flow.transport, flow.port):
        return
    ports = [str(low) if low == high else f"{low}-{high}" for low, high in rule.ports]
    listed = f"{'/'.join(sorted(rule.protocols))}:{_listed(ports)}"
    right = bool({flow.transport, "any"} & rule.protocols)
    lack = Lack.PORT if right else Lack.PROTOCOL
    yield Missing(lack, f"it is for {listed}, not for {flow.transport}:{flow.port}")


def _state(rule: FilterRule) -> Iterator[Missing]:
    if rule.state:
        yield Missing(Lack.STATE, f"it may not be in force: {rule.state}")


@lru_cache(1 << 16)
def _texts(addresses: AddressSet) -> str:
    return _listed(list(addresses.texts())) or "no source (its IP groups are empty)"


def _listed(items: list[str]) -> str:
    shown = ", ".join(items[:_SHOWN])
    return f"{shown} and {len(items) - _SHOWN} more" if len(items) > _SHOWN else shown
