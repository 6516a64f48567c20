"""Operations into the fewest writes: one PUT of the whole group, foreign collections as they came. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from allowlist.azure.facts import api_version
from allowlist.documents.grouping import grouped
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.known import FINAL, unsettled
from allowlist.plan.model import Operation
from allowlist.points.firewall.standing import StandingRules
from allowlist.points.firewall.translate import carriers_of
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
    for resource, mine in grouped(operations, lambda operation: operation.resource).items():
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
    """The estate as it stands once ``writes`` have succeeded.

    A write of a group makes the service put its policy into force on every firewall again, which is what ends a
    failed state of any of them; that it did is read back after the write. The group itself says ``Succeeded``: Azure
    takes no write while another is under way, and nothing is called done before it does.
    """
    writes = list(writes)
    bodies = list(_healed(estate, writes))
    for write in writes:
        if write.body is not None:
            old = estate.get(write.resource) or {
                "id": write.resource,
                "name": write.resource.rpartition("/")[2],
            }
            bodies.append({**old, "properties": write.body["properties"]})
    gone = [write.resource for write in writes if write.body is None]
    return estate.without(gone).with_resources(bodies)


def _healed(estate: Estate, writes: Iterable[Write]) -> Iterator[Body]:
    for policy_id in dict.fromkeys(write.resource[: _policy_end(write.resource)] for write in writes):
        policy = estate.get(policy_id)
        for body in [policy, *carriers_of(estate, policy)] if policy else []:
            if unsettled(body) in FINAL:
                properties = {
                    key: value
                    for key, value in body["properties"].items()
                    if key.lower() != "provisioningstate"
                }
                yield {**body, "properties": properties}


def _policy_end(resource: str) -> int:
    return resource.lower().rindex("/rulecollectiongroups/")


def _writable(body: Body | None) -> Body:
    """What may be sent back: everything but what the service makes itself. Rules are shared with ``body``, never edited."""
    if body is None:
        return {"properties": {"ruleCollections": []}}
    kept = {key: value for key, value in body.items() if key not in _READ_ONLY}
    properties = {key: value for key, value in body["properties"].items() if key not in _READ_ONLY_PROPERTIES}
    if properties.get("ruleCollections") is not None:
        properties["ruleCollections"] = [dict(item) for item in properties["ruleCollections"]]
    return {**kept, "properties": properties}


def _edited(body: Body, operations: Sequence[Operation]) -> Body:
    properties = body["properties"]
    collections = properties.setdefault("ruleCollections", [])
    for mine in grouped(operations, lambda operation: operation.path[0]).values():
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


def _edited_rules(rules: Sequence[Body], operations: Sequence[Operation]) -> list[Body]:
    """The rules after ``operations``: what stays keeps its place, what is new comes last."""
    standing = StandingRules(rules)
    for operation in operations:
        place = standing.place_of(operation)
        if operation.action == "remove":
            if place is not None:
                standing.remove(place)
        elif operation.after is None:
            raise ValueError(f"operation {operation.path} has nothing to write")
        elif place is None:
            standing.append(operation.after)
        else:
            standing.replace(place, operation.after)
    return standing.in_order()
