"""Rule collection groups as the nfv back end reads them back: key order, empty arrays, canonical words.

Fields nobody here knows are kept, after the known ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Body = dict[str, Any]
_EMPTY: list[Any] = []
_ABSENT = object()

_APPLICATION_RULE: dict[str, Any] = {
    "ruleType": _ABSENT,
    "name": _ABSENT,
    "description": _ABSENT,
    "protocols": _EMPTY,
    "fqdnTags": _EMPTY,
    "webCategories": _EMPTY,
    "targetFqdns": _EMPTY,
    "targetUrls": _EMPTY,
    "terminateTLS": False,
    "sourceAddresses": _EMPTY,
    "destinationAddresses": _EMPTY,
    "sourceIpGroups": _EMPTY,
    "httpHeadersToInsert": _EMPTY,
}
_NETWORK_RULE: dict[str, Any] = {
    "ruleType": _ABSENT,
    "ipv6Rule": False,
    "name": _ABSENT,
    "description": _ABSENT,
    "ipProtocols": _EMPTY,
    "sourceAddresses": _EMPTY,
    "sourceIpGroups": _EMPTY,
    "destinationAddresses": _EMPTY,
    "destinationIpGroups": _EMPTY,
    "destinationFqdns": _EMPTY,
    "destinationPorts": _EMPTY,
}
_NAT_RULE: dict[str, Any] = {
    "ruleType": _ABSENT,
    "name": _ABSENT,
    "description": _ABSENT,
    "translatedAddress": _ABSENT,
    "translatedFqdn": _ABSENT,
    "translatedPort": _ABSENT,
    "ipProtocols": _EMPTY,
    "sourceAddresses": _EMPTY,
    "sourceIpGroups": _EMPTY,
    "destinationAddresses": _EMPTY,
    "destinationPorts": _EMPTY,
}
RULE_SHAPES: dict[str, dict[str, Any]] = {
    "applicationrule": _APPLICATION_RULE,
    "networkrule": _NETWORK_RULE,
    "natrule": _NAT_RULE,
}
_RULE_TYPES = {"applicationrule": "ApplicationRule", "networkrule": "NetworkRule", "natrule": "NatRule"}
_COLLECTION_TYPES = {
    "firewallpolicyfilterrulecollection": "FirewallPolicyFilterRuleCollection",
    "firewallpolicynatrulecollection": "FirewallPolicyNatRuleCollection",
}
_COLLECTION: dict[str, Any] = {
    "ruleCollectionType": _ABSENT,
    "action": _ABSENT,
    "rules": _EMPTY,
    "name": _ABSENT,
    "priority": _ABSENT,
}
_ACTIONS = {"allow": "Allow", "deny": "Deny", "dnat": "Dnat", "snat": "Snat"}
_APPLICATION_PROTOCOLS = {"http": "Http", "https": "Https", "mssql": "Mssql"}
_IP_PROTOCOLS = {"tcp": "TCP", "udp": "UDP", "any": "Any", "icmp": "ICMP"}


def read_back_collections(collections: list[Any]) -> list[Body]:
    """What the service shows for the collections it was sent; order is kept."""
    return [_collection(each) for each in collections]


def _collection(sent: Mapping[str, Any]) -> Body:
    body = shaped(sent, _COLLECTION)
    if "ruleCollectionType" in body:
        body["ruleCollectionType"] = canonical(body["ruleCollectionType"], _COLLECTION_TYPES)
    if isinstance(body.get("action"), dict):
        body["action"] = canonical_action(body["action"])
    body["rules"] = [_rule(each) for each in body["rules"]]
    return body


def _rule(sent: Mapping[str, Any]) -> Body:
    shape = RULE_SHAPES.get(str(sent.get("ruleType", "")).lower())
    if shape is None:
        return dict(sent)
    body = shaped(sent, shape)
    body["ruleType"] = canonical(body["ruleType"], _RULE_TYPES)
    if "protocols" in body:
        body["protocols"] = canonical_protocols(body["protocols"])
    if "ipProtocols" in body:
        body["ipProtocols"] = [canonical(each, _IP_PROTOCOLS) for each in body["ipProtocols"]]
    return body


def shaped(sent: Mapping[str, Any], shape: Mapping[str, Any]) -> Body:
    """``sent`` in the order of ``shape``, defaults filled in, nulls dropped, unknown fields last."""
    body: Body = {}
    for name, default in shape.items():
        value = sent.get(name)
        if value is not None:
            body[name] = value
        elif default is not _ABSENT:
            body[name] = list(default) if isinstance(default, list) else default
    body.update({name: value for name, value in sent.items() if name not in shape and value is not None})
    return body


def canonical(word: Any, words: Mapping[str, str]) -> Any:
    """Enums are read without case and shown in the service's own spelling; unknown words stay."""
    return words.get(str(word).lower(), word)


def canonical_action(action: Mapping[str, Any]) -> Body:
    return {**action, "type": canonical(action["type"], _ACTIONS)} if "type" in action else dict(action)


def canonical_protocols(protocols: list[Any]) -> list[Any]:
    """``protocolType`` first, then ``port``."""
    return [
        {
            "protocolType": canonical(each.get("protocolType"), _APPLICATION_PROTOCOLS),
            "port": each.get("port"),
        }
        if isinstance(each, dict)
        else each
        for each in protocols
    ]
