"""Verdicts for very many flows: what :func:`allowlist.rules.evaluate.evaluate` says, found through columns.

Three columns leave out the rules that cannot match, and only those: which rules name the host, which apply to the
protocol and port, which are for the zone of the source (the address space is cut wherever a rule's sources begin or
end, so a zone is one bit). What is left is matched by the same functions as everywhere else, and remembered: flows that
differ only within a zone share one verdict.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import or_, xor

from msgspec.structs import replace

from allowlist.names import normalise
from allowlist.rules.addresses import AddressSet
from allowlist.rules.columns.names import NameColumn
from allowlist.rules.evaluate import conclude, evaluate, hidden_steps, last_resort, step_of, steps_after
from allowlist.rules.flow import NOTHING_KNOWN, Facts, Flow, Step, Verdict
from allowlist.rules.index import Zones, bits_of, source_sets
from allowlist.rules.matching import (
    NO,
    YES,
    Match,
    all_of,
    is_protocol_match,
    match_destination,
    match_names,
    names_seen,
    perhaps,
    surely,
)
from allowlist.rules.model import (
    HTTP_PORTS,
    Action,
    ApplicationRule,
    FilterRule,
    NetworkRule,
    Ruleset,
    Stage,
)
from allowlist.rules.urls import find_url_fault

Line = tuple[int, str, str, int]
"""A flow as traffic logs tell it: source address as a number, host name, protocol (https, http, mssql, tcp, udp or
icmp), port."""


def compile_verdicts(
    ruleset: Ruleset,
    facts: Facts = NOTHING_KNOWN,
    sources: Iterable[AddressSet] = (),
    *,
    presumes: bool = False,
) -> CompiledVerdicts:
    """``ruleset`` made ready for any number of flows; reading the rules costs once what a few dozen flows would.

    ``presumes``: as for ``evaluate``. ``sources`` are further sets of addresses that the caller wants to tell apart by :meth:`CompiledVerdicts.zone`.

    >>> from allowlist.rules.model import Action, ApplicationRule, RuleRef, Sources
    >>> from allowlist.rules.addresses import AddressSet, parse_interval
    >>> rule = ApplicationRule(
    ...     ref=RuleRef(policy="p", group="g", collection="c", rule="r"), action=Action.ALLOW,
    ...     sources=Sources(addresses=AddressSet.parse(["10.0.0.0/24"])),
    ...     services=frozenset({("https", 443)}), patterns=("*.contoso.com",))
    >>> verdicts = compile_verdicts(Ruleset(name="p", application=(rule,)))
    >>> client, _ = parse_interval("10.0.0.7")
    >>> verdicts(client, "a.contoso.com", "https", 443).because
    'application rule p/g/c/r allows it'
    >>> [one.word for one in verdicts.batch([(client, "a.contoso.com", "https", 443), (9, "b.org", "https", 443)])]
    ['allow', 'deny']
    """
    return CompiledVerdicts(ruleset, facts, sources, presumes=presumes)


MANY = 1 << 18
"""So many goals of flows are remembered at once."""

LONG = 16
"""From this many candidates on the verdicts of a column are remembered by zone."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule that may match: ``there`` is how it does for sources in ``mask``, ``elsewhere`` for all others.

    ``alone`` is the verdict if it decides and nothing else was met before it; the same for all flows.
    """

    number: int
    rule: FilterRule
    mask: int
    there: Match
    elsewhere: Match
    alone: Verdict | None
    here: Step | None = None
    """The step that it is for sources in ``mask``."""

    def match(self, bit: int) -> Match:
        return self.there if self.mask & bit else self.elsewhere

    def step(self, bit: int) -> Step:
        if self.here is not None and self.mask & bit:
            return self.here
        stage = Stage.NETWORK if isinstance(self.rule, NetworkRule) else Stage.APPLICATION
        return step_of(self.rule, stage, self.match(bit))


@dataclass(frozen=True, slots=True)
class Meeting:
    """The candidates for flows that differ in nothing but their source, in evaluation order, and what if none matches."""

    candidates: tuple[Candidate, ...]
    otherwise: Verdict
    presumes: bool
    known: dict[int, Verdict] = field(default_factory=dict)

    def verdict(self, bit: int) -> Verdict:
        """For sources in the zone of ``bit``."""
        for candidate in self.candidates:
            if candidate.mask & bit:
                return candidate.alone or self._by_steps(bit)
            if candidate.elsewhere.matched:
                return self._by_steps(bit)
        return self.otherwise

    def remembered(self, bit: int) -> Verdict:
        if len(self.candidates) < LONG:
            return self.verdict(bit)
        found = self.known.get(bit)
        if found is None:
            found = self.known[bit] = self.verdict(bit)
        return found

    def _by_steps(self, bit: int) -> Verdict:
        steps: list[Step] = []
        for candidate in self.candidates:
            match = candidate.match(bit)
            if match.matched:
                steps.append(candidate.step(bit))
                if match.certain or (self.presumes and match.presumed):
                    break
        return conclude(steps, self.otherwise, self.presumes)

    def certain_steps(self, bit: int) -> list[Step]:
        matches = [(candidate, candidate.match(bit)) for candidate in self.candidates]
        return [candidate.step(bit) for candidate, match in matches if match.matched and match.certain]


class CompiledVerdicts:
    """Verdicts of one ruleset under fixed facts; see :func:`compile_verdicts`. For one thread at a time."""

    def __init__(
        self, ruleset: Ruleset, facts: Facts, sources: Iterable[AddressSet] = (), *, presumes: bool = False
    ) -> None:
        self.presumes = presumes
        self.ruleset = ruleset
        self.facts = facts
        sources = tuple(sources)
        zones = Zones([*source_sets(ruleset, facts), *sources])
        self._zones = zones
        self._starts = zones.starts
        self._bits = [1 << number for number in range(len(self._starts))]
        self._rules: tuple[FilterRule, ...] = (*ruleset.network, *ruleset.application)
        self._masks = [zones.mask(rule.sources.addresses) for rule in self._rules]
        self._given = [zones.mask(addresses) for addresses in sources]
        self._reads_feed = bool(facts.threat_names or facts.threat_addresses)
        self._lines: dict[tuple[str, str, int], Meeting] = {}
        self._columns: dict[tuple[object, ...], Meeting] = {}
        self._shared: dict[tuple[int, ...], Meeting] = {}
        self._services: dict[tuple[str, str, int], tuple[frozenset[int], list[int]]] = {}
        self._plain: dict[int, Candidate] = {}
        self._endings: dict[tuple[Stage, str], int] = {}

    def __call__(self, source: int, name: str, protocol: str, port: int) -> Verdict:
        """The verdict for a flow from address ``source`` to host ``name`` (already normalised)."""
        column = self._lines.get((name, protocol, port))
        if column is None:
            return self._first(source, name, protocol, port)
        return column.remembered(self._bits[bisect_right(self._starts, source) - 1])

    def batch(self, lines: Iterable[Line]) -> Iterator[Verdict]:
        """One verdict a line, in order."""
        return (self(*line) for line in lines)

    def zone(self, source: int) -> int:
        """The zone of an address: no rule and none of the given sets tells two addresses of one zone apart."""
        return bisect_right(self._starts, source) - 1

    def verdict(self, flow: Flow) -> Verdict:
        """What ``evaluate`` says about ``flow``."""
        if not self._is_plain(flow):
            return evaluate(self.ruleset, flow, self.facts, presumes=self.presumes)
        return self._column(flow).remembered(self._bits[self.zone(flow.source)])

    def bit(self, source: int) -> int:
        """The zone of an address as a bit of the masks that :meth:`mask` gives."""
        return self._bits[bisect_right(self._starts, source) - 1]

    def mask(self, sources: AddressSet) -> int:
        """A set of sources, of a rule or given at the beginning, as a bit for each of its zones."""
        return self._zones.mask(sources)

    def row(self, source: int) -> int:
        """Which sets hold an address, of those that rules are for and those given at the beginning: a bit for each."""
        return self._rows[bisect_right(self._starts, source) - 1]

    def columns(self, masks: Iterable[int]) -> int:
        """The bits in rows of the sets that have these ``masks``. Where two rows agree in them, no set tells them apart."""
        return reduce(or_, (1 << self._set_numbers[mask] for mask in masks), 0)

    @cached_property
    def _set_numbers(self) -> dict[int, int]:
        return {mask: number for number, mask in enumerate(dict.fromkeys((*self._masks, *self._given)))}

    @cached_property
    def _rows(self) -> list[int]:
        """By zone. From one to the next only the bits of those sets change that begin or end there."""
        changes = [0] * (len(self._starts) + 1)
        for mask, number in self._set_numbers.items():
            for zone in bits_of(mask ^ mask << 1):
                changes[zone] ^= 1 << number
        return list(itertools.accumulate(changes, xor))

    def meeting(self, flow: Flow) -> Meeting | None:
        """The rules that flows like ``flow`` may meet, wherever they start; None where more than columns decides."""
        return self._column(flow) if self._is_plain(flow) else None

    def hidden(self, flow: Flow, verdict: Verdict) -> list[Step]:
        """What ``hidden_steps`` says: rules that certainly match and are never asked."""
        return self._hidden(flow, verdict, self.meeting(flow))

    def decided(self, flow: Flow, meeting: Meeting | None) -> tuple[Verdict, list[Step]]:
        """The verdict and what it hides, with what :meth:`meeting` says of flows like ``flow``."""
        verdict = meeting.remembered(self.bit(flow.source)) if meeting is not None else self.verdict(flow)
        return verdict, self._hidden(flow, verdict, meeting)

    def _hidden(self, flow: Flow, verdict: Verdict, meeting: Meeting | None) -> list[Step]:
        if meeting is None:
            return hidden_steps(self.ruleset, flow, verdict, self.facts)
        return steps_after(meeting.certain_steps(self.bit(flow.source)), verdict)

    def _first(self, source: int, name: str, protocol: str, port: int) -> Verdict:
        """The first flow to ``name``; with a threat feed every flow is one, since its source may be on it."""
        flow = flow_of(source, name, protocol, port)
        if self._is_plain(flow):
            self._lines[name, protocol, port] = self._column(flow)
        return self.verdict(flow)

    def _is_plain(self, flow: Flow) -> bool:
        """Is everything about ``flow`` that decides in its columns?"""
        special = flow.established or flow.inbound or flow.explicit_proxy or flow.host_port is not None
        return not special and not self._reads_feed

    def _column(self, flow: Flow) -> Meeting:
        key = (flow.application, flow.transport, flow.port, flow.sni, flow.host, flow.path, flow.destination)
        found = self._columns.get(key)
        if found is None:
            if len(self._columns) >= MANY:
                self._columns.clear()
                self._lines.clear()
            found = self._columns[key] = self._made(flow)
        return found

    def _made(self, flow: Flow) -> Meeting:
        numbers, named = self._numbers(flow)
        otherwise = last_resort(self.ruleset, flow, self.facts)
        if not all(number in named and number in self._simple for number in numbers):
            candidates = (self._candidate(number, flow, number in named) for number in numbers)
            return Meeting(tuple(filter(None, candidates)), otherwise, self.presumes)
        about = self._endings.setdefault((otherwise.stage, otherwise.because), len(self._endings))
        found = self._shared.get((about, *numbers))
        if found is None:
            if len(self._shared) >= MANY:
                self._shared.clear()
            found = Meeting(tuple(map(self._simply, numbers)), otherwise, self.presumes)
            self._shared[(about, *numbers)] = found
        return found

    def _numbers(self, flow: Flow) -> tuple[list[int], frozenset[int]]:
        """The rules that may match ``flow``, and those of them whose patterns hold its name."""
        applying, nameless = self._service((flow.application, flow.transport, flow.port))
        named = applying.intersection(self._patterns.numbers(flow.name) if flow.name else ())
        members = applying.intersection(self._members.numbers(flow.name) if flow.name else ())
        numbers = {*nameless, *named, *members}
        if not flow.name:
            numbers = {number for number in numbers if number < len(self.ruleset.network)}
        if self._knows_address(flow):
            numbers.update(number for number in applying if number < len(self.ruleset.network))
            named = frozenset(number for number in named if number >= len(self.ruleset.network))
        return sorted(numbers), named

    def _knows_address(self, flow: Flow) -> bool:
        """Then network rules match by address, and names that share one are not told apart."""
        return flow.destination is not None or flow.name in self.facts.dns

    def _candidate(self, number: int, flow: Flow, named: bool) -> Candidate | None:
        if named and number in self._simple:
            return self._simply(number)
        rule = self._rules[number]
        there = all_of(self._targets(number, rule, flow, named), surely(rule))
        return self._made_candidate(number, rule, there) if there.matched else None

    def _targets(self, number: int, rule: FilterRule, flow: Flow, named: bool) -> Match:
        if isinstance(rule, NetworkRule):
            return match_destination(rule, flow, self.facts, self.ruleset.settings)
        if len(names_seen(rule, flow)) == 1:
            if named:
                return YES
            rule = self._without_patterns[number]
        return match_names(rule, flow, self.facts, self.ruleset.settings)

    def _simply(self, number: int) -> Candidate:
        """A rule that certainly matches every flow whose name its patterns hold."""
        found = self._plain.get(number)
        if found is None:
            found = self._plain[number] = self._made_candidate(number, self._rules[number], YES)
        return found

    def _made_candidate(self, number: int, rule: FilterRule, there: Match) -> Candidate:
        elsewhere = NO
        if rule.sources.unresolved:
            members = (f"the members of {item}" for item in rule.sources.unresolved)
            elsewhere = all_of(perhaps(*members), there)
        mask = self._masks[number]
        stage = Stage.NETWORK if isinstance(rule, NetworkRule) else Stage.APPLICATION
        here = step_of(rule, stage, there)
        alone = conclude([here], DEFAULT) if there.certain and mask else None
        return Candidate(number, rule, mask, there, elsewhere, alone, here)

    def _service(self, service: tuple[str, str, int]) -> tuple[frozenset[int], list[int]]:
        """The numbers of the rules that apply to a service, and those of them that may match any name."""
        found = self._services.get(service)
        if found is None:
            applying = frozenset(self._applying(*service))
            nameless = [number for number in self._nameless if number in applying]
            found = self._services[service] = (applying, nameless)
        return found

    def _applying(self, application: str, transport: str, port: int) -> Iterator[int]:
        for shape, numbers in self._shapes.items():
            if isinstance(shape, tuple):
                if is_protocol_match(*shape, transport, port):
                    yield from numbers
            elif application and transport == "tcp" and (application, port) in shape:
                yield from numbers

    @cached_property
    def _shapes(self) -> dict[_Shape, list[int]]:
        """Rules by what decides whether they apply to a service: few shapes for very many rules."""
        found: dict[_Shape, list[int]] = {}
        for number, rule in enumerate(self._rules):
            shape = (rule.protocols, rule.ports) if isinstance(rule, NetworkRule) else rule.services
            found.setdefault(shape, []).append(number)
        return found

    @cached_property
    def _patterns(self) -> NameColumn:
        """Names and patterns that stand in rules; those of network rules only where the firewall resolves them."""
        settings = self.ruleset.settings
        resolves = settings.resolves_network_names and settings.tier != "basic"
        return NameColumn.of(
            (rule.fqdns if resolves else ()) if isinstance(rule, NetworkRule) else rule.patterns
            for rule in self._rules
        )

    @cached_property
    def _members(self) -> NameColumn:
        """Names that rules hold in other ways: members of FQDN tags, hosts of target URLs."""
        return NameColumn.of(
            () if isinstance(rule, NetworkRule) else self._members_of(rule) for rule in self._rules
        )

    def _members_of(self, rule: ApplicationRule) -> Iterator[str]:
        for tag in rule.fqdn_tags:
            yield from self.facts.fqdn_tags.get(tag.lower(), ())
        for url in rule.urls:
            if not find_url_fault(url):
                yield normalise(url.removeprefix("https://").removeprefix("http://").partition("/")[0])

    @cached_property
    def _simple(self) -> frozenset[int]:
        """Rules that match for certain whatever name their patterns hold: no doubt about them, no look inside TLS."""
        return frozenset(
            number
            for number, rule in enumerate(self._rules)
            if not rule.unmodelled
            and not rule.state
            and (isinstance(rule, NetworkRule) or not rule.terminates_tls)
        )

    @cached_property
    def _nameless(self) -> list[int]:
        """Rules that may match a flow whatever its name is."""
        return [number for number, rule in enumerate(self._rules) if self._may_match_any_name(rule)]

    def _may_match_any_name(self, rule: FilterRule) -> bool:
        if isinstance(rule, NetworkRule):
            hidden = rule.fqdns if rule.action is Action.DENY else ()
            return bool(rule.destinations or rule.service_tags or rule.unresolved or hidden)
        return bool(
            rule.web_categories
            or rule.unresolved
            or any(tag.lower() not in self.facts.fqdn_tags for tag in rule.fqdn_tags)
            or (rule.urls and self.ruleset.settings.tier == "unknown")
            or any(map(find_url_fault, rule.urls))
        )

    @cached_property
    def _without_patterns(self) -> _Stripped:
        return _Stripped(self._rules)


class _Stripped(dict[int, ApplicationRule]):
    """Application rules without their patterns, for names that none of these hold."""

    def __init__(self, rules: tuple[FilterRule, ...]) -> None:
        super().__init__()
        self._rules = rules

    def __missing__(self, number: int) -> ApplicationRule:
        rule = self._rules[number]
        assert isinstance(rule, ApplicationRule)
        self[number] = found = replace(rule, patterns=())
        return found


_Shape = frozenset[tuple[str, int]] | tuple[frozenset[str], tuple[tuple[int, int], ...]]

DEFAULT = Verdict(action=Action.DENY, stage=Stage.DEFAULT)


def flow_of(source: int, name: str, protocol: str, port: int) -> Flow:
    """The flow that a line of a log tells of; names are SNI and Host alike."""
    by_name = protocol in HTTP_PORTS
    return Flow(
        source=source,
        port=port,
        transport="tcp" if by_name else protocol,
        application=protocol if by_name else "",
        sni=name,
        host=name,
    )
