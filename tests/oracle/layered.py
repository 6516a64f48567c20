"""Random firewall policies with all that may decide before a rule by name: parents, network and NAT rules, IP groups,
priorities in any order, threat intelligence with its allow list; and perimeters."""

from __future__ import annotations

import random

from tests.oracle.worlds import (
    ACCOUNT,
    PATTERNS,
    POLICY,
    PROVIDERS,
    WANTED,
    Json,
    World,
    application_rule,
    wants,
)

BASE = f"{PROVIDERS}/Microsoft.Network/firewallPolicies/base"
GROUPS = {
    "wanted": ["10.0.0.0/24"],
    "some": ["10.0.0.4", "10.9.9.9"],
    "public": ["20.0.0.0/8"],
    "nobody": [],
}
"""Addresses of the IP groups by name; one more, ``gone``, is named and is not there."""
PERIMETER = f"{PROVIDERS}/Microsoft.Network/networkSecurityPerimeters/nsp"
PROFILE = f"{PERIMETER}/profiles/p"


def ip_group(name: str) -> str:
    return f"{PROVIDERS}/Microsoft.Network/ipGroups/{name}"


def layered(dice: random.Random) -> World:
    """A child policy, perhaps with a parent, and rules of every type in both."""
    tier = dice.choice(("Standard", "Premium"))
    has_parent = dice.random() < 0.5
    bodies = [_policy(dice, POLICY, "p", tier, BASE if has_parent else "")]
    if has_parent:
        bodies.append(_policy(dice, BASE, "base", tier, ""))
        bodies += _groups(dice, BASE, ("up", "over"))
    bodies += _groups(dice, POLICY, ("other", "later", "allowlist-wl"))
    bodies += [
        {"id": ip_group(name), "name": name, "location": "westeurope", "properties": {"ipAddresses": texts}}
        for name, texts in GROUPS.items()
    ]
    feed = tuple(dice.sample(("b.foo.com", "a.bar.org", "x.a.foo.com"), dice.randint(0, 2)))
    return World("firewall-policy", POLICY, bodies, wants(dice), feed)


def _policy(dice: random.Random, resource: str, name: str, tier: str, base: str) -> Json:
    properties: Json = {
        "sku": {"tier": tier},
        "threatIntelMode": dice.choice(("Off", "Alert", "Deny", "deny")),
        "dnsSettings": {"enableProxy": True, "servers": []},
    }
    if dice.random() < 0.4:
        properties["threatIntelWhitelist"] = {
            "fqdns": dice.sample(("b.foo.com", "*.foo.com", "a.bar.org"), dice.randint(0, 2)),
            "ipAddresses": dice.choice(([], ["10.0.0.4"], ["10.0.0.0/24"])),
        }
    if base:
        properties["basePolicy"] = {"id": base}
    return {"id": resource, "name": name, "location": "westeurope", "properties": properties}


def _groups(dice: random.Random, policy: str, names: tuple[str, ...]) -> list[Json]:
    priorities = dice.sample((200, 500, 900, 1500, 3000), len(names))
    found = []
    for name, priority in zip(names, priorities, strict=True):
        collections = _collections(dice, ours=name == "allowlist-wl")
        if collections and dice.random() < 0.75:
            properties = {
                "priority": 1000 if name == "allowlist-wl" else priority,
                "ruleCollections": collections,
            }
            found.append(
                {"id": f"{policy}/ruleCollectionGroups/{name}", "name": name, "properties": properties}
            )
    return found


def _collections(dice: random.Random, *, ours: bool) -> list[Json]:
    """In any order: their priorities decide, and no two have the same one."""
    priorities = dice.sample(range(100, 1000), 4)
    found: list[Json] = []
    for number in range(dice.randint(0, 3)):
        action = dice.choice(("Allow", "Allow", "Deny"))
        mine = ours and number == 0 and action == "Allow"
        rules = [
            application_rule(dice, index, action if mine else "")
            if mine or dice.random() < 0.5
            else _network_rule(dice, index)
            for index in range(dice.randint(1, 3))
        ]
        found.append(
            {
                "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
                "name": "allowlist-wl-names" if mine else f"c{number}",
                "priority": priorities[number],
                "action": {"type": action},
                "rules": _with_groups(dice, rules),
            }
        )
    if dice.random() < 0.3 and not ours:
        found.append(_nat(dice, priorities[3]))
    return found


