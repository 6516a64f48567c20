"""Random small estates of every kind as raw ARM JSON, with a workload that wants something of them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

PROVIDERS = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers"
POLICY = f"{PROVIDERS}/Microsoft.Network/firewallPolicies/p"
FIREWALL = f"{PROVIDERS}/Microsoft.Network/azureFirewalls/fw"
HUB = f"{PROVIDERS}/Microsoft.MachineLearningServices/workspaces/hub"
ACCOUNT = f"{PROVIDERS}/Microsoft.CognitiveServices/accounts/acc"
EGRESS = f"{ACCOUNT}/raiPolicies/p"

HOSTS = ("a.foo.com", "b.foo.com", "x.a.foo.com", "foo.com", "xfoo.com", "a.bar.org")
PATTERNS = ("a.foo.com", "b.foo.com", "*.foo.com", "*.a.foo.com", "a.bar.org", "*")
SOURCES = ("10.0.0.4", "10.0.0.5", "10.0.0.77", "10.9.9.9")
SERVICES = (("https", 443), ("http", 80))
WANTED = "10.0.0.0/24"


@dataclass(frozen=True)
class World:
    """``bodies`` are the estate, ``wants`` what the workload asks for as (entry, pattern, protocol, port)."""

    kind: str
    resource: str
    bodies: list[Json]
    wants: list[tuple[str, str, str, int]]
    feed: tuple[str, ...] = ()
    """Names that threat intelligence knows."""
    places: tuple[str, ...] = ()
    """What is asked about besides ``HOSTS``; one with a ``|`` is a resource and a subresource by private endpoint."""

    @property
    def knows_sources(self) -> bool:
        """Do its rules look at where a flow starts, and at its port? Managed networks and lists do not."""
        return self.kind in ("firewall-policy", "azure-firewall", "secured-hub")

    def catalog(self) -> str:
        """A catalog of what is wanted by private endpoint, which a workload cannot ask for by itself; else nothing."""
        wanted = [(entry, pattern) for entry, pattern, *_ in self.wants if "|" in pattern]
        if not wanted:
            return ""
        lines = ["schema: allowlist/catalog/v1", "name: linked", "title: Linked", "description: Stores."]
        lines += ["scenarios: {core: {title: Core, default: true}}", "placeholders: {storeId: a store}"]
        lines += [
            f"releases: [{{version: 1.0.0, date: '2026-01-01', digest: 'sha256:{'0' * 64}'}}]",
            "entries:",
        ]
        for entry, pattern in wanted:
            lines += [f"  - id: {entry}", "    since: 1.0.0", '    private_endpoint: "{storeId}"']
            lines += [f"    sub_resource: {pattern.rpartition('|')[2]}", "    need: required"]
            lines += ["    clouds: [public]", "    scenario: core", "    consumers: [managed-network]"]
            lines += ["    purpose: a store", "    sources:"]
            lines += ["      - {repo: o/r, path: p.md, commit: abcdef1, date: '2026-01-01'}"]
        return "\n".join(lines) + "\n"

    def workload(self) -> str:
        """The workload file. The oracle knows no likely answers, so nothing may rest on an assumption."""
        lines = ["schema: allowlist/workload/v1", "name: wl", "approval: {assumptions: refuse}"]
        linked = [pattern.rpartition("|")[0] for _, pattern, *_ in self.wants if "|" in pattern]
        if linked:
            lines += ["catalogs: [{name: linked, version: 1.0.0}]", f"parameters: {{storeId: {linked[0]}}}"]
        named = [want for want in self.wants if "|" not in want[1]]
        lines += ["requirements:"] if named else []
        for entry in dict.fromkeys(want[0] for want in named):
            mine = [want for want in self.wants if want[0] == entry]
            ports = ", ".join(f'"{protocol}:{port}"' for _, _, protocol, port in mine)
            lines.append(
                f'  - {{id: {entry}, pattern: "{mine[0][1]}", ports: [{ports}], owner: o, reason: r, '
                'expires: "2030-01-01"}'
            )
        if self.knows_sources:
            lines += ["sources:", f"  s: {{addresses: [{WANTED}]}}"]
        lines += ["targets:", "  - name: t", f"    surface: {self.kind}", f"    resource: {self.resource}"]
        lines += ["    delete: sync"]
        lines += ["    priority: 1000"] if self.kind in ("firewall-policy", "secured-hub") else []
        lines += ["    options: {attached: true}"] if self.kind == "agent-egress" else []
        return "\n".join(lines) + "\n"


def world(seed: int) -> World:
    """The world of ``seed``; the same one whenever it is asked for."""
    from tests.oracle.endpoints import endpoints
    from tests.oracle.layered import layered, perimeter
    from tests.oracle.secured import secured

    dice = random.Random(seed)
    plain = (policy, policy, _classic, hub, network, _list, _egress)
    more = (layered, layered, layered, perimeter, secured, secured, endpoints, endpoints)
    build = dice.choice((*plain, *more))
    return build(dice)


def wants(dice: random.Random, patterns: tuple[str, ...] = PATTERNS[:5]) -> list[tuple[str, str, str, int]]:
    chosen = dice.sample(patterns, dice.randint(1, 2))
    return [
        (f"e{number}", pattern, protocol, port)
        for number, pattern in enumerate(chosen)
        for protocol, port in dice.sample(SERVICES, dice.randint(1, 2))
    ]


def application_rule(dice: random.Random, number: int, action: str) -> Json:
    services = dice.sample((("Https", 443), ("Http", 80)), dice.randint(1, 2))
    rule: Json = {
        "ruleType": "ApplicationRule",
        "protocols": [{"protocolType": name, "port": port} for name, port in services],
        "sourceAddresses": dice.choice(([WANTED], ["10.0.0.4"], ["*"], ["10.9.9.9", "10.0.0.5"])),
        "targetFqdns": dice.sample(PATTERNS, dice.randint(1, 2)),
    }
    if dice.random() < 0.8:
        rule["name"] = dice.choice((f"r{number}", "own.e0", "r"))
    if dice.random() < 0.12:
        rule["zzzCondition"] = "x"
    if action == "Allow" and dice.random() < 0.3:
        rule |= {"description": f"allowlist:wl:own@wl#{dice.choice(('e0', 'e1', 'gone'))}"}
        rule["name"] = f"own.{rule['description'].rpartition('#')[2]}"
    return rule


def _collections(dice: random.Random) -> list[Json]:
    found = []
    for number in range(dice.randint(0, 3)):
        action = dice.choice(("Allow", "Allow", "Deny", "deny"))
        ours = action == "Allow" and dice.random() < 0.5
        found.append(
            {
                "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
                "name": "allowlist-wl-names" if ours else f"c{number}",
                "priority": 2000 + number if ours else 100 + number,
                "action": {"type": action},
                "rules": [
                    application_rule(dice, index, action if ours else "")
                    for index in range(dice.randint(1, 3))
                ],
            }
        )
    names = [item["name"] for item in found]
    return [item for place, item in enumerate(found) if item["name"] not in names[:place]]


def policy(dice: random.Random) -> World:
    state = {} if dice.random() < 0.85 else {"provisioningState": dice.choice(("Failed", "Updating"))}
    bodies: list[Json] = [
        {
            "id": POLICY,
            "name": "p",
            "location": "westeurope",
            "properties": {"sku": {"tier": dice.choice(("Standard", "Premium", "Basic"))}},
        }
    ]
    for name, priority in (("other", 500), ("allowlist-wl", 1000), ("later", 3000)):
        if dice.random() < 0.6 and (collections := _collections(dice)):
            properties = {"priority": priority, "ruleCollections": collections, **state}
            bodies.append(
                {"id": f"{POLICY}/ruleCollectionGroups/{name}", "name": name, "properties": properties}
            )
    return World("firewall-policy", POLICY, bodies, wants(dice))


def _classic(dice: random.Random) -> World:
    collections = [
        {
            "name": item["name"],
            "properties": {
                "priority": item["priority"],
                "action": item["action"],
                "rules": [
                    {key: value for key, value in rule.items() if key != "ruleType"} for rule in item["rules"]
                ],
            },
        }
        for item in _collections(dice)
    ]
    properties = {"sku": {"name": "AZFW_VNet", "tier": "Standard"}, "applicationRuleCollections": collections}
    body = {"id": FIREWALL, "name": "fw", "location": "westeurope", "properties": properties}
    return World("azure-firewall", FIREWALL, [body], wants(dice))


def _outbound(dice: random.Random) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for number in range(dice.randint(0, 3)):
        rule: Json = {
            "type": dice.choice(("FQDN", "FQDN", "fqdn", "Other")),
            "category": "UserDefined",
            "status": dice.choice(("Active", "Active", "active", "Failed", "Inactive", "Odd")),
            "destination": dice.choice((*PATTERNS, "*foo.com", "a.foo.com:443")),
        }
        if dice.random() < 0.12:
            rule["zzzCondition"] = "x"
        found[f"rule{number}"] = rule
    return found


def _managed(dice: random.Random) -> Json:
    mode = dice.choice(
        ("AllowOnlyApprovedOutbound",) * 4 + ("allowonlyapprovedoutbound", "New", "AllowInternetOutbound")
    )
    return {"isolationMode": mode, "status": {"status": "Active"}, "outboundRules": _outbound(dice)}


def hub(dice: random.Random) -> World:
    body = {
        "id": HUB,
        "name": "hub",
        "type": "Microsoft.MachineLearningServices/workspaces",
        "kind": "Hub",
        "location": "westeurope",
        "properties": {"provisioningState": "Succeeded", "managedNetwork": _managed(dice)},
    }
    return World("hub-network", HUB, [body], wants(dice))


def network(dice: random.Random) -> World:
    bodies: list[Json] = [
        {
            "id": ACCOUNT,
            "name": "acc",
            "kind": "AIServices",
            "type": "Microsoft.CognitiveServices/accounts",
            "location": "westeurope",
            "properties": {"provisioningState": "Succeeded"},
        },
        {
            "id": f"{ACCOUNT}/managedNetworks/default",
            "name": "default",
            "properties": {"provisioningState": "Succeeded", "managedNetwork": _managed(dice)},
        },
    ]
    return World("account-network", ACCOUNT, bodies, wants(dice))


def _list(dice: random.Random) -> World:
    properties: Json = {
        "provisioningState": dice.choice(("Succeeded", "Succeeded", "Succeeded", "Failed")),
        "restrictOutboundNetworkAccess": dice.choice((True, True, True, False, "false")),
        "allowedFqdnList": dice.sample(PATTERNS, dice.randint(0, 3)),
    }
    body = {
        "id": ACCOUNT,
        "name": "acc",
        "kind": "OpenAI",
        "type": "Microsoft.CognitiveServices/accounts",
        "location": "westeurope",
        "properties": properties,
    }
    return World("account-allow-list", ACCOUNT, [body], wants(dice, ("a.foo.com", "b.foo.com", "a.bar.org")))


def _egress(dice: random.Random) -> World:
    rules = []
    for number in range(dice.randint(0, 4)):
        match: Json = {"host": dice.choice((*PATTERNS, "*foo.com"))}
        if dice.random() < 0.1:
            match["zzzMethod"] = "GET"
        action = dice.choice(("Allow", "Allow", "Deny", "deny", "Quarantine"))
        rules.append(
            {"name": f"r{number}", "ruleType": "Fqdn", "match": match, "action": {"actionType": action}}
        )
    policy = {
        "mode": dice.choice(("Enforced", "Enforced", "enforced", "Audit", "Strict")),
        "defaultAction": dice.choice(("Deny", "Deny", "Allow", "allow")),
        "rules": rules,
    }
    bodies: list[Json] = [
        {
            "id": ACCOUNT,
            "name": "acc",
            "kind": "AIServices",
            "type": "Microsoft.CognitiveServices/accounts",
            "location": "westeurope",
            "properties": {"provisioningState": "Succeeded"},
        },
        {"id": EGRESS, "name": "p", "properties": {"egressPolicy": policy}},
    ]
    if dice.random() < 0.1:
        bodies[0]["properties"]["provisioningState"] = dice.choice(("Failed", "Updating"))
    return World("agent-egress", EGRESS, bodies, wants(dice))
