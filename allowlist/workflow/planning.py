"""Make a plan: check, draft on each surface, compose, prove on what would be written. Never writes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence

import msgspec
from msgspec.structs import replace

import allowlist
from allowlist.documents import digest_of
from allowlist.estate.bodies import Estate
from allowlist.estate.known import moving
from allowlist.plan.build import PlanInput, SeenChanges, TargetInput, build_plan
from allowlist.plan.drafts import Draft, LimitFinding
from allowlist.plan.findings import Finding, Status
from allowlist.plan.gates import GateSettings
from allowlist.plan.model import Change, Plan, TargetPlan
from allowlist.plan.proofs import Evidence, evidence_of_no_change, gather_evidence, is_pointless, judge
from allowlist.points.point import Point, Write
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.requirement import Requirement
from allowlist.workflow import steps
from allowlist.workflow.ended import held_back
from allowlist.workflow.judging import Judgement, concerns, judge_target, refined_findings
from allowlist.workflow.memory import collector_paused
from allowlist.workflow.paths import concerns_along, paths_within
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
            targets=_target_inputs(project, estate, specs),
            settings=_gate_settings(project),
            waivers=current,
            expired_waivers=expired,
            empty_catalogs=_empty_catalogs(project),
            seen=_seen(project, estate, specs) if project.traffic is not None else None,
        )
    )


def _seen(
    project: Project, estate: Estate, specs: Sequence[TargetSpec]
) -> Callable[[Sequence[Change]], SeenChanges]:
    """What reads traffic is only loaded where there is some."""
    from allowlist.workflow.replaying import seen_changes

    return seen_changes(project, estate, specs)


def _target_inputs(project: Project, estate: Estate, specs: Sequence[TargetSpec]) -> list[TargetInput]:
    """Each target by itself; what a path of several lacks after all of them stands with its first filter."""
    inputs: dict[str, TargetInput] = {}
    after: dict[str, Estate] = {}
    for spec in steps.through(specs, 4, lambda spec: spec.name):
        inputs[spec.name], after[spec.name] = _target_input(project, estate, spec)
    if any(_may_take_away(item.draft) for item in inputs.values()):
        for spec in specs:
            owned = _owned(project.point(spec), estate)
            inputs[spec.name] = replace(inputs[spec.name], owned=owned)
    for path in paths_within(project, specs):
        first = path.filters[0]
        along = concerns_along(project, path, dict.fromkeys(after, estate), after)
        inputs[first] = replace(inputs[first], concerns=(*inputs[first].concerns, *along))
    return list(inputs.values())


def _target_input(project: Project, estate: Estate, spec: TargetSpec) -> tuple[TargetInput, Estate]:
    """What is planned for a target, and the estate after that."""
    steps.at(0, "what is covered")
    judgement = judge_target(project, estate, spec)
    point = judgement.point
    drafted = _settled_draft(judgement)
    steps.at(3, "what is left to tell")
    told = _still_moving(estate, drafted.estate)
    after = judge_target(project, told, spec, judgement.resolved) if drafted.writes else judgement
    found = TargetInput(
        target=_target_plan(point, estate, source_prefixes(project, estate, [spec])),
        draft=drafted.draft,
        evidence=drafted.evidence,
        findings=judgement.findings,
        owned=0,
        concerns=concerns(after),
        limits=_new_limits(point, estate, drafted.estate) if drafted.writes else (),
        writes=[(write.resource, write.operations) for write in drafted.writes],
    )
    return found, drafted.estate


def _still_moving(before: Estate, after: Estate) -> Estate:
    """``after`` as it is to be told of: what Azure is at work on is so whatever a plan writes.

    The plan itself is made for the day that work is done. No write is taken before, and one that is drafted against a
    state that passes would keep a half of what is wanted.
    """
    bodies = []
    for resource, body in before.resources.items():
        planned = after.resources.get(resource)
        if planned is not None and (state := moving(body)):
            properties = {**planned["properties"], "provisioningState": state}
            bodies.append({**planned, "properties": properties})
    return after.with_resources(bodies) if bodies else after


class _Drafted(msgspec.Struct, frozen=True, kw_only=True):
    """A draft with what it would write, the estate after that, and what proves it."""

    draft: Draft
    writes: Sequence[Write]
    estate: Estate
    evidence: Evidence


def _settled_draft(judgement: Judgement) -> _Drafted:
    """Draft until nothing that is covered now would be uncovered, and no change would let nothing through.

    What a removal takes away is asked for again, so its addition stands in the same plan; what a rule of others
    hides from the first packet is left to its owner. Each round asks for more or writes less, so it ends.
    """
    needed, kept = judgement.by_status()
    taken: set[str] = set()
    left: set[tuple[str, ...]] = set()
    whole: Draft | None = None
    while True:
        whole = whole or _draft(judgement, needed, kept)
        found = _evidenced(judgement, whole, left, taken)
        after = found.evidence.after
        lost = [item for item in kept if item.key in after and after[item.key].status is not Status.COVERED]
        if lost:
            gone = {item.key for item in lost}
            taken |= gone
            needed, kept = [*needed, *lost], [item for item in kept if item.key not in gone]
            whole = None
            continue
        pointless = {
            (item.operation.resource, *item.operation.path)
            for item in found.draft.changes
            if is_pointless(judge(item, found.evidence), found.evidence)
        }
        if not pointless:
            return found
        left |= pointless


_TAKEN = "allowed now only by a rule that this plan takes away or narrows"


def _draft(judgement: Judgement, needed: Sequence[Requirement], kept: Sequence[Requirement]) -> Draft:
    steps.at(1, "drafting changes")
    return held_back(judgement, judgement.point.draft(judgement.estate, needed, kept), needed, kept)


def _evidenced(
    judgement: Judgement,
    draft: Draft,
    left: Collection[tuple[str, ...]],
    taken: Collection[str],
) -> _Drafted:
    steps.at(2, "proving changes")
    point, estate = judgement.point, judgement.estate
    changes = tuple(
        msgspec.structs.replace(item, why=item.why or _TAKEN)
        if any(requirement.key in taken for requirement in item.requirements)
        else item
        for item in draft.changes
        if (item.operation.resource, *item.operation.path) not in left or item.operation.action == "remove"
    )
    draft = replace(draft, changes=changes)
    writes = point.compose(estate, [item.operation for item in changes])
    changed = point.after(estate, writes) if writes else estate

    def look(engine: CoverageEngine, requirements: Sequence[Requirement]) -> Sequence[Finding]:
        return refined_findings(judgement.project, changed, judgement.spec, engine, requirements)

    if not changes and not writes:
        evidence = evidence_of_no_change(judgement.resolved.requirements, judgement.findings)
        return _Drafted(draft=draft, writes=writes, estate=changed, evidence=evidence)
    evidence = gather_evidence(
        judgement.engine,
        point.ruleset(changed),
        judgement.resolved.requirements,
        judgement.findings,
        changes,
        look,
    )
    return _Drafted(draft=draft, writes=writes, estate=changed, evidence=evidence)


def _new_limits(point: Point, before: Estate, after: Estate) -> list[LimitFinding]:
    """The limits the plan would touch; what was wrong before, whoever did it, does not lock our changes."""
    known = set(point.limits(before))
    return [item for item in point.limits(after) if item not in known]


def _may_take_away(draft: Draft) -> bool:
    """How many rules are ours is counted only to say which share of them a plan takes away."""
    return any(item.operation.action != "add" for item in draft.changes)


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
        assumptions=project.approval.rule.assumptions,
    )


def _waivers(waivers: Sequence[Waiver], today: dt.date) -> tuple[dict[str, str], list[str]]:
    current = {item.id: item.owner for item in waivers if dt.date.fromisoformat(item.expires) >= today}
    expired = [f"{item.id} ({item.owner}, {item.expires})" for item in waivers if item.id not in current]
    return current, expired


def _empty_catalogs(project: Project) -> list[str]:
    catalogs = [(use.name, project.library.get(use.name), use.version) for use in project.workload.catalogs]
    return [name for name, catalog, version in catalogs if not catalog.entries_at(version)]
