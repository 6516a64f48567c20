"""The absence of an answer is not an answer of absence: each field of each answer, with nothing in its place.

``null``, ``""`` and an empty thing of another kind are no answers. What Azure can mean by an empty one is said in
:func:`is_an_answer`. Whatever is left of the field, no verdict becomes another one for certain: it stays, or it is
unknown, or nothing is said at all.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from allowlist.errors import AllowlistError, TargetUnavailable
from allowlist.estate.bodies import Body
from allowlist.estate.resource_id import ResourceId
from allowlist.plan.findings import Status
from allowlist.points.point import whole
from tests.helpers import hub as secured
from tests.helpers import perimeter as nsp
from tests.helpers.laws import SHARE
from tests.helpers.one_flow import (
    ACCOUNT,
    ALLOW,
    BLOCKED,
    COVERED,
    DENY,
    FIREWALL,
    FQDN,
    HUB,
    POLICY,
    PROVIDERS,
    account,
    changed,
    classic,
    collection,
    egress,
    host,
    hub,
    names,
    network,
    policy,
    project,
    status,
)

OTHER = collection("Allow", 200, [names("Allow", "s", targetFqdns=["b.bar.com"])])
PARENT = POLICY.replace("/p", "/parent")
IP_GROUP = f"{PROVIDERS}/Microsoft.Network/ipGroups/clients"
RAI = f"{ACCOUNT}/raiPolicies/p"
Point = tuple[str, str, list[Body]]


def inherited() -> list[Body]:
    """The rule stands in the parent of the policy."""
    parent = [{**body, "id": body["id"].replace(POLICY, PARENT)} for body in policy(ALLOW)[:2]]
    child = policy()
    child[0]["properties"]["basePolicy"] = {"id": PARENT}
    return [*child, *parent]


def by_group(*collections: Body) -> list[Body]:
    """Sources are an IP group."""
    found = copy.deepcopy(policy(*collections))
    for item in found[1]["properties"]["ruleCollections"]:
        item["rules"] = [
            {**rule, "sourceAddresses": [], "sourceIpGroups": [IP_GROUP]} for rule in item["rules"]
        ]
    group = {"ipAddresses": ["10.0.0.0/24"], "provisioningState": "Succeeded"}
    return [*found, {"id": IP_GROUP, "name": "clients", "properties": group}]


def by_network_rule(action: str) -> list[Body]:
    """The name stands in a network rule, which needs the DNS proxy."""
    rule = {
        "ruleType": "NetworkRule",
        "name": "n",
        "ipProtocols": ["TCP"],
        "sourceAddresses": ["10.0.0.0/24"],
        "destinationFqdns": ["a.foo.com"],
        "destinationPorts": ["443"],
    }
    return policy(collection(action, 100, [rule]), *([ALLOW] if action == "Deny" else []))


def failed(bodies: list[Body]) -> list[Body]:
    """The network's one rule is Failed."""
    return changed(bodies, _place_of_rules(bodies), "r", {**FQDN, "status": "Failed"})


def _place_of_rules(bodies: list[Body]) -> tuple[Any, ...]:
    return (len(bodies) - 1, "properties", "managedNetwork", "outboundRules")


ELSEWHERE = {**FQDN, "destination": "b.bar.com"}
DENIED = {
    "type": "ServiceTag",
    "category": "UserDefined",
    "status": "Active",
    "destination": {
        "serviceTag": "",
        "protocol": "TCP",
        "portRanges": "443",
        "action": "Deny",
        "addressPrefixes": ["0.0.0.0/0"],
    },
}
ENDPOINT = {
    "type": "PrivateEndpoint",
    "category": "UserDefined",
    "status": "Active",
    "fqdns": ["a.foo.com"],
    "destination": {
        "serviceResourceId": f"{PROVIDERS}/Microsoft.KeyVault/vaults/v",
        "subresourceTarget": "vault",
        "sparkEnabled": False,
    },
}


def behind_hub() -> list[Body]:
    bodies = secured.secured_hub(secured.intent())
    for body in bodies:
        if body["id"].endswith("/theirs") or "/ruleCollectionGroups/" in body["id"]:
            body["properties"] = {**body["properties"], "ruleCollections": [ALLOW]}
    return bodies


def with_profile(mode: str, *hosts: str) -> list[Body]:
    return nsp.perimeter(mode, {"mine": nsp.outbound(*hosts)})


