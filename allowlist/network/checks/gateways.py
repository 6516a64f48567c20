"""API Management, Application Gateway and Front Door: which subnet rules apply to each, and whether they hold."""

from __future__ import annotations

from collections.abc import Iterator

from allowlist.estate.bodies import Body
from allowlist.estate.resource_id import normal_id
from allowlist.network.nsg import INBOUND, OUTBOUND, SOMEWHERE, End, Question, decide
from allowlist.network.observation import Evidence, Observation, evidence, fault, met, note, unknown
from allowlist.network.read import member, name_of, objects, properties, reference
from allowlist.network.routes import Hop, way_out
from allowlist.network.scene import Scene
from allowlist.network.topology import Subnet

Observations = Iterator[Observation]

API_MANAGEMENT = "Microsoft.ApiManagement/service"
APPLICATION_GATEWAY = "Microsoft.Network/applicationGateways"
FRONT_DOOR = "Microsoft.Cdn/profiles"

_READ = "read it: allowlist snapshot -o DIR"
# virtual-network-reference.md of API Management, 2025-06-17; classic tiers.
_API_MANAGEMENT_NEEDS = (
    (INBOUND, "ApiManagement", 3443),
    (INBOUND, "AzureLoadBalancer", 6390),
    (OUTBOUND, "Storage", 443),
    (OUTBOUND, "Sql", 1433),
    (OUTBOUND, "AzureKeyVault", 443),
    (OUTBOUND, "AzureMonitor", 443),
)

# configuration-infrastructure.md of Application Gateway, 2023-07-05; v2.
_GATEWAY_NEEDS = (
    (INBOUND, "GatewayManager", 65200),
    (INBOUND, "GatewayManager", 65535),
    (INBOUND, "AzureLoadBalancer", 443),
    (OUTBOUND, "Internet", 443),
)


def api_management(scene: Scene) -> Observations:
    for body in scene.estate.of_type(API_MANAGEMENT):
        yield _placement(scene, body)
        configuration = member(properties(body), "virtualNetworkConfiguration")
        subnet = scene.topology.subnet(normal_id(str(configuration.get("subnetResourceId") or "")))
        if subnet is None and configuration.get("subnetResourceId"):
            place = evidence(body, "properties.virtualNetworkConfiguration.subnetResourceId")
            yield _subnet_unread("apim-nsg", body, place)
        elif subnet is not None and not _is_second_generation(body):
            yield _held_back(scene, subnet, "apim-nsg", _API_MANAGEMENT_NEEDS, needs_group=True)
            yield _management_route(scene, body, subnet)


def _is_second_generation(body: Body) -> bool:
    return str(member(body, "sku").get("name", "")).lower().endswith("v2")


def _placement(scene: Scene, body: Body) -> Observation:
    inner, code, resource = properties(body), "apim-network", str(body["id"])
    name = str(body.get("name") or name_of(resource))
    mode = str(inner.get("virtualNetworkType") or "None")
    place = evidence(body, "properties.virtualNetworkType")
    if mode == "Internal":
        return met(code, resource, f"{name} stands in the network, reached from inside only", place)
    remedy = (
        "set virtualNetworkType to Internal, with an application gateway in front where it must be public"
    )
    if mode == "External":
        says = f"{name} stands in the network, but its gateway is reached from the Internet"
        return fault(code, resource, says, remedy, place, severity="warning")
    near = [item for item in scene.near_endpoints if item.target == normal_id(resource)]
    closed = str(inner.get("publicNetworkAccess") or "Enabled").lower() == "disabled"
    if near and closed:
        return met(code, resource, f"{name} is reached through {near[0].name} only", place)
    says = f"{name} stands outside the network and is open to the Internet"
    return fault(code, resource, says, remedy, place, evidence(body, "properties.publicNetworkAccess"))


