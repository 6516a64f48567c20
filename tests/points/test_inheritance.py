"""What a child policy inherits is one decision: engine, validator and limits never disagree about it."""

from __future__ import annotations

from typing import Any

import pytest

from allowlist.estate.bodies import Body, Estate
from allowlist.points.kind import kind_of
from allowlist.points.point import Target

NET = "/subscriptions/0/resourceGroups/g/providers/Microsoft.Network/firewallPolicies"


def policy(name: str, **properties: Any) -> Body:
    return {"id": f"{NET}/{name}", "name": name, "location": "westeurope", "properties": properties}


def group(of: str) -> Body:
    rule = {
        "ruleType": "NetworkRule", "name": "names", "ipProtocols": ["TCP"], "sourceAddresses": ["10.0.0.0/24"],
        "destinationFqdns": ["a.example"], "destinationPorts": ["22"],
    }  # fmt: skip
    collection = {
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection", "name": "c", "priority": 200,
        "action": {"type": "Allow"}, "rules": [rule],
    }  # fmt: skip
    place = f"{NET}/{of}/ruleCollectionGroups/allowlist-w"
    return {
        "id": place,
        "name": "allowlist-w",
        "properties": {"priority": 200, "ruleCollections": [collection]},
    }


PROXY = {"enableProxy": True}


@pytest.mark.parametrize(
    ("parent", "child", "resolves"),
    [
        (None, None, False),
        (PROXY, None, True),
        (PROXY, {}, True),
        (None, PROXY, True),
        (PROXY, {"enableProxy": False}, False),
        ({"requireProxyForNetworkRules": False}, None, True),
    ],
)
@pytest.mark.parametrize("owner", ["parent", "child"])
def test_engine_validator_and_limits_agree_on_the_dns_proxy(
    parent: Body | None, child: Body | None, resolves: bool, owner: str
) -> None:
    base = {"basePolicy": {"id": f"{NET}/parent"}}
    estate = Estate.of(
        [
            policy("parent", **({"dnsSettings": parent} if parent is not None else {})),
            policy("child", **base, **({"dnsSettings": child} if child is not None else {})),
            group(owner),
        ]
    )
    point = kind_of("firewall-policy").bind(
        Target(
            name="t",
            workload="w",
            surface="firewall-policy",
            resource=f"{NET}/child",
            delete="sync",
            options={},
        )
    )
    told = any("DNS Proxy" in item.because for item in point.posture(estate))
    near = any("DNS Proxy" in item.text for item in point.limits(estate))
    assert point.ruleset(estate).settings.resolves_network_names is resolves
    assert told is not resolves
    assert near is (not resolves and owner == "child")
