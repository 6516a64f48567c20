"""Two states of the same targets, compared by effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from allowlist.estate.bodies import Estate
from allowlist.plan.findings import Finding
from allowlist.rules.compare import Difference, Relation, find_differences, relation_of
from allowlist.rules.model import Ruleset
from allowlist.rules.services import aligned
from allowlist.workflow.judging import judge_target
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


def compare_states(project: Project, specs: Sequence[TargetSpec], before: Path, after: Path) -> Comparison:
    """Raises InvalidInput where a snapshot cannot be read or lacks a target."""
    estates = _both(project, specs, before, after)
    found = []
    for spec in specs:
        old, new = (project.point(spec).ruleset(estate) for estate in estates)
        compared = _compared(project, spec.name, old, new)
        broken, mended = _requirements(project, estates, spec)
        unasked = _unasked(project, estates[1], spec, (old, new)) if compared.differences else ()
        found.append(replace(compared, unasked=unasked, broken=broken, mended=mended))
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


def _requirements(
    project: Project, estates: tuple[Estate, Estate], spec: TargetSpec
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """The requirements that the second state breaks, and those that it mends."""
    before, after = (
        {item.requirement: item for item in judge_target(project, estate, spec).findings if item.requirement}
        for estate in estates
    )
    pairs = [(before[ref], item) for ref, item in after.items() if ref in before]
    return (
        tuple(new for old, new in pairs if old.is_fine and not new.is_fine),
        tuple(new for old, new in pairs if new.is_fine and not old.is_fine),
    )


def _unasked(
    project: Project, estate: Estate, spec: TargetSpec, rulesets: tuple[Ruleset, Ruleset]
) -> tuple[Difference, ...]:
    """What is opened beyond the requirements: told apart, for that is what nobody asked for."""
    wanted = project.requirements(spec, estate).wanted
    before, after = aligned(*rulesets)
    found = find_differences(before, after, wanted, project.facts)
    return tuple(item for item in found if item.opened)


def _both(project: Project, specs: Sequence[TargetSpec], before: Path, after: Path) -> tuple[Estate, Estate]:
    """Both states. A plan of Terraform after a state that is none: what applying it would make of that state."""
    old = read_estate(project, specs, before)
    return old, read_estate(project, specs, after, beneath=None if old.planned else old)
