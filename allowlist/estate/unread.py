"""What is announced and was not read: it is unknown, and says what it is and how to read it.

A resource of which nothing is known is a body with the one property :data:`UNRESOLVED`. What translates bodies takes
it for something that may do anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from allowlist.estate.resource_id import ResourceId, normal_id

UNRESOLVED = "[unresolved]"
"""The one property of a resource whose properties, as a whole, cannot be worked out."""

NOT_LISTED = "not-listed"
"""Name of the child that stands for the rules of a network that was shown without them."""

CONTAINERS = {
    "microsoft.network/firewallpolicies": "ruleCollectionGroups",
    "microsoft.machinelearningservices/workspaces": "outboundRules",
    "microsoft.cognitiveservices/accounts/managednetworks": "outboundRules",
    "microsoft.network/networksecurityperimeters/profiles": "accessRules",
}
"""Types whose children decide what they let through, with the type of those children."""

_COMMANDS = {
    "microsoft.network/firewallpolicies/rulecollectiongroups": (
        "az network firewall policy rule-collection-group list --policy-name {parent} -g {group}"
    ),
    "microsoft.machinelearningservices/workspaces/outboundrules": (
        "az ml workspace outbound-rule list --workspace-name {parent} -g {group}"
    ),
}


class Unread(msgspec.Struct, frozen=True):
    """Something that may add rules to any resource beside it, or to those of type ``container`` only.

    ``everywhere``: not only to resources of the same file.
    """

    what: str
    file: str
    container: str = ""
    everywhere: bool = False


def unread_body(resource_id: str, why: str) -> dict[str, Any]:
    """A resource that is there, or may be, and of which nothing is known."""
    found = ResourceId(resource_id)
    kind = "Microsoft.Network/firewallPolicies" if resource_id.startswith("[") else found.type
    properties = unresolved(found.type, f"[{why}]")
    name = resource_id if resource_id.startswith("[") else found.name
    return {"id": resource_id, "name": name, "type": kind, "properties": properties}


def unresolved(kind: str, text: str) -> dict[str, Any]:
    """The properties of a resource of type ``kind`` in whose place the expression ``text`` stands."""
    return {UNRESOLVED: text, **_decisive(kind.lower(), text)}


_MEMBERS = {
    "microsoft.network/ipgroups": ("ipAddresses",),
    "microsoft.cognitiveservices/accounts": (
        "restrictOutboundNetworkAccess", "allowedFqdnList", "networkInjections",
    ),
    "microsoft.cognitiveservices/accounts/raipolicies": ("egressPolicy",),
}  # fmt: skip
_NETWORKS = (
    "microsoft.machinelearningservices/workspaces",
    "microsoft.cognitiveservices/accounts/managednetworks",
)


def _decisive(kind: str, text: str) -> dict[str, Any]:
    """The members that decide what a resource lets through, as the unknown values they are."""
    if kind.endswith("/outboundrules"):
        return {"type": text}
    if kind in _NETWORKS:
        return {"managedNetwork": {"isolationMode": text}}
    return dict.fromkeys(_MEMBERS.get(kind, ()), text)


def perhaps_deployed(body: dict[str, Any], why: str) -> dict[str, Any]:
    """``body`` as something that may not be there: of a group each rule is in doubt, of others all is unknown.

    The doubt is a field that nobody models: it can only narrow what a rule matches.
    """
    collections = body.get("properties", {}).get("ruleCollections")
    if ResourceId(body["id"]).type != "microsoft.network/firewallpolicies/rulecollectiongroups" or not (
        isinstance(collections, list) and all(map(_has_plain_rules, collections))
    ):
        return {**unread_body(body["id"], why), "type": body["type"]}
    doubted = [
        {**item, "rules": [{**rule, f"[{why}]": True} for rule in item["rules"]]} for item in collections
    ]
    return {**body, "properties": {**body["properties"], "ruleCollections": doubted}}


def _has_plain_rules(collection: Any) -> bool:
    rules = collection.get("rules") if isinstance(collection, Mapping) else None
    return isinstance(rules, list) and all(isinstance(rule, Mapping) for rule in rules)


def is_unread(body: Mapping[str, Any]) -> bool:
    """Is nothing known of this resource but that it is there, or may be?"""
    return UNRESOLVED in (body.get("properties") or {})


def how_to_read(resource_id: str) -> str:
    """The command that brings a resource."""
    found = ResourceId(resource_id)
    command = _COMMANDS.get(found.type, "az resource show --ids {id}")
    return command.format(parent=found.parent.name, group=found.resource_group, id=resource_id)


def announced(bodies: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Bodies for what resources name by id and is not among ``bodies``; below each unread container, a child too."""
    for body in list(bodies.values()):
        for named in _named(body):
            if normal_id(named) not in bodies:
                why = f"which was not read: {how_to_read(named)}"
                yield from _with_child(unread_body(named, why))
        yield from _policy_above(body, bodies)
        if ResourceId(str(body["id"])).type not in CONTAINERS:
            continue
        if is_unread(body):
            yield from list(_with_child(body))[1:]
        elif _lacks_rules(body, bodies):
            why = "its outbound rules were not read: allowlist snapshot -o DIR"
            yield unread_body(f"{body['id']}/outboundRules/{NOT_LISTED}", why)


