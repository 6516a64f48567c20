"""The rest of the network as readable ARM objects, read over HTTP by Microsoft's own client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.network import NetworkManagementClient

from allowlist.simulator import DEFAULT_SUBSCRIPTION, Running, Simulator, serve
from tests.helpers.arm import GROUP, NETWORK, Client, version_for

VNET = f"{NETWORK}/virtualNetworks/spoke"
SUBNET = f"{VNET}/subnets/agents"
ROUTES = f"{NETWORK}/routeTables/to-firewall"
SECURITY = f"{NETWORK}/networkSecurityGroups/agents"
ZONE = f"{NETWORK}/privateDnsZones/privatelink.openai.azure.com"
ENDPOINT = f"{NETWORK}/privateEndpoints/openai"
HUB = f"{NETWORK}/virtualHubs/hub"
SERVICES = f"{GROUP}/providers"


def _thing(path: str, **properties: Any) -> dict[str, Any]:
    return {"id": path, "location": "westeurope", "properties": properties}


ESTATE: list[dict[str, Any]] = [
    {"id": GROUP, "type": "Microsoft.Resources/resourceGroups", "location": "westeurope"},
    _thing(
        VNET,
        addressSpace={"addressPrefixes": ["10.1.0.0/16"]},
        subnets=[
            {
                "name": "agents",
                "properties": {
                    "addressPrefix": "10.1.0.0/24",
                    "routeTable": {"id": ROUTES},
                    "networkSecurityGroup": {"id": SECURITY},
                    "defaultOutboundAccess": False,
                },
            }
        ],
        virtualNetworkPeerings=[
            {
                "name": "to-hub",
                "properties": {"remoteVirtualNetwork": {"id": HUB}, "peeringState": "Connected"},
            }
        ],
    ),
    _thing(
        f"{VNET}/subnets/jumpbox",
        addressPrefix="10.1.1.0/27",
        natGateway={"id": f"{NETWORK}/natGateways/nat"},
    ),
    _thing(
        ROUTES,
        disableBgpRoutePropagation=True,
        routes=[
            {
                "name": "default",
                "properties": {
                    "addressPrefix": "0.0.0.0/0",
                    "nextHopType": "VirtualAppliance",
                    "nextHopIpAddress": "10.0.1.4",
                },
            }
        ],
    ),
    _thing(
        SECURITY,
        securityRules=[
            {
                "name": "deny-internet",
                "properties": {
                    "priority": 4000,
                    "direction": "Outbound",
                    "access": "Deny",
                    "protocol": "*",
                    "sourceAddressPrefix": "*",
                    "sourcePortRange": "*",
                    "destinationAddressPrefix": "Internet",
                    "destinationPortRange": "*",
                },
            }
        ],
    ),
    _thing(f"{NETWORK}/natGateways/nat", publicIpAddresses=[{"id": f"{NETWORK}/publicIPAddresses/nat"}]),
    _thing(f"{NETWORK}/publicIPAddresses/nat", ipAddress="203.0.113.9", publicIPAllocationMethod="Static"),
    _thing(f"{NETWORK}/bastionHosts/bastion", ipConfigurations=[]),
    _thing(f"{NETWORK}/applicationGateways/gateway", sku={"name": "WAF_v2", "tier": "WAF_v2"}),
    _thing(HUB, addressPrefix="10.9.0.0/24", azureFirewall={"id": f"{NETWORK}/azureFirewalls/hub"}),
    _thing(
        f"{HUB}/routingIntent/intent",
        routingPolicies=[{"name": "internet", "destinations": ["Internet"], "nextHop": HUB}],
    ),
    _thing(
        ENDPOINT,
        subnet={"id": SUBNET},
        privateLinkServiceConnections=[
            {
                "name": "openai",
                "properties": {
                    "privateLinkServiceId": f"{SERVICES}/Microsoft.CognitiveServices/accounts/ai",
                    "groupIds": ["account"],
                    "privateLinkServiceConnectionState": {"status": "Pending"},
                },
            }
        ],
    ),
    _thing(
        f"{ENDPOINT}/privateDnsZoneGroups/default",
        privateDnsZoneConfigs=[{"name": "openai", "properties": {"privateDnsZoneId": ZONE}}],
    ),
    _thing(ZONE),
    _thing(f"{ZONE}/virtualNetworkLinks/spoke", virtualNetwork={"id": VNET}, registrationEnabled=False),
    _thing(f"{ZONE}/A/my-openai", ttl=10, aRecords=[{"ipv4Address": "10.1.0.5"}]),
    _thing(f"{ZONE}/SOA/@", ttl=3600),
    _thing(f"{SERVICES}/Microsoft.ApiManagement/service/apim", virtualNetworkType="Internal"),
    _thing(f"{SERVICES}/Microsoft.Cdn/profiles/front-door"),
    _thing(f"{SERVICES}/Microsoft.CognitiveServices/accounts/ai", publicNetworkAccess="Disabled"),
    _thing(
        f"{SERVICES}/Microsoft.CognitiveServices/accounts/ai/privateEndpointConnections/openai",
        privateLinkServiceConnectionState={"status": "Pending"},
    ),
]


class AnyToken(SansIOHTTPPolicy[Any, Any]):
    """The SDK refuses its own token policy over plain http."""

    def on_request(self, request: Any) -> None:
        request.http_request.headers["Authorization"] = "Bearer anything"


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    simulator = Simulator()
    simulator.seed(ESTATE)
    with serve(simulator) as served:
        yield served


@pytest.fixture(scope="module")
def sdk(running: Running) -> Iterator[NetworkManagementClient]:
    with NetworkManagementClient(
        object(),  # type: ignore[arg-type]
        DEFAULT_SUBSCRIPTION,
        base_url=running.url,
        authentication_policy=AnyToken(),
        retry_total=0,
    ) as client:
        yield client


@pytest.fixture
def client() -> Client:
    made = Client()
    made.simulator.seed(ESTATE)
    return made


def test_a_virtual_network_shows_its_subnets_however_they_were_seeded(sdk: NetworkManagementClient) -> None:
    network = sdk.virtual_networks.get("hub", "spoke")

    assert sorted(str(each.name) for each in network.subnets or []) == ["agents", "jumpbox"]
    assert sorted(str(each.name) for each in sdk.subnets.list("hub", "spoke")) == ["agents", "jumpbox"]
    assert sdk.subnets.get("hub", "spoke", "agents").default_outbound_access is False
    assert [each.name for each in sdk.virtual_network_peerings.list("hub", "spoke")] == ["to-hub"]
    assert [each.name for each in sdk.virtual_networks.list_all()] == ["spoke"]


def test_routes_and_security_rules_are_read_inside_and_alone(sdk: NetworkManagementClient) -> None:
    table = sdk.route_tables.get("hub", "to-firewall")
    group = sdk.network_security_groups.get("hub", "agents")

    assert [each.next_hop_ip_address for each in table.routes or []] == ["10.0.1.4"]
    assert [each.name for each in sdk.routes.list("hub", "to-firewall")] == ["default"]
    assert [each.name for each in group.security_rules or []] == ["deny-internet"]
    assert sdk.security_rules.get("hub", "agents", "deny-internet").access == "Deny"
    assert len(group.default_security_rules or []) == 6
    assert [str(each.id) for each in table.subnets or []] == [SUBNET]


@pytest.mark.parametrize(
    "group",
    [
        "nat_gateways",
        "public_ip_addresses",
        "bastion_hosts",
        "application_gateways",
        "private_endpoints",
        "route_tables",
        "network_security_groups",
    ],
)
def test_each_kind_is_listed_by_group_and_by_subscription(sdk: NetworkManagementClient, group: str) -> None:
    operations = getattr(sdk, group)
    by_subscription = operations.list_by_subscription if group == "private_endpoints" else None
    everywhere = by_subscription or getattr(operations, "list_all", operations.list)
    in_group = getattr(operations, "list_by_resource_group", operations.list)

    assert len(list(in_group("hub"))) == 1
    assert len(list(everywhere())) == 1


def test_private_endpoints_virtual_hubs_and_their_children(sdk: NetworkManagementClient) -> None:
    endpoint = sdk.private_endpoints.get("hub", "openai")
    groups = list(sdk.private_dns_zone_groups.list("openai", "hub"))
    intents = list(sdk.routing_intent.list("hub", "hub"))

    (connection,) = endpoint.private_link_service_connections or []
    assert connection.private_link_service_connection_state is not None
    assert connection.private_link_service_connection_state.status == "Pending"
    assert [each.name for each in groups] == ["default"]
    assert [each.name for each in intents] == ["intent"]
    assert [each.name for each in sdk.virtual_hubs.list()] == ["hub"]


def test_what_is_not_there_is_not_found(sdk: NetworkManagementClient) -> None:
    with pytest.raises(ResourceNotFoundError):
        sdk.subnets.get("hub", "spoke", "nothing")


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (f"{ZONE}/virtualNetworkLinks", ["spoke"]),
        (f"{ZONE}/A", ["my-openai"]),
        (f"{ZONE}/ALL", ["my-openai", "@"]),
        (f"{NETWORK}/privateDnsZones", ["privatelink.openai.azure.com"]),
        (f"{SERVICES}/Microsoft.ApiManagement/service", ["apim"]),
        (f"{SERVICES}/Microsoft.Cdn/profiles", ["front-door"]),
        (f"{SERVICES}/Microsoft.CognitiveServices/accounts/ai/privateEndpointConnections", ["openai"]),
    ],
)
def test_types_without_a_client_here_are_listed_over_http(
    running: Running, path: str, names: list[str]
) -> None:
    reply = httpx.get(
        running.url + path,
        params={"api-version": version_for(path, "2024-06-01")},
        headers={"authorization": "Bearer x"},
    )

    assert [each["id"].rsplit("/", 1)[-1] for each in reply.json()["value"]] == names


def test_every_type_is_in_the_list_of_resources(client: Client) -> None:
    found = {each["type"] for each in client.get(f"{GROUP}/resources")["value"]}

    assert {
        "Microsoft.ApiManagement/service",
        "Microsoft.Cdn/profiles",
        "Microsoft.Network/bastionHosts",
    } <= found
    assert "Microsoft.Network/virtualNetworks/subnets" not in found


def test_writing_a_virtual_network_replaces_its_subnets(client: Client) -> None:
    body = client.get(VNET)
    body["properties"]["subnets"] = [
        each for each in body["properties"]["subnets"] if each["name"] == "agents"
    ]

    client.put(VNET, body)

    assert client.send("GET", f"{VNET}/subnets/jumpbox").status == 404
    assert [each["name"] for each in client.get(VNET)["properties"]["subnets"]] == ["agents"]


def test_writing_a_subnet_shows_in_its_network(client: Client) -> None:
    client.put(f"{VNET}/subnets/more", {"properties": {"addressPrefix": "10.1.2.0/24"}})

    shown = {each["name"]: each["properties"] for each in client.get(VNET)["properties"]["subnets"]}

    assert shown["more"]["addressPrefix"] == "10.1.2.0/24"
    assert shown["more"]["provisioningState"] == "Succeeded"
    orphan = client.send("PUT", f"{NETWORK}/virtualNetworks/none/subnets/a", {"properties": {}})
    assert orphan.status == 404


def test_a_new_security_group_has_the_default_rules(client: Client) -> None:
    client.put(f"{NETWORK}/networkSecurityGroups/new", {"location": "westeurope", "properties": {}})

    rules = client.get(f"{NETWORK}/networkSecurityGroups/new")["properties"]["defaultSecurityRules"]

    assert {each["name"] for each in rules} >= {"AllowInternetOutBound", "DenyAllOutBound"}
