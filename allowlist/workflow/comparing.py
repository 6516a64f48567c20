"""Two states of the same targets, compared by effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from allowlist.estate.bodies import Estate
from allowlist.rules.compare import Difference, Relation, find_differences, relation_of
from allowlist.workflow.project import Project, read_estate
from allowlist.workload import TargetSpec


@dataclass(frozen=True, slots=True)
class Compared:
    """How the second state of ``target`` compares with the first, with every set of flows that differs."""

    target: str
    relation: Relation
    differences: list[Difference]


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
        differences = find_differences(old, new, facts=project.facts)
        found.append(Compared(spec.name, relation_of(differences)[0], differences))
    lost = dict.fromkeys(str(text) for estate in estates for text in estate.unreadable)
    return Comparison(found, tuple(f"not readable: {text}" for text in lost))


def _both(project: Project, specs: Sequence[TargetSpec], before: Path, after: Path) -> tuple[Estate, Estate]:
    """Both states. A plan of Terraform after a state that is none: what applying it would make of that state."""
    old = read_estate(project, specs, before)
    return old, read_estate(project, specs, after, beneath=None if old.planned else old)
