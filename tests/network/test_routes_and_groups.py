"""Routes and security groups decide as Azure documents it; compared with a reading one address at a time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowlist.estate.bodies import Estate
from allowlist.network.nsg import INBOUND, OUTBOUND, SOMEWHERE, End, Question, decide
from allowlist.network.read import prefixes
from allowlist.network.routes import Hop, way_out
from allowlist.network.scene import scene_of
from allowlist.rules.addresses import NOWHERE, AddressSet

NET = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network"
SPOKE, HUB = f"{NET}/virtualNetworks/spoke", f"{NET}/virtualHubs/hub"
FIREWALL, OTHER, POLICY = (
    f"{NET}/azureFirewalls/fw",
    f"{NET}/azureFirewalls/other",
    f"{NET}/firewallPolicies/p",
)


def firewall(resource: str, address: str, policy: str, **extra: Any) -> dict[str, Any]:
    inner = {"ipConfigurations": [{"properties": {"privateIPAddress": address}}]}
    return {
        "id": resource,
        "name": resource.rpartition("/")[2],
        "properties": {**inner, "firewallPolicy": {"id": policy}, **extra},
    }


def spoke(**subnet: Any) -> dict[str, Any]:
    inner = {"addressPrefix": "10.1.0.0/24", **subnet}
    subnets = [{"id": f"{SPOKE}/subnets/a", "name": "a", "properties": inner}]
    return {"id": SPOKE, "name": "spoke", "properties": {"subnets": subnets}}


def table(*routes: dict[str, Any], keeps_out: bool = True) -> dict[str, Any]:
    items = [{"name": f"r{number}", "properties": route} for number, route in enumerate(routes)]
    inner = {"routes": items, "disableBgpRoutePropagation": keeps_out}
    return {"id": f"{NET}/routeTables/rt", "name": "rt", "properties": inner}


def to(prefix: str, hop: str = "VirtualAppliance", address: str = "10.0.0.4") -> dict[str, Any]:
    return {"addressPrefix": prefix, "nextHopType": hop, "nextHopIpAddress": address}


def way(*bodies: dict[str, Any], **subnet: Any) -> Any:
    policy = {"id": POLICY, "name": "p", "properties": {}}
    firewalls = [firewall(FIREWALL, "10.0.0.4", POLICY), firewall(OTHER, "10.0.0.5", f"{POLICY}-other")]
    known = {body["id"] for body in bodies}
    estate = Estate.of(
        [spoke(**subnet), policy, *(item for item in firewalls if item["id"] not in known), *bodies]
    )
    scene = scene_of(estate, "public", [POLICY], [f"{SPOKE}/subnets/a"], NOWHERE)
    return way_out(estate, scene.sources[0], scene.carriers, scene.firewalls)


RT = {"routeTable": {"id": f"{NET}/routeTables/rt"}}


@pytest.mark.parametrize(
    ("routes", "hop"),
    [
        ([to("0.0.0.0/0")], Hop.FIREWALL),
        ([to("0.0.0.0/1"), to("128.0.0.0/1")], Hop.FIREWALL),
        ([to("0.0.0.0/0", address="10.0.0.5")], Hop.OTHER_FIREWALL),
        ([to("0.0.0.0/0", address="10.0.0.9")], Hop.APPLIANCE),
        ([to("0.0.0.0/0", "Internet")], Hop.INTERNET),
        ([to("0.0.0.0/0", "None")], Hop.DROPPED),
        ([to("0.0.0.0/0", "VirtualNetworkGateway")], Hop.GATEWAY),
        ([], Hop.DIRECT),
    ],
)
def test_the_default_route_says_where_the_internet_is(routes: list[dict[str, Any]], hop: Hop) -> None:
    assert way(table(*routes), **RT).main.hop is hop


def test_a_service_tag_route_is_a_leg_of_its_own() -> None:
    legs = way(table(to("0.0.0.0/0"), to("Storage.WestEurope", "Internet")), **RT).others
    assert [(leg.tag, leg.hop) for leg in legs] == [("Storage.WestEurope", Hop.INTERNET)]


def test_a_route_table_that_was_not_read_leaves_the_way_unknown() -> None:
    assert "was not read" in way(**RT).unknown


def hub(intent: bool = True, secure: bool = True) -> list[dict[str, Any]]:
    policies = [{"name": "internet", "destinations": ["Internet"], "nextHop": FIREWALL}] if intent else []
    return [
        firewall(FIREWALL, "10.0.0.4", POLICY, virtualHub={"id": HUB}),
        {"id": HUB, "name": "hub", "properties": {}},
        {"id": f"{HUB}/routingIntent/i", "name": "i", "properties": {"routingPolicies": policies}},
        {
            "id": f"{HUB}/hubVirtualNetworkConnections/c",
            "name": "c",
            "properties": {"remoteVirtualNetwork": {"id": SPOKE}, "enableInternetSecurity": secure},
        },
    ]


def test_routing_intent_brings_a_connected_network_to_the_hub_firewall() -> None:
    assert way(*hub()).main.hop is Hop.FIREWALL
    assert way(*hub(intent=False)).main.hop is Hop.DIRECT
    assert way(*hub(secure=False)).main.hop is Hop.DIRECT


def test_keeping_learned_routes_out_also_keeps_the_hub_out() -> None:
    assert way(*hub(), table(keeps_out=True), **RT).main.hop is Hop.DIRECT
    assert way(*hub(), table(keeps_out=False), **RT).main.hop is Hop.FIREWALL


HOPS = {"VirtualAppliance": Hop.FIREWALL, "Internet": Hop.INTERNET, "None": Hop.DROPPED}
SPACES = ["0.0.0.0/0", "20.0.0.0/8", "20.0.0.0/9", "20.64.0.0/10", "52.0.0.0/8", "52.1.2.3/32"]


@given(
    st.lists(
        st.tuples(st.sampled_from(SPACES), st.sampled_from(sorted(HOPS))), unique_by=lambda item: item[0]
    ),
    st.sampled_from(["20.0.0.1", "20.64.0.1", "20.128.0.1", "52.1.2.3", "52.1.2.4", "8.8.8.8"]),
)
def test_the_longest_prefix_wins(routes: list[tuple[str, str]], address: str) -> None:
    found = way(table(*(to(prefix, hop) for prefix, hop in routes)), **RT)
    number = prefixes([address]).intervals[0][0]
    holding = [item for item in routes if number in prefixes([item[0]])]
    longest = max(holding, key=lambda item: int(item[0].partition("/")[2]), default=None)
    assert found.leg_to(number).hop is (HOPS[longest[1]] if longest else Hop.DIRECT)


def group(*rules: dict[str, Any]) -> dict[str, Any]:
    items = [{"name": f"r{number}", "properties": rule} for number, rule in enumerate(rules)]
    return {"id": f"{NET}/networkSecurityGroups/n", "name": "n", "properties": {"securityRules": items}}


def rule(priority: int, access: str, to: str, port: str = "*", direction: str = OUTBOUND) -> dict[str, Any]:
    side, other = ("destination", "source") if direction == OUTBOUND else ("source", "destination")
    return {
        "priority": priority,
        "access": access,
        "direction": direction,
        "protocol": "*",
        "destinationPortRange": port,
        f"{side}AddressPrefix": to,
        f"{other}AddressPrefix": "*",
    }


LOCAL = AddressSet.parse(["10.1.0.0/16"])


def outbound(destination: End, port: int = 443) -> Question:
    return Question(
        direction=OUTBOUND,
        source=End(addresses=AddressSet.parse(["10.1.0.4"])),
        destination=destination,
        protocol="tcp",
        port=port,
        local=LOCAL,
    )


@pytest.mark.parametrize(
    ("rules", "allows"),
    [
        ([], True),
        ([rule(100, "Deny", "Internet")], False),
        ([rule(100, "Deny", "Internet", "80")], True),
        ([rule(200, "Deny", "Internet"), rule(100, "Allow", "*", "443")], True),
        ([rule(100, "Allow", "Storage"), rule(200, "Deny", "Internet")], None),
        ([rule(100, "Deny", "13.0.0.0/8")], True),
        ([rule(100, "Deny", "AzureCloud")], None),
    ],
)
def test_an_address_nobody_knows_is_decided_where_it_can_be(
    rules: list[dict[str, Any]], allows: bool | None
) -> None:
    assert decide(group(*rules), outbound(SOMEWHERE)).allows is allows


def test_a_service_tag_is_certain_only_for_itself_and_for_the_internet() -> None:
    storage = outbound(End(tag="Storage.WestEurope"))
    assert decide(group(rule(100, "Deny", "Storage")), storage).allows is False
    assert decide(group(rule(100, "Deny", "Storage.NorthEurope")), storage).allows is None
    assert decide(group(rule(100, "Deny", "Internet")), storage).allows is False


def test_the_platform_asks_for_rules_with_its_own_tag() -> None:
    ask = Question(
        direction=INBOUND,
        source=End(tag="GatewayManager"),
        destination=End(addresses=AddressSet.parse(["10.1.0.4"])),
        protocol="tcp",
        port=443,
        local=LOCAL,
    )
    assert decide(group(rule(100, "Allow", "Internet", "443", INBOUND)), ask).allows is False
    assert decide(group(rule(100, "Allow", "GatewayManager", "443", INBOUND)), ask).allows is True


BLOCKS = ["10.1.0.0/16", "10.2.0.0/16", "10.1.2.0/24", "10.1.2.3/32", "*"]
HOSTS = ["10.1.2.3", "10.1.2.4", "10.1.9.9", "10.2.0.1"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(BLOCKS), st.sampled_from(["Allow", "Deny"]), st.sampled_from(["443", "80-90"])
        )
    ),
    st.sampled_from(HOSTS),
    st.sampled_from([443, 85, 22]),
)
def test_for_one_address_the_first_matching_rule_decides(
    rules: list[tuple[str, str, str]], host: str, port: int
) -> None:
    body = group(*(rule(100 + number, access, to, ports) for number, (to, access, ports) in enumerate(rules)))
    number = prefixes([host]).intervals[0][0]
    expected = next(
        (
            access == "Allow"
            for to, access, ports in rules
            if (port == 443 if ports == "443" else 80 <= port <= 90) and number in prefixes([to])
        ),
        number in LOCAL or None,
    )
    found = decide(body, outbound(End(addresses=prefixes([host])), port))
    assert found.allows is expected
