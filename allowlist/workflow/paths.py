"""A path of several filters: a flow passes where every one of them lets it through.

A proxy opens connections of its own, so what stands behind it sees the proxy's address. What a filter does not look at
(a DNS filter and an address, an HTTP proxy and other protocols) it does not decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from allowlist.estate.bodies import Estate
from allowlist.names import Pattern, covers
from allowlist.plan.findings import Finding, Status, Witness, find_requirement_findings, reference
from allowlist.points.point import Point
from allowlist.rules.addresses import EVERYWHERE, AddressSet
from allowlist.rules.compare import Difference, find_differences
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.evaluate import evaluate
from allowlist.rules.flow import Facts, Flow, Step, Verdict
from allowlist.rules.model import Action, FilterRule, Ruleset, Stage
from allowlist.rules.requirement import Origin, Requirement
from allowlist.rules.services import aligned
from allowlist.workflow.project import Project
from allowlist.workload import PathSpec, TargetSpec

__all__ = [
    "Hop",
    "PathCheck",
    "check_paths",
    "concerns_along",
    "hops_of",
    "opened_by",
    "paths_within",
    "verdict_along",
]

_MOST_TOLD = 20
"""Flows that nobody asks for are counted; so many are named."""


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """One filter of a path. ``sources`` is who it sees, None where that is every client as it is.

    ``hidden_by`` names a filter before it that goes on under addresses nobody says.
    """

    spec: TargetSpec
    point: Point
    ruleset: Ruleset
    sources: AddressSet | None = None
    hidden_by: str = ""

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def tells_sources_apart(self) -> bool:
        rules: tuple[FilterRule, ...] = (*self.ruleset.network, *self.ruleset.application)
        return any(rule.sources.addresses != EVERYWHERE or rule.sources.unresolved for rule in rules)

    @property
    def doubt(self) -> str:
        if not (self.hidden_by and self.tells_sources_apart):
            return ""
        return f"under which address {self.hidden_by} goes on (options.addresses of {self.hidden_by} says it)"

    def seen(self, sources: AddressSet) -> AddressSet:
        return sources if self.sources is None else self.sources


class PathCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The findings of one path, and what passes all of it that nobody asks for."""

    path: PathSpec
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


def paths_within(project: Project, specs: Sequence[TargetSpec]) -> list[PathSpec]:
    """The paths all of whose filters are among ``specs``."""
    names = {spec.name for spec in specs}
    return [path for path in project.workload.paths if names.issuperset(path.filters)]


def hops_of(project: Project, path: PathSpec, estates: Mapping[str, Estate]) -> list[Hop]:
    """The filters of a path in their order; ``estates`` holds the state of each by its name."""
    found: list[Hop] = []
    sources: AddressSet | None = None
    hidden_by = ""
    specs = {spec.name: spec for spec in project.workload.targets}
    for spec in map(specs.__getitem__, path.filters):
        point = project.point(spec)
        found.append(
            Hop(
                spec=spec,
                point=point,
                ruleset=point.ruleset(estates[spec.name]),
                sources=sources,
                hidden_by=hidden_by,
            )
        )
        if point.goes_on_as is not None:
            sources = point.goes_on_as or sources
            hidden_by = "" if point.goes_on_as else spec.name
    return found


def verdict_along(hops: Sequence[Hop], flow: Flow, facts: Facts) -> tuple[str, Verdict]:
    """The filter that decides and its verdict: the first that denies for certain, else the first that is not known."""
    unknown: tuple[str, Verdict] | None = None
    passed: tuple[str, Verdict] | None = None
    steps: list[Step] = []
    for hop in hops:
        if not hop.point.looks_at(flow.application or flow.transport, flow.name):
            continue
        verdict = _verdict_at(hop, flow, facts)
        steps += verdict.path
        if verdict.action is Action.DENY:
            return hop.name, _told(hop.name, verdict, steps)
        if verdict.action is None and unknown is None:
            unknown = (hop.name, verdict)
        passed = (hop.name, verdict)
    name, verdict = unknown or passed or ("", _NOBODY)
    return name, _told(name if unknown else "", verdict, steps)


_NOBODY = Verdict(
    action=None,
    stage=Stage.DEFAULT,
    because="no filter of the path looks at such flows",
    unknowns=("which way the flow takes",),
)


