"""Every answer of the simulator fits the published API description of its operation."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from allowlist.simulator import Reply
from tests.helpers.arm import (
    FIREWALL,
    GROUP,
    IP_GROUP,
    NETWORK,
    POLICY,
    RULES,
    Client,
    application_rule,
    collection,
    content_of,
    network_rule,
    rule_group,
)
from tests.helpers.shared import SHARED, lacking

_SWAGGER = SHARED / "swagger"
_SUBSCRIPTION = GROUP.rsplit("/", 2)[0]
_LISTS = f"{_SUBSCRIPTION}/providers/Microsoft.Network"
_DRAFT = f"{POLICY}/firewallPolicyDrafts/default"
_GROUP_DRAFT = f"{RULES}/ruleCollectionGroupDrafts/default"

pytestmark = pytest.mark.skipif(
    not (_SWAGGER / "specification").is_dir(), reason=lacking(_SWAGGER / "specification")
)

Step = tuple[str, str, Any]

_NAT = {
    "ruleType": "NatRule",
    "name": "nat",
    "ipProtocols": ["TCP"],
    "sourceAddresses": ["*"],
    "destinationAddresses": ["203.0.113.9"],
    "destinationPorts": ["8443"],
    "translatedAddress": "10.0.0.4",
    "translatedPort": "443",
}
_RULES = rule_group(
    collection(application_rule("by-name"), application_rule("by-tag", fqdns=[], fqdnTags=["WindowsUpdate"])),
    collection(network_rule("net"), name="network", priority=210, action={"type": "Deny"}),
    collection(
        _NAT,
        name="nat",
        priority=220,
        ruleCollectionType="FirewallPolicyNatRuleCollection",
        action={"type": "DNAT"},
    ),
)
_CLASSIC = {
    "location": "westeurope",
    "properties": {
        "applicationRuleCollections": [
            {
                "name": "classic",
                "properties": {
                    "priority": 100,
                    "action": {"type": "Allow"},
                    "rules": [
                        {
                            "name": "rule",
                            "sourceAddresses": ["10.0.0.0/24"],
                            "protocols": [{"protocolType": "Https", "port": 443}],
                            "targetFqdns": ["*.example.com"],
                        }
                    ],
                },
            }
        ]
    },
}
_PLAIN = {"location": "westeurope"}

_LIFE: dict[str, list[Step]] = {
    "policy": [
        ("PUT", POLICY, {**_PLAIN, "properties": {"dnsSettings": {"enableProxy": True}}}),
        ("GET", POLICY, None),
        ("PATCH", POLICY, {"tags": {"team": "network"}}),
        (
            "PUT",
            f"{NETWORK}/firewallPolicies/child",
            {**_PLAIN, "properties": {"basePolicy": {"id": POLICY}}},
        ),
        ("GET", POLICY, None),
        ("GET", f"{NETWORK}/firewallPolicies", None),
        ("GET", f"{_LISTS}/firewallPolicies", None),
        ("DELETE", POLICY, None),
        ("DELETE", f"{NETWORK}/firewallPolicies/child", None),
        ("DELETE", POLICY, None),
        ("DELETE", POLICY, None),
        ("GET", POLICY, None),
    ],
    "group": [
        ("PUT", RULES, _RULES),
        ("PUT", POLICY, _PLAIN),
        ("PUT", RULES, _RULES),
        ("GET", RULES, None),
        ("PUT", RULES, rule_group(priority=99)),
        ("PUT", RULES, {"properties": {"priority": 300, "ruleCollections": [{"name": "no-type"}]}}),
        ("GET", f"{POLICY}/ruleCollectionGroups", None),
        ("DELETE", RULES, None),
        ("DELETE", RULES, None),
        ("GET", RULES, None),
    ],
    "drafts": [
        ("PUT", POLICY, _PLAIN),
        ("PUT", RULES, _RULES),
        ("PUT", _DRAFT, {}),
        ("GET", _DRAFT, None),
        ("PUT", _DRAFT, {"properties": {"threatIntelMode": "Deny"}}),
        ("PUT", _GROUP_DRAFT, _RULES),
        ("GET", _GROUP_DRAFT, None),
        ("POST", f"{POLICY}/deploy", None),
        ("GET", RULES, None),
        ("DELETE", _GROUP_DRAFT, None),
        ("DELETE", _DRAFT, None),
        ("POST", f"{POLICY}/deploy", None),
    ],
    "ip group": [
        ("PUT", IP_GROUP, {**_PLAIN, "properties": {"ipAddresses": ["10.0.0.0/24"]}}),
        ("GET", IP_GROUP, None),
        ("PATCH", IP_GROUP, {"tags": {"team": "network"}}),
        ("GET", f"{NETWORK}/ipGroups", None),
        ("GET", f"{_LISTS}/ipGroups", None),
        ("PUT", FIREWALL, _CLASSIC),
        ("DELETE", IP_GROUP, None),
        ("GET", IP_GROUP, None),
    ],
    "firewall": [
        ("PUT", FIREWALL, _CLASSIC),
        ("GET", FIREWALL, None),
        ("PUT", FIREWALL, _CLASSIC),
        ("PATCH", FIREWALL, {"tags": {"team": "network"}}),
        ("GET", f"{NETWORK}/azureFirewalls", None),
        ("GET", f"{_LISTS}/azureFirewalls", None),
        ("GET", f"{_LISTS}/azureFirewallFqdnTags", None),
        ("GET", f"{_LISTS}/azureWebCategories", None),
        ("DELETE", FIREWALL, None),
        ("GET", FIREWALL, None),
    ],
}


@cache
def _descriptions() -> Any:
    """The checker that lies beside the descriptions, loaded with all of them."""
    spec = importlib.util.spec_from_file_location(
        "arm_schema_check", _SWAGGER / "tools" / "arm_schema_check.py"
    )
    assert spec is not None
    assert spec.loader is not None
    checker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checker)
    return checker.load_all(str(_SWAGGER))


def _lived(client: Client, steps: list[Step]) -> Iterator[tuple[Step, Reply]]:
    """Each step's answer at once, and the same resource read while its operation runs."""
    for method, url, body in steps:
        yield (method, url, body), client.send(method, url, body)
        if method in ("PUT", "DELETE"):
            yield ("GET", url, None), client.send("GET", url)
        client.wait()


@pytest.mark.parametrize("life", _LIFE)
def test_every_answer_in_the_life_of_a_resource_fits_its_description(life: str) -> None:
    problems = [
        f"{method} {url}: {reply.status} {found}"
        for (method, url, _), reply in _lived(Client(), _LIFE[life])
        for found in _descriptions().check(method, url, reply.status, content_of(reply)) or []
    ]

    assert problems == []


def test_the_descriptions_know_the_operations_that_are_checked() -> None:
    unknown = {
        (method, url)
        for steps in _LIFE.values()
        for method, url, _ in steps
        if _descriptions().find(method, url) is None and "azureWebCategories" not in url
    }

    assert unknown == set()


@pytest.mark.parametrize("status", [400, 403, 409, 412, 429, 500, 503])
def test_every_injected_error_fits_the_description_of_errors(status: int) -> None:
    client = Client().with_policy()
    client.simulator.inject(f"GET:firewallPolicies:status={status}")

    reply = client.send("GET", POLICY)

    assert reply.status == status
    assert _descriptions().check("GET", POLICY, status, content_of(reply)) == []
