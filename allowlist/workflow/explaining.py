"""Explain flows: which rule decides, what shadows what, who wants the name."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import astuple, replace

from allowlist.catalog import Port, parse_port
from allowlist.catalog.packages import advice_text
from allowlist.catalog.search import Asked, Hit, Relation, Searcher, parse_asked
from allowlist.documents.grouping import grouped
from allowlist.errors import AllowlistError
from allowlist.estate.bodies import Estate
from allowlist.names import Pattern, is_host_name, normalise
from allowlist.network.path import Disposition, Stage, Trip, path_of, source_subnet, subnet_spaces
from allowlist.network.path import Step as PathStep
from allowlist.network.scene import Scene
from allowlist.plan.findings import reference
from allowlist.plan.model import Change, Gap, Plan
from allowlist.render.catalog_hits import UNWANTED, workload_lines
from allowlist.render.posture import DISPOSITION_GLYPHS, step_json
from allowlist.rules.addresses import EVERYWHERE, NOWHERE, AddressSet, parse_interval, plain_address
from allowlist.rules.by_source import verdicts_by_source
from allowlist.rules.columns.names import NameColumn
from allowlist.rules.columns.verdicts import compile_verdicts
from allowlist.rules.evaluate import evaluate, hidden_steps
from allowlist.rules.flow import Facts, Flow, Step, Verdict
from allowlist.rules.model import HTTP_PORTS, Ruleset
from allowlist.rules.near_miss import NearMiss, NearMisses
from allowlist.rules.requirement import Requirement
from allowlist.workflow.paths import Hop, hops_of, paths_within, verdict_along
from allowlist.workflow.planning import make_plan
from allowlist.workflow.project import Project
from allowlist.workflow.scenes import workload_scene
from allowlist.workload import TargetSpec

SCHEMA = "allowlist/explain/v1"
MANY = 1 << 17
"""How many names, sources and answers are remembered while many flows are asked about."""
MOST_ELSEWHERE = 4
"""Entries of other catalogs that text names; JSON names all of them."""


class FlowLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A flow as people and files write it; without ``source`` it starts anywhere the workload does."""

    source: str = ""
    fqdn: str = ""
    port: int = 443
    protocol: str = "https"
    destination: str = ""
    transport: str = ""
    sni: str | None = None
    host: str | None = None
    path: str | None = None

    def flow(self) -> Flow:
        """As the engine takes it. Raises ValueError with what is wrong."""
        return replace(self.towards, source=address_of(self.source)) if self.source else self.towards

    @property
    def towards(self) -> Flow:
        """The flow from nowhere in particular. Raises ValueError with what is wrong."""
        return _without_source(*astuple(self)[1:])

    @property
    def extra(self) -> dict[str, str]:
        """What is said of it beyond source, name, port and protocol."""
        keys = ("destination", "transport", "sni", "host", "path")
        return {key: value for key in keys if (value := getattr(self, key)) not in ("", None)}

    def require_sense(self) -> None:
        """Raises ValueError with what is wrong."""
        if self.source:
            address_of(self.source)
        _without_source(*astuple(self)[1:])


@lru_cache(maxsize=MANY)
def _without_source(
    fqdn: str,
    port: int,
    protocol: str,
    destination: str,
    transport: str,
    sni: str | None,
    host: str | None,
    path: str | None,
) -> Flow:
    """The flow of a line but for its source. Raises ValueError with what is wrong."""
    written, protocol = protocol, protocol.lower()
    if protocol not in (*HTTP_PORTS, "tcp", "udp", "icmp"):
        raise ValueError(f"protocol '{written}' is none of https, http, mssql, tcp, udp, icmp")
    carrier = transport.lower() or ("tcp" if protocol in HTTP_PORTS else protocol)
    if carrier not in ("tcp", "udp", "icmp"):
        raise ValueError(f"transport '{transport}' is none of tcp, udp, icmp")
    if not 0 <= port <= 65535:
        raise ValueError(f"port {port} is outside 0 to 65535")
    name = _host(fqdn)
    return Flow(
        source=0,
        port=port,
        transport=carrier,
        application=protocol if protocol in HTTP_PORTS else "",
        sni=name if sni is None else _host(sni),
        host=name if host is None else _host(host),
        path=path,
        destination=_address(destination, "destination") if destination else None,
    )


