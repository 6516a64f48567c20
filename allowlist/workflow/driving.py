"""The enforcement points of a plan, and which of them are written one after the other."""

from __future__ import annotations

from collections.abc import Mapping

from allowlist.errors import AllowlistError, PlanRefused
from allowlist.estate.bodies import Estate
from allowlist.plan.model import Plan
from allowlist.points.point import ArmReader, Point
from allowlist.workflow.project import Project


def points_of(project: Project, plan: Plan) -> dict[str, Point]:
    """By target name. Raises AllowlistError where the workload has lost a target of the plan, or is another one."""
    names = {target.name for target in plan.targets}
    specs = [spec for spec in project.workload.targets if spec.name in names]
    lost = sorted(names - {spec.name for spec in specs})
    if lost:
        raise AllowlistError(f"the workload has no target '{lost[0]}' any more", hint="make a new plan")
    planned = {target.name: target.resource.lower() for target in plan.targets}
    moved = next((spec for spec in specs if spec.resource.lower() != planned[spec.name]), None)
    if plan.workload != project.workload.name or moved:
        what = f"workload {plan.workload}" if moved is None else f"{planned[moved.name]} as '{moved.name}'"
        raise PlanRefused(
            f"the plan was made for the {what}, and {project.source.file} is about another one",
            hint="give the workload file it was made from",
        )
    return {spec.name: project.point(spec) for spec in specs}


def read_point(point: Point, arm: ArmReader) -> Estate:
    return Estate.of(point.read(arm))


def lock_groups_of(
    points: Mapping[str, Point], arm: ArmReader, known: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The write lock group of each target; Azure is asked for those that are not ``known``."""
    return {
        name: known[name] if known and name in known else point.lock_group(read_point(point, arm))
        for name, point in points.items()
    }
