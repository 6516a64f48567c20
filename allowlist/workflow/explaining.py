"""Explain flows: which rule decides, what shadows what, who wants the name."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from allowlist.catalog import Port, parse_port
from allowlist.catalog.packages import advice_text
from allowlist.catalog.search import Asked, Hit, Relation, Searcher, parse_asked
from allowlist.documents.prepared import prepared
from allowlist.documents.reader import near_miss
from allowlist.errors import AllowlistError, InvalidInput, Problem
from allowlist.estate.bodies import Estate
from allowlist.names import Pattern, is_host_name, normalise
from allowlist.network.path import Disposition, Stage, Trip, path_of, source_subnet
from allowlist.network.path import Step as PathStep
from allowlist.network.scene import Scene
from allowlist.plan.findings import reference
from allowlist.plan.model import Change, Gap, Plan
from allowlist.render.catalog_hits import UNWANTED, workload_lines
from allowlist.render.posture import DISPOSITION_GLYPHS, step_json
from allowlist.rules.addresses import EVERYWHERE, NOWHERE, AddressSet, parse_interval
from allowlist.rules.by_source import verdicts_by_source
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
        protocol = self.protocol.lower()
        if protocol not in (*HTTP_PORTS, "tcp", "udp", "icmp"):
            raise ValueError(f"protocol '{self.protocol}' is none of https, http, mssql, tcp, udp, icmp")
        transport = self.transport.lower() or ("tcp" if protocol in HTTP_PORTS else protocol)
        if transport not in ("tcp", "udp", "icmp"):
            raise ValueError(f"transport '{self.transport}' is none of tcp, udp, icmp")
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port {self.port} is outside 0 to 65535")
        name = _host(self.fqdn)
        return Flow(
            source=_address(self.source, "source") if self.source else 0,
            port=self.port,
            transport=transport,
            application=protocol if protocol in HTTP_PORTS else "",
            sni=name if self.sni is None else _host(self.sni),
            host=name if self.host is None else _host(self.host),
            path=self.path,
            destination=_address(self.destination, "destination") if self.destination else None,
        )


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
    try:
        low, high = parse_interval(text)
    except ValueError:
        low, high = 0, 1
    if low != high:
        raise ValueError(f"{what} '{text}' is not one IPv4 address")
    return low


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
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


def remedies_for(plan: Plan, target: str, wanted_by: Sequence[Requirement]) -> tuple[Remedy, ...]:
    """The lines of ``plan`` on ``target`` that serve any of the requirements, and the gaps it leaves for them.

    A gap of a requirement that a change serves is the doubt about that change, not a second statement.
    """
    wanted = [reference(item) for item in wanted_by]
    gaps = [gap for gap in plan.gaps if gap.target == target and gap.requirement in wanted]
    changes = [
        change
        for change in plan.changes
        if change.target == target and any(ref in change.requirements for ref in wanted)
    ]
    served = [ref for change in changes for ref in change.requirements]
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
    plan = cache(lambda: make_plan(project, estate, specs))
    estates = {spec.name: estate for spec in specs}
    catalogs = Searcher(project.library, project.workload.parameters)
    targets = [_Asked.of(project, estate, spec) for spec in specs]
    paths = [(path, hops_of(project, path, estates)) for path in paths_within(project, specs)]
    wanted = {(item.origin.catalog, item.origin.entry) for asked in targets for item in asked.wanted}
    for line, asked in itertools.product(lines, targets):
        for answer in asked.explain(line):
            hits = _elsewhere(catalogs, project.workload.cloud, wanted, answer.line)
            answer = replace(with_path(answer, asked.scene), elsewhere=hits)
            if answer.wanted_by and answer.verdict.word != "allow":
                answer = replace(answer, remedies=remedies_for(plan(), asked.name, answer.wanted_by))
            yield answer
            yield from (
                _along(path.name, hops, answer, project.facts)
                for path, hops in paths
                if asked.name == path.filters[0]
            )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One target, ready for many flows."""

    name: str
    ruleset: Ruleset
    wanted: tuple[Requirement, ...]
    facts: Facts
    scene: Scene
    near: NearMisses
    presumes: bool

    @classmethod
    def of(cls, project: Project, estate: Estate, spec: TargetSpec) -> _Asked:
        ruleset = project.point(spec).ruleset(estate)
        return cls(
            name=spec.name,
            ruleset=ruleset,
            wanted=project.requirements(spec, estate).wanted,
            facts=project.facts,
            scene=workload_scene(project.workload, estate, [spec]),
            near=NearMisses(ruleset, project.facts),
            presumes=project.presumes,
        )

    def explain(self, line: FlowLine) -> Iterator[Explanation]:
        for part, sources in self._parts(line):
            answer = explain_flow(
                part, self.ruleset, self.wanted, self.facts, self.name, presumes=self.presumes
            )
            near = self.near.of(part.flow(), answer.verdict)
            yield replace(answer, sources=sources, near=near)

    def _parts(self, line: FlowLine) -> Iterator[tuple[FlowLine, AddressSet]]:
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
    catalogs: Searcher, cloud: str, wanted: Collection[tuple[str, str]], line: FlowLine
) -> tuple[Hit, ...]:
    """Entries of the catalogs that want this name in ``cloud``, besides those that the workload asks for."""
    name = line.flow().name
    if not name:
        return ()
    hits = catalogs.find(Asked(text=name, host=name, port=_port_of(line)))
    return tuple(
        hit
        for hit in hits
        if hit.relation in (Relation.ALLOWS, *UNWANTED)
        and hit.entry
        and cloud in hit.entry.clouds
        and (hit.catalog, hit.name) not in wanted
    )


