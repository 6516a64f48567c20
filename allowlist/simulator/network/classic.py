"""Classic rule collections inside an azureFirewall, as the network back end reads them back."""

from __future__ import annotations

from typing import Any

from allowlist.simulator.arm.store import Body
from allowlist.simulator.network.rules import canonical_action, canonical_protocols, shaped

COLLECTIONS = ("networkRuleCollections", "applicationRuleCollections", "natRuleCollections")
_EMPTY: list[Any] = []
_NOTHING: Any = object()

_APPLICATION_RULE: dict[str, Any] = {
    "name": "",
    "priority": 0,
    "direction": "Inbound",
    "protocols": _EMPTY,
    "fqdnTags": _EMPTY,
    "targetFqdns": _EMPTY,
    "actions": _EMPTY,
    "sourceAddresses": _EMPTY,
    "sourceIpGroups": _EMPTY,
}
"""``priority``, ``direction`` and ``actions`` are in no API description and in every answer (recordings)."""
_NETWORK_RULE: dict[str, Any] = {
    "name": "",
    "protocols": _EMPTY,
    "sourceAddresses": _EMPTY,
    "destinationAddresses": _EMPTY,
    "sourceIpGroups": _EMPTY,
    "destinationIpGroups": _EMPTY,
    "destinationFqdns": _EMPTY,
    "destinationPorts": _EMPTY,
}
_NAT_RULE_HEAD = ("name", "description", "protocols", "translatedAddress", "translatedFqdn", "translatedPort")
_NAT_RULE_TAIL = ("sourceAddresses", "sourceIpGroups", "destinationAddresses", "destinationPorts")


def read_back(firewall_id: str, properties: Body, etag: str, state: str) -> dict[str, list[Body]]:
    """The three lists of collections, each collection with id, etag and type of its own."""
    return {
        kind: [_collection(firewall_id, kind, each, etag, state) for each in properties.get(kind) or []]
        for kind in COLLECTIONS
    }


def _collection(firewall_id: str, kind: str, sent: Body, etag: str, state: str) -> Body:
    given = sent.get("properties") or {}
    properties: Body = {"provisioningState": state, "priority": given.get("priority")}
    properties["action"] = canonical_action(given.get("action") or {})
    properties["rules"] = [_rule(kind, each) for each in given.get("rules") or []]
    return {
        "name": sent.get("name"),
        "id": f"{firewall_id}/{kind}/{sent.get('name')}",
        "etag": etag,
        "properties": properties,
        "type": f"Microsoft.Network/azureFirewalls/{kind}",
    }


def _rule(kind: str, sent: Body) -> Body:
    if kind == "natRuleCollections":
        head = {name: sent[name] for name in _NAT_RULE_HEAD if sent.get(name) is not None}
        tail = {name: sent.get(name) or [] for name in _NAT_RULE_TAIL}
        return {**head, **tail, **{name: value for name, value in sent.items() if name not in (*head, *tail)}}
    if kind == "networkRuleCollections":
        return shaped(sent, _NETWORK_RULE)
    rule = shaped(sent, _APPLICATION_RULE)
    return {**rule, "protocols": canonical_protocols(rule["protocols"])}
