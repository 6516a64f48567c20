"""Private endpoints replace egress rules: which requirements one serves, and which rules it makes superfluous."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace

from allowlist.estate.bodies import Estate
from allowlist.names import Pattern, shared_suffix_of
from allowlist.plan.findings import Finding, Status, reference
from allowlist.plan.model import RequirementRef
from allowlist.points.kind import kind_of
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.model import ApplicationRule
from allowlist.workload import Resolved, Served, TargetSpec, Workload

SATISFIED = "satisfied-by-private-endpoint"
PERHAPS = "private-endpoint-unresolved"
STILL_PUBLIC = "private-endpoint-not-resolved"
EXFILTRATION = "private-endpoint-exfiltration"
SUPERFLUOUS = "private-endpoint-redundant"


def with_served(workload: Workload, estate: Estate, spec: TargetSpec, resolved: Resolved) -> Resolved:
    """Set apart what a private endpoint in reach serves: no rule is needed for it."""
    if not kind_of(spec.surface).on_network or not _has_endpoints(estate):
        return resolved
    from allowlist.network.serving import Served as ServedNames
    from allowlist.workflow.scenes import workload_scene

    names = ServedNames(workload_scene(workload, estate, [spec]))
    served = {
        item.key: Served(
            requirement=item,
            endpoint=found.endpoint.id,
            private=found.private,
            because=f"{found.endpoint.name}: {found.because}",
        )
        for item in resolved.requirements
        if item.pattern and names and (found := names.serving(item.pattern)) is not None
    }
    left = [
        item for item in resolved.requirements if item.key not in served or served[item.key].private is False
    ]
    return replace(resolved, requirements=tuple(left), served=tuple(served.values()))


def _has_endpoints(estate: Estate) -> bool:
    return any("/privateendpoints/" in key for key in estate.resources)


def served_findings(resolved: Resolved, target: str) -> Iterator[Finding]:
    """One finding per requirement that needs no rule, or perhaps none."""
    for item in resolved.served:
        if item.private is False:
            continue
        known = item.private is True
        yield Finding(
            status=Status.COVERED if known else Status.UNKNOWN,
            target=target,
            severity="info" if known else "warning",
            requirement=reference(item.requirement),
            covered_by=(item.endpoint,),
            because=f"{'satisfied' if known else 'perhaps satisfied'} by private endpoint {item.because}",
            remedy="" if known else "make the name resolve to the endpoint; see how: allowlist posture",
            code=SATISFIED if known else PERHAPS,
        )


def told_of_endpoints(resolved: Resolved, findings: Sequence[Finding]) -> list[Finding]:
    """Findings about names that an endpoint serves but that still resolve publicly say so."""
    public = {reference(item.requirement): item for item in resolved.served if item.private is False}
    return [_told(finding, public) for finding in findings]


def _told(finding: Finding, public: dict[RequirementRef, Served]) -> Finding:
    item = public.get(finding.requirement) if finding.requirement else None
    if item is None:
        return finding
    remedy = "mend the private DNS (allowlist posture shows how); then no rule is needed"
    return msgspec.structs.replace(
        finding,
        because=f"{finding.because}; private endpoint {item.because}, so the firewall sees the name",
        remedy=finding.remedy and remedy,
        code=finding.code or STILL_PUBLIC,
    )


def superfluous_rules(engine: CoverageEngine, resolved: Resolved, target: str) -> Iterator[Finding]:
    """Rules that let served names out: needless at best, and an egress route to strangers where they are wide."""
    seen: set[str] = set()
    for item in resolved.served:
        if item.private is not True:
            continue
        for entry in engine.cover(item.requirement).rules("allowing"):
            rule = entry.rule
            if isinstance(rule, ApplicationRule) and str(rule.ref) not in seen:
                seen.add(str(rule.ref))
                yield _superfluous(rule, item, target)


def _superfluous(rule: ApplicationRule, item: Served, target: str) -> Finding:
    name = item.requirement.pattern
    wide = [text for text in rule.patterns if Pattern(text).is_wildcard and Pattern(text).matches(name)]
    shared = next((found for text in wide if (found := shared_suffix_of(Pattern(text)))), None)
    if shared is not None:
        because = f"{name} is served by private endpoint {item.because}; {wide[0]} only lets other tenants in reach: {shared.risk}"
        return Finding(
            status=Status.WIDENS,
            target=target,
            severity="warning",
            rule=str(rule.ref),
            because=because,
            remedy=f"take {wide[0]} out of the rule",
            code=EXFILTRATION,
        )
    return Finding(
        status=Status.REDUNDANT,
        target=target,
        severity="info",
        rule=str(rule.ref),
        because=f"{name} is served by private endpoint {item.because}: no flow to it comes here",
        remedy=f"take {name} out of the rule",
        code=SUPERFLUOUS,
    )
