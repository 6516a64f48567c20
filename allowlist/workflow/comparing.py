"""Two states of the same targets, compared by effect."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from allowlist.estate.bodies import Estate
from allowlist.plan.findings import Finding, reference
from allowlist.plan.model import RequirementRef
from allowlist.points.point import Point
from allowlist.rules.compare import Comparison as Compare
from allowlist.rules.compare import Difference, Relation, find_differences, relation_of
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Requirement
from allowlist.rules.services import aligned
from allowlist.workflow import steps
from allowlist.workflow.judging import Judgement, judge_target, refined_findings
from allowlist.workflow.memory import collector_paused
from allowlist.workflow.project import Project, files_in, in_azure, read_estate
from allowlist.workload import TargetSpec


@dataclass(frozen=True, slots=True)
class Compared:
    """How the second state of ``target`` compares with the first, with every set of flows that differs."""

    target: str
    relation: Relation
    differences: list[Difference]
    unasked: tuple[Difference, ...] = ()
    """Those that open what no requirement of the workload asks for."""
    broken: tuple[Finding, ...] = ()
    """Requirements that were covered and are not any more, as they are found afterwards."""
    mended: tuple[Finding, ...] = ()
    """Requirements that were not covered and are now."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every target of two states; ``notes`` say what of them could not be read."""

    targets: list[Compared]
    notes: tuple[str, ...]


@collector_paused()
def compare_states(project: Project, specs: Sequence[TargetSpec], before: Path, after: Path) -> Comparison:
    """Raises InvalidInput where a snapshot cannot be read or lacks a target."""
    estates = _both(project, specs, before, after)
    found = [_between(project, spec, estates) for spec in steps.through(specs, 4, lambda spec: spec.name)]
    same = [
        f"{spec.name}: neither state holds {spec.resource}, so both are what stands beside the workload file"
        for spec in specs
        if spec not in in_azure(specs) and not any(files_in(specs, spec, path) for path in (before, after))
    ]
    return Comparison(found, (*_unreadable(*estates), *same))


def compare_targets(project: Project, first: TargetSpec, second: TargetSpec, state: Path) -> Comparison:
    """Does ``second`` let through what ``first`` does? Raises InvalidInput where the state lacks one of them."""
    estate = read_estate(project, [first, second], state)
    old, new = (project.point(spec).ruleset(estate) for spec in (first, second))
    notes = [note for spec in (first, second) for note in project.point(spec).notes(estate)]
    return Comparison(
        [_compared(project, f"{second.name} against {first.name}", old, new)], (*_unreadable(estate), *notes)
    )


def _compared(project: Project, name: str, old: Ruleset, new: Ruleset) -> Compared:
    before, after = aligned(old, new)
    differences = find_differences(before, after, facts=project.facts)
    return Compared(name, relation_of(differences)[0], differences)


def _unreadable(*estates: Estate) -> tuple[str, ...]:
    lost = dict.fromkeys(str(text) for estate in estates for text in estate.unreadable)
    return tuple(f"not readable: {text}" for text in lost)


def _between(project: Project, spec: TargetSpec, estates: tuple[Estate, Estate]) -> Compared:
    """How one target differs in both states, and which requirements that breaks or mends.

    Both are read into one comparison, from which all of it is told. Requirements by address cut what is compared, and
    other kinds of rules are compared in a form of their own: then each question is asked apart.
    """
    steps.at(0, "reading both states")
    rulesets = tuple(project.point(spec).ruleset(estate) for estate in estates)
    judged = tuple(judge_target(project, estate, spec) for estate in estates)
    before, after = aligned(*rulesets)
    asked, wanted = judged[0].resolved.wanted, judged[1].resolved.wanted
    comparison = Compare.over(before, after, wanted, project.facts, also=asked, presumes=project.presumes)
    steps.at(1, "which flows differ")
    by_address = any(item.addresses for item in (*asked, *wanted))
    regardless = (
        find_differences(before, after, facts=project.facts)
        if by_address
        else comparison.regardless().differences()
    )
    is_whole = before is rulesets[0] and after is rulesets[1]
    is_shared = is_whole and not (by_address or comparison.cuts)
    engines = (comparison.before, comparison.after) if is_shared else [item.engine for item in judged]
    old, new = (_State(item, engine) for item, engine in zip(judged, engines, strict=True))
    steps.at(2, "what that breaks or mends")
    broken, mended = _changed(old, new)
    steps.at(3, "what nobody asked for")
    return Compared(
        target=spec.name,
        relation=relation_of(regardless)[0],
        differences=regardless,
        unasked=tuple(item for item in comparison.differences() if item.opened) if regardless else (),
        broken=broken,
        mended=mended,
    )


class _State:
    """What one of both states says of the requirements, each told in words only where it is asked for."""

    def __init__(self, judgement: Judgement, engine: CoverageEngine) -> None:
        self._judgement = judgement
        self._engine = engine
        self._wanted = {reference(item): item for item in judgement.resolved.requirements}

    def verdicts(self) -> dict[RequirementRef, bool]:
        """Is each of the requirements fine? Where rules alone say so, nothing is put into words."""
        if type(self._judgement.point).refine is not Point.refine:
            wanted = list(self._wanted.values())
            return {item.requirement: item.is_fine for item in self._told(wanted) if item.requirement}
        return {ref: self._is_covered(item) for ref, item in self._wanted.items()}

    def findings(self, refs: Collection[RequirementRef]) -> list[Finding]:
        """Those about ``refs``, in their order."""
        return self._told([item for ref, item in self._wanted.items() if ref in refs])

    def _told(self, wanted: list[Requirement]) -> list[Finding]:
        judgement = self._judgement
        return list(
            refined_findings(judgement.project, judgement.estate, judgement.spec, self._engine, wanted)
        )

    def _is_covered(self, requirement: Requirement) -> bool:
        if self._engine.surely_allowed_by(requirement) is not None:
            return True
        coverage = self._engine.cover(requirement)
        return coverage.is_covered and (self._judgement.project.presumes or not coverage.assumptions)


def _changed(before: _State, after: _State) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """The requirements that the second state breaks, and those that it mends."""
    known, now = before.verdicts(), after.verdicts()
    turned = {ref for ref, is_fine in now.items() if known.get(ref, is_fine) != is_fine}
    found = after.findings(turned)
    return (
        tuple(item for item in found if not item.is_fine),
        tuple(item for item in found if item.is_fine),
    )


def _both(project: Project, specs: Sequence[TargetSpec], before: Path, after: Path) -> tuple[Estate, Estate]:
    """Both states. A plan of Terraform after a state that is none: what applying it would make of that state."""
    old = read_estate(project, specs, before)
    new = read_estate(project, specs, after, beneath=None if old.planned else old)
    return old, new.sharing(old)
