"""One judgement of a target, from which every command says what is fine and what is not.

``check`` shows all of it; ``plan``, ``sync``, ``apply`` and their exit codes derive from the same values, so that
no command calls fine what another one reports.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec
from msgspec.structs import replace

from allowlist.estate.bodies import Estate
from allowlist.plan.findings import (
    BAD_STATE,
    Finding,
    Status,
    in_bad_state,
    left_out,
    not_carried_out,
    not_read,
    nothing_asked,
    own_excess,
)
from allowlist.plan.found import Findings, covered_column
from allowlist.points.point import Point
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.requirement import Requirement
from allowlist.workflow.private_links import served_findings, told_of_endpoints
from allowlist.workflow.project import Project
from allowlist.workload import Resolved, TargetSpec


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What is known of one target; each part is found out when it is first asked for, and then kept."""

    project: Project
    estate: Estate
    spec: TargetSpec
    resolved: Resolved

    @property
    def point(self) -> Point:
        return self.project.point(self.spec)

    @cached_property
    def engine(self) -> CoverageEngine:
        ruleset, project = self.point.ruleset(self.estate), self.project
        return CoverageEngine.of(ruleset, self.resolved.wanted, project.facts, presumes=project.presumes)

    @cached_property
    def findings(self) -> Sequence[Finding]:
        """One for each of ``resolved.requirements``, in their order."""
        wanted = self.resolved.requirements
        return refined_findings(self.project, self.estate, self.spec, self.engine, wanted)

    @cached_property
    def states(self) -> tuple[Finding, ...]:
        """What of the target is not in force, or not as it should be."""
        return tuple(self.point.states(self.estate))

    @property
    def posture(self) -> tuple[Finding, ...]:
        """What the target shows by itself."""
        return (*self.states, *self.point.faults(self.estate))

    def by_status(self) -> tuple[list[Requirement], list[Requirement]]:
        """The requirements that are not covered, and those that are."""
        pairs = list(zip(self.resolved.requirements, covered_column(self.findings), strict=True))
        return [item for item, covered in pairs if not covered], [item for item, covered in pairs if covered]


def judge_target(
    project: Project, estate: Estate, spec: TargetSpec, known: Resolved | None = None
) -> Judgement:
    """Judge every requirement of ``spec`` as the kind of its enforcement point sees it.

    ``known`` are its requirements in another state of the estate.
    """
    resolved = project.requirements(spec, estate, known)
    project.point(spec).ruleset(
        estate
    )  # what cannot be judged is told here, not where something is first asked
    return Judgement(project=project, estate=estate, spec=spec, resolved=resolved)


def refined_findings(
    project: Project,
    estate: Estate,
    spec: TargetSpec,
    engine: CoverageEngine,
    requirements: Sequence[Requirement],
) -> Sequence[Finding]:
    """A finding per requirement: what the rules say, and whether that is in force on this kind of point."""
    results = Findings(engine, requirements, spec.name)
    found = project.point(spec).refined(estate, requirements, results)
    if project.presumes or (found is results and not engine.presumes):
        return found
    return [_without_assumptions(item) for item in found]


def _without_assumptions(finding: Finding) -> Finding:
    """Under a policy that refuses assumptions what rests on one is unknown."""
    if not finding.assumptions:
        return finding
    because = f"depends on whether {' or '.join(finding.assumptions)}"
    return msgspec.structs.replace(
        finding, status=Status.UNKNOWN, severity="warning", because=because, assumptions=()
    )


def requirement_findings(judgement: Judgement) -> list[Finding]:
    """The findings about requirements, those that private endpoints serve included."""
    resolved, idle = judgement.resolved, judgement.point.idle(judgement.estate)
    found = [not_carried_out(item, idle) for item in judgement.findings] if idle else judgement.findings
    told = told_of_endpoints(resolved, list(found))
    return [*told, *served_findings(resolved, judgement.spec.name)]


def concerns(judgement: Judgement) -> list[Finding]:
    """What besides its requirements keeps the target from being fine: states, what was not read, rules of ours
    that say more or less than they should.
    """
    name = judgement.spec.name
    idle = judgement.point.idle(judgement.estate)
    return [
        *([in_bad_state(name, name, f"{idle}: nothing it says is in force", _CARRY)] if idle else []),
        *(item for item in judgement.states if item.code in _NOT_IN_FORCE),
        *excess_of(judgement),
        *(left_out(name, text) for text in judgement.resolved.left_out),
        *(
            nothing_asked(name, f"catalog {item.catalog}", item.because, item.remedy)
            for item in judgement.project.silent(judgement.spec)
        ),
        *(not_read(name, str(item)) for item in judgement.estate.unreadable if not item.kind),
        *(item for item in served_findings(judgement.resolved, name) if not item.is_fine),
    ]


_CARRY = "attach or start a firewall, then check again"
_NOT_IN_FORCE = frozenset(
    {BAD_STATE, "rule_failed", "approved_not_in_force", "network_not_provisioned", "no_managed_network"}
)


def excess_of(judgement: Judgement) -> Iterator[Finding]:
    """Rules of ours that nobody wants, and those that were changed, whatever the delete policy says about them.

    A draft under the policy ``sync`` knows: it would remove the first and bring the second back in line.
    """
    spec, resolved = judgement.spec, judgement.resolved
    point = type(judgement.point)(replace(judgement.point.target, delete="sync"))
    draft = point.draft(judgement.estate, (), resolved.requirements)
    unwanted = {
        item.operation.path[-1]
        for item in (
            point.draft(judgement.estate, (), resolved.wanted).changes if resolved.served else draft.changes
        )
        if item.operation.action == "remove"
    }
    kept = _kept_by_field(judgement, point) if unwanted else frozenset()
    for item in draft.changes:
        rule = item.operation.path[-1]
        if item.operation.action == "remove":
            if rule in kept:
                continue
            yield own_excess(spec.name, rule, _UNWANTED if rule in unwanted else _SERVED)
        elif item.operation.action == "update" and item.drift:
            yield own_excess(spec.name, rule, item.drift)


def _kept_by_field(judgement: Judgement, point: Point) -> frozenset[str]:
    """The rules that a plan would leave alone because the field knows of what they let through."""
    ended = judgement.project.ended(judgement.spec, judgement.estate)
    known = [one for removal, items in ended if removal.entry.is_from_field for one in items]
    wanted = judgement.resolved.requirements

    def unwanted(requirements: Sequence[Requirement]) -> frozenset[str]:
        changes = point.draft(judgement.estate, (), requirements).changes
        return frozenset(item.operation.path[-1] for item in changes if item.operation.action == "remove")

    return unwanted(wanted) - unwanted([*wanted, *known]) if known else frozenset()


_UNWANTED = "no catalog or requirement of this workload asks for it any more"
_SERVED = "a private endpoint serves what it was for"
