"""A deterministic synthetic policy and catalog, in ARM's list shape, with the awkward parts real ones have.

Deny groups above allows, denies below allowed wildcards, look-alike suffixes, mixed case, IP groups, ranges,
network rules with names before application rules, duplicates, requirements covered only by two rules together,
wrong ports, and a deny-all at the very end.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

SUBSCRIPTION = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-hub/providers/Microsoft.Network"
)
SIZES = {"S": (60, 300), "M": (2_000, 3_000), "L": (10_000, 30_000), "Q1": (1_250, 3_750), "Q2": (2_500, 7_500), "Q4": (5_000, 15_000), "Q16": (20_000, 60_000)}  # fmt: skip
NAMES_PER_RULE = 5


@dataclass(frozen=True)
class Synthetic:
    """The bodies as JSON text, and the requirements as (name, protocol, port, source texts)."""

    policy_id: str
    policy: bytes
    required: bytes


class _World:
    def __init__(self, seed: str, rules: int, hot: bool) -> None:
        self.random = random.Random(seed)
        self.bases = [
            f"{word}{number}.example" for number in range(max(20, rules // 4)) for word in ("svc", "app")
        ]
        self.prefixes = [f"10.{high}.{low}.0/24" for high in range(0, 200, 5) for low in range(0, 250, 16)]
        self.hot = hot

    def base(self) -> str:
        if self.hot and self.random.random() < 0.05:
            return "hot.example"
        return self.random.choice(self.bases)

    def host(self, base: str) -> str:
        words = ("api", "cdn", "login", "data", "edge", "files", "eu", "push")
        return f"{self.random.choice(words)}{self.random.randrange(500)}.{base}"

    def name(self) -> str:
        kind, base = self.random.random(), self.base()
        name = self.host(base) if kind < 0.75 else f"*.{base}" if kind < 0.97 else f"*{base}"
        return name.upper() if self.random.random() < 0.02 else name

    def sources(self) -> dict[str, list[str]]:
        kind = self.random.random()
        if kind < 0.1:
            return {"sourceAddresses": ["*"]}
        if kind < 0.2:
            return {"sourceIpGroups": [f"{SUBSCRIPTION}/ipGroups/group-{self.random.randrange(20)}"]}
        if kind < 0.25:
            return {"sourceAddresses": ["10.1.0.10-10.1.3.200"]}
        return {"sourceAddresses": self.random.sample(self.prefixes, self.random.choice((1, 1, 2)))}


def make(size: str, *, hot: bool = False) -> Synthetic:
    """The workload of a size, the same on every machine."""
    rules, required = SIZES[size]
    world = _World(f"{size}/{hot}", rules, hot)
    policy_id = f"{SUBSCRIPTION}/firewallPolicies/fwp-{size}"
    wanted: list[tuple[str, str, int, dict[str, list[str]]]] = []
    denies = [_application(world, f"deny-{number:05d}", wanted=None) for number in range(rules // 50)]
    networks = [_network(world, f"net-{number:05d}") for number in range(rules // 40)]
    allows = [
        _application(world, f"allow-{number:05d}", wanted)
        for number in range(rules - len(denies) - len(networks))
    ]
    bodies = [
        {
            "id": policy_id,
            "name": f"fwp-{size}",
            "properties": {"sku": {"tier": "Standard"}, "dnsSettings": {"enableProxy": True}},
        },
        _group(policy_id, "g-deny", 110, "Deny", denies),
        _group(policy_id, "g-net", 200, "Allow", networks),
    ]
    step = max(1, len(allows) // max(2, rules // 560))
    bodies += [
        _group(policy_id, f"g-{at}", 300 + at // step, "Allow", allows[at : at + step])
        for at in range(0, len(allows), step)
    ]
    last = {
        "ruleType": "ApplicationRule",
        "name": "deny-all",
        "protocols": _protocols(("https", 443), ("http", 80)),
        "targetFqdns": ["*"],
        "sourceAddresses": ["*"],
    }
    bodies.append(_group(policy_id, "g-last", 65000, "Deny", [last]))
    bodies += [
        {
            "id": f"{SUBSCRIPTION}/ipGroups/group-{number}",
            "name": f"group-{number}",
            "properties": {"ipAddresses": world.random.sample(world.prefixes, 4)},
        }
        for number in range(20)
    ]
    text = json.dumps({"value": bodies}, separators=(",", ":")).encode()
    return Synthetic(
        policy_id, text, json.dumps(_required(world, wanted, required), separators=(",", ":")).encode()
    )


def _application(world: _World, name: str, wanted: list[Any] | None) -> dict[str, Any]:
    names = [world.name() for _ in range(NAMES_PER_RULE)]
    services = [("https", 443)] if world.random.random() < 0.7 else [("https", 443), ("http", 80)]
    sources = world.sources()
    if wanted is not None:
        wanted += [(text, *world.random.choice(services), sources) for text in names]
    return {
        "ruleType": "ApplicationRule", "name": name, "description": "", "protocols": _protocols(*services),
        "fqdnTags": [], "webCategories": [], "targetFqdns": names, "targetUrls": [], "terminateTLS": False,
        "sourceAddresses": [], "destinationAddresses": [], "sourceIpGroups": [], **sources,
    }  # fmt: skip


def _protocols(*services: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"protocolType": name.capitalize(), "port": port} for name, port in services]


def _network(world: _World, name: str) -> dict[str, Any]:
    return {
        "ruleType": "NetworkRule", "name": name, "ipProtocols": ["TCP"], "sourceIpGroups": [], "destinationAddresses": [],
        "destinationIpGroups": [], "destinationFqdns": [world.host(world.base()) for _ in range(3)],
        "destinationPorts": world.random.choice((["443"], ["1433"], ["443", "9000-9010"])), "sourceAddresses": [],
        **world.sources(),
    }  # fmt: skip


def _group(
    policy_id: str, name: str, priority: int, action: str, rules: list[dict[str, Any]]
) -> dict[str, Any]:
    collections = [
        {
            "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
            "name": f"{name}-{at}",
            "priority": 100 + at // 30,
            "action": {"type": action},
            "rules": rules[at : at + 30],
        }
        for at in range(0, len(rules), 30)
    ]
    return {
        "id": f"{policy_id}/ruleCollectionGroups/{name}",
        "name": name,
        "properties": {"priority": priority, "ruleCollections": collections},
    }


def _required(world: _World, wanted: list[Any], count: int) -> list[Any]:
    """Most of it covered, some only by two rules together, some under a wildcard, some on a wrong port, some new."""
    found = []
    for _ in range(count):
        name, protocol, port, sources = world.random.choice(wanted)
        addresses = sources.get("sourceAddresses") or [world.random.choice(world.prefixes)]
        addresses = [world.random.choice(world.prefixes)] if addresses == ["*"] else addresses
        kind = world.random.random()
        if kind < 0.2 and name.startswith("*."):
            name = world.host(name[2:])
        elif kind < 0.25:
            addresses = [*addresses, "172.16.4.0/24"]
        elif kind < 0.29:
            port = 9443
        elif kind < 0.33:
            name = f"new{world.random.randrange(10**6)}.example"
        found.append([name.lower(), protocol, port, addresses])
    return found
