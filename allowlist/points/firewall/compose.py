"""Operations into the fewest writes: one PUT of the whole group, foreign collections as they came. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy

from allowlist.azure.facts import api_version
from allowlist.estate.bodies import Body, Estate
from allowlist.plan.model import Operation
from allowlist.points.point import Write

API_VERSION = api_version("Microsoft.Network/firewallPolicies")

THROUGH_DRAFT = "DEPLOY"
"""The method of a write that is put into a draft of the policy, which is then deployed."""

_READ_ONLY = ("id", "name", "type", "etag", "location", "systemData", "resourceGroup")
_READ_ONLY_PROPERTIES = ("provisioningState", "size")


def compose(
    estate: Estate, operations: Sequence[Operation], *, owns_group: bool = False, through_draft: bool = False
) -> list[Write]:
    """One write per changed group; a group that is all ours and left empty is deleted.

    A group can neither be created nor deleted in a draft (documentation of draft and deploy, 2025-05), so
    those are written directly.
    """
    writes = []
    for resource in dict.fromkeys(operation.resource for operation in operations):
        mine = [operation for operation in operations if operation.resource == resource]
        body: Body | None = _edited(_writable(estate.get(resource)), mine)
        if owns_group and body is not None and not body["properties"]["ruleCollections"]:
            body = None
        change = THROUGH_DRAFT if through_draft and estate.get(resource) else "PUT"
        method = "DELETE" if body is None else change
        writes.append(
            Write(
                resource=resource, method=method, body=body, api_version=API_VERSION, operations=tuple(mine)
            )
        )
    return writes


def after(estate: Estate, writes: Iterable[Write]) -> Estate:
    """The estate as it stands once ``writes`` have succeeded."""
    bodies = []
    for write in writes:
        if write.body is not None:
            old = estate.get(write.resource) or {
                "id": write.resource,
                "name": write.resource.rpartition("/")[2],
            }
            bodies.append({**old, "properties": write.body["properties"]})
    gone = [write.resource for write in writes if write.body is None]
    return estate.without(gone).with_resources(bodies)


def _writable(body: Body | None) -> Body:
    """What may be sent back: everything but what the service makes itself."""
    if body is None:
        return {"properties": {"ruleCollections": []}}
    kept = {key: value for key, value in body.items() if key not in _READ_ONLY}
    properties = {key: value for key, value in body["properties"].items() if key not in _READ_ONLY_PROPERTIES}
    return deepcopy({**kept, "properties": properties})


def _edited(body: Body, operations: Sequence[Operation]) -> Body:
    properties = body["properties"]
    collections = properties.setdefault("ruleCollections", [])
    for name in dict.fromkeys(operation.path[0] for operation in operations):
        mine = [operation for operation in operations if operation.path[0] == name]
        properties.setdefault("priority", mine[0].context["groupPriority"])
        collection = _collection(collections, mine[0])
        collection["rules"] = _edited_rules(collection["rules"], mine)
        if not collection["rules"]:
            collections.remove(collection)
    return body


def _collection(collections: list[Body], operation: Operation) -> Body:
    name = operation.path[0]
    found = next((item for item in collections if item.get("name") == name), None)
    if found is None:
        found = {
            "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
            "name": name,
            "priority": _free_priority(collections, int(operation.context["collectionPriority"])),
            "action": {"type": operation.context["action"]},
            "rules": [],
        }
        collections.append(found)
    found.setdefault("rules", [])
    return found


def _free_priority(collections: list[Body], wanted: int) -> int:
    taken = {item.get("priority") for item in collections}
    return next(priority for priority in range(wanted, 65001) if priority not in taken)


def _edited_rules(rules: list[Body], operations: Sequence[Operation]) -> list[Body]:
    """The rules after ``operations``: what stays keeps its place, what is new comes last."""
    edited = {rule.get("name"): rule for rule in rules}
    for operation in operations:
        name = operation.path[1]
        if operation.action == "remove":
            edited.pop(name, None)
        elif operation.after is None:
            raise ValueError(f"operation {operation.path} has nothing to write")
        else:
            edited[name] = deepcopy(operation.after)
    return list(edited.values())