def _port_of(line: FlowLine) -> Port | None:
    return parse_port(f"{line.protocol.lower()}:{line.port}") if line.port and line.protocol else None


def parsed(line: FlowLine) -> Flow:
    """``line`` as the engine takes it. Raises AllowlistError when it is no flow."""
    try:
        return line.flow()
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


def read_flows(path: Path) -> list[FlowLine]:
    """Flows as JSON Lines. Raises InvalidInput with the line of every mistake."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput.of(path, f"cannot be read: {error}") from None
    lines: list[FlowLine] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            lines.append(msgspec.json.decode(line, type=prepared(FlowLine)))
            lines[-1].flow()
        except (msgspec.MsgspecError, ValueError) as error:
            column, reason = _mistake(str(error), line)
            problems.append(Problem(str(path), number, column, f"is no flow: {reason}"))
    if problems:
        raise InvalidInput(problems)
    return lines


def _mistake(reason: str, line: str) -> tuple[int, str]:
    """The column of what is wrong in ``line``, as far as it is known, and the reason with a near miss."""
    unknown = re.search(r"unknown field `(.*)`", reason)
    if unknown:
        name = unknown[1]
        return line.find(
            f'"{name}"'
        ) + 1, f"unknown key '{name}'{near_miss(name, FlowLine.__struct_fields__)}"
    malformed = re.search(r" \(byte (\d+)\)$", reason)
    return (int(malformed[1]) + 1, reason[: malformed.start()]) if malformed else (1, reason)


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """``allowlist/explain/v1``."""
    line, verdict, ref = explanation.line, explanation.verdict, explanation.verdict.ref
    flow: dict[str, Any] = {
        "source": line.source, "fqdn": line.fqdn, "port": line.port, "protocol": line.protocol,
    }  # fmt: skip
    if explanation.sources:
        flow["sources"] = list(explanation.sources.texts())
    extra = {
        key: value
        for key in ("destination", "transport", "sni", "host", "path")
        if (value := getattr(line, key)) not in ("", None)
    }
    return {
        "schema": SCHEMA,
        "flow": flow | extra,
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