_GROUPS = "microsoft.network/firewallpolicies/rulecollectiongroups"


def _policy_above(
    body: Mapping[str, Any], bodies: Mapping[str, Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """The policy of a rule collection group, where a list of groups alone was saved: its id stands in each of them.

    Whether it has a parent, whose rules come first, is as unknown as its settings.
    """
    found = ResourceId(str(body.get("id", "")))
    if found.type != _GROUPS or str(body["id"]).startswith("[") or normal_id(str(found.parent)) in bodies:
        return
    policy = _as_written(str(body["id"]))
    why = f"which was not read: az network firewall policy show --ids {policy}"
    above = f"[parent of {ResourceId(policy).name}]"
    found_body = unread_body(policy, why)
    yield {**found_body, "properties": {**found_body["properties"], "basePolicy": {"id": above}}}
    yield from _with_child(
        unread_body(
            above, f"whether there is one was not read: az network firewall policy show --ids {policy}"
        )
    )


def _as_written(group_id: str) -> str:
    """The id of the policy in the letter case in which the group writes it."""
    return group_id.rstrip("/").rsplit("/", 2)[0]


def _lacks_rules(body: Mapping[str, Any], bodies: Mapping[str, Mapping[str, Any]]) -> bool:
    """Is it a network that approves each destination, shown without its rules? It always has some of the service's."""
    network = body["properties"].get("managedNetwork")
    approved = (
        isinstance(network, Mapping)
        and str(network.get("isolationMode")).lower() == "allowonlyapprovedoutbound"
    )
    below = f"{normal_id(str(body['id']))}/outboundrules/"
    return approved and "outboundRules" not in network and not any(key.startswith(below) for key in bodies)


def _with_child(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Of a container of which nothing is known, the rules are not known either."""
    yield dict(body)
    kind = CONTAINERS.get(str(body["type"]).lower())
    if kind:
        why = str(body["properties"][UNRESOLVED])[1:-1]
        yield unread_body(f"{body['id']}/{kind}/not-read", why)


def _named(body: Mapping[str, Any]) -> Iterator[str]:
    """A policy's parent, and the children that a resource lists."""
    kind, properties = ResourceId(str(body.get("id", ""))).type, body.get("properties")
    if not isinstance(properties, Mapping):
        return
    if kind == "microsoft.network/firewallpolicies":
        base = properties.get("basePolicy")
        named = base.get("id") if isinstance(base, Mapping) else base
        if isinstance(named, str) and named:
            yield named
    if kind == "microsoft.cognitiveservices/accounts" and _is_managed(properties.get("networkInjections")):
        yield f"{body['id']}/managedNetworks/default"
    yield from _listed_children(kind, properties)


def _is_managed(injections: Any) -> bool:
    """Do agents of an account run in a network that the service manages?"""
    return isinstance(injections, list) and any(
        isinstance(item, Mapping) and item.get("useMicrosoftManagedNetwork") is True for item in injections
    )


def _listed_children(kind: str, properties: Mapping[str, Any]) -> Iterator[str]:
    """Ids of rule collection groups that a policy lists, and of resources that a deployment says it made."""
    if kind == "microsoft.network/firewallpolicies":
        yield from _ids(properties.get("ruleCollectionGroups"))
    if kind == "microsoft.resources/deployments":
        for named in _ids(properties.get("outputResources")):
            if ResourceId(named).parent.type in CONTAINERS:
                yield named


def _ids(value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list) else ():
        found = item.get("id") if isinstance(item, Mapping) else item
        if isinstance(found, str) and found.lower().startswith("/subscriptions/"):
            yield found


def perhaps(
    bodies: Mapping[str, Mapping[str, Any]], files: Mapping[str, str], unread: Iterable[Unread]
) -> Iterator[dict[str, Any]]:
    """Bodies for rules that ``unread`` may add below any container; ``files`` says where each body was read."""
    containers = {key: ResourceId(key).type for key in bodies if ResourceId(key).type in CONTAINERS}
    for item in unread:
        near = {key for key in containers if files.get(key) == item.file}
        for key, kind in containers.items():
            if item.container in ("", kind) and (item.everywhere or not near or key in near):
                child = re.sub(r"\W+", "-", item.what).strip("-")[:80]
                yield unread_body(f"{bodies[key]['id']}/{CONTAINERS[kind]}/{child}", item.what)
