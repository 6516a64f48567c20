"""The rules of a target as a change would leave them: a plan of ours, or any other state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from allowlist.estate.bodies import Estate
from allowlist.estate.snapshot import read_snapshot
from allowlist.plan.digest import require_intact
from allowlist.plan.model import SCHEMA, Change, Plan
from allowlist.rules.model import Ruleset
from allowlist.workflow.evidence import with_estate
from allowlist.workflow.project import Project
from allowlist.workload import TargetSpec

ChangeOf = Callable[[TargetSpec, Ruleset], Ruleset]


def change_of(project: Project, estate: Estate, specs: Sequence[TargetSpec], file: Path) -> ChangeOf:
    """What ``file`` makes of a target's rules. Raises InvalidInput and PlanRefused."""
    if file.is_file() and SCHEMA.encode() in file.read_bytes()[:4096]:
        from allowlist.documents.reader import read_json_document

        plan = require_intact(read_json_document(file, Plan, SCHEMA), str(file))
        return with_changes(project, estate, plan.changes)
    other = read_snapshot(file, cloud=project.workload.cloud, subscription="", beneath=estate)
    return with_estate(project, other)


def with_changes(project: Project, estate: Estate, changes: Sequence[Change]) -> ChangeOf:
    """A target's rules after those of ``changes`` that are its own, written as ``apply`` would write them."""

    def change(spec: TargetSpec, ruleset: Ruleset) -> Ruleset:
        mine = [item.operation for item in changes if item.target == spec.name]
        if not mine:
            return ruleset
        point = project.point(spec)
        return point.ruleset(point.after(estate, point.compose(estate, mine)))

    return change
