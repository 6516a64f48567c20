"""The posture of a workload: what is recommended, what is so, what is not, the evidence, and the next step."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence

from allowlist.catalog import Entry, Kind, Library
from allowlist.catalog import Need as CatalogNeed
from allowlist.documents.words import counted
from allowlist.estate.bodies import Estate
from allowlist.estate.resource_id import normal_id
from allowlist.network.checks import observe
from allowlist.network.observation import Evidence, Observation, Service, State, fault, note, worst
from allowlist.network.path import Disposition, Stage, Step, Trip, path_of
from allowlist.network.posture import Finding, Need, Posture, Row, SubnetPath, Suppression, finding_of
from allowlist.network.recommendations import RECOMMENDATIONS
from allowlist.network.scene import Scene
from allowlist.network.topology import Subnet
from allowlist.plan.findings import Finding as RuleFinding
from allowlist.plan.findings import Status, summary_of
from allowlist.points.kind import kind_of
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Requirement
from allowlist.workflow.checking import check_targets
from allowlist.workflow.private_links import EXFILTRATION, SATISFIED, SUPERFLUOUS
from allowlist.workflow.project import Project
from allowlist.workflow.scenes import workload_scene
from allowlist.workload import TargetSpec

CATALOGS = {
    Service.FIREWALL: ("azure-firewall", ()),
    Service.DNS: ("dns-private-resolver", ()),
    Service.BASTION: ("developer-jumpbox", ("bastion",)),
    Service.API_MANAGEMENT: ("api-management", ()),
    Service.APPLICATION_GATEWAY: ("application-gateway", ()),
    Service.FRONT_DOOR: ("azure-front-door", ()),
}
"""Which catalog says what a service itself needs outbound; scenarios empty means its default ones."""

_LEARN = "https://learn.microsoft.com/azure/"
_NOTHING = {
    Service.NETWORK: Need(
        says="nothing of its own: the platform's address 168.63.129.16 takes no route of yours",
        source=f"{_LEARN}virtual-network/what-is-ip-address-168-63-129-16",
    ),
    Service.LINK: Need(
        says="nothing: a private endpoint is reached inside the network",
        source=f"{_LEARN}private-link/private-endpoint-overview",
    ),
}


def assess(project: Project, estate: Estate, specs: Sequence[TargetSpec]) -> Posture:
    """One page about a workload. Raises InvalidInput where the estate lacks a target."""
    scene = workload_scene(project.workload, estate, specs)
    on_network = [spec for spec in specs if kind_of(spec.surface).on_network]
    requirements = _requirements(project, estate, on_network)
    rulesets = _rulesets(project, estate, on_network)
    checks = check_targets(project, estate, specs)
    findings_of_rules = [item for check in checks for item in check.findings]
    observations = observe(scene, requirements, rulesets)
    observations += _superfluous(findings_of_rules, specs)
    suppressions = _suppressions(project)
    findings = [finding_of(item, suppressions, project.now.date()) for item in observations]
    return Posture(
        workload=project.workload.name,
        cloud=project.workload.cloud,
        origin=estate.origin,
        created=project.now,
        rows=tuple(_rows(findings, project)),
        paths=tuple(_paths(scene, requirements, findings_of_rules)),
        expired=tuple(item for item in suppressions if not item.is_current(project.now.date())),
        unused=tuple(_unused(suppressions, findings, project.now.date())),
        unreadable=tuple(sorted(map(str, estate.unreadable))),
        unsettled=tuple(item for check in checks for item in check.unsettled),
    )


def _requirements(project: Project, estate: Estate, specs: Sequence[TargetSpec]) -> list[Requirement]:
    return [item for spec in specs for item in project.requirements(spec, estate).requirements]


def _rulesets(project: Project, estate: Estate, specs: Sequence[TargetSpec]) -> dict[str, Ruleset]:
    points = [project.point(spec) for spec in specs]
    return {normal_id(point.decider(estate)): point.ruleset(estate) for point in points}


def _suppressions(project: Project) -> list[Suppression]:
    return [
        Suppression(
            id=item.id, owner=item.owner, reason=item.reason, expires=dt.date.fromisoformat(item.expires)
        )
        for item in project.workload.suppressions
    ]


def _unused(
    suppressions: Sequence[Suppression], findings: Sequence[Finding], today: dt.date
) -> Iterator[Suppression]:
    """A suppression that hides nothing is a rest of something that was mended."""
    used = {item.suppressed_by.id for item in findings if item.suppressed_by}
    for item in suppressions:
        if item.is_current(today) and item.id not in used:
            yield item


def _rows(findings: Sequence[Finding], project: Project) -> Iterator[Row]:
    for service in Service:
        own = [item for item in findings if RECOMMENDATIONS[item.observation.code].service is service]
        told = [item.observation for item in own if item.suppressed_by is None]
        yield Row(
            service=service,
            state=worst(told) or (State.MET if own else None),
            need=_need(service, project.library),
            findings=tuple(sorted(own, key=_order)),
        )


_WEIGHT = {State.NOT_MET: 0, State.UNKNOWN: 1, State.NOTE: 2, State.MET: 3}
_SEVERITY = {"error": 0, "warning": 1, "info": 2}


def _order(finding: Finding) -> tuple[int, int, str, str]:
    item: Observation = finding.observation
    return (_WEIGHT[item.state], _SEVERITY[item.severity], item.code, item.resource)


def _need(service: Service, library: Library) -> Need | None:
    """What the service itself needs outbound, from its catalog; a documented "nothing" is an answer too."""
    if service not in CATALOGS:
        return _NOTHING.get(service)
    name, scenarios = CATALOGS[service]
    catalog = next((item for item in library if item.name == name), None)
    if catalog is None:
        return None
    chosen = scenarios or catalog.default_scenarios or tuple(catalog.scenarios)
    entries = [item for item in catalog.entries_at(catalog.latest) if item.scenario in chosen]
    where = f"catalog {name}@{catalog.latest}, {', '.join(chosen)}"
    return Need(says=f"{_counted(entries)} ({where})", source=_page_of(entries))


def _counted(entries: Sequence[Entry]) -> str:
    """``5 service tags, 2 on condition``, or the sentence of a documented "nothing"."""
    egress = [item for item in entries if item.is_egress]
    if not egress:
        return next((item.purpose for item in entries if item.kind is Kind.NOTHING), "nothing is documented")
    required = Counter(item.kind for item in egress if item.need is CatalogNeed.REQUIRED)
    parts = [f"{count} {_KINDS[kind]}{'s' * (count > 1)}" for kind, count in sorted(required.items())]
    parts = parts or ["nothing always"]
    rest = len(egress) - sum(required.values())
    return ", ".join([*parts, *([f"{rest} more on condition"] if rest else [])])


_KINDS = {
    Kind.PATTERN: "name",
    Kind.SERVICE_TAG: "service tag",
    Kind.FQDN_TAG: "FQDN tag",
    Kind.PRIVATE_ENDPOINT: "private endpoint",
    Kind.ADDRESSES: "address list",
    Kind.PORTS_ONLY: "port",
}


def _page_of(entries: Sequence[Entry]) -> str:
    page = next((page for item in entries for page in item.sources), None)
    return f"https://github.com/{page.repo}/blob/{page.commit or 'main'}/{page.path}" if page else ""


def _superfluous(findings: Sequence[RuleFinding], specs: Sequence[TargetSpec]) -> list[Observation]:
    """Egress rules for names that a private endpoint serves, told beside the endpoints."""
    resources = {spec.name: spec.resource for spec in specs}
    told = {EXFILTRATION: fault, SUPERFLUOUS: note}
    return [
        told[item.code](
            "egress-rule-redundant",
            normal_id(resources[item.target]),
            f"rule {item.rule}: {item.because}",
            item.remedy,
            Evidence(resource=resources[item.target], path=f"rule {item.rule}"),
        )
        for item in findings
        if item.code in told
    ]


def _paths(
    scene: Scene, requirements: Sequence[Requirement], findings: Sequence[RuleFinding]
) -> Iterator[SubnetPath]:
    """One path per source subnet, for the workload's most usual flow; the firewall tells what it lets through."""
    if not scene.targets or not scene.sources:
        return
    firewall = _firewall_step(scene, findings)
    for subnet in scene.sources:
        steps = path_of(scene, _usual_trip(subnet, requirements), firewall)
        yield SubnetPath(
            subnet=subnet.name, addresses=str(subnet.addresses), resource=subnet.id, steps=tuple(steps)
        )


def _usual_trip(subnet: Subnet, requirements: Sequence[Requirement]) -> Trip:
    ports = Counter(item.ports[0] for item in requirements if item.is_by_name)
    port = ports.most_common(1)[0][0] if ports else 443
    return Trip(
        subnet=subnet,
        address=subnet.addresses.witness() or "",
        fqdn="what it needs",
        protocol="tcp",
        port=port,
    )


def _firewall_step(scene: Scene, findings: Sequence[RuleFinding]) -> Step:
    counts = summary_of([item for item in findings if item.requirement is not None])
    total = sum(counts.values())
    lacking = total - counts[Status.COVERED.value]
    names = ", ".join(item.name for item in scene.carriers) or "no firewall"
    private = sum(item.code == SATISFIED for item in findings)
    says = f"{total - lacking} of {counted(total, 'requirement', 'is')} met" + (
        f", {private} of them by private endpoints" if private else ""
    )
    disposition = (
        Disposition.PASSES if not lacking else Disposition.BLOCKED if lacking == total else Disposition.PARTLY
    )
    if not scene.carriers:
        disposition = Disposition.UNKNOWN
    return Step(stage=Stage.FIREWALL, disposition=disposition, name=names, says=says)
