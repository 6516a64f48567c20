"""A secured hub as raw ARM JSON: a virtual hub, its firewall with a policy, and routing intent."""

from __future__ import annotations

from typing import Any

Body = dict[str, Any]
NET = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-wan/providers/Microsoft.Network"
HUB = f"{NET}/virtualHubs/hub-weu"
FIREWALL = f"{NET}/azureFirewalls/afw-hub-weu"
POLICY = f"{NET}/firewallPolicies/afwp-hub-weu"
THEIRS = f"{POLICY}/ruleCollectionGroups/theirs"
OURS = f"{POLICY}/ruleCollectionGroups/allowlist-research"
INTENT = f"{HUB}/routingIntent/intent"


def _resource(resource_id: str, properties: Body) -> Body:
    namespace, *parts = resource_id.rpartition("/providers/")[2].split("/")
    kind = "/".join([namespace, *parts[::2]])
    body = {"id": resource_id, "name": parts[-1], "type": kind, "location": "westeurope"}
    return {**body, "properties": properties}


def intent(next_hop: str = FIREWALL, destination: str = "Internet") -> Body:
    policy = {"name": "internet", "destinations": [destination], "nextHop": next_hop}
    return _resource(INTENT, {"routingPolicies": [policy], "provisioningState": "Succeeded"})


def secured_hub(*more: Body) -> list[Body]:
    """The hub and what stands in it; ``more`` are its routes."""
    rule = {
        "ruleType": "ApplicationRule",
        "name": "theirs",
        "protocols": [{"protocolType": "Https", "port": 443}],
        "targetFqdns": ["theirs.example"],
        "sourceAddresses": ["10.40.0.0/24"],
    }
    collection = {
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
        "name": "theirs",
        "priority": 500,
        "action": {"type": "Allow"},
        "rules": [rule],
    }
    return [
        _resource(HUB, {"addressPrefix": "10.90.0.0/23", "azureFirewall": {"id": FIREWALL}}),
        _resource(POLICY, {"sku": {"tier": "Standard"}, "threatIntelMode": "Off"}),
        _resource(THEIRS, {"priority": 500, "ruleCollections": [collection]}),
        _resource(
            FIREWALL,
            {
                "sku": {"name": "AZFW_Hub", "tier": "Standard"},
                "virtualHub": {"id": HUB},
                "firewallPolicy": {"id": POLICY},
                "hubIPAddresses": {"privateIPAddress": "10.90.0.132"},
            },
        ),
        *more,
    ]
