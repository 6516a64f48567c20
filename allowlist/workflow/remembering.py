"""Whose an entry is on a surface without room for marks: the ledger remembers what verified runs wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from allowlist.apply.result import Fate
from allowlist.plan.model import Change, Plan
from allowlist.points.kind import kind_of
from allowlist.workflow.project import Project
from allowlist.workload import TargetSpec

if TYPE_CHECKING:
    from allowlist.store import Ledger


def needs_memory(project: Project) -> bool:
    """Has the workload a target whose entries carry no mark?"""
    return any(not kind_of(spec.surface).has_marks for spec in project.workload.targets)


def remembering(project: Project, ledger: Ledger, specs: Sequence[TargetSpec] | None = None) -> Project:
    """``project`` with what the ledger knows to be its own; nothing of others is ever removed on its word.

    Of ``specs``, where only these are worked on.
    """
    remembered = {
        spec.name: ledger.owned_entries(_key(project.workload.name, spec.resource))
        for spec in (project.workload.targets if specs is None else specs)
        if not kind_of(spec.surface).has_marks
    }
    return replace(project, remembered=remembered)


def remember(
    ledger: Ledger, plan: Plan, changes: Sequence[Change], fates: Mapping[str, Fate], run_id: str
) -> None:
    """Put on record what a run added and removed, as far as it is verified to be done."""
    for target in plan.targets:
        if kind_of(target.surface).has_marks:
            continue
        done = [item for item in changes if item.target == target.name and fates.get(item.id) == "done"]
        if done:
            key = _key(plan.workload, target.resource)
            ledger.record_owned(key, _owned_after(ledger.owned_entries(key), done), run_id)


def _owned_after(owned: frozenset[str], done: Sequence[Change]) -> frozenset[str]:
    added = {item.operation.path[-1] for item in done if item.operation.action == "add"}
    removed = {item.operation.path[-1] for item in done if item.operation.action == "remove"}
    return (owned | added) - removed


def _key(workload: str, resource: str) -> str:
    return f"{workload} {resource.lower()}"