def address_of(source: str) -> int:
    """The address a flow starts at. Raises ValueError where ``source`` is not one IPv4 address."""
    return _address(source, "source")


def _host(text: str) -> str:
    if not text:
        return ""
    try:
        name = normalise(text)
    except UnicodeError:
        raise ValueError(f"'{text}' cannot be written in punycode (IDNA)") from None
    if not is_host_name(name):
        raise ValueError(f"'{text}' is not a host name")
    return name


def _address(text: str, what: str) -> int:
    plain = plain_address(text)
    if plain is not None:
        return plain
    try:
        low, high = parse_interval(text)
    except ValueError:
        low, high = 0, 1
    if low != high:
        raise ValueError(f"{what} '{text}' is not one IPv4 address")
    return low


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The answer for one flow on one target."""

    line: FlowLine
    target: str
    verdict: Verdict
    wanted_by: tuple[Requirement, ...]
    sources: AddressSet = NOWHERE
    """From where, if the flow does not say it: everything here gets this answer. Its line then names one of them."""
    near: tuple[NearMiss, ...] = ()
    elsewhere: tuple[Hit, ...] = ()
    """Entries that want the name and that this workload does not ask for."""
    hidden: tuple[Step, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    path: tuple[PathStep, ...] = ()
    filter: str = ""
    """Of a path of several filters: the one that decides, empty where every one lets the flow through."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What a plan made now does about a flow that is wanted: a change by its id, or why there is none.

    ``doubt``: why the change by itself is not enough; empty where it is proved to be. ``assumes``: under which
    condition the proof does not hold.
    """

    change: str
    text: str
    doubt: str = ""
    assumes: str = ""

    def __str__(self) -> str:
        if not self.change:
            return f"the plan cannot: {self.text}"
        if self.assumes and not self.doubt:
            return f"the plan can {self.text} ({self.change}), which helps unless {self.assumes}"
        if self.doubt:
            return f"the plan can {self.text} ({self.change}), which by itself is not enough: {self.doubt}"
        return f"the plan fixes it: {self.change} {self.text}"


class Remedies:
    """The changes of a plan and the gaps it leaves, by target and by the requirement they are about."""

    def __init__(self, plan: Plan) -> None:
        pairs = [
            (number, (change.target, ref))
            for number, change in enumerate(plan.changes)
            for ref in change.requirements
        ]
        self._plan = plan
        self._changes = grouped(pairs, lambda pair: pair[1])
        self._gaps = grouped(enumerate(plan.gaps), lambda pair: (pair[1].target, pair[1].requirement))

    def of(self, target: str, wanted_by: Sequence[Requirement]) -> tuple[Remedy, ...]:
        """The lines of the plan on ``target`` that serve any of the requirements, and the gaps it leaves for them.

        A gap of a requirement that a change serves is the doubt about that change, not a second statement.
        """
        places = [(target, reference(item)) for item in wanted_by]
        numbers = sorted({number for place in places for number, _ in self._changes.get(place, ())})
        found = dict(pair for place in places for pair in self._gaps.get(place, ()))
        changes = [self._plan.changes[number] for number in numbers]
        gaps = [found[number] for number in sorted(found)]
        served = {ref for change in changes for ref in change.requirements}
        return (
            *(
                Remedy(change.id, change.title, _doubt(change, gaps), " or ".join(change.assumptions))
                for change in changes
            ),
            *(Remedy("", gap.cause) for gap in gaps if gap.requirement not in served),
        )


def _doubt(change: Change, gaps: Sequence[Gap]) -> str:
    """Why a change does not achieve what it is for: its own proof says so, or a gap that stays."""
    if not change.proofs.sufficient.holds:
        return change.proofs.sufficient.text
    return next((gap.cause for gap in gaps if gap.requirement in change.requirements), "")


def explain_flows(
    project: Project, estate: Estate, specs: Sequence[TargetSpec], lines: Sequence[FlowLine]
) -> Iterator[Explanation]:
    """Each flow on each target, in order; what is not let through and wanted, with what a plan would do about it.

    A flow without a source has an answer for every part of the workload's sources that is treated in its own way.
    """
    explainer = Explainer(project, estate, specs)
    for line, asked in itertools.product(lines, explainer.targets):
        yield from explainer.explain(line, asked)


class Explainer:
    """Answers about flows on the loaded targets of one workload; the plan that may mend them is made once, if asked."""

    def __init__(self, project: Project, estate: Estate, specs: Sequence[TargetSpec]) -> None:
        self.targets = [LoadedTarget(project, estate, spec) for spec in specs]
        self._project = project
        self._remedies = cache(lambda: Remedies(make_plan(project, estate, specs)))
        self._catalogs = Searcher(project.library, project.workload.parameters)
        estates = {spec.name: estate for spec in specs}
        self._paths = [(path, hops_of(project, path, estates)) for path in paths_within(project, specs)]
        wanted = {(item.origin.catalog, item.origin.entry) for asked in self.targets for item in asked.wanted}
        self._elsewhere = lru_cache(MANY)(partial(_elsewhere, self._catalogs, project.workload.cloud, wanted))

    def begins_path(self, asked: LoadedTarget) -> bool:
        """Is the target the first filter of a path of several, so that the whole path is answered for as well?"""
        return any(asked.name == path.filters[0] for path, _ in self._paths)

    def explain(self, line: FlowLine, asked: LoadedTarget) -> Iterator[Explanation]:
        """Raises AllowlistError when the flow is no flow."""
        for part, sources in asked.parts(line):
            answer = self.answer(Goal(asked, part), part, sources)
            yield answer
            yield from (
                _along(path.name, hops, answer, self._project.facts)
                for path, hops in self._paths
                if asked.name == path.filters[0]
            )

    def answer(self, goal: Goal, line: FlowLine, sources: AddressSet = NOWHERE) -> Explanation:
        """The answer of the target of ``goal`` to ``line``, which goes there from somewhere."""
        asked, start = goal.target, goal.start_of(line)
        found = goal.explanation(line, start, sources)
        hits = self._elsewhere(goal.flow.name, line.protocol, line.port)
        if hits:
            found = replace(found, elsewhere=hits)
        if asked.on_network(start):
            found = with_path(found, asked.scene)
        if found.wanted_by and found.verdict.word != "allow":
            found = replace(found, remedies=self._remedies().of(asked.name, found.wanted_by))
        return found


def _along(path: str, hops: Sequence[Hop], answer: Explanation, facts: Facts) -> Explanation:
    """The answer of a whole path to the flow of ``answer``, which one of its filters gave."""
    decider, verdict = verdict_along(hops, answer.line.flow(), facts)
    return Explanation(
        line=answer.line,
        target=path,
        verdict=verdict,
        wanted_by=answer.wanted_by,
        sources=answer.sources,
        filter=decider,
    )


class Goal:
    """What flows to one name and service have in common on one target, wherever they start."""

    def __init__(self, target: LoadedTarget, line: FlowLine) -> None:
        """Raises AllowlistError when ``line`` is no flow."""
        self.target = target
        self.flow = parsed(line, towards=True)
        self.wanting = target.wanting(self.flow)
        self.named = tuple(target.near.named(self.flow))
        self.meeting = target.verdicts.meeting(self.flow)

    @staticmethod
    def start_of(line: FlowLine) -> int:
        """The address ``line`` starts at. Raises AllowlistError when it is none."""
        try:
            return address_of(line.source) if line.source else 0
        except ValueError as error:
            raise AllowlistError(str(error)) from None

    def explanation(self, line: FlowLine, start: int, sources: AddressSet = NOWHERE) -> Explanation:
        """What the rules of the target and the workload have to do with ``line``, which goes here from ``start``."""
        target = self.target
        flow = self.flow.starting_at(start)
        verdict, hidden = target.verdicts.decided(flow, self.meeting)
        return Explanation(
            line=line,
            target=target.name,
            verdict=verdict,
            hidden=tuple(hidden),
            wanted_by=tuple(item for item in self.wanting if start in item.sources),
            sources=sources,
            near=target.near.of(flow, verdict, hidden, self.named),
        )


class LoadedTarget:
    """One target made ready for any number of flows."""

    def __init__(self, project: Project, estate: Estate, spec: TargetSpec) -> None:
        self.name = spec.name
        self.ruleset = project.point(spec).ruleset(estate)
        self.wanted = project.requirements(spec, estate).wanted
        self.facts = project.facts
        self.scene = workload_scene(project.workload, estate, [spec])
        self.near = NearMisses(self.ruleset, project.facts)
        sources = {
            *(item.sources for item in self.wanted),
            *(subnet_spaces(self.scene) if self.scene.targets else ()),
        }
        self.verdicts = compile_verdicts(self.ruleset, project.facts, sources, presumes=project.presumes)
        self._by_name = NameColumn.of((item.pattern,) if item.pattern else () for item in self.wanted)

    def wanting(self, flow: Flow) -> list[Requirement]:
        """Those that ask for the name and service of ``flow``, from wherever, in the order of the workload."""
        protocol = flow.application or flow.transport
        named = (self.wanted[number] for number in (self._by_name.numbers(flow.name) if flow.name else ()))
        return [
            item
            for item in named
            if item.protocol == protocol and item.ports[0] <= flow.port <= item.ports[1]
        ]

    def on_network(self, source: int) -> bool:
        """Does the estate hold the subnet that a flow from ``source`` starts in, so that its way has more stages?"""
        return bool(self.scene.targets) and source_subnet(self.scene, source) is not None

    def parts(self, line: FlowLine) -> Iterator[tuple[FlowLine, AddressSet]]:
        """``line`` from one address of every part of the sources that gets an answer of its own."""
        if line.source:
            yield line, NOWHERE
            return
        flow = parsed(line)
        for sources, _ in verdicts_by_source(self.ruleset, flow, self._sources(), self.facts):
            yield msgspec.structs.replace(line, source=sources.witness() or ""), sources

    def _sources(self) -> AddressSet:
        found = NOWHERE
        for addresses in {item.sources for item in self.wanted}:
            found |= addresses
        return found or EVERYWHERE


def _elsewhere(
    catalogs: Searcher, cloud: str, wanted: Collection[tuple[str, str]], name: str, protocol: str, port: int
) -> tuple[Hit, ...]:
    """Entries of the catalogs that want this name in ``cloud``, besides those that the workload asks for."""
    if not name or not catalogs.may_know(name):
        return ()
    hits = catalogs.find(Asked(text=name, host=name, port=_port_of(protocol, port)))
    return tuple(
        hit
        for hit in hits
        if hit.relation in (Relation.ALLOWS, *UNWANTED)
        and hit.entry
        and cloud in hit.entry.clouds
        and (hit.catalog, hit.name) not in wanted
    )


def _port_of(protocol: str, port: int) -> Port | None:
    return parse_port(f"{protocol.lower()}:{port}") if port and protocol else None


def parsed(line: FlowLine, *, towards: bool = False) -> Flow:
    """``line`` as the engine takes it, or as it comes from nowhere. Raises AllowlistError when it is no flow."""
    try:
        return line.towards if towards else line.flow()
    except ValueError as error:
        raise AllowlistError(str(error)) from None


def explain_flow(
    line: FlowLine,
    ruleset: Ruleset,
    requirements: Sequence[Requirement],
    facts: Facts,
    target: str,
    *,
    presumes: bool = False,
) -> Explanation:
    """Raises AllowlistError when the flow is no flow."""
    flow = parsed(line)
    verdict = evaluate(ruleset, flow, facts, presumes=presumes)
    return Explanation(
        line=line,
        target=target,
        verdict=verdict,
        hidden=tuple(hidden_steps(ruleset, flow, verdict, facts)),
        wanted_by=tuple(item for item in requirements if _wants(item, flow)),
    )


def line_of_address(text: str, *, source: str, port: int | None, protocol: str, destination: str) -> FlowLine:
    """The flow of a host, ``host:port`` or URL; what the address itself says counts where nothing else is given.

    Raises AllowlistError for a scheme that no rule knows.
    """
    if "://" in text:
        asked = parse_asked(text)
        scheme = urlsplit(text).scheme.lower()
        if scheme not in ("http", "https") and (port is None or protocol == ""):
            raise AllowlistError(
                f"'{text}': which protocol and port is {scheme}?",
                hint="give the host with --protocol https, http, mssql, tcp or udp, and --port",
            )
        path = urlsplit(text).path
        host, said = asked.host, asked.port
        protocol = protocol or (scheme if scheme in HTTP_PORTS else "tcp")
    else:
        asked = parse_asked(text)
        host, said, path = (asked.host if asked.port else text), asked.port, ""
        protocol = protocol or (said.protocol.value if said else "https")
    usual = HTTP_PORTS.get(protocol, HTTP_PORTS["https"])
    number = port or (said.first if said else usual)
    return FlowLine(
        source=source, fqdn=host, port=number, protocol=protocol, destination=destination, path=path or None
    )


def with_path(explanation: Explanation, scene: Scene) -> Explanation:
    """The answer with the whole way of the flow, where the estate holds the subnet it starts in."""
    line = explanation.line
    flow = line.flow()
    subnet = source_subnet(scene, flow.source)
    if subnet is None or not scene.targets:
        return explanation
    verdict = explanation.verdict
    dispositions = {"allow": Disposition.PASSES, "deny": Disposition.BLOCKED}
    firewall = PathStep(
        stage=Stage.FIREWALL,
        disposition=dispositions.get(verdict.word, Disposition.UNKNOWN),
        name=", ".join(item.name for item in scene.carriers) or explanation.target,
        says=verdict.because,
    )
    trip = Trip(
        subnet=subnet,
        address=line.source,
        fqdn=flow.name,
        protocol=flow.transport,
        port=line.port,
        destination=line.destination,
    )
    return replace(explanation, path=tuple(path_of(scene, trip, firewall)))


def _wants(requirement: Requirement, flow: Flow) -> bool:
    protocol = flow.application or flow.transport
    low, high = requirement.ports
    return (
        bool(requirement.pattern)
        and requirement.protocol == protocol
        and low <= flow.port <= high
        and Pattern(requirement.pattern).matches(flow.name)
        and flow.source in requirement.sources
    )


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """``allowlist/explain/v1``."""
    line, verdict, ref = explanation.line, explanation.verdict, explanation.verdict.ref
    flow: dict[str, Any] = {
        "source": line.source, "fqdn": line.fqdn, "port": line.port, "protocol": line.protocol,
    }  # fmt: skip
    if explanation.sources:
        flow["sources"] = list(explanation.sources.texts())
    return {
        "schema": SCHEMA,
        "flow": flow | line.extra,
        "target": explanation.target,
        "verdict": verdict.word,
        "decided_by": {
            "stage": verdict.stage.value,
            "policy": ref.policy if ref else None,
            "group": ref.group if ref else None,
            "collection": ref.collection if ref else None,
            "rule": ref.rule if ref else None,
        }
        | ({"filter": explanation.filter} if explanation.filter else {}),
        "because": verdict.because,
        "unknowns": list(verdict.unknowns),
        "assumptions": list(verdict.assumptions),
        "alert": verdict.alert,
        "wanted_by": [
            {"catalog": item.origin.catalog, "version": item.origin.version, "entry": item.origin.entry}
            | ({"evidence": item.evidence} if item.evidence else {})
            for item in explanation.wanted_by
        ],
        "hides": [{"rule": str(step.ref), "action": step.action.value} for step in explanation.hidden],
        "near_misses": [near_miss_json(item) for item in explanation.near],
        "wanted_elsewhere": [
            {
                "catalog": hit.catalog,
                "version": hit.version,
                "entry": hit.name,
                "scenario": hit.entry.scenario if hit.entry else "",
                "need": hit.entry.need.value if hit.entry else "",
            }
            | ({"advice": advice_text(hit.entry)} if hit.entry and hit.relation in UNWANTED else {})
            for hit in explanation.elsewhere
        ],
        "path": [step_json(step) for step in explanation.path],
        "fixed_by": [
            {"change": item.change or None, "text": item.text}
            | ({"doubt": item.doubt} if item.doubt else {})
            | ({"unless": item.assumes} if item.assumes else {})
            for item in explanation.remedies
        ],
    }


def explanation_text(explanation: Explanation, styled: Any) -> Iterator[str]:
    """The answer in words, with the rules that were met on the way."""
    line, verdict = explanation.line, explanation.verdict
    source = str(explanation.sources) if explanation.sources else line.source
    yield f"{styled(verdict.word)}  {source} → {line.fqdn or line.destination} {line.protocol}:{line.port}  [{explanation.target}]"
    yield f"    {verdict.because}"
    for text in verdict.assumptions:
        yield f"    unless {text}"
    for step in verdict.path:
        how = "matches" if step.certain else "perhaps matches"
        yield f"    {step.stage} rule {step.ref} ({step.action}) {how}"
    for step in explanation.hidden:
        yield f"    it hides {step.stage} rule {step.ref} ({step.action})"
    for unknown in verdict.unknowns:
        yield f"    not known: {unknown}"
    for near in explanation.near:
        yield f"    near miss: {near}"
    for item in explanation.wanted_by:
        yield f"    wanted by {item.origin} ({item.need}): {item.purpose or item.pattern}"
        if item.evidence:
            yield f"        evidence: {item.evidence}"
    if not explanation.wanted_by:
        yield "    no catalog of this workload wants it from there"
    for text in elsewhere_lines(explanation.elsewhere):
        yield f"    {text}"
    for stop in explanation.path:
        yield f"    {DISPOSITION_GLYPHS[stop.disposition]} {stop.stage}: {stop.name}: {stop.says}"
    for remedy in explanation.remedies:
        yield f"    {remedy}"


def elsewhere_lines(hits: Sequence[Hit]) -> Iterator[str]:
    """Who else wants the name, and what the workload file would have to say to ask for it."""
    for hit in hits[:MOST_ELSEWHERE]:
        entry = hit.entry
        if entry and hit.relation in UNWANTED:
            yield f"{advice_text(entry)}  ({hit.catalog}@{hit.version}#{hit.name})"
            continue
        said = f" ({entry.need}, scenario {entry.scenario})" if entry else ""
        yield f"not asked for by this workload: {hit.catalog}@{hit.version}#{hit.name}{said}: {hit.text}"
    if len(hits) > MOST_ELSEWHERE:
        yield f"not asked for by this workload: {len(hits) - MOST_ELSEWHERE} more entries; see allowlist catalog find"
    for line in workload_lines(hits):
        yield f"to ask for it:  {line}"


def near_miss_json(item: NearMiss) -> dict[str, Any]:
    return {
        "rule": str(item.ref),
        "stage": item.stage.value,
        "missing": [{"what": part.lack.value, "text": part.text} for part in item.missing],
    }