def _with_groups(dice: random.Random, rules: list[Json]) -> list[Json]:
    """Some of the rules of others take their sources from IP groups, beside addresses or instead of them."""
    for rule in rules:
        if "description" not in rule and dice.random() < 0.3:
            rule["sourceIpGroups"] = [
                ip_group(name) for name in dice.sample((*GROUPS, "gone"), dice.randint(1, 2))
            ]
            if dice.random() < 0.6:
                rule["sourceAddresses"] = []
    return rules


def _network_rule(dice: random.Random, number: int) -> Json:
    rule: Json = {
        "ruleType": "NetworkRule",
        "name": f"n{number}",
        "ipProtocols": dice.choice((["TCP"], ["Any"], ["UDP"], ["TCP", "UDP"])),
        "sourceAddresses": dice.choice(([WANTED], ["10.0.0.4"], ["*"])),
        "destinationPorts": dice.choice((["443"], ["*"], ["80-90"], ["22"])),
    }
    if dice.random() < 0.08:
        rule["zzzCondition"] = "x"
    place = dice.choice(("any", "fqdns", "fqdns", "prefix", "private", "tag", "group"))
    return (
        rule
        | {
            "any": {"destinationAddresses": ["*"]},
            "fqdns": {"destinationFqdns": dice.sample(("a.foo.com", "b.foo.com", "a.bar.org"), 1)},
            "prefix": {"destinationAddresses": ["20.0.0.0/8"]},
            "private": {"destinationAddresses": ["10.7.0.0/16"]},
            "tag": {"destinationAddresses": ["Storage"]},
            "group": {"destinationIpGroups": [ip_group(dice.choice(("public", "gone")))]},
        }[place]
    )


def _nat(dice: random.Random, priority: int) -> Json:
    """What comes in from outside: it says nothing about what goes out to a name."""
    rule = {
        "ruleType": "NatRule",
        "name": "in",
        "ipProtocols": ["TCP"],
        "sourceAddresses": ["*"],
        "destinationAddresses": ["20.1.2.3"],
        "destinationPorts": ["443"],
        "translatedAddress": "10.0.0.9",
        "translatedPort": "443",
    }
    return {
        "ruleCollectionType": "FirewallPolicyNatRuleCollection",
        "name": f"nat{dice.randint(0, 9)}",
        "priority": priority,
        "action": {"type": "DNAT"},
        "rules": [rule],
    }


def perimeter(dice: random.Random) -> World:
    """A profile with rules of others, and what stands behind it in some mode."""
    bodies: list[Json] = [
        {"id": PERIMETER, "name": "nsp", "location": "westeurope", "properties": {}},
        {"id": PROFILE, "name": "p", "properties": {"accessRulesVersion": "1"}},
    ]
    for number in range(dice.randint(0, 2)):
        mode = dice.choice(("Enforced", "Enforced", "enforced", "Learning", "Audit", "Strict"))
        behind: Json = {
            "privateLinkResource": {"id": f"{ACCOUNT}{number}"},
            "profile": {"id": PROFILE},
            "accessMode": mode,
        }
        if dice.random() < 0.15:
            behind["provisioningState"] = dice.choice(("Failed", "Updating"))
        bodies.append(
            {"id": f"{PERIMETER}/resourceAssociations/a{number}", "name": f"a{number}", "properties": behind}
        )
    for number in range(dice.randint(0, 3)):
        rule: Json = {
            "direction": dice.choice(("Outbound", "Outbound", "outbound", "Inbound", "Sideways")),
            "fullyQualifiedDomainNames": dice.sample(PATTERNS[:5], dice.randint(1, 2)),
        }
        if dice.random() < 0.3:
            rule["provisioningState"] = dice.choice(("Succeeded", "Failed", "Updating"))
        if dice.random() < 0.1:
            rule["zzzCondition"] = "x"
        bodies.append({"id": f"{PROFILE}/accessRules/r{number}", "name": f"r{number}", "properties": rule})
    return World("security-perimeter", PROFILE, bodies, wants(dice, ("a.foo.com", "b.foo.com", "a.bar.org")))
