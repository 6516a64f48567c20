"""One required flow, and for every kind of enforcement point a small state of Azure that lets it through or blocks it."""

from __future__ import annotations

import copy
import datetime as dt
from pathlib import Path
from typing import Any

from allowlist.estate.bodies import Body, Estate
from allowlist.plan.findings import Status
from allowlist.workflow.judging import judge_target
from allowlist.workflow.project import Project, load_project

PROVIDERS = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers"
POLICY = f"{PROVIDERS}/Microsoft.Network/firewallPolicies/p"
FIREWALL = f"{PROVIDERS}/Microsoft.Network/azureFirewalls/fw"
VIRTUAL_HUB = FIREWALL.replace("azureFirewalls/fw", "virtualHubs/vhub")
HUB = f"{PROVIDERS}/Microsoft.MachineLearningServices/workspaces/hub"
ACCOUNT = f"{PROVIDERS}/Microsoft.CognitiveServices/accounts/acc"
PERIMETER = f"{PROVIDERS}/Microsoft.Network/networkSecurityPerimeters/nsp"
NOW = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)


def names(action: str, name: str, **more: Any) -> Body:
    """A rule by name for the flow that is required."""
    return {
        "ruleType": "ApplicationRule",
        "name": name,
        "protocols": [{"protocolType": "Https", "port": 443}],
        "sourceAddresses": ["10.0.0.0/24"],
        "targetFqdns": ["a.foo.com"],
        **more,
    }


def collection(action: str, priority: int, rules: list[Body]) -> Body:
    return {
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
        "name": action.lower(),
        "priority": priority,
        "action": {"type": action},
        "rules": rules,
    }


def policy(*collections: Body) -> list[Body]:
    return [
        {
            "id": POLICY,
            "name": "p",
            "type": "Microsoft.Network/firewallPolicies",
            "location": "westeurope",
            "properties": {
                "sku": {"tier": "Premium"},
                "provisioningState": "Succeeded",
                "threatIntelMode": "Alert",
                "dnsSettings": {"enableProxy": True, "servers": []},
                "explicitProxy": {"enableExplicitProxy": False},
                "intrusionDetection": {"mode": "Alert"},
            },
        },
        {
            "id": f"{POLICY}/ruleCollectionGroups/other",
            "name": "other",
            "properties": {
                "priority": 500,
                "provisioningState": "Succeeded",
                "ruleCollections": list(collections),
            },
        },
        {
            "id": FIREWALL,
            "name": "fw",
            "type": "Microsoft.Network/azureFirewalls",
            "properties": {"provisioningState": "Succeeded", "firewallPolicy": {"id": POLICY}},
        },
    ]


def classic(*collections: Body) -> list[Body]:
    found = [
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
        for item in collections
    ]
    return [
        {
            "id": FIREWALL,
            "name": "fw",
            "type": "Microsoft.Network/azureFirewalls",
            "properties": {
                "provisioningState": "Succeeded",
                "sku": {"name": "AZFW_VNet", "tier": "Standard"},
                "threatIntelMode": "Alert",
                "applicationRuleCollections": found,
            },
        }
    ]


def hub(rules: dict[str, Body]) -> list[Body]:
    return [
        {
            "id": HUB,
            "name": "hub",
            "type": "Microsoft.MachineLearningServices/workspaces",
            "kind": "Hub",
            "properties": {
                "provisioningState": "Succeeded",
                "managedNetwork": {
                    "isolationMode": "AllowOnlyApprovedOutbound",
                    "status": {"status": "Active", "sparkReady": False},
                    "outboundRules": rules,
                },
            },
        }
    ]


def account(properties: Body) -> list[Body]:
    return [
        {
            "id": ACCOUNT,
            "name": "acc",
            "type": "Microsoft.CognitiveServices/accounts",
            "kind": "OpenAI",
            "properties": {"provisioningState": "Succeeded", **properties},
        }
    ]


def network(rules: dict[str, Body]) -> list[Body]:
    return [
        *account({}),
        {
            "id": f"{ACCOUNT}/managedNetworks/default",
            "name": "default",
            "properties": {
                "provisioningState": "Succeeded",
                "managedNetwork": {
                    "isolationMode": "AllowOnlyApprovedOutbound",
                    "status": {"status": "Active"},
                    "outboundRules": rules,
                },
            },
        },
    ]


def egress(rules: list[Body]) -> list[Body]:
    egress_policy = {"mode": "Enforced", "defaultAction": "Deny", "rules": rules}
    return [
        *account({}),
        {"id": f"{ACCOUNT}/raiPolicies/p", "name": "p", "properties": {"egressPolicy": egress_policy}},
    ]


def host(action: str, name: str) -> Body:
    return {
        "name": name,
        "ruleType": "Fqdn",
        "match": {"host": "a.foo.com"},
        "action": {"actionType": action},
    }


