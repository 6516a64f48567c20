"""Two states of the same targets, compared by effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from allowlist.estate.bodies import Estate
from allowlist.plan.findings import Finding
from allowlist.rules.compare import Comparison as Compare
from allowlist.rules.compare import Difference, Relation, find_differences, relation_of
from allowlist.rules.model import Ruleset
from allowlist.rules.services import aligned
from allowlist.workflow.judging import judge_target, refined_findings
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
    found = [_between(project, spec, estates) for spec in specs]
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
    rulesets = tuple(project.point(spec).ruleset(estate) for estate in estates)
    judged = tuple(judge_target(project, estate, spec) for estate in estates)
    before, after = aligned(*rulesets)
    asked, wanted = judged[0].resolved.wanted, judged[1].resolved.wanted
    comparison = Compare.over(before, after, wanted, project.facts, also=asked, presumes=project.presumes)
    by_address = any(item.addresses for item in (*asked, *wanted))
    regardless = (
        find_differences(before, after, facts=project.facts)
        if by_address
        else comparison.regardless().differences()
    )
    is_whole = before is rulesets[0] and after is rulesets[1]
    is_shared = is_whole and not (by_address or comparison.cuts)
    engines = (comparison.before, comparison.after) if is_shared else [item.engine for item in judged]
    findings = [
        refined_findings(project, item.estate, spec, engine, item.resolved.requirements)
        for item, engine in zip(judged, engines, strict=True)
    ]
    broken, mended = _changed(*findings)
    return Compared(
        target=spec.name,
        relation=relation_of(regardless)[0],
        differences=regardless,
        unasked=tuple(item for item in comparison.differences() if item.opened) if regardless else (),
        broken=broken,
        mended=mended,
    )


def _changed(
    before: Sequence[Finding], after: Sequence[Finding]
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """The requirements that the second state breaks, and those that it mends."""
    known = {item.requirement: item for item in before}
    last = {item.requirement: item for item in after if item.requirement}
    pairs = [(known[ref], item) for ref, item in last.items() if ref in known]
    return (
        tuple(new for old, new in pairs if old.is_fine and not new.is_fine),
        tuple(new for old, new in pairs if new.is_fine and not old.is_fine),
    )


def _both(project: Project, specs: Sequence[TargetSpec], before: Path, after: Path) -> tuple[Estate, Estate]:
    """Both states. A plan of Terraform after a state that is none: what applying it would make of that state."""
    old = read_estate(project, specs, before)
    return old, read_estate(project, specs, after, beneath=None if old.planned else old)
