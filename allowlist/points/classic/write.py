"""Drafts and writes for classic rule collections: the whole firewall is one body, so one PUT. Pure.

Rules are drafted as for a policy and turned into the classic shape: no ``ruleType``, and the protocols of a
network rule stand under ``protocols``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from allowlist.azure.facts import api_version
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.known import FINAL, unsettled
from allowlist.plan.drafts import Draft
from allowlist.plan.model import Operation
from allowlist.points.firewall.draft import Place, Standing, collection_name, draft_rules
from allowlist.points.firewall.standing import StandingRules
from allowlist.points.point import Target, Write
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
    standing = Standing.of(target.workload, _rules_in(estate, target))
    place = Place(surface=KIND, resource=target.resource, standing=standing)
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
    body = {key: value for key, value in firewall.items() if key not in _READ_ONLY}
    body["properties"] = _edited(body["properties"], operations)
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
    """The estate as it stands once ``writes`` have succeeded, which ends whatever state the firewall was in."""
    bodies = []
    for write in writes:
        old = estate.get(write.resource) or {"id": write.resource}
        bodies.append({**old, **(write.body or {})})
    return estate.with_resources(bodies)


def _edited(properties: Body, operations: Iterable[Operation]) -> Body:
    """The properties of the firewall after ``operations``; rules are shared with those before, never edited."""
    kept = {key: value for key, value in properties.items() if key != "provisioningState"}
    edits: dict[str, _Collections] = {}
    for operation in operations:
        rule_type = (operation.after or operation.before or {})["ruleType"]
        if rule_type not in edits:
            edits[rule_type] = _Collections(kept.get(_KEYS[rule_type]) or (), rule_type)
        edits[rule_type].edit(operation)
    return {**kept, **{_KEYS[rule_type]: edit.bodies() for rule_type, edit in edits.items()}}


class _Collections:
    """The collections of one type of rule while operations edit them."""

    def __init__(self, collections: Iterable[Body], rule_type: str) -> None:
        self._rule_type = rule_type
        self._collections = list(collections)
        self._edited: dict[int, StandingRules] = {}

    def edit(self, operation: Operation) -> None:
        collection = self._collection(operation)
        rules = self._rules(collection)
        place = rules.place_of(operation)
        after = None if operation.action == "remove" else operation.after
        if place is not None and after is None:
            rules.remove(place)
        elif place is not None and after is not None:
            rules.remove_copies(place)
            rules.replace(place, _to_classic_shape(after))
        elif after is not None:
            rules.append(_to_classic_shape(after))
        if not len(rules):
            self._collections = [item for item in self._collections if item is not collection]
            del self._edited[id(collection)]

    def bodies(self) -> list[Body]:
        return [self._body(item) for item in self._collections]

    def _body(self, collection: Body) -> Body:
        rules = self._edited.get(id(collection))
        if rules is None:
            return collection
        if "properties" not in collection:
            return {**collection, "rules": rules.in_order()}
        return {**collection, "properties": {**collection["properties"], "rules": rules.in_order()}}

    def _rules(self, collection: Body) -> StandingRules:
        found = self._edited.get(id(collection))
        if found is None:
            rules = _inner(collection).get("rules") or ()
            found = StandingRules(rules, partial(_to_policy_shape, rule_type=self._rule_type))
            self._edited[id(collection)] = found
        return found

    def _collection(self, operation: Operation) -> Body:
        name = operation.path[0]
        found = next((item for item in self._collections if item.get("name") == name), None)
        if found is None:
            taken = {_inner(item).get("priority") for item in self._collections}
            wanted = int(operation.context["collectionPriority"])
            priority = next(number for number in range(wanted, 65001) if number not in taken)
            found = {
                "name": name,
                "properties": {"priority": priority, "action": {"type": "Allow"}, "rules": []},
            }
            self._collections.append(found)
        return found


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
