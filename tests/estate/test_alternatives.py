"""One of two values, where only a deployment knows which: what both share is known, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allowlist.estate.bodies import Estate
from allowlist.estate.template.read import read_template
from allowlist.estate.unread import UNRESOLVED
from allowlist.points.firewall.translate import to_ruleset
from allowlist.rules.addresses import AddressSet
from allowlist.rules.evaluate import evaluate
from allowlist.rules.flow import Facts, Flow, Verdict
from tests.helpers.laws import examples

POLICY = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/template"
    "/providers/Microsoft.Network/firewallPolicies/hub"
)
PARAMETERS = {"which": {"type": "bool"}, "given": {"type": "string", "defaultValue": "x"}}
OPEN = "parameters('which')"


def value_of(expression: str, **variables: Any) -> Any:
    resource = {"type": "Microsoft.Network/ipGroups", "name": "g", "properties": {"x": expression}}
    template = {"parameters": PARAMETERS, "variables": variables, "resources": [resource]}
    (body,) = read_template(template, "template.json").bodies.values()
    return body["properties"]["x"]


def unknown(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("[")


def test_members_that_both_have_alike_are_known() -> None:
    found = value_of(f"[if({OPEN}, createObject('a', 1, 'b', 2), createObject('a', 1, 'b', 3, 'c', 4))]")
    assert found["a"] == 1
    assert unknown(found["b"])
    assert unknown(found["c"])


def test_items_in_the_same_place_are_known() -> None:
    found = value_of(f"[if({OPEN}, createArray('a', 'b'), createArray('c', 'b'))]")
    assert unknown(found[0])
    assert found[1] == "b"


@pytest.mark.parametrize(
    "expression",
    [
        "contains({0}, 'c')",
        "length({0})",
        "empty({1})",
        "equals({0}, createObject('a', 1, 'b', 2))",
        "items({0})",
        "objectKeys({0})",
        "string({0})",
        "tryGet({0}, 'c')",
        "coalesce(tryGet({0}, 'c'), 5)",
        "createObject('y', tryGet({0}, 'c')).y",
        "intersection({0}, createObject('c', 4))",
    ],
)
def test_what_hangs_on_a_member_that_one_of_them_lacks_is_unknown(expression: str) -> None:
    either = f"if({OPEN}, createObject('a', 1), createObject('a', 1, 'c', 4))"
    nothing = f"if({OPEN}, createObject(), createObject('c', 4))"
    assert unknown(value_of(f"[{expression.format(either, nothing)}]"))


@pytest.mark.parametrize(
    ("expression", "known", "open_ones"),
    [
        ("union(createObject('a', 1), {0})", {"a": 1}, {"c"}),
        ("union({0}, createObject('c', 5))", {"c": 5}, set()),
        ("union(createObject('c', 5), {0})", {}, {"c"}),
        ("union(createObject('m', createObject('a', 1)), createObject('m', {0}))", {"m": {"a": 1}}, set()),
        ("shallowMerge(createArray(createObject('a', 1, 'c', 2), {0}))", {"a": 1}, {"c"}),
        ("shallowMerge(createArray({0}, createObject('c', 2)))", {"c": 2}, set()),
    ],
)
def test_merging_keeps_what_is_certain(expression: str, known: dict[str, Any], open_ones: set[str]) -> None:
    found = value_of("[" + expression.format(f"if({OPEN}, createObject('c', 4), createObject())") + "]")
    for key, value in known.items():
        if isinstance(value, dict):
            assert {name: found[key][name] for name in value} == value
            assert unknown(found[key]["c"])
        else:
            assert found[key] == value
    assert {key for key, value in found.items() if unknown(value)} == open_ones


def test_an_object_that_only_a_deployment_knows_whole_says_so() -> None:
    found = value_of("[resourceGroup()]")
    assert UNRESOLVED in found


def test_an_id_that_both_branches_give_stays_one() -> None:
    ids = "resourceId('Microsoft.Network/firewallPolicies', 'hub')"
    assert value_of(f"[if({OPEN}, {ids}, {ids})]") == POLICY


# A policy of which only a deployment knows which of two it is

ADDRESSES = st.lists(
    st.sampled_from(["10.0.0.0/24", "10.1.0.0/24", "*"]), min_size=1, max_size=2, unique=True
)
NAMES = st.lists(
    st.sampled_from(["a.contoso.com", "*.contoso.com", "b.example.org"]), min_size=1, max_size=2, unique=True
)
APPLICATION = st.fixed_dictionaries(
    {
        "ruleType": st.just("ApplicationRule"),
        "name": st.sampled_from(["one", "two"]),
        "sourceAddresses": ADDRESSES,
        "targetFqdns": NAMES,
        "protocols": st.just([{"protocolType": "Https", "port": 443}]),
    },
    optional={"terminateTLS": st.booleans(), "description": st.just("d")},
)
NETWORK = st.fixed_dictionaries(
    {
        "ruleType": st.just("NetworkRule"),
        "name": st.sampled_from(["one", "two"]),
        "sourceAddresses": ADDRESSES,
        "ipProtocols": st.just(["TCP"]),
        "destinationPorts": st.sampled_from([["443"], ["*"], ["80"]]),
    },
    optional={
        "destinationFqdns": NAMES,
        "destinationAddresses": st.sampled_from([["20.0.0.1"], ["*"], []]),
    },
)
COLLECTION = st.fixed_dictionaries(
    {
        "ruleCollectionType": st.just("FirewallPolicyFilterRuleCollection"),
        "name": st.sampled_from(["c", "d"]),
        "priority": st.sampled_from([100, 200]),
        "action": st.sampled_from([{"type": "Allow"}, {"type": "Deny"}]),
        "rules": st.lists(st.one_of(APPLICATION, NETWORK), max_size=2),
    }
)
COLLECTIONS = st.lists(COLLECTION, max_size=2)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "sku": st.sampled_from([{"tier": "Standard"}, {"tier": "Premium"}]),
        "dnsSettings": st.sampled_from([{"enableProxy": True}, {"enableProxy": False}, {}, {"servers": []}]),
        "threatIntelMode": st.sampled_from(["Off", "Alert"]),
        "intrusionDetection": st.sampled_from([{"mode": "Deny"}, {"mode": "Off"}]),
    },
)
FLOWS = [
    Flow(source=source, sni=name, port=443, application="https")
    for source in (0x0A000005, 0x0A010005)
    for name in ("a.contoso.com", "b.contoso.com", "b.example.org")
]
FACTS = Facts(dns={"a.contoso.com": AddressSet.of([(0x14000001, 0x14000001)])})


def verdicts(settings_expression: Any, collections: Any, **variables: Any) -> list[Verdict]:
    resources = [
        {"type": "Microsoft.Network/firewallPolicies", "name": "hub", "properties": settings_expression},
        {
            "type": "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
            "name": "hub/g",
            "properties": {"priority": 100, "ruleCollections": collections},
        },
    ]
    template = {"parameters": PARAMETERS, "variables": variables, "resources": resources}
    estate = Estate.of(read_template(template, "template.json").bodies.values())
    return [evaluate(to_ruleset(estate, POLICY), flow, FACTS) for flow in FLOWS]


@given(SETTINGS, SETTINGS, COLLECTIONS, COLLECTIONS)
@settings(max_examples=examples(60), deadline=None)
def test_a_certain_verdict_is_that_of_both(
    one: dict[str, Any], other: dict[str, Any], these: list[Any], those: list[Any]
) -> None:
    either = verdicts(
        f"[if({OPEN}, variables('one'), variables('other'))]",
        f"[if({OPEN}, variables('these'), variables('those'))]",
        **json.loads(json.dumps({"one": one, "other": other, "these": these, "those": those})),
    )
    for first, second in ((one, these), (one, those), (other, these), (other, those)):
        for found, right in zip(either, verdicts(first, second), strict=True):
            assert found.action in (None, right.action), (found, right)


# Settings that only a deployment knows


def _decided(setting: Any, rule: dict[str, Any]) -> str:
    collection = {
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
        "name": "c",
        "priority": 100,
        "action": {"type": "Allow"},
        "rules": [{"name": "r", "sourceAddresses": ["*"], **rule}],
    }
    return verdicts(setting, [collection])[0].word


PROXY = {"dnsSettings": {"enableProxy": True}}
BY_NAME = {
    "ruleType": "ApplicationRule",
    "targetFqdns": ["a.contoso.com"],
    "protocols": [{"protocolType": "Https", "port": 443}],
}
BY_URL = {**BY_NAME, "targetFqdns": [], "targetUrls": ["a.contoso.com/*"], "terminateTLS": True}
BY_NETWORK_NAME = {
    "ruleType": "NetworkRule",
    "ipProtocols": ["TCP"],
    "destinationPorts": ["443"],
    "destinationFqdns": ["a.contoso.com"],
}


@pytest.mark.parametrize(
    ("setting", "by_name", "by_url", "by_network_name"),
    [
        ({"sku": {"tier": "[parameters('tier')]"}, **PROXY}, "allow", "unknown", "unknown"),
        ({"sku": "[parameters('sku')]", **PROXY}, "allow", "unknown", "unknown"),
        ({"sku": {"tier": "Ultra"}, **PROXY}, "unknown", "unknown", "unknown"),
        ({"dnsSettings": {"enableProxy": "[parameters('proxy')]"}}, "allow", "deny", "unknown"),
        ({"dnsSettings": {"enableProxy": "true"}}, "allow", "deny", "allow"),
        ({"dnsSettings": {"enableProxy": "False"}}, "allow", "deny", "deny"),
        ({"dnsSettings": {"enableProxy": "perhaps"}}, "unknown", "deny", "unknown"),
        ({"intrusionDetection": {"mode": "[parameters('mode')]"}}, "allow", "deny", "deny"),
        ({"intrusionDetection": "[parameters('idps')]"}, "allow", "deny", "deny"),
        ({"explicitProxy": {"enableExplicitProxy": "false"}}, "allow", "deny", "deny"),
        ({"explicitProxy": "[parameters('proxy')]"}, "allow", "deny", "deny"),
        ({"explicitProxy": {"enableExplicitProxy": "[parameters('proxy')]"}}, "allow", "deny", "deny"),
        ({"threatIntelMode": "[parameters('mode')]"}, "allow", "deny", "deny"),
        ({"threatIntelWhitelist": "[parameters('spared')]"}, "allow", "deny", "deny"),
        ({"threatIntelMode": "Ultra"}, "unknown", "deny", "deny"),
        ({"somethingNew": "[parameters('new')]"}, "unknown", "deny", "deny"),
    ],
)
def test_a_setting_that_is_open_concerns_the_targets_that_hang_on_it(
    setting: dict[str, Any], by_name: str, by_url: str, by_network_name: str
) -> None:
    found = [_decided(setting, rule) for rule in (BY_NAME, BY_URL, BY_NETWORK_NAME)]
    assert found == [by_name, by_url, by_network_name]


def test_an_id_is_never_empty_wherever_its_deployment_goes() -> None:
    network = "resourceId('Microsoft.Network/virtualNetworks', 'hub')"
    assert value_of(f"[if(empty({network}), 'AZFW_Hub', 'AZFW_VNet')]") == "AZFW_VNet"
    assert unknown(value_of("[empty(parameters('which'))]"))
