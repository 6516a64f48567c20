"""Check a workload against its estate: a finding per requirement, and what the rules themselves show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from allowlist.estate.bodies import Estate
from allowlist.plan.findings import Finding, Status, find_requirement_findings
from allowlist.plan.rule_findings import find_rule_findings
from allowlist.rules.addresses import NOWHERE
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.requirement import Requirement
from allowlist.workflow.memory import collector_paused
from allowlist.workflow.private_links import served_findings, superfluous_rules, told_of_endpoints
from allowlist.workflow.project import Project
from allowlist.workload import Resolved, TargetSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetCheck:
    """The findings of one target with the requirements they are about."""

    spec: TargetSpec
    requirements: tuple[Requirement, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


@collector_paused()
def check_targets(project: Project, estate: Estate, specs: Sequence[TargetSpec]) -> list[TargetCheck]:
    """One check per target, in the order of the workload file."""
    return [check_target(project, estate, spec) for spec in specs]


def check_target(project: Project, estate: Estate, spec: TargetSpec) -> TargetCheck:
    resolved = project.requirements(spec, estate)
    point = project.point(spec)
    engine = CoverageEngine.of(point.ruleset(estate), resolved.wanted, project.facts)
    results = find_requirement_findings(engine, resolved.requirements, spec.name)
    refined = point.refine(estate, [(item, finding) for item, _, finding in results])
    findings = told_of_endpoints(resolved, refined)
    findings += served_findings(resolved, spec.name)
    findings += point.posture(estate)
    sources = NOWHERE
    for addresses in {requirement.sources for requirement in resolved.wanted}:
        sources |= addresses
    findings += find_rule_findings(engine, sources, spec.name)
    findings += superfluous_rules(engine, resolved, spec.name)
    findings += _excess(project, estate, spec, resolved)
    return TargetCheck(
        spec=spec,
        requirements=resolved.wanted,
        findings=tuple(findings),
        notes=(*resolved.notes, *(f"not readable: {text}" for text in estate.unreadable)),
    )


def _excess(project: Project, estate: Estate, spec: TargetSpec, resolved: Resolved) -> list[Finding]:
    """Rules of ours that no requirement wants any more, whatever the delete policy says about them."""
    unwanted = _unneeded(project, estate, spec, resolved.wanted)
    gone = _unneeded(project, estate, spec, resolved.requirements) if resolved.served else unwanted
    return [
        Finding(
            status=Status.EXCESS,
            target=spec.name,
            severity="warning",
            rule=name,
            because="no catalog or requirement of this workload asks for it any more"
            if name in unwanted
            else "a private endpoint serves what it was for",
            remedy="a plan removes it when the delete policy is 'sync'",
        )
        for name in gone
    ]


def _unneeded(project: Project, estate: Estate, spec: TargetSpec, kept: Sequence[Requirement]) -> list[str]:
    draft = project.point(spec).draft(estate, (), kept)
    gone = [item.operation.path[-1] for item in draft.changes if item.operation.action == "remove"]
    return gone + [skip.subject for skip in draft.skips if skip.code == "kept-by-delete-policy"]


def has_faults(checks: Sequence[TargetCheck]) -> bool:
    """Is anything not as it should be? What is covered or merely redundant does not count."""
    fine = (Status.COVERED, Status.REDUNDANT)
    return any(finding.status not in fine for check in checks for finding in check.findings)