def _management_route(scene: Scene, body: Body, subnet: Subnet) -> Observation:
    """Forced through a firewall, answers to the management endpoint would leave by another way than they came."""
    way = way_out(scene.estate, subnet, scene.carriers, scene.firewalls)
    name = str(body.get("name") or "")
    resource = str((way.table or {}).get("id") or subnet.id)
    place = evidence(subnet.holder, f"{subnet.path}properties.routeTable.id")
    if way.unknown:
        return unknown("apim-route", resource, way.unknown, _READ, place)
    if way.main.hop in (Hop.DIRECT, Hop.INTERNET):
        says = f"{subnet.name} is not tunnelled; {name} answers directly"
        return met("apim-route", resource, says, place, *way.routes)
    direct = [
        leg for leg in way.legs if leg.tag.lower().startswith("apimanagement") and leg.hop is Hop.INTERNET
    ]
    if direct:
        says = "management traffic keeps its way to the Internet"
        return met("apim-route", resource, says, *direct[0].evidence)
    remedy = "add a route for service tag ApiManagement with next hop Internet"
    says = f"{subnet.name} is tunnelled, and answers to the management endpoint of {name} are lost"
    shown = (*way.main.evidence, *way.routes)
    return fault("apim-route", resource, says, remedy, *shown, severity="warning")


def _held_back(
    scene: Scene,
    subnet: Subnet,
    code: str,
    needs: tuple[tuple[str, str, int], ...],
    *,
    needs_group: bool,
) -> Observation:
    """What a subnet's security group must let through and does not."""
    place = evidence(subnet.holder, f"{subnet.path}properties.networkSecurityGroup.id")
    if not subnet.security_group:
        if needs_group:
            says = (
                f"{subnet.name} has no security group; the platform's load balancer lets nothing in without"
            )
            return fault(code, subnet.id, says, f"attach a security group to {subnet.name}", place)
        return met(code, subnet.id, "no security group holds anything back there", place)
    group = scene.estate.get(subnet.security_group)
    if group is None:
        says = f"security group {name_of(subnet.security_group)} was not read"
        return unknown(code, subnet.security_group, says, _READ, place)
    denied = [_said(item) for item in needs if _denies(group, subnet, *item)]
    shown = evidence(group, "properties.securityRules")
    if denied:
        says = f"{group.get('name')} does not let through: {'; '.join(denied)}"
        return fault(code, str(group["id"]), says, "add rules that allow them", shown)
    return met(code, str(group["id"]), "what the service needs is let through", shown)


def _denies(group: Body, subnet: Subnet, direction: str, tag: str, port: int) -> bool:
    own, other = End(addresses=subnet.addresses), SOMEWHERE if tag == "Internet" else End(tag=tag)
    ask = Question(
        direction=direction,
        source=other if direction == INBOUND else own,
        destination=own if direction == INBOUND else other,
        protocol="tcp",
        port=port,
        local=subnet.addresses,
    )
    found = decide(group, ask)
    return found.allows is False and not any(doubt.allows for doubt in found.doubts)


def _said(item: tuple[str, str, int]) -> str:
    direction, tag, port = item
    return f"{direction.lower()} tcp {port} {'from' if direction == INBOUND else 'to'} {tag}"


def application_gateways(scene: Scene) -> Observations:
    for body in scene.estate.of_type(APPLICATION_GATEWAY):
        yield _firewall_mode(scene, body)
        subnet, frontends = _gateway_subnet(scene, body), evidence(body, _FRONTENDS)
        if subnet is None:
            yield _subnet_unread("gateway-route", body, evidence(body, "properties.gatewayIPConfigurations"))
            continue
        yield _gateway_route(scene, body, subnet)
        if frontends.doubt:
            says = f"whether {body.get('name')} has a public address is not known"
            yield unknown("gateway-nsg", str(body["id"]), says, _READ, frontends)
        elif _has_public_frontend(body):
            yield _held_back(scene, subnet, "gateway-nsg", _GATEWAY_NEEDS, needs_group=False)


_FRONTENDS = "properties.frontendIPConfigurations"


def _subnet_unread(code: str, body: Body, place: Evidence) -> Observation:
    return unknown(code, str(body["id"]), f"the subnet of {body.get('name')} was not read", _READ, place)


def _gateway_subnet(scene: Scene, body: Body) -> Subnet | None:
    for item in objects(properties(body), "gatewayIPConfigurations"):
        found = scene.topology.subnet(reference(properties(item), "subnet"))
        if found is not None:
            return found
    return None


def _has_public_frontend(body: Body) -> bool:
    """Without one it is a private deployment, which needs neither GatewayManager nor the Internet."""
    items = objects(properties(body), "frontendIPConfigurations")
    return any(reference(properties(item), "publicIPAddress") for item in items)


