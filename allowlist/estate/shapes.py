"""One shape for a resource, whichever tool printed it: the one in which Resource Manager returns it.

``az`` takes the members of ``properties`` up a level; ``az ml`` has names of its own; older SDKs list outbound rules
that newer ones map by name; children stand in their parent or as resources of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from allowlist.errors import InvalidInput
from allowlist.estate.bodies import Body
from allowlist.estate.members import unknown
from allowlist.estate.parts import without_nulls
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.estate.spelling import TooDeep, as_arm_spells
from allowlist.estate.unread import how_to_read, unread_body, unresolved

_ENVELOPE = {"id", "name", "type", "location", "tags", "etag", "zones", "identity", "extendedLocation"}
_ENVELOPE |= {"resourceGroup", "systemData", "kind", "plan", "managedBy"}
_LISTED = _ENVELOPE | {
    "properties",
    "sku",
    "provisioningState",
    "changedTime",
    "createdTime",
    "subscriptionId",
}
_LISTED |= {"tenantId", "apiVersion"}
"""Members with which ``az resource list`` and queries of Resource Graph name a resource without saying what is in it."""

_RESOURCE = "save the resource as Azure answers it: az resource show --ids ID"

_AZ = "resourceGroup"
"""What the Azure command line adds to a resource. It prints null for whatever its model has and the answer did not;
rows of Resource Graph, which have a subscription beside it, hold what Resource Manager answered."""

_RULES = "outboundRules"
_ACCOUNT_RULES = "microsoft.cognitiveservices/accounts/managednetworks/outboundrules"


def in_arm_shape(body: Body, file: str) -> Body:
    """``body`` with its properties under ``properties``. Raises InvalidInput where that is no object."""
    try:
        found: Body = as_arm_spells(body)
    except TooDeep as error:
        raise InvalidInput.of(file, str(error), hint=_RESOURCE) from None
    _refuse_cut(found, body, file)
    if found.get("properties") is None and found.keys() <= _LISTED:
        return {
            **found,
            **unread_body(found["id"], f"listed without its properties: {how_to_read(found['id'])}"),
        }
    if "properties" not in found:
        outer = {key: value for key, value in found.items() if key in _ENVELOPE}
        # Command lines that take members up a level print null for what is not set.
        inner = without_nulls({key: value for key, value in found.items() if key not in _ENVELOPE})
        found = {**outer, "properties": inner}
    properties = found["properties"]
    if isinstance(properties, str) and properties.startswith("["):
        properties = unresolved(ResourceId(found["id"]).type, properties)
    if not isinstance(properties, dict):
        raise InvalidInput.of(file, f"{found['id']}: 'properties' is not an object", hint=_RESOURCE)
    if properties.get("managedNetwork") is not None:
        properties = {**properties, "managedNetwork": _network(properties["managedNetwork"])}
    if _AZ in found and "subscriptionId" not in found:
        properties = without_nulls(properties)
    if isinstance(properties.get("basePolicy"), str) and properties["basePolicy"]:
        properties = {**properties, "basePolicy": {"id": properties["basePolicy"]}}
    return found if properties is found["properties"] else {**found, "properties": properties}


def _refuse_cut(found: Body, body: Body, file: str) -> None:
    """``ConvertTo-Json`` writes what is deeper than its ``-Depth`` as the name of a type."""
    if found is not body and any(_is_cut(value) for value in _leaves(found)):
        raise InvalidInput.of(
            file,
            f"{found['id']}: ConvertTo-Json cut it off where it is too deep",
            hint="… | ConvertTo-Json -Depth 100",
        )


_CUT = re.compile(r"@\{(\}|[\w.-]+=)|System\.(Object\[\]|Collections\.)|Microsoft\.Azure\.")
"""Not ``@{body('x')}``, which is an expression of a workflow."""


def _is_cut(text: str) -> bool:
    return _CUT.match(text) is not None


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, str):
        yield value


def _network(value: Any) -> Body:
    """Outbound rules by name, words without underscores: ``allow_only_approved_outbound`` is one word for ARM."""
    if not isinstance(value, dict):
        return {"isolationMode": unknown(value)}
    network = dict(value)
    if isinstance(network.get("isolationMode"), str):
        network["isolationMode"] = network["isolationMode"].replace("_", "")
    status = network.get("status")
    if status is not None and not isinstance(status, dict):
        network["status"] = {"status": status.title() if isinstance(status, str) else unknown(status)}
    rules = network.get(_RULES)
    if isinstance(rules, list):
        network[_RULES] = _by_name(rules)
    elif isinstance(rules, dict):
        network[_RULES] = {
            name: rule if isinstance(rule, dict) else _rule(rule) for name, rule in rules.items()
        }
    elif rules is not None:
        network[_RULES] = {"not-read": _rule(rules)}
    return network


def _by_name(rules: list[Any]) -> Body:
    """A list of rules, as ``az ml`` and its files write it, by name.

    Of rules that share a name, in any case, the client sends the last one alone and says nothing (azure-ai-ml 1.35.2):
    which of them is in force cannot be told from such a list, so the name stands for an unknown rule.
    """
    found: Body = {}
    spelled: dict[str, str] = {}
    for at, rule in enumerate(rules):
        name = _rule_name(rule, at)
        first = spelled.setdefault(name.lower(), name)
        found[first] = (
            outbound_rule(rule) if first not in found else {"type": unknown(f"several rules named {first}")}
        )
    return found


def outbound_rule(rule: Any) -> Body:
    """A rule as ``az ml`` prints it (``service_tag``, ``user_defined``), without its name."""
    return {key: value for key, value in _rule(rule).items() if key != "name"}


def _rule_name(rule: Any, at: int) -> str:
    name = rule.get("name") if isinstance(rule, dict) else None
    return name if isinstance(name, str) and name else f"rule-{at + 1}"


def _rule(rule: Any) -> Body:
    if not isinstance(rule, dict):
        return {"type": unknown(rule)}
    found = dict(as_arm_spells(rule))
    for key in ("type", "category"):
        if isinstance(found.get(key), str):
            found[key] = found[key].replace("_", "")
    return found


def with_children(bodies: Mapping[str, Body]) -> dict[str, Body]:
    """``bodies``, each child where what reads it looks for it.

    Outbound rules of an account's managed network stand inside the network too; groups that stand inside a policy become
    resources of their own.
    """
    found = dict(bodies)
    for key, body in bodies.items():
        if ResourceId(key).type == _ACCOUNT_RULES:
            _put_inside(found, body)
        elif ResourceId(key).type.startswith(f"{_FIREWALLS}/"):
            _put_in_firewall(found, body)
        elif ResourceId(key).type == "microsoft.network/firewallpolicies":
            for group in _groups_inside(body):
                found.setdefault(normal_id(group["id"]), group)
    return found


_FIREWALLS = "microsoft.network/azurefirewalls"
_LISTS = {
    name.lower(): (name, f"az network firewall {kind} collection list")
    for name, kind in (
        ("applicationRuleCollections", "application-rule"),
        ("networkRuleCollections", "network-rule"),
        ("natRuleCollections", "nat-rule"),
    )
}


def _put_in_firewall(found: dict[str, Body], collection: Body) -> None:
    """A classic rule collection that was listed by itself. Of a firewall that was not read the other lists are unknown."""
    parts = str(collection["id"]).rstrip("/").split("/")
    member = _LISTS.get(parts[-2].lower())
    if member is None:
        return
    firewall_id = "/".join(parts[:-2])
    key, name = normal_id(firewall_id), parts[-1]
    firewall = found.get(key) or {
        "id": firewall_id,
        "name": firewall_id.rpartition("/")[2],
        "type": "Microsoft.Network/azureFirewalls",
        "properties": {listed: f"[not read: {command}]" for listed, command in _LISTS.values()},
    }
    known = firewall["properties"].get(member[0])
    items = known if isinstance(known, list) else []
    if any(str(item.get("name")).lower() == name.lower() for item in items if isinstance(item, dict)):
        return
    inner = {"name": name, "properties": collection["properties"]}
    found[key] = {**firewall, "properties": {**firewall["properties"], member[0]: [*items, inner]}}


def _put_inside(found: dict[str, Body], rule: Body) -> None:
    network_id = ResourceId(normal_id(rule["id"])).parent
    network = found.get(network_id.text)
    if network is None:
        whole_id = ResourceId(rule["id"]).parent.text
        network = found[network_id.text] = unread_body(
            whole_id, f"the managed network of {ResourceId(whole_id).parent.name}, which was not read"
        )
    properties = network["properties"]
    inner = properties.get("managedNetwork")
    inner = dict(inner) if isinstance(inner, dict) else {}
    rules = inner.get(_RULES)
    rules = dict(rules) if isinstance(rules, dict) else {}
    name = ResourceId(rule["id"]).name
    if not any(known.lower() == name.lower() for known in rules):
        rules[name] = _rule(rule["properties"])
    found[network_id.text] = {
        **network,
        "properties": {**properties, "managedNetwork": {**inner, _RULES: rules}},
    }


def _groups_inside(policy: Body) -> Iterator[Body]:
    listed = policy["properties"].get("ruleCollectionGroups")
    for item in listed if isinstance(listed, list) else ():
        whole = isinstance(item, dict) and isinstance(item.get("properties"), dict)
        if whole and isinstance(item.get("id"), str) and "ruleCollections" in item["properties"]:
            yield item
