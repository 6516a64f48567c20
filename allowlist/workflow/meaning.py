"""A plan is only what it was approved as: it is made again from the live state, and what differs is told and not written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from allowlist.errors import PlanRefused, StalePlan
from allowlist.plan.model import Change, Gate, Plan
from allowlist.points.point import ArmReader
from allowlist.workflow.planning import make_plan
from allowlist.workflow.project import Project, read_estate

_MOST_TOLD = 5
_OF_ITS_OWN = ("id", "digest", "precondition")
_WORDS = {"requirements": "what asks for it", "nothing_else": "nothing else", "operation": "what is written"}


def refuse_other_project(project: Project, plan: Plan) -> None:
    """Raises PlanRefused where ``plan`` was made for another workload, cloud, tenant or target, or under another policy."""
    _refuse_different(project, (*_places(project, plan), _policies(project, plan)))


def refuse_other_place(project: Project, plan: Plan) -> None:
    """Raises PlanRefused where ``plan`` was made for another workload, cloud, tenant or target."""
    _refuse_different(project, _places(project, plan))


Difference = tuple[str, str, str]
"""What differs, how it was planned, and how it is given."""


def _refuse_different(project: Project, places: Iterable[Difference]) -> None:
    for what, planned, given in places:
        if planned != given:
            raise PlanRefused(
                f"the plan was made for the {what} {planned or '(none)'}, and {project.source.file} says {given or '(none)'}",
                hint="give the workload file it was made from, or make a new plan: allowlist plan -o FILE",
            )


def _places(project: Project, plan: Plan) -> Iterator[Difference]:
    workload = project.workload
    yield "workload", plan.workload, workload.name
    yield "cloud", plan.cloud, workload.cloud
    yield "tenant", plan.tenant, workload.tenant
    specs = {spec.name: spec for spec in workload.targets}
    for target in plan.targets:
        spec = specs.get(target.name)
        if spec is None:
            yield "target", target.name, ""
            continue
        yield f"surface of {target.name}", target.surface, spec.surface
        yield f"resource of {target.name}", target.resource.lower(), spec.resource.lower()
        yield f"delete policy of {target.name}", target.delete, spec.delete


def _policies(project: Project, plan: Plan) -> Difference:
    told = project.approval.told
    planned = plan.approval
    return (
        "approval policy",
        f"{planned.digest} ({planned.origin})" if planned and planned.digest != told.digest else told.digest,
        told.digest if planned and planned.digest == told.digest else f"{told.digest} ({told.origin})",
    )


def refuse_other_meaning(project: Project, plan: Plan, arm: ArmReader, changes: Sequence[Change]) -> None:
    """Plan again from what is there now. Raises StalePlan, naming the differences, unless ``changes`` mean the same."""
    specs = project.targets([target.name for target in plan.targets])
    fresh = make_plan(project, read_estate(project, specs, arm), specs, plan.asked_by)
    known = {change.digest for change in fresh.changes}
    other = [change for change in changes if change.digest not in known]
    lines = [f"{change.id} {change.title}: {_difference(change, plan, fresh)}" for change in other]
    lines += _other_gates(plan, fresh, {change.id for change in changes})
    if lines:
        more = f"; and {len(lines) - _MOST_TOLD} more" if len(lines) > _MOST_TOLD else ""
        raise StalePlan(
            f"planned again from what is there now, {len(lines)} of the approved changes or gates mean something else; "
            f"nothing was written: {'; '.join(lines[:_MOST_TOLD])}{more}",
            hint="make a new plan and have it approved: allowlist plan -o FILE",
        )


def _difference(change: Change, plan: Plan, fresh: Plan) -> str:
    """In which respects a fresh plan has the change otherwise."""
    again = next((item for item in fresh.changes if item.id == change.id), None)
    if again is None:
        return "nothing asks for it any more, or it is done otherwise"
    names = [name for name in Change.__struct_fields__ if name not in _OF_ITS_OWN]
    found = [_WORDS.get(name, name) for name in names if getattr(again, name) != getattr(change, name)]
    if plan.workload_file != fresh.workload_file:
        found.append("the workload file")
    return f"other {', '.join(found)}" if found else "other gates or terms"


def _other_gates(plan: Plan, fresh: Plan, ids: set[str]) -> list[str]:
    """Gates over the changes that say something else than what was accepted."""
    planned, now = _gates_over(plan, ids), _gates_over(fresh, ids)
    return [
        f"gate {gate.id}: {gate.text}" for gate in (*now, *planned) if gate not in planned or gate not in now
    ]


def _gates_over(plan: Plan, ids: set[str]) -> list[Gate]:
    return [
        msgspec.structs.replace(gate, changes=()) for gate in plan.gates if ids.intersection(gate.changes)
    ]
