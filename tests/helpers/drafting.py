"""What a plan on a folder with ``allowlist.yaml`` and ``estate/`` would leave behind, offline."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from allowlist.estate.bodies import Body, Estate
from allowlist.plan.model import Plan
from allowlist.workflow.planning import make_plan
from allowlist.workflow.project import load_project, read_estate

NOW = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)


def planned(folder: Path, estate: Estate | None = None) -> tuple[Plan, Estate, Estate]:
    """The plan, the estate before and the estate as it would be once the plan is carried out."""
    project = load_project(folder / "allowlist.yaml", now=NOW)
    specs = project.targets()
    before = estate if estate is not None else read_estate(project, specs, folder / "estate")
    plan, after = make_plan(project, before, specs), before
    for spec in specs:
        point = project.point(spec)
        operations = [change.operation for change in plan.changes if change.target == spec.name]
        after = point.after(after, point.compose(after, operations))
    return plan, before, after


def after_plan(folder: Path) -> tuple[list[Body], list[Body]]:
    """The firewall policy rules before and after, in their order."""
    _, before, after = planned(folder)
    return list(policy_rules(before)), list(policy_rules(after))


def policy_rules(estate: Estate) -> Iterator[Body]:
    for body in estate.resources.values():
        for collection in body["properties"].get("ruleCollections") or ():
            yield from collection["rules"]
