"""An independent reading of firewall policies, straight from ARM JSON, one flow at a time and with no cleverness.

It follows Azure's pages word by word (rule processing, FAQ, IP groups) and shares no code with the product, so
where the two part one of them is wrong. A match is yes, no, or None where ARM does not tell. The answer is
unknown when what is not told could turn it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]
Match = bool | None

PASSES = {"NatRule": 0, "NetworkRule": 1, "ApplicationRule": 2}
PRIVATE = [
    ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
]


@dataclass(frozen=True)
class Sent:
    """What a client sends; ``to`` is empty where the address is not known."""

    source: str
    to: str = ""
    port: int = 443
    transport: str = "tcp"
    application: str = ""
    name: str = ""
    inbound: bool = False


def answer(bodies: list[Body], policy_id: str, sent: Sent) -> tuple[str, str]:
    """(allow, deny or unknown; the path of the rule that decides, or nothing)."""
    estate = {body["id"].lower(): body for body in bodies}
    possible: set[str] = set()
    for path, action, rule in _in_order(estate, policy_id):
        match = _matches(rule, action, sent, estate, policy_id)
        if match is False:
            continue
        possible.add(action)
        if match:
            return (action, path) if possible == {action} else ("unknown", "")
    return ("unknown", "") if "allow" in possible else ("deny", "")


def _in_order(estate: dict[str, Body], policy_id: str) -> Iterator[tuple[str, str, Body]]:
    chain: list[Body] = []
    wanted: str | None = policy_id
    while wanted:
        chain.insert(0, estate[wanted.lower()])
        wanted = chain[0]["properties"].get("basePolicy", {}).get("id")
    found = []
    for depth, policy in enumerate(chain):
        for key, group in estate.items():
            if key.startswith(f"{policy['id'].lower()}/rulecollectiongroups/"):
                for collection in group["properties"]["ruleCollections"]:
                    for place, rule in enumerate(collection["rules"]):
                        names = (policy["name"], group["name"], collection["name"], rule["name"])
                        action = collection["action"]["type"].lower().replace("dnat", "allow")
                        order = (
                            PASSES[rule["ruleType"]],
                            depth,
                            group["properties"]["priority"],
                            collection["priority"],
                            place,
                        )
                        found.append((order, "/".join(names), action, rule))
    for _, path, action, rule in sorted(found, key=lambda item: item[0]):
        yield path, action, rule


def _matches(rule: Body, action: str, sent: Sent, estate: dict[str, Body], policy_id: str) -> Match:
    settings = estate[policy_id.lower()]["properties"]
    source = _is_in(sent.source, rule.get("sourceAddresses", []), rule.get("sourceIpGroups", []), estate)
    source = _or([source, _selected(rule)])
    if rule["ruleType"] == "ApplicationRule":
        return _and(source, _application(rule, sent, settings), _understood(rule))
    if rule["ruleType"] == "NatRule" and not sent.inbound:
        return False
    return _and(source, _transport(rule, sent), _destination(rule, action, sent, estate, settings))


def _application(rule: Body, sent: Sent, settings: Body) -> Match:
    services = [(item["protocolType"].lower(), item["port"]) for item in rule["protocols"]]
    if sent.inbound or sent.transport != "tcp" or (sent.application, sent.port) not in services:
        return False
    targets: list[Match] = [_ends(sent.name, pattern.lower()) for pattern in rule.get("targetFqdns", [])]
    targets += [None for _ in (*rule.get("fqdnTags", []), *rule.get("webCategories", []))]
    if settings["sku"]["tier"] == "Premium" and (sent.application == "http" or rule.get("terminateTLS")):
        for url in rule.get("targetUrls", []):
            host, _, path = url.partition("/")
            targets.append((True if path == "*" else None) if _ends(sent.name, host) else False)
    return _or(targets)


def _ends(name: str, pattern: str) -> bool:
    return name.endswith(pattern[1:]) if pattern.startswith("*") else name == pattern


def _selected(rule: Body) -> Match:
    """Pods are a further kind of source, and no page says which addresses they have."""
    return None if rule.get("sourceKubeSelectorGroups") else False


def _understood(rule: Body) -> Match:
    return None if rule.get("sourceKubeSelectorGroups") else True


def _transport(rule: Body, sent: Sent) -> bool:
    protocols = {item.lower() for item in rule["ipProtocols"]}
    ports = rule["destinationPorts"]
    if sent.transport in ("tcp", "udp"):
        return bool({sent.transport, "any"} & protocols) and any(_has(item, sent.port) for item in ports)
    return sent.transport in protocols or ("any" in protocols and "*" in ports)


def _has(ports: str, port: int) -> bool:
    low, _, high = ports.partition("-")
    return ports == "*" or int(low) <= port <= int(high or low)


def _destination(rule: Body, action: str, sent: Sent, estate: dict[str, Body], settings: Body) -> Match:
    texts, groups = rule.get("destinationAddresses", []), rule.get("destinationIpGroups", [])
    if "*" in texts:
        return True
    parts: list[Match] = [None for text in texts if text[0].isalpha()]
    texts = [text for text in texts if not text[0].isalpha()]
    if sent.to:
        parts.append(_is_in(sent.to, texts, groups, estate))
    else:
        parts += [None for text in _members(texts, groups, estate) if text is None or not _is_private(text)]
    if settings["dnsSettings"]["enableProxy"] and settings["sku"]["tier"] != "Basic":
        for name in rule.get("destinationFqdns", []):
            parts.append(_named(name, action, sent))
    return _or(parts)


def _named(name: str, action: str, sent: Sent) -> Match:
    """Names of one address cannot be told apart: a deny may hit more names, an allow is not assumed to."""
    if name == sent.name:
        return True
    return False if sent.name and action == "allow" and not sent.to else None


def _members(texts: list[str], groups: list[str], estate: dict[str, Body]) -> Iterator[str | None]:
    yield from texts
    for group in groups:
        body = estate.get(group.lower())
        yield from body["properties"]["ipAddresses"] if body else [None]


def _is_in(address: str, texts: list[str], groups: list[str], estate: dict[str, Body]) -> Match:
    return _or(
        None if text is None else _holds(text, ipaddress.IPv4Address(address))
        for text in _members(texts, groups, estate)
    )


def _holds(text: str, address: ipaddress.IPv4Address) -> bool:
    if text == "*":
        return True
    low, dash, high = text.partition("-")
    if dash:
        return ipaddress.IPv4Address(low) <= address <= ipaddress.IPv4Address(high)
    return address in ipaddress.ip_network(text)


def _is_private(text: str) -> bool:
    network = ipaddress.ip_network(text.partition("-")[0])
    return any(network.subnet_of(block) for block in PRIVATE)  # type: ignore[arg-type]


def _and(*parts: Match) -> Match:
    return False if False in parts else None if None in parts else True


def _or(parts: Iterable[Match]) -> Match:
    found = list(parts)
    return True if True in found else None if None in found else False
