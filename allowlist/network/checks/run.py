"""All checks over one scene, each thing said once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from allowlist.network.checks import (
    accounts,
    bastion,
    egress,
    firewall,
    gateways,
    links,
    operation,
    protection,
)
from allowlist.network.observation import Observation, unknown
from allowlist.network.scene import Scene
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Requirement


def observe(
    scene: Scene, requirements: Sequence[Requirement], rulesets: dict[str, Ruleset]
) -> list[Observation]:
    """Everything there is to say about a workload's network; ``rulesets`` by target resource id."""
    return _distinct(_all(scene, requirements, rulesets))


def _all(
    scene: Scene, requirements: Sequence[Requirement], rulesets: dict[str, Ruleset]
) -> Iterator[Observation]:
    yield from _unread(scene)
    if scene.targets:
        yield from _way_out(scene, requirements)
    yield from egress.public_addresses(scene)
    yield from firewall.policy_carried(scene)
    yield from firewall.dns_proxy(scene)
    yield from firewall.names_in_network_rules(scene, rulesets)
    yield from protection.protections(scene)
    yield from operation.operation(scene, requirements, rulesets)
    yield from links.connections(scene)
    yield from links.resolution(scene)
    yield from accounts.accounts(scene)
    yield from accounts.supporting(scene)
    yield from bastion.bastion(scene)
    yield from gateways.api_management(scene)
    yield from gateways.application_gateways(scene)
    yield from gateways.front_doors(scene)


_CODES = {
    "Microsoft.Network/virtualNetworks": "source-known",
    "Microsoft.Network/routeTables": "route-to-firewall",
    "Microsoft.Network/virtualHubs": "route-to-firewall",
    "Microsoft.Network/networkSecurityGroups": "nsg-lets-through",
    "Microsoft.Network/networkInterfaces": "public-address",
    "Microsoft.Network/publicIPAddresses": "public-address",
    "Microsoft.Network/azureFirewalls": "firewall-carries-policy",
    "Microsoft.Insights/diagnosticSettings": "firewall-logs",
    "Microsoft.Network/privateEndpoints": "endpoint-approved",
    "Microsoft.Network/privateDnsZones": "dns-zone",
    "Microsoft.Network/dnsResolvers": "dns-link",
    "Microsoft.CognitiveServices/accounts": "account-public-access",
    "Microsoft.MachineLearningServices/workspaces": "account-public-access",
    "Microsoft.Network/bastionHosts": "bastion-present",
    "Microsoft.ApiManagement/service": "apim-network",
    "Microsoft.Network/applicationGateways": "gateway-route",
    "Microsoft.Network/applicationGatewayWebApplicationFirewallPolicies": "gateway-waf",
    "Microsoft.Network/frontDoorWebApplicationFirewallPolicies": "front-door-waf",
    "Microsoft.Cdn/profiles": "front-door-origin",
}
"""Where it is told that resources of a type could not be read; supporting services otherwise."""


def _unread(scene: Scene) -> Iterator[Observation]:
    """What could not be read is never fine."""
    for item in scene.estate.unreadable:
        base = "/".join(item.kind.split("/")[:2])
        code = _CODES.get(base, "support-public-access")
        remedy = f"grant {item.kind}/read and read again" if item.kind else "read it, and look again"
        yield unknown(code, "", f"not readable: {item}", remedy)


def _way_out(scene: Scene, requirements: Sequence[Requirement]) -> Iterator[Observation]:
    """Only where a firewall is meant to be on the way: managed networks have no routes of ours."""
    yield from egress.source_known(scene)
    yield from egress.route_to_firewall(scene)
    yield from egress.around_the_firewall(scene)
    yield from egress.learned_routes(scene)
    yield from egress.service_endpoints(scene)
    yield from egress.peerings(scene)
    yield from egress.security_groups(scene, requirements)


def _distinct(observations: Iterable[Observation]) -> list[Observation]:
    """A route table on five subnets is one finding."""
    found: dict[tuple[str, str, str], Observation] = {}
    for item in observations:
        found.setdefault((item.code, item.resource.lower(), item.says), item)
    return list(found.values())
