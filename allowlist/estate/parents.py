"""Parts that a command prints without the id of what they belong to, put where that is said on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allowlist.estate.bodies import Body
from allowlist.estate.members import unknown
from allowlist.estate.powershell import as_resource, is_powershell
from allowlist.estate.resource_id import ResourceId
from allowlist.estate.shapes import outbound_rule
from allowlist.estate.spelling import as_arm_spells, spelled

_GROUP = "microsoft.network/firewallpolicies/rulecollectiongroups"
_POLICY = "microsoft.network/firewallpolicies"
_WORKSPACE = "microsoft.machinelearningservices/workspaces"
_NETWORK = "microsoft.cognitiveservices/accounts/managednetworks"
_ACCOUNT = "microsoft.cognitiveservices/accounts"
_FIREWALL = "microsoft.network/azurefirewalls"

_NOT_LISTED = unknown("the priority of the group is in no list of its collections")


def parts_of(data: Any, parent: str) -> list[dict[str, Any]] | None:
    """Resources made of ``data`` below ``parent``; None where ``data`` names its resources itself, or fits no parent."""
    items = data if isinstance(data, list) else [data]
    if not items or not all(isinstance(item, dict) and not _id_of(item) for item in items):
        return None
    if not all(map(_may_be_part, items)):
        return None
    items = [as_arm_spells(as_resource(item) if is_powershell(item) else item) for item in items]
    kind, parent = ResourceId(parent).type, parent.rstrip("/")
    if kind in (_GROUP, _POLICY) and all(_is_collection(item) for item in items):
        group = parent if kind == _GROUP else f"{parent}/ruleCollectionGroups/given"
        return [_group(group, items)]
    if kind == _GROUP and len(items) == 1 and _is_group(items[0]) and _named(items[0], parent):
        return [{**items[0], "id": parent}]
    if kind == _POLICY and all(_is_group(item) for item in items):
        return [{**item, "id": f"{parent}/ruleCollectionGroups/{item['name']}"} for item in items]
    if kind == _FIREWALL and all(_is_collection(item) for item in items):
        return [
            {
                "id": f"{parent}/{_list_of(item)}/{item.get('name')}",
                "name": item.get("name"),
                "properties": _inner(item),
            }
            for item in items
        ]
    if kind in (_WORKSPACE, _NETWORK, _ACCOUNT) and all(_is_rule(item) for item in items):
        network = f"{parent}/managedNetworks/default" if kind == _ACCOUNT else parent
        return [
            {"id": f"{network}/outboundRules/{item['name']}", "properties": outbound_rule(_inner(item))}
            for item in items
        ]
    return None


def _may_be_part(item: Mapping[str, Any]) -> bool:
    """Has it the members of a part, in any spelling? A list of whole resources is not gone through to learn that."""
    inner = (value for value in item.values() if isinstance(value, Mapping))
    names = {spelled(key).lower() for holder in (item, *inner) for key in holder}
    return bool({"rules", "rulecollections", "rulecollection"} & names) or {"type", "destination"} <= names


def _id_of(item: Mapping[str, Any]) -> str:
    return str(next((value for key, value in item.items() if key.lower() == "id"), "") or "")


def _is_collection(item: Mapping[str, Any]) -> bool:
    inner = item.get("properties") if isinstance(item.get("properties"), Mapping) else item
    return isinstance(inner, Mapping) and isinstance(inner.get("rules"), list)


def _is_group(item: Mapping[str, Any]) -> bool:
    inner = item.get("properties") if isinstance(item.get("properties"), Mapping) else item
    return bool(item.get("name")) and isinstance(inner, Mapping) and "ruleCollections" in inner


def _named(item: Mapping[str, Any], resource_id: str) -> bool:
    return str(item["name"]).lower() == ResourceId(resource_id).name.lower()


def _is_rule(item: Mapping[str, Any]) -> bool:
    inner = item.get("properties") if isinstance(item.get("properties"), Mapping) else item
    return bool(item.get("name")) and isinstance(inner, Mapping) and {"type", "destination"} <= inner.keys()


def _inner(item: Mapping[str, Any]) -> dict[str, Any]:
    inner = item.get("properties")
    return dict(inner if isinstance(inner, Mapping) else item)


def _group(group_id: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    """Its priority is in no such list, so beside other groups the order is unknown; alone it does not matter."""
    return {
        "id": group_id,
        "name": group_id.rpartition("/")[2],
        "properties": {"priority": _NOT_LISTED, "ruleCollections": items},
    }


def alone_or_unknown(bodies: dict[str, Body]) -> None:
    """Gives a group whose priority was in no list one, where it is the only group of its policy and so none is asked for."""
    groups = [ResourceId(key) for key in bodies if ResourceId(key).type == _GROUP]
    for group in groups:
        body = bodies[group.text]
        if (
            body["properties"].get("priority") == _NOT_LISTED
            and sum(_beside(group, other) for other in groups) == 1
        ):
            bodies[group.text] = {**body, "properties": {**body["properties"], "priority": 100}}


def _beside(group: ResourceId, other: ResourceId) -> bool:
    return other.parent.text == group.parent.text


def _list_of(collection: Mapping[str, Any]) -> str:
    """Which list of a classic firewall the collection stands in, by what its rules say."""
    inner = _inner(collection)
    rules = [rule for rule in inner.get("rules") or () if isinstance(rule, Mapping)]
    if any("translatedAddress" in rule or "translatedPort" in rule for rule in rules):
        return "natRuleCollections"
    if any("destinationPorts" in rule for rule in rules):
        return "networkRuleCollections"
    return "applicationRuleCollections"