def _gateway_route(scene: Scene, body: Body, subnet: Subnet) -> Observation:
    code = "gateway-route"
    way = way_out(scene.estate, subnet, scene.carriers, scene.firewalls)
    place = evidence(subnet.holder, f"{subnet.path}properties.routeTable.id")
    if way.unknown:
        return unknown(code, subnet.id, way.unknown, _READ, place)
    says = f"{subnet.name} keeps the way that {body.get('name')} needs"
    if way.main.hop in (Hop.DIRECT, Hop.INTERNET):
        return met(code, subnet.id, says, place, *way.routes)
    if not _has_public_frontend(body):
        return met(code, subnet.id, says, place, evidence(body, _FRONTENDS))
    says = f"route {way.main.route} takes the Internet of {subnet.name} to {way.main.next_hop or way.main.hop}; {body.get('name')} does not support that"
    remedy = "send 0.0.0.0/0 of that subnet to the Internet, or use a private deployment"
    return fault(code, subnet.id, says, remedy, *way.main.evidence, *way.routes)


def _firewall_mode(scene: Scene, body: Body) -> Observation:
    inner, code, resource = properties(body), "gateway-waf", str(body["id"])
    tier = str((member(inner, "sku") or member(body, "sku")).get("tier") or "")
    policy = scene.estate.get(reference(inner, "firewallPolicy"))
    name = str(body.get("name") or "")
    if policy is not None:
        settings = member(properties(policy), "policySettings")
        place = evidence(policy, "properties.policySettings")
        return _mode(code, resource, name, settings.get("state"), settings.get("mode"), place)
    configuration = member(inner, "webApplicationFirewallConfiguration")
    if configuration:
        state = "Enabled" if configuration.get("enabled") else "Disabled"
        place = evidence(body, "properties.webApplicationFirewallConfiguration")
        return _mode(code, resource, name, state, configuration.get("firewallMode"), place)
    place = evidence(body, "properties.sku.tier")
    if reference(inner, "firewallPolicy"):
        return unknown(code, resource, f"the firewall policy of {name} was not read", _READ, place)
    says = f"{name} has no web application firewall" + (f" ({tier})" if tier else "")
    return note(code, resource, says, "use the WAF_v2 tier with a policy in prevention mode", place)


def _mode(code: str, resource: str, name: str, state: object, mode: object, place: Evidence) -> Observation:
    if str(state or "Enabled").lower() == "disabled":
        says = f"the web application firewall of {name} is off"
        return fault(code, resource, says, "turn it on", place, severity="warning")
    if str(mode or "").lower() == "detection":
        says = f"the web application firewall of {name} only detects"
        return fault(code, resource, says, "set its mode to Prevention", place, severity="warning")
    return met(code, resource, f"the web application firewall of {name} prevents", place)


def front_doors(scene: Scene) -> Observations:
    for body in scene.estate.of_type(FRONT_DOOR):
        if "frontdoor" not in str(member(body, "sku").get("name", "")).lower():
            continue
        for origin in _origins(scene, body):
            yield _origin(origin)
    for policy in scene.estate.of_type("Microsoft.Network/frontDoorWebApplicationFirewallPolicies"):
        settings = member(properties(policy), "policySettings")
        name, place = str(policy.get("name") or ""), evidence(policy, "properties.policySettings")
        state, mode = settings.get("enabledState"), settings.get("mode")
        yield _mode("front-door-waf", str(policy["id"]), name, state, mode, place)


def _origins(scene: Scene, profile: Body) -> Iterator[Body]:
    for group in scene.estate.children(profile["id"], "originGroups"):
        yield from scene.estate.children(group["id"], "origins")


def _origin(body: Body) -> Observation:
    code, resource = "front-door-origin", str(body["id"])
    link = member(properties(body), "sharedPrivateLinkResource")
    host = str(properties(body).get("hostName") or body.get("name") or "")
    if not link:
        says = f"origin {host} is reached over the public network"
        remedy = "reach it over a private link (Premium), or let only the tag AzureFrontDoor.Backend in"
        return note(code, resource, says, remedy, evidence(body, "properties.sharedPrivateLinkResource"))
    place = evidence(body, "properties.sharedPrivateLinkResource.status")
    status = str(link.get("status") or "Approved")
    if status.lower() == "approved":
        return met(code, resource, f"origin {host} is reached over a private link", place)
    says = f"the private link to origin {host} is {status.lower()}"
    return fault(code, resource, says, "approve the connection on the origin", place)
