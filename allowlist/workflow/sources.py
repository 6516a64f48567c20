"""Sources that live in Azure: their prefixes belong to what a plan was made on, and a plan dies when they move."""

from __future__ import annotations

from collections.abc import Sequence

from allowlist.errors import StalePlan
from allowlist.estate.bodies import Estate
from allowlist.plan.model import Plan
from allowlist.points.point import ArmReader
from allowlist.workflow.project import Project, addresses_of, read_sources, source_ids
from allowlist.workload import TargetSpec


def source_prefixes(project: Project, estate: Estate, specs: Sequence[TargetSpec]) -> dict[str, str]:
    """The prefixes of every IP group, subnet and virtual network that sources name, by resource id."""
    found = {item: addresses_of(estate, item) for item in source_ids(project, specs)}
    return {item: str(addresses) for item, addresses in found.items() if addresses is not None}


def refuse_moved_sources(project: Project, plan: Plan, arm: ArmReader) -> None:
    """Raises StalePlan where a source has other prefixes than when the plan was made."""
    planned = {item: prefixes for target in plan.targets for item, prefixes in target.sources.items()}
    if not planned:
        return
    estate = Estate.of(read_sources(arm, list(planned)))
    for item, prefixes in planned.items():
        now = str(addresses_of(estate, item) or "gone")
        if now != prefixes:
            name = item.rpartition("/")[2]
            raise StalePlan(
                f"source {name} was {prefixes} when the plan was made, and is {now} now",
                hint="make a new plan",
            )