POINTS: dict[str, Point] = {
    **{f"covered {name}": found for name, found in COVERED.items()},
    **{f"blocked {name}": found for name, found in BLOCKED.items()},
    "missing firewall-policy": ("firewall-policy", POLICY, policy(OTHER)),
    "an empty policy below its parent": ("firewall-policy", POLICY, inherited()),
    "sources in an IP group": ("firewall-policy", POLICY, by_group(ALLOW)),
    "a deny for an IP group": ("firewall-policy", POLICY, by_group(DENY, ALLOW)),
    "a name in a network rule": ("firewall-policy", POLICY, by_network_rule("Allow")),
    "a deny in a network rule": ("firewall-policy", POLICY, by_network_rule("Deny")),
    "missing azure-firewall": ("azure-firewall", FIREWALL, classic(OTHER)),
    "missing hub-network": ("hub-network", HUB, hub({"r": ELSEWHERE})),
    "failed hub-network": ("hub-network", HUB, failed(hub({"r": FQDN}))),
    "denied hub-network": ("hub-network", HUB, hub({"d": DENIED, "r": FQDN})),
    "an endpoint in a hub-network": ("hub-network", HUB, hub({"e": ENDPOINT, "r": ELSEWHERE})),
    "missing account-network": ("account-network", ACCOUNT, network({"r": ELSEWHERE})),
    "failed account-network": ("account-network", ACCOUNT, failed(network({"r": FQDN}))),
    "missing account-allow-list": (
        "account-allow-list",
        ACCOUNT,
        account({"restrictOutboundNetworkAccess": True, "allowedFqdnList": ["b.bar.com"]}),
    ),
    "missing agent-egress": (
        "agent-egress",
        RAI,
        egress([{**host("Allow", "y"), "match": {"host": "b.bar.com"}}]),
    ),
    "a secured hub": ("secured-hub", secured.HUB, behind_hub()),
    "a profile that names it": ("security-perimeter", nsp.PROFILE, with_profile("Enforced", "a.foo.com")),
    "a profile that does not": ("security-perimeter", nsp.PROFILE, with_profile("Enforced", "b.bar.com")),
    "a profile that only logs": ("security-perimeter", nsp.PROFILE, with_profile("Learning", "b.bar.com")),
}

NOTHING: tuple[Any, ...] = (None, {}, [], "")
OPTIONAL_MEMBERS = ("sku", "dnsSettings", "explicitProxy", "intrusionDetection", "match", "status")
"""Objects all of whose members are optional: an empty one says that none is set."""


def is_an_answer(path: tuple[Any, ...], old: Any, new: Any) -> bool:
    """Can Azure mean an empty thing? A list without items, a map of rules without rules, settings of which none is set;
    and rules of managed networks say ``"fqdns": null`` (live listings)."""
    if isinstance(old, list):
        return (new == [] and isinstance(new, list)) or (new is None and path[-1] == "fqdns")
    return new == {} and isinstance(new, dict) and path[-1] in ("outboundRules", *OPTIONAL_MEMBERS)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every member and every item below the properties of the bodies, with the way to it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        here = (*path, key)
        if len(here) > 2 and here[1] == "properties":
            yield here, item
        yield from places(item, here) if len(here) != 2 or key == "properties" else ()


def verdict(given: Any, bodies: list[Body]) -> Status | None:
    try:
        return status(given, bodies)
    except AllowlistError:
        return None


@pytest.mark.parametrize("name", POINTS)
def test_nothing_in_the_place_of_a_field_makes_no_other_verdict_certain(name: str, tmp_path: Path) -> None:
    kind, resource, bodies = POINTS[name]
    given = project(tmp_path, kind, resource)
    right = status(given, bodies)

    wrong = [
        ("/".join(map(str, path)), nothing, found.value)
        for path, old in places(bodies)
        for nothing in NOTHING
        if not is_an_answer(path, old, nothing)
        if (found := verdict(given, changed(bodies, path[:-1], path[-1], nothing)))
        not in (None, right, Status.UNKNOWN)
        and found is not None
    ]
    assert wrong == []


ANOTHER: tuple[Any, ...] = (7, True, "[parameters('x')]", [7], [["x"]], {"a": 1})
"""One value of each kind of JSON, and an expression that no deployment has worked out. The everyday run tries one of
them at each place, `make laws` all.
"""


def is_number_of_port(path: tuple[Any, ...], new: Any) -> bool:
    """Ports are written as numbers and as texts."""
    return "destinationPorts" in path and new in (7, [7]) and not isinstance(new, bool)


@pytest.mark.parametrize("name", POINTS)
def test_a_value_of_another_kind_makes_no_other_verdict_certain(name: str, tmp_path: Path) -> None:
    kind, resource, bodies = POINTS[name]
    given = project(tmp_path, kind, resource)
    right = status(given, bodies)

    wrong = [
        ("/".join(map(str, path)), new, found.value)
        for at, (path, old) in enumerate(places(bodies))
        for new in (ANOTHER if SHARE >= 1 else (ANOTHER[at % len(ANOTHER)],))
        if (type(new) is not type(old) or new == ANOTHER[2]) and not is_number_of_port(path, new)
        if (found := verdict(given, changed(bodies, path[:-1], path[-1], new)))
        not in (None, right, Status.UNKNOWN)
        and found is not None
    ]
    assert wrong == []


@pytest.mark.parametrize("name", POINTS)
def test_properties_without_a_member_are_no_answer(name: str, tmp_path: Path) -> None:
    kind, resource, bodies = POINTS[name]
    given = project(tmp_path, kind, resource)
    right = status(given, bodies)
    told = {
        body["id"]: verdict(given, changed(bodies, (place,), "properties", {}))
        for place, body in enumerate(bodies)
        if ResourceId(body["id"]).type != "microsoft.network/firewallpolicies"
    }
    assert set(told.values()) <= {None, right, Status.UNKNOWN}, told


def test_a_policy_without_a_property_stands_in_templates_and_is_no_answer_of_azure() -> None:
    with pytest.raises(TargetUnavailable, match="without any property"):
        whole({"id": POLICY, "name": "p", "properties": {}})


def test_the_law_can_fail(tmp_path: Path) -> None:
    """The worlds hold all three certain verdicts, and an empty list, which is an answer, changes them."""
    kind, resource, bodies = COVERED["firewall-policy"]
    emptied = changed(bodies, (1, "properties"), "ruleCollections", [])
    assert status(project(tmp_path, kind, resource), emptied) is Status.MISSING
