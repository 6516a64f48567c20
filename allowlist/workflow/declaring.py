"""A plan as Terraform or Bicep, so that people's own pipeline applies it: the same writes, proved to have the same effect.

Both languages declare whole resources. What they cannot say (a deletion, a setting of a network that is not ours, its
provisioning) is named and left to whoever applies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from allowlist.errors import AllowlistError, BlockedByGate, StalePlan
from allowlist.estate.bodies import Estate
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.estate.shapes import in_arm_shape
from allowlist.estate.terraform.merge import merged
from allowlist.estate.terraform.read import read_terraform
from allowlist.plan.model import Change, Gate, Operation, Plan
from allowlist.points.point import Point, Write
from allowlist.render.bicep import bicep_files, read_bicep
from allowlist.render.declared import Declared
from allowlist.render.terraform import plan_json, terraform_json
from allowlist.rules.compare import find_differences
from allowlist.workflow.project import Project
from allowlist.workload import TargetSpec

__all__ = ["LANGUAGES", "Declaration", "declare", "in_question"]

LANGUAGES: Final = {"terraform": "Terraform (azurerm 4, azapi 2)", "bicep": "Bicep"}
"""What is written beside the formats of other filters, by the name that --to takes."""

_RULES: Final = "/outboundRules/"
_TYPES: Final = {
    "microsoft.network/firewallpolicies/rulecollectiongroups": "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
    "microsoft.machinelearningservices/workspaces/outboundrules": "Microsoft.MachineLearningServices/workspaces/outboundRules",
    "microsoft.cognitiveservices/accounts/managednetworks/outboundrules": "Microsoft.CognitiveServices/accounts/managedNetworks/outboundRules",
}
"""Types that are declared, in ARM's spelling; what else a plan may write is left to ``allowlist apply``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """Files, what they declare, and what they do not say."""

    files: dict[str, str]
    resources: tuple[Declared, ...]
    left_out: tuple[str, ...]


def declare(
    language: str,
    project: Project,
    plan: Plan,
    estate: Estate,
    specs: Sequence[TargetSpec],
    *,
    allow_wider: bool = False,
    moved: Mapping[str, str] | None = None,
) -> Declaration:
    """The files for what ``plan`` would write to ``specs``.

    Raises StalePlan where a target is no longer as planned, BlockedByGate where the plan opens more than is wanted and
    nobody accepted it, AllowlistError where the files would not have the effect of the plan.
    """
    _refuse_gates(plan, specs, allow_wider=allow_wider)
    found: list[Declared] = []
    left_out: list[str] = []
    proofs: list[tuple[Point, Estate]] = []
    for spec in specs:
        point = project.point(spec)
        _refuse_stale(plan, spec, point, estate)
        changes = [change for change in plan.changes if change.target == spec.name]
        said = [change for change in changes if _is_said(change.operation)]
        left_out += [
            f"{change.target}: {change.operation.action} {change.title}"
            for change in changes
            if change not in said
        ]
        writes = point.compose(estate, [change.operation for change in said])
        after = point.after(estate, writes)
        found += _declared(estate, after, writes, said)
        proofs.append((point, after))
    title = f"workload {project.workload.name}"
    files = (
        {"allowlist.tf.json": terraform_json(title, found, dict(moved or {}))}
        if language == "terraform"
        else bicep_files(title, found)
    )
    for point, after in proofs:
        mine = [item for item in found if _belongs(item, point)]
        _prove(language, files, found, estate, point, after, mine)
    return Declaration(files=files if found else {}, resources=tuple(found), left_out=tuple(left_out))


def in_question(plan: Plan, specs: Sequence[TargetSpec]) -> list[Change]:
    """The changes that a pipeline may not apply unseen: they open more than is wanted, or a gate holds them back."""
    names = {spec.name for spec in specs}
    closed = _closed(plan)
    whole = any(not gate.changes for gate in closed)
    held = {change_id for gate in closed for change_id in gate.changes}
    return [
        change
        for change in plan.changes
        if change.target in names and (whole or change.id in held or not change.proofs.nothing_else.holds)
    ]


def _closed(plan: Plan) -> list[Gate]:
    return [gate for gate in plan.gates if not gate.passed and not gate.waived_by]


def _refuse_gates(plan: Plan, specs: Sequence[TargetSpec], *, allow_wider: bool) -> None:
    """A pipeline asks nobody: what a gate holds, and what opens more than is wanted, is accepted here or not written."""
    if allow_wider:
        return
    found = in_question(plan, specs)
    if found:
        wider = [change.proofs.nothing_else for change in found if not change.proofs.nothing_else.holds]
        text = wider[0].text if wider else _closed(plan)[0].text
        raise BlockedByGate(
            f"the plan is not one that a pipeline may apply unseen: {text}",
            hint="nothing was written; approve and apply it with allowlist, or write what is approved with --allow-wider",
        )


