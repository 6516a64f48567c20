"""Drafts and writes for classic rule collections: the whole firewall is one body, so one PUT. Pure.

Rules are drafted as for a policy and turned into the classic shape: no ``ruleType``, and the protocols of a
network rule stand under ``protocols``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from typing import Any

from allowlist.azure.facts import api_version
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.known import unsettled
from allowlist.plan.model import Operation
from allowlist.points.firewall.compose import place_of, still_moving
from allowlist.points.firewall.draft import FINAL, Place, collection_name, draft_rules
from allowlist.points.point import Draft, Target, Write
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Requirement

KIND = "azure-firewall"
API_VERSION = api_version("Microsoft.Network/azureFirewalls")

_KEYS = {"ApplicationRule": "applicationRuleCollections", "NetworkRule": "networkRuleCollections"}
_READ_ONLY = ("etag", "type", "name", "id", "systemData")


def draft(
    estate: Estate,
    target: Target,
    ruleset: Ruleset,
    needed: Sequence[Requirement],
    kept: Sequence[Requirement],
) -> Draft:
    """Operations on our collections of the firewall; see the firewall policy surface."""
    firewall = estate.get(target.resource)
    state = unsettled(firewall) if firewall else ""
    failed = f"firewall {target.resource.rpartition('/')[2]} is {state}" if state in FINAL else ""
    place = Place(surface=KIND, resource=target.resource, rules=tuple(_rules_in(estate, target)))
    return draft_rules(target, ruleset, place, needed, kept, failed)


def _rules_in(estate: Estate, target: Target) -> Iterator[Body]:
    """Every rule of our collections, whoever wrote it, in the shape policies use."""
    firewall = estate.get(target.resource) or {"properties": {}}
    for rule_type, key in _KEYS.items():
        for collection in firewall["properties"].get(key) or ():
            if collection.get("name") == collection_name(target, rule_type):
                for rule in _inner(collection).get("rules") or ():
                    yield _to_policy_shape(rule, rule_type)


def compose(estate: Estate, target: Target, operations: Sequence[Operation]) -> list[Write]:
    """One PUT of the firewall with only our collections edited."""
    if not operations:
        return []
    firewall = estate.get(target.resource) or {"properties": {}}
    body = deepcopy({key: value for key, value in firewall.items() if key not in _READ_ONLY})
    body["properties"].pop("provisioningState", None)
    for operation in operations:
        _edit(body["properties"], operation)
    return [
        Write(
            resource=target.resource,
            method="PUT",
            body=body,
            api_version=API_VERSION,
            operations=tuple(operations),
        )
    ]


def after(estate: Estate, writes: Iterable[Write]) -> Estate:
    bodies = []
    for write in writes:
        old = estate.get(write.resource) or {"id": write.resource}
        new = {**old, **(write.body or {})}
        bodies.append({**new, "properties": {**new.get("properties", {}), **still_moving(old)}})
    return estate.with_resources(bodies)


def _edit(properties: Body, operation: Operation) -> None:
    rule_type = (operation.after or operation.before or {})["ruleType"]
    collections = properties.setdefault(_KEYS[rule_type], [])
    collection = next((item for item in collections if item.get("name") == operation.path[0]), None)
    if collection is None:
        taken = {_inner(item).get("priority") for item in collections}
        wanted = int(operation.context["collectionPriority"])
        priority = next(number for number in range(wanted, 65001) if number not in taken)
        inner = {"priority": priority, "action": {"type": "Allow"}, "rules": []}
        collection = {"name": operation.path[0], "properties": inner}
        collections.append(collection)
    rules = _inner(collection).setdefault("rules", [])
    place = place_of(operation, [_to_policy_shape(rule, rule_type) for rule in rules])
    if place is not None:
        gone = rules[place]
        rules[:] = [rule for rule in rules if rule != gone]
    if operation.action != "remove" and operation.after is not None:
        where = len(rules) if place is None else place
        rules.insert(where, _to_classic_shape(operation.after))
    if not rules:
        collections.remove(collection)


def _inner(collection: Body) -> Body:
    inner: Body = collection.get("properties", collection)
    return inner


def _to_classic_shape(rule: Body) -> Body:
    classic = {key: value for key, value in rule.items() if key not in ("ruleType", "ipProtocols")}
    return classic | ({"protocols": rule["ipProtocols"]} if "ipProtocols" in rule else {})


def _to_policy_shape(rule: Body, rule_type: str) -> Body:
    echoed = ("priority", "direction", "actions")
    body: dict[str, Any] = {
        "ruleType": rule_type,
        **{key: value for key, value in rule.items() if key not in echoed},
    }
    if rule_type == "NetworkRule":
        body["ipProtocols"] = body.pop("protocols", [])
    return body
