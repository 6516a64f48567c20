"""The example network of a workload, and faults to plant in it: each is one edit of raw ARM JSON."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allowlist.estate.bodies import Estate
from allowlist.estate.snapshot import read_snapshot
from allowlist.network.posture import Posture
from allowlist.workflow.posture import assess
from allowlist.workflow.project import Project, load_project
from tests.helpers.shared import REPOSITORY

EXAMPLE = REPOSITORY / "examples" / "posture"
NOW = dt.datetime(2026, 6, 1, 12, 0, tzinfo=dt.UTC)

Body = dict[str, Any]
Bodies = dict[str, Body]


@dataclass(frozen=True)
class Plant:
    """A fault: what it does to the estate, and the one finding it must bring: code and a word of the resource."""

    name: str
    edit: Callable[[Bodies], None]
    code: str
    resource: str


def clean_bodies() -> Bodies:
    return copy.deepcopy(dict(read_snapshot(EXAMPLE / "estate").resources))


def estate_with(*plants: Plant) -> Estate:
    bodies = clean_bodies()
    for plant in plants:
        plant.edit(bodies)
    return Estate.of(bodies.values(), origin="example")


def project(workload: Path = EXAMPLE / "allowlist.yaml") -> Project:
    return load_project(workload, now=NOW)


def posture_of(estate: Estate, workload: Path = EXAMPLE / "allowlist.yaml") -> Posture:
    one = project(workload)
    return assess(one, estate, one.targets())


def told(posture: Posture) -> set[tuple[str, str]]:
    """(code, resource) of everything that is not as it should be."""
    return {(item.observation.code, item.observation.resource.lower()) for item in posture.pending}


def expected(plants: Iterable[Plant]) -> set[tuple[str, str]]:
    return {(plant.code, plant.resource.lower()) for plant in plants}


def find(bodies: Bodies, kind: str, name: str) -> Body:
    """The one resource of a type (its last word is enough) with a name."""
    wanted = f"/{kind}/{name}".lower()
    found = [body for key, body in bodies.items() if key.endswith(wanted)]
    assert len(found) == 1, f"{len(found)} resources end in {wanted}"
    return found[0]


def drop(bodies: Bodies, kind: str, name: str) -> None:
    del bodies[find(bodies, kind, name)["id"].lower()]


def subnet(bodies: Bodies, network: str, name: str) -> Body:
    items = find(bodies, "virtualNetworks", network)["properties"]["subnets"]
    found: Body = next(item for item in items if item["name"] == name)
    return found


def rule(name: str, priority: int, direction: str, access: str, **ends: str) -> Body:
    return {
        "name": name,
        "properties": {
            "priority": priority,
            "direction": direction,
            "access": access,
            "protocol": ends.get("protocol", "*"),
            "sourcePortRange": "*",
            "sourceAddressPrefix": ends.get("source", "*"),
            "destinationAddressPrefix": ends.get("destination", "*"),
            "destinationPortRange": ends.get("port", "*"),
        },
    }


_AI = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-ai-prod/providers"
_HUB = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-hub/providers"
_DNS = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-dns/providers"
_NET = "Microsoft.Network"
_NETWORK = f"{_AI}/{_NET}/virtualNetworks/vnet-ai"


def _nat_gateway(bodies: Bodies) -> None:
    gateway = {"id": f"{_AI}/{_NET}/natGateways/nat-ai"}
    subnet(bodies, "vnet-ai", "snet-agents")["properties"]["natGateway"] = gateway


def _lost_route_table(bodies: Bodies) -> None:
    del subnet(bodies, "vnet-ai", "snet-compute")["properties"]["routeTable"]


def _bypass(bodies: Bodies) -> None:
    properties = {"addressPrefix": "13.64.0.0/11", "nextHopType": "Internet"}
    find(bodies, "routeTables", "rt-ai")["properties"]["routes"].append(
        {"name": "quick-fix", "properties": properties}
    )


def _pending(bodies: Bodies) -> None:
    connection = find(bodies, "privateEndpoints", "pe-vault")["properties"]["privateLinkServiceConnections"][
        0
    ]
    connection["properties"]["privateLinkServiceConnectionState"]["status"] = "Pending"


def _rejected_by_owner(bodies: Bodies) -> None:
    account = find(bodies, "searchServices", "srch-contoso-ai")
    connection = account["properties"]["privateEndpointConnections"][0]
    connection["properties"]["privateLinkServiceConnectionState"]["status"] = "Rejected"


def _link_gone(bodies: Bodies) -> None:
    zone = find(bodies, "privateDnsZones", "privatelink.openai.azure.com")
    del bodies[f"{zone['id']}/virtualNetworkLinks/link-hub".lower()]


def _zone_gone(bodies: Bodies) -> None:
    zone = find(bodies, "privateDnsZones", "privatelink.azurecr.io")["id"].lower()
    for key in [key for key in bodies if key == zone or key.startswith(f"{zone}/")]:
        del bodies[key]


def _wrong_record(bodies: Bodies) -> None:
    record = find(bodies, "A", "stcontosoai")
    record["properties"]["aRecords"] = [{"ipv4Address": "10.20.2.99"}]


def _open_account(bodies: Bodies) -> None:
    account = find(bodies, "accounts", "contoso-speech")["properties"]
    account["publicNetworkAccess"] = "Enabled"
    account["networkAcls"]["defaultAction"] = "Allow"


def _leaking_account(bodies: Bodies) -> None:
    find(bodies, "accounts", "contoso-ai")["properties"]["restrictOutboundNetworkAccess"] = False


def _open_storage(bodies: Bodies) -> None:
    account = find(bodies, "storageAccounts", "stcontosoai")["properties"]
    account["publicNetworkAccess"] = "Enabled"
    account["networkAcls"]["defaultAction"] = "Allow"


def _open_hub(bodies: Bodies) -> None:
    hub = find(bodies, "workspaces", "hub-contoso-ai")["properties"]
    hub["managedNetwork"]["isolationMode"] = "AllowInternetOutbound"


def _group_denies(bodies: Bodies) -> None:
    rules = find(bodies, "networkSecurityGroups", "nsg-compute")["properties"]["securityRules"]
    rules.append(rule("deny-web", 300, "Outbound", "Deny", destination="Internet", port="443"))


def _public_machine(bodies: Bodies) -> None:
    interface = find(bodies, "networkInterfaces", "nic-jump")["properties"]
    address = {"id": f"{_AI}/{_NET}/publicIPAddresses/pip-jump"}
    interface["ipConfigurations"][0]["properties"]["publicIPAddress"] = address


def _open_desktop(bodies: Bodies) -> None:
    rules = find(bodies, "networkSecurityGroups", "nsg-jump")["properties"]["securityRules"]
    rules.append(rule("rdp", 90, "Inbound", "Allow", source="Internet", port="3389", protocol="Tcp"))


def _learned_routes(bodies: Bodies) -> None:
    find(bodies, "routeTables", "rt-ai")["properties"]["disableBgpRoutePropagation"] = False
    peering = find(bodies, "virtualNetworks", "vnet-ai")["properties"]["virtualNetworkPeerings"][0]
    peering["properties"]["useRemoteGateways"] = True


def _peering_lost(bodies: Bodies) -> None:
    peering = find(bodies, "virtualNetworks", "vnet-ai")["properties"]["virtualNetworkPeerings"][0]
    peering["properties"]["peeringState"] = "Disconnected"


def _proxy_off(bodies: Bodies) -> None:
    find(bodies, "firewallPolicies", "afwp-hub")["properties"]["dnsSettings"]["enableProxy"] = False
    groups = find(bodies, "ruleCollectionGroups", "rcg-ai")["properties"]["ruleCollections"]
    groups[:] = [item for item in groups if item["name"] != "ai-network"]


def _other_policy(bodies: Bodies) -> None:
    other = {"id": f"{_HUB}/{_NET}/firewallPolicies/afwp-other"}
    find(bodies, "azureFirewalls", "afw-hub")["properties"]["firewallPolicy"] = other


def _bastion_rule(bodies: Bodies) -> None:
    rules = find(bodies, "networkSecurityGroups", "nsg-bastion")["properties"]["securityRules"]
    rules[:] = [item for item in rules if item["name"] != "manager"]


def _management_cut(bodies: Bodies) -> None:
    routes = find(bodies, "routeTables", "rt-apim")["properties"]["routes"]
    routes[:] = [item for item in routes if item["name"] != "management"]


def _management_port(bodies: Bodies) -> None:
    rules = find(bodies, "networkSecurityGroups", "nsg-apim")["properties"]["securityRules"]
    rules[:] = [item for item in rules if item["name"] != "management"]


def _tunnelled_gateway(bodies: Bodies) -> None:
    table = {"id": f"{_AI}/{_NET}/routeTables/rt-ai"}
    subnet(bodies, "vnet-ai", "snet-gateway")["properties"]["routeTable"] = table


def _only_detects(bodies: Bodies) -> None:
    policy = find(bodies, "applicationGatewayWebApplicationFirewallPolicies", "waf-agw")
    policy["properties"]["policySettings"]["mode"] = "Detection"


def _origin_pending(bodies: Bodies) -> None:
    find(bodies, "origins", "gateway")["properties"]["sharedPrivateLinkResource"]["status"] = "Pending"


def _no_endpoint(bodies: Bodies) -> None:
    drop(bodies, "privateEndpoints", "pe-speech")
    find(bodies, "accounts", "contoso-speech")["properties"]["privateEndpointConnections"] = []


def _service_endpoint(bodies: Bodies) -> None:
    inner = subnet(bodies, "vnet-ai", "snet-agents")["properties"]
    inner["serviceEndpoints"] = [{"service": "Microsoft.Storage", "locations": ["*"]}]


PLANTS = (
    Plant("NAT gateway", _nat_gateway, "nat-gateway", f"{_NETWORK}/subnets/snet-agents"),
    Plant(
        "log not kept",
        lambda bodies: find(bodies, "diagnosticSettings", "to-workspace")["properties"]["logs"][1].update(
            enabled=False
        ),
        "firewall-logs",
        f"{_HUB}/{_NET}/azureFirewalls/afw-hub",
    ),
    Plant("no route table", _lost_route_table, "route-to-firewall", f"{_NETWORK}/subnets/snet-compute"),
    Plant("route around", _bypass, "route-bypass", f"{_AI}/{_NET}/routeTables/rt-ai"),
    Plant("pending endpoint", _pending, "endpoint-approved", f"{_AI}/{_NET}/privateEndpoints/pe-vault"),
    Plant(
        "rejected by its owner",
        _rejected_by_owner,
        "endpoint-approved",
        f"{_AI}/{_NET}/privateEndpoints/pe-search",
    ),
    Plant(
        "zone without link",
        _link_gone,
        "dns-link",
        f"{_DNS}/{_NET}/privateDnsZones/privatelink.openai.azure.com",
    ),
    Plant("zone gone", _zone_gone, "dns-zone", f"{_AI}/{_NET}/privateEndpoints/pe-registry"),
    Plant(
        "wrong record",
        _wrong_record,
        "dns-record",
        f"{_DNS}/{_NET}/privateDnsZones/privatelink.blob.core.windows.net",
    ),
    Plant(
        "open account",
        _open_account,
        "account-public-access",
        f"{_AI}/Microsoft.CognitiveServices/accounts/contoso-speech",
    ),
    Plant(
        "account that calls anybody",
        _leaking_account,
        "account-data-loss",
        f"{_AI}/Microsoft.CognitiveServices/accounts/contoso-ai",
    ),
    Plant(
        "open storage",
        _open_storage,
        "support-public-access",
        f"{_AI}/Microsoft.Storage/storageAccounts/stcontosoai",
    ),
    Plant(
        "hub without isolation",
        _open_hub,
        "isolation-mode",
        f"{_AI}/Microsoft.MachineLearningServices/workspaces/hub-contoso-ai",
    ),
    Plant(
        "group denies",
        _group_denies,
        "nsg-lets-through",
        f"{_AI}/{_NET}/networkSecurityGroups/nsg-compute",
    ),
    Plant(
        "public jumpbox",
        _public_machine,
        "jumpbox-public-address",
        f"{_AI}/{_NET}/networkInterfaces/nic-jump",
    ),
    Plant("open desktop", _open_desktop, "management-ports", f"{_AI}/{_NET}/networkSecurityGroups/nsg-jump"),
    Plant("learned routes", _learned_routes, "bgp-propagation", f"{_AI}/{_NET}/routeTables/rt-ai"),
    Plant(
        "Bastion rule gone", _bastion_rule, "bastion-nsg", f"{_HUB}/{_NET}/networkSecurityGroups/nsg-bastion"
    ),
    Plant("management route gone", _management_cut, "apim-route", f"{_AI}/{_NET}/routeTables/rt-apim"),
    Plant(
        "management port shut", _management_port, "apim-nsg", f"{_AI}/{_NET}/networkSecurityGroups/nsg-apim"
    ),
    Plant("gateway tunnelled", _tunnelled_gateway, "gateway-route", f"{_NETWORK}/subnets/snet-gateway"),
    Plant(
        "firewall only detects",
        _only_detects,
        "gateway-waf",
        f"{_AI}/{_NET}/applicationGateways/agw-contoso-ai",
    ),
    Plant(
        "origin pending",
        _origin_pending,
        "front-door-origin",
        f"{_AI}/Microsoft.Cdn/profiles/afd-contoso-ai/originGroups/apis/origins/gateway",
    ),
    Plant("service endpoint", _service_endpoint, "service-endpoint", f"{_NETWORK}/subnets/snet-agents"),
)
"""Faults that stand each for itself, whatever else is planted."""

ALONE = (
    Plant("peering lost", _peering_lost, "peering", _NETWORK),
    Plant("DNS proxy off", _proxy_off, "dns-proxy", f"{_HUB}/{_NET}/firewallPolicies/afwp-hub"),
    Plant(
        "firewall carries other rules",
        _other_policy,
        "firewall-carries-policy",
        f"{_HUB}/{_NET}/firewallPolicies/afwp-hub",
    ),
    Plant(
        "account without endpoint",
        _no_endpoint,
        "account-endpoint",
        f"{_AI}/Microsoft.CognitiveServices/accounts/contoso-speech",
    ),
)
"""Faults that bring others with them, so they are looked at one by one."""