def behind_perimeter(rule: Body) -> list[Body]:
    given = f"{PERIMETER}/profiles/p"
    return [
        {"id": PERIMETER, "name": "nsp", "properties": {"provisioningState": "Succeeded"}},
        {"id": given, "name": "p", "properties": {"accessRulesVersion": "1"}},
        {"id": f"{given}/accessRules/r", "name": "r", "properties": rule},
        {
            "id": f"{PERIMETER}/resourceAssociations/a",
            "name": "a",
            "properties": {
                "provisioningState": "Succeeded",
                "privateLinkResource": {"id": ACCOUNT},
                "profile": {"id": given},
                "accessMode": "Enforced",
                "hasProvisioningIssues": "no",
            },
        },
    ]


def in_hub(*collections: Body) -> list[Body]:
    """The policy on the firewall of a virtual hub that sends the Internet there."""
    *decide, firewall = policy(*collections)
    within = {
        **firewall["properties"],
        "sku": {"name": "AZFW_Hub", "tier": "Standard"},
        "virtualHub": {"id": VIRTUAL_HUB},
    }
    way = {"name": "internet", "destinations": ["Internet"], "nextHop": FIREWALL}
    return [
        *decide,
        {**firewall, "properties": within},
        {
            "id": VIRTUAL_HUB,
            "name": "vhub",
            "type": "Microsoft.Network/virtualHubs",
            "properties": {"provisioningState": "Succeeded", "azureFirewall": {"id": FIREWALL}},
        },
        {
            "id": f"{VIRTUAL_HUB}/routingIntent/intent",
            "name": "intent",
            "type": "Microsoft.Network/virtualHubs/routingIntent",
            "properties": {"provisioningState": "Succeeded", "routingPolicies": [way]},
        },
    ]


OUTBOUND = {
    "provisioningState": "Succeeded",
    "direction": "Outbound",
    "fullyQualifiedDomainNames": ["a.foo.com"],
    "addressPrefixes": [],
}
FQDN = {"type": "FQDN", "category": "UserDefined", "status": "Active", "destination": "a.foo.com"}
ALLOW, DENY = collection("Allow", 200, [names("Allow", "s")]), collection("Deny", 100, [names("Deny", "r")])

COVERED: dict[str, tuple[str, str, list[Body]]] = {
    "firewall-policy": ("firewall-policy", POLICY, policy(ALLOW)),
    "azure-firewall": ("azure-firewall", FIREWALL, classic(ALLOW)),
    "secured-hub": ("secured-hub", VIRTUAL_HUB, in_hub(ALLOW)),
    "hub-network": ("hub-network", HUB, hub({"r": FQDN})),
    "account-network": ("account-network", ACCOUNT, network({"r": FQDN})),
    "account-allow-list": (
        "account-allow-list",
        ACCOUNT,
        account({"restrictOutboundNetworkAccess": True, "allowedFqdnList": ["a.foo.com"]}),
    ),
    "agent-egress": ("agent-egress", f"{ACCOUNT}/raiPolicies/p", egress([host("Allow", "y")])),
    "security-perimeter": ("security-perimeter", f"{PERIMETER}/profiles/p", behind_perimeter(OUTBOUND)),
}
BLOCKED: dict[str, tuple[str, str, list[Body]]] = {
    "firewall-policy": ("firewall-policy", POLICY, policy(DENY, ALLOW)),
    "azure-firewall": ("azure-firewall", FIREWALL, classic(DENY, ALLOW)),
    "secured-hub": ("secured-hub", VIRTUAL_HUB, in_hub(DENY, ALLOW)),
    "agent-egress": (
        "agent-egress",
        f"{ACCOUNT}/raiPolicies/p",
        egress([host("Deny", "x"), host("Allow", "y")]),
    ),
}


def project(folder: Path, kind: str, resource: str) -> Project:
    sources = (
        "sources:\n  s: {addresses: [10.0.0.0/24]}\n" if "firewall" in kind or kind == "secured-hub" else ""
    )
    options = "    options: {attached: true}\n" if kind == "agent-egress" else ""
    priority = "    priority: 1000\n" if kind in ("firewall-policy", "secured-hub") else ""
    path = folder / "allowlist.yaml"
    path.write_text(
        "schema: allowlist/workload/v1\nname: wl\nrequirements:\n"
        "  - {id: a, pattern: a.foo.com, ports: ['https:443'], owner: o, reason: r, expires: '2030-01-01'}\n"
        f"{sources}targets:\n  - name: t\n    surface: {kind}\n    resource: {resource}\n    delete: sync\n"
        f"{options}{priority}"
    )
    return load_project(path, now=NOW)


def status(given: Project, bodies: list[Body]) -> Status:
    (spec,) = given.targets()
    (finding,) = judge_target(given, Estate.of(copy.deepcopy(bodies)), spec).findings
    return finding.status


def changed(bodies: list[Body], path: tuple[Any, ...], key: str, value: Any) -> list[Body]:
    result = copy.deepcopy(bodies)
    found: Any = result
    for part in path:
        found = found[part]
    found[key] = value
    return result
