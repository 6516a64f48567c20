"""Two states of the same targets, compared by effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from allowlist.rules.compare import Difference, Relation, find_differences, relation_of
from allowlist.workflow.project import Project, read_estate
from allowlist.workload import TargetSpec


@dataclass(frozen=True, slots=True)
class Compared:
    """How the second state of ``target`` compares with the first, with every set of flows that differs."""

    target: str
    relation: Relation
    differences: list[Difference]


def compare_states(
    project: Project, specs: Sequence[TargetSpec], before: Path, after: Path
) -> list[Compared]:
    """Raises InvalidInput where a snapshot cannot be read or lacks a target."""
    estates = [read_estate(project, specs, path) for path in (before, after)]
    found = []
    for spec in specs:
        old, new = (project.point(spec).ruleset(estate) for estate in estates)
        differences = find_differences(old, new, facts=project.facts)
        found.append(Compared(spec.name, relation_of(differences)[0], differences))
    return found