def _refuse_stale(plan: Plan, spec: TargetSpec, point: Point, estate: Estate) -> None:
    planned = next((target for target in plan.targets if target.name == spec.name), None)
    if planned is None:
        raise AllowlistError(f"the plan has no target '{spec.name}'")
    if planned.fingerprint != point.fingerprint(estate):
        raise StalePlan(
            f"{spec.name} is not any more what was planned for", hint="take a new snapshot and plan again"
        )


def _is_said(operation: Operation) -> bool:
    """Can it be declared? Members of a group can, with the whole group; a rule of its own unless it goes away."""
    if ResourceId(operation.resource).type.endswith("/rulecollectiongroups"):
        return True
    return operation.action != "remove" and operation.path[0] == "outboundRules"


def _declared(
    estate: Estate, after: Estate, writes: Sequence[Write], changes: Sequence[Change]
) -> Iterator[Declared]:
    for write in writes:
        if write.body is None:
            raise AllowlistError(
                f"{ResourceId(write.resource).name} would be deleted, which a declaration cannot say",
                hint="apply the plan with allowlist, or remove the group where it is declared",
            )
        who = tuple(sorted({_who(change) for change in changes if change.operation in write.operations}))
        if ResourceId(write.resource).type.endswith("/rulecollectiongroups"):
            body = write.body["properties"]
            yield _one(
                write.resource,
                write.api_version,
                body,
                exists=estate.get(write.resource) is not None,
                who=who,
            )
            continue
        for operation in write.operations:
            network = operation.resource.partition(_RULES)[0]
            resource = (
                operation.resource
                if _RULES in operation.resource
                else f"{network}{_RULES}{operation.path[1]}"
            )
            yield _one(
                resource,
                write.api_version,
                dict(operation.after or {}),
                exists=operation.action == "update",
                who=who,
            )


def _one(
    resource: str, version: str, properties: dict[str, Any], *, exists: bool, who: tuple[str, ...]
) -> Declared:
    kind = _TYPES.get(ResourceId(resource).type)
    if kind is None:
        raise AllowlistError(
            f"{resource} is of a type that is not declared",
            hint=f"declared are {', '.join(_TYPES.values())}; apply the rest with allowlist",
        )
    return Declared(
        id=resource, type=kind, api_version=version, properties=properties, exists=exists, who=who
    )


def _who(change: Change) -> str:
    entries = {f"{ref.catalog}@{ref.version}#{ref.entry}" for ref in change.requirements}
    return f"{change.id}: {', '.join(sorted(entries)) or change.reason}"


def _belongs(item: Declared, point: Point) -> bool:
    return normal_id(item.id).startswith(f"{normal_id(point.target.resource)}/")


def _prove(
    language: str,
    files: Mapping[str, str],
    found: Sequence[Declared],
    estate: Estate,
    point: Point,
    after: Estate,
    mine: Sequence[Declared],
) -> None:
    """Raises AllowlistError unless the files, read back over what is there, are what the plan would make."""
    read = (
        _read_terraform(files, found, estate)
        if language == "terraform"
        else _read_bicep(files, found, estate)
    )
    differences = find_differences(point.ruleset(after), point.ruleset(read))
    if differences:
        raise AllowlistError(
            f"the {language} files would not have the effect of the plan: {differences[0].witness()}",
            hint="nothing was written; please report the plan",
        )
    for item in mine:
        if point.digest(read, item.id) != point.digest(after, item.id):
            raise AllowlistError(
                f"{item.name} in the {language} files is not what the plan would write",
                hint="nothing was written; please report the plan",
            )


def _read_terraform(files: Mapping[str, str], found: Sequence[Declared], estate: Estate) -> Estate:
    if not found:
        return estate
    (text,) = files.values()
    reading = read_terraform(plan_json(text, found), "allowlist.tf.json")
    shaped = {key: in_arm_shape(body, "allowlist.tf.json") for key, body in reading.bodies.items()}
    return replace(estate, resources=merged(estate.resources, replace(reading, bodies=shaped)), derived={})


def _read_bicep(files: Mapping[str, str], found: Sequence[Declared], estate: Estate) -> Estate:
    scopes = {ResourceId(item.id).resource_group: item.id.partition("/providers/")[0] for item in found}
    bodies = []
    for name, text in files.items():
        group = name.removeprefix("allowlist-").removesuffix(".bicep")
        for key, properties in read_bicep(text, scopes[group]).items():
            old = estate.get(key) or {"name": ResourceId(key).name}
            bodies.append({**old, "id": key, "properties": properties})
    return replace(estate.with_resources(bodies), derived={})