def _verdict_at(hop: Hop, flow: Flow, facts: Facts) -> Verdict:
    """For every address under which the flow may arrive here; the one that is not let through tells."""
    found: Verdict | None = None
    for low, _ in hop.seen(AddressSet(((flow.source, flow.source),))).intervals:
        verdict = evaluate(hop.ruleset, replace(flow, source=low), facts)
        if found is None or verdict.action is not Action.ALLOW:
            found = verdict
    found = found or _NOBODY
    if hop.doubt:
        return replace(
            found, action=None, because=f"depends on {hop.doubt}", unknowns=(*found.unknowns, hop.doubt)
        )
    return found


def _told(name: str, verdict: Verdict, steps: Sequence[Step]) -> Verdict:
    because = (
        f"{name} decides: {verdict.because}"
        if name
        else f"every filter lets it through; the last: {verdict.because}"
    )
    return replace(verdict, because=because if verdict is not _NOBODY else verdict.because, path=tuple(steps))


def check_paths(
    project: Project, specs: Sequence[TargetSpec], estates: Mapping[str, Estate]
) -> list[PathCheck]:
    """Is everything that is needed let through by every filter of a path, and does nothing else pass all of it?"""
    return [_check(project, path, estates) for path in paths_within(project, specs)]


def _check(project: Project, path: PathSpec, estates: Mapping[str, Estate]) -> PathCheck:
    hops = hops_of(project, path, estates)
    wanted = _wanted(project, hops, estates)
    by_hop = [_at_hop(hop, wanted, project.facts, estates[hop.name]) for hop in hops]
    findings = tuple(
        _along(path, item, [(hop, found[number]) for hop, found in zip(hops, by_hop, strict=True)])
        for number, item in enumerate(wanted)
    )
    return PathCheck(path=path, findings=findings, notes=tuple(_besides(path, hops, wanted, project.facts)))


def concerns_along(
    project: Project, path: PathSpec, before: Mapping[str, Estate], after: Mapping[str, Estate]
) -> Iterator[Finding]:
    """What a path would still lack after a plan, and what the plan would open all along it that nobody asks for."""
    yield from (item for item in _check(project, path, after).findings if not item.is_fine)
    hops = hops_of(project, path, after)
    wanted = _wanted(project, hops, after)
    for hop in hops:
        old = hop.point.ruleset(before[hop.name])
        if old is hop.ruleset or before[hop.name] is after[hop.name]:
            continue
        for witness in opened_by(hops, hop, old, wanted, project.facts):
            yield Finding(
                status=Status.WIDENS,
                target=path.name,
                severity="warning",
                rule=hop.name,
                because=f"the change of {hop.name} opens it along the whole path, and no requirement asks for it",
                witness=witness,
            )


def _wanted(project: Project, hops: Sequence[Hop], estates: Mapping[str, Estate]) -> list[Requirement]:
    """What any filter of the path is asked to let through, with the sources the first of them is asked about."""
    found: dict[tuple[str, str, tuple[int, int]], Requirement] = {}
    for hop in hops:
        for item in project.requirements(hop.spec, estates[hop.name]).wanted:
            found.setdefault((item.destination, item.protocol, item.ports), item)
    return list(found.values())


def _at_hop(hop: Hop, wanted: Sequence[Requirement], facts: Facts, estate: Estate) -> list[Finding]:
    here = [replace(item, sources=hop.seen(item.sources)) for item in wanted]
    engine = CoverageEngine.of(hop.ruleset, here, facts)
    pairs = list(zip(here, find_requirement_findings(engine, here, hop.name), strict=True))
    return hop.point.refine(estate, pairs)


def _along(path: PathSpec, item: Requirement, answers: Sequence[tuple[Hop, Finding]]) -> Finding:
    """One finding for the whole path: the first filter that stops it, else the first that is not known."""
    looking = [(hop, finding) for hop, finding in answers if hop.point.looks_at(item.protocol, item.pattern)]
    stopped = [pair for pair in looking if pair[1].status not in (Status.COVERED, Status.UNKNOWN)]
    doubtful = [pair for pair in looking if pair[1].status is Status.UNKNOWN or pair[0].doubt]
    base = Finding(
        status=Status.COVERED,
        target=path.name,
        severity="info",
        requirement=reference(item),
        covered_by=tuple(rule for _, finding in looking for rule in finding.covered_by[:1]),
        because=f"allowed by {', then '.join(hop.name for hop, _ in looking)}",
    )
    if not looking:
        return msgspec.structs.replace(
            base,
            status=Status.UNKNOWN,
            severity="warning",
            because=_NOBODY.because,
            code="not_seen_by_filter",
        )
    if not stopped and not doubtful:
        return base
    hop, finding = (stopped or doubtful)[0]
    because = f"depends on {hop.doubt}" if finding.status is Status.COVERED else finding.because
    return msgspec.structs.replace(
        finding,
        target=path.name,
        status=Status.UNKNOWN if not stopped else finding.status,
        severity="warning" if not stopped else finding.severity,
        requirement=base.requirement,
        because=f"{hop.name} decides: {because}",
        code=finding.code,
    )


