"""Make a plan: check, draft on each surface, compose, prove on what would be written. Never writes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import allowlist
from allowlist.documents import digest_of
from allowlist.estate.bodies import Estate
from allowlist.plan.build import PlanInput, TargetInput, build_plan
from allowlist.plan.drafts import Draft
from allowlist.plan.findings import Finding, Status, find_requirement_findings
from allowlist.plan.gates import GateSettings
from allowlist.plan.model import Plan, TargetPlan
from allowlist.plan.proofs import gather_evidence
from allowlist.points.point import Point
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.requirement import Requirement
from allowlist.workflow.memory import collector_paused
from allowlist.workflow.project import Project
from allowlist.workflow.sources import source_prefixes
from allowlist.workload import TargetSpec, Waiver


@collector_paused()
def make_plan(project: Project, estate: Estate, specs: Sequence[TargetSpec], asked_by: str = "") -> Plan:
    """The plan that brings ``specs`` in line with the workload, with proofs, gates and cost.

    ``asked_by`` is the identity that wants it; with four eyes it cannot approve.
    """
    workload = project.workload
    current, expired = _waivers(workload.waivers, project.now.date())
    return build_plan(
        PlanInput(
            workload=workload.name,
            created=project.now,
            tool=f"allowlist {allowlist.__version__}",
            asked_by=asked_by,
            cloud=workload.cloud,
            tenant=workload.tenant,
            workload_file=digest_of(workload),
            approval=project.approval.told,
            catalogs={
                use.name: project.library.get(use.name).resolve(use.version) for use in workload.catalogs
            },
            targets=[_target_input(project, estate, spec) for spec in specs],
            settings=_gate_settings(project),
            waivers=current,
            expired_waivers=expired,
            empty_catalogs=_empty_catalogs(project),
        )
    )


def _target_input(project: Project, estate: Estate, spec: TargetSpec) -> TargetInput:
    point = project.point(spec)
    requirements = project.requirements(spec, estate).requirements
    before = point.ruleset(estate)
    engine = CoverageEngine.of(before, requirements, project.facts)
    results = find_requirement_findings(engine, requirements, spec.name)
    findings = point.refine(estate, [(item, finding) for item, _, finding in results])
    needed, kept = _split(requirements, findings)
    draft = point.draft(estate, needed, kept)
    writes = point.compose(estate, [item.operation for item in draft.changes])
    changed = point.after(estate, writes)
    along = [requirement for item in draft.changes for requirement in item.along]
    evidence = gather_evidence(
        engine,
        point.ruleset(changed),
        [*requirements, *along],
        findings,
        spec.name,
        _served(draft),
    )
    return TargetInput(
        target=_target_plan(point, estate, source_prefixes(project, estate, [spec])),
        draft=draft,
        evidence=evidence,
        findings=findings,
        owned=_owned(point, estate),
        limits=point.limits(changed) if writes else (),
        writes=[(write.resource, write.operations) for write in writes],
    )


def _split(
    requirements: Sequence[Requirement], findings: Sequence[Finding]
) -> tuple[list[Requirement], list[Requirement]]:
    pairs = list(zip(requirements, findings, strict=True))
    needed = [requirement for requirement, finding in pairs if finding.status is not Status.COVERED]
    kept = [requirement for requirement, finding in pairs if finding.status is Status.COVERED]
    return needed, kept


def _served(draft: Draft) -> list[Requirement]:
    return [requirement for item in draft.changes for requirement in item.requirements]


def _owned(point: Point, estate: Estate) -> int:
    """How many rules this workload owns here: what a draft that wants nothing would remove or keep."""
    draft = point.draft(estate, (), ())
    kept = sum(skip.code == "kept-by-delete-policy" for skip in draft.skips)
    return kept + sum(item.operation.action == "remove" for item in draft.changes)


def _target_plan(point: Point, estate: Estate, sources: dict[str, str]) -> TargetPlan:
    target = point.target
    return TargetPlan(
        name=target.name,
        surface=target.surface,
        resource=target.resource,
        fingerprint=point.fingerprint(estate),
        delete=target.delete,
        sources=sources,
    )


def _gate_settings(project: Project) -> GateSettings:
    limits = project.workload.gates
    return GateSettings(
        removals=limits.removals,
        removal_share=limits.removal_share,
        additions=limits.additions,
        catalog_shrink=limits.catalog_shrink,
        monthly_cost=limits.monthly_cost,
    )


def _waivers(waivers: Sequence[Waiver], today: dt.date) -> tuple[dict[str, str], list[str]]:
    current = {item.id: item.owner for item in waivers if dt.date.fromisoformat(item.expires) >= today}
    expired = [f"{item.id} ({item.owner}, {item.expires})" for item in waivers if item.id not in current]
    return current, expired


def _empty_catalogs(project: Project) -> list[str]:
    catalogs = [(use.name, project.library.get(use.name), use.version) for use in project.workload.catalogs]
    return [name for name, catalog, version in catalogs if not catalog.entries_at(version)]
