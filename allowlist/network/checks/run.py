"""All checks over one scene, each thing said once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from allowlist.estate.known import shown
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
from allowlist.network.observation import Observation, State, evidence, unknown
from allowlist.network.read import name_of
from allowlist.network.scene import Scene
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Requirement


def observe(
    scene: Scene, requirements: Sequence[Requirement], rulesets: dict[str, Ruleset]
) -> list[Observation]:
    """Everything there is to say about a workload's network; ``rulesets`` by target resource id."""
    return _distinct(_as_read(scene, item) for item in _all(scene, requirements, rulesets))


_FIREWALL = ("Microsoft.Network/azureFirewalls", "properties.ipConfigurations")
_RESTS_ON = {
    "dns-link": (("Microsoft.Network/privateDnsZones/virtualNetworkLinks", "properties"),),
    "dns-record": (("Microsoft.Network/networkInterfaces", "properties.ipConfigurations"),),
    "dns-network-rules": (_FIREWALL,),
    "dns-proxy": (("Microsoft.Network/azureFirewalls", "properties.firewallPolicy"),),
    "apim-network": (("Microsoft.Network/privateEndpoints", "properties"),),
    "route-to-firewall": (_FIREWALL, ("Microsoft.Network/routeTables", "properties.routes")),
}
"""What a finding rests on besides the place it shows: any of these resources might be the one that was looked for."""


def _as_read(scene: Scene, item: Observation) -> Observation:
    """Unknown where it rests on an expression that was not worked out."""
    if item.state is State.UNKNOWN:
        return item
    shows = list(item.evidence)
    if item.state is State.NOT_MET:
        for kind, path in _RESTS_ON.get(item.code, ()):
            shows += [evidence(body, path) for body in scene.estate.of_type(kind)]
    doubt = next((place for place in shows if place.doubt), None)
    if doubt is None and "[" not in item.says:
        return item
    says = f"rests on what cannot be worked out: {item.says}"
    if doubt is not None:
        where = f"{name_of(doubt.resource)} {doubt.path.removeprefix('$.')}"
        says = f"rests on an expression in {where}, which cannot be worked out: {shown(doubt.doubt)}"
    remedy = "give the value it needs, or read what is deployed"
    return unknown(item.code, item.resource, says, remedy, *item.evidence)


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
    "microsoft.network/virtualnetworks": "source-known",
    "microsoft.network/routetables": "route-to-firewall",
    "microsoft.network/virtualhubs": "route-to-firewall",
    "microsoft.network/networksecuritygroups": "nsg-lets-through",
    "microsoft.network/networkinterfaces": "public-address",
    "microsoft.network/publicipaddresses": "public-address",
    "microsoft.network/azurefirewalls": "firewall-carries-policy",
    "microsoft.insights/diagnosticsettings": "firewall-logs",
    "microsoft.network/privateendpoints": "endpoint-approved",
    "microsoft.network/privatednszones": "dns-zone",
    "microsoft.network/dnsresolvers": "dns-link",
    "microsoft.cognitiveservices/accounts": "account-public-access",
    "microsoft.machinelearningservices/workspaces": "account-public-access",
    "microsoft.network/bastionhosts": "bastion-present",
    "microsoft.apimanagement/service": "apim-network",
    "microsoft.network/applicationgateways": "gateway-route",
    "microsoft.network/applicationgatewaywebapplicationfirewallpolicies": "gateway-waf",
    "microsoft.network/frontdoorwebapplicationfirewallpolicies": "front-door-waf",
    "microsoft.cdn/profiles": "front-door-origin",
}
"""Where it is told that resources of a type could not be read; supporting services otherwise."""


def _unread(scene: Scene) -> Iterator[Observation]:
    """What could not be read is never fine."""
    for item in scene.estate.unreadable:
        base = "/".join(item.kind.split("/")[:2]).lower()
        code = _CODES.get(base, "support-public-access")
        listed = item.kind and str(item).startswith(item.kind)
        remedy = f"grant {item.kind}/read and read again" if listed else "read it, and look again"
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