def _besides(
    path: PathSpec, hops: Sequence[Hop], wanted: Sequence[Requirement], facts: Facts
) -> Iterator[str]:
    """What passes the whole path by name and no requirement asks for."""
    nothing = Ruleset(name="nothing")
    found = list(opened_by(hops, hops[0], nothing, wanted, facts))
    if found:
        told = "; ".join(str(witness) for witness in found[:_MOST_TOLD])
        more = f" and {len(found) - _MOST_TOLD} more" if len(found) > _MOST_TOLD else ""
        yield f"{path.name}: passes every filter and nobody of this workload asks for it: {told}{more}"


def opened_by(
    hops: Sequence[Hop], changed: Hop, before: Ruleset, wanted: Sequence[Requirement], facts: Facts
) -> Iterator[Witness]:
    """Flows by name that pass every filter of the path, ``changed`` as it is now and not as it was ``before``.

    What a requirement asks for does not count.
    """
    others = [hop for hop in hops if hop.name != changed.name]
    here = [replace(item, sources=changed.seen(item.sources)) for item in wanted]
    old, *rulesets = aligned(before, changed.ruleset, *(hop.ruleset for hop in others))
    now, *rest = rulesets
    differences = [
        item
        for item in find_differences(old, now, here, facts)
        if item.opened and item.key[0] not in "#%@" and item.after.allowed
    ]
    engines = [
        _engine(hop, ruleset, changed, differences, facts) for hop, ruleset in zip(others, rest, strict=True)
    ]
    told: set[str] = set()
    for difference in differences:
        witness = _passing(difference, changed, list(zip(others, engines, strict=True)))
        if witness is not None and str(witness) not in told:
            told.add(str(witness))
            yield witness


def _engine(
    hop: Hop, ruleset: Ruleset, changed: Hop, differences: Sequence[Difference], facts: Facts
) -> CoverageEngine:
    """Made ready for the sources of the differences, as this filter sees them."""
    sources = {_seen_at(hop, changed, item.opened) for item in differences}
    probe = [_probe(one) for one in sources]
    return CoverageEngine.of(ruleset, probe, facts)


def _probe(sources: AddressSet) -> Requirement:
    origin = Origin(catalog="path", version="0", entry="probe")
    return Requirement(origin=origin, sources=sources, protocol="https", ports=(443, 443), pattern="*")


def _seen_at(hop: Hop, changed: Hop, opened: AddressSet) -> AddressSet:
    """Who another filter sees: the same clients, or the proxy between; a client behind a proxy may be anybody."""
    if hop.sources is not None:
        return hop.sources
    return opened if changed.sources is None else EVERYWHERE


def _passing(
    difference: Difference, changed: Hop, others: Sequence[tuple[Hop, CoverageEngine]]
) -> Witness | None:
    """Some flow of the difference that all other filters let through for certain, None if there is none."""
    keys = {difference.key}
    for _, engine in others:
        keys.update(engine.index.table(difference.service).keys_below(difference.key))
    holes = [Pattern(hole) for hole in difference.holes]
    for key in sorted(keys, key=lambda text: (text[:1] == "*", len(text), text)):
        if any(covers(hole, Pattern(key)) for hole in holes):
            continue
        if all(_lets_through(hop, engine, changed, difference, key) for hop, engine in others):
            name = (
                difference.name()
                if key == difference.key
                else key.replace("*", "x", 1)
                if key[:1] == "*"
                else key
            )
            if name:
                protocol, port = difference.service
                source = difference.opened.witness() or ""
                return Witness(source=source, fqdn=name, port=port, protocol=protocol)
    return None


def _lets_through(hop: Hop, engine: CoverageEngine, changed: Hop, difference: Difference, key: str) -> bool:
    if not hop.point.looks_at(difference.service[0], key):
        return True
    sources = engine.index.zones.mask(_seen_at(hop, changed, difference.opened))
    return bool(engine.outcome(key, difference.service, sources).allowed)
