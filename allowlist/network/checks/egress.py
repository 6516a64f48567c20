"""Egress routes: routes, NAT gateways, public addresses, peerings, and security groups on the way to the firewall."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from allowlist.estate.bodies import Body
from allowlist.estate.resource_id import normal_id
from allowlist.network.nsg import OUTBOUND, SOMEWHERE, Decision, End, Question, decide
from allowlist.network.observation import Evidence, Observation, evidence, fault, met, note, unknown
from allowlist.network.read import name_of, objects, properties, reference, under
from allowlist.network.routes import KMS_ADDRESSES, Hop, Leg, WayOut, has_gateway
from allowlist.network.scene import Scene
from allowlist.network.topology import Network, Subnet
from allowlist.rules.addresses import AddressSet
from allowlist.rules.requirement import Requirement

Observations = Iterator[Observation]


def source_known(scene: Scene) -> Observations:
    """Without the subnets nothing can be said about the egress route."""
    lost = [
        item
        for item in scene.named
        if (scene.topology.subnet(item) if "/subnets/" in item else scene.topology.network(item)) is None
    ]
    for item in lost:
        yield unknown("source-known", item, "it is named as a source, but was not read", _READ)
    if not scene.sources and not lost:
        says = "no subnet of the estate holds the workload's source addresses"
        yield unknown("source-known", "", says, "name subnets or virtual networks under 'sources:'")
    for subnet in scene.sources:
        says = f"traffic of the workload starts in {subnet.name} ({subnet.addresses})"
        yield met("source-known", subnet.id, says, evidence(subnet.holder, f"{subnet.path}id"))


_READ = "read it: allowlist snapshot -o DIR, with the right to read it"


def route_to_firewall(scene: Scene) -> Observations:
    for way in scene.ways_out.values():
        yield _main_leg(scene, way)
        yield from _specific_legs(way)


def _main_leg(scene: Scene, way: WayOut) -> Observation:
    code, subnet, leg = "route-to-firewall", way.subnet, way.main
    if way.unknown:
        return unknown(code, subnet.id, way.unknown, _READ, *leg.evidence)
    if not scene.carriers:
        says = "no firewall that carries the workload's rules was read, so no route can be held against it"
        return unknown(code, subnet.id, says, _READ, *leg.evidence)
    remedy = f"route 0.0.0.0/0 of {subnet.name} to {_addresses(scene)}"
    if leg.hop is Hop.FIREWALL and leg.firewall is not None:
        return met(code, subnet.id, f"the Internet goes to {leg.firewall.name} ({leg.route})", *leg.evidence)
    return fault(code, subnet.id, _astray(way, leg), remedy, *leg.evidence)


def _addresses(scene: Scene) -> str:
    return " or ".join(
        f"{item.name} ({', '.join(item.private_addresses) or 'no private address'})"
        for item in scene.carriers
    )


def _astray(way: WayOut, leg: Leg) -> str:
    """Where the Internet goes instead."""
    match leg.hop:
        case Hop.DIRECT if way.subnet.nat_gateway:
            return (
                f"no route leads to the firewall; {name_of(way.subnet.nat_gateway)} carries it out directly"
            )
        case Hop.DIRECT if way.subnet.default_outbound is False:
            return "no route leads to the firewall, and default outbound access is off: nothing gets out"
        case Hop.DIRECT:
            return "no route leads to the firewall; traffic leaves directly"
        case Hop.OTHER_FIREWALL:
            name = leg.firewall.name if leg.firewall else leg.next_hop
            return f"route {leg.route} leads to {name}, which does not carry these rules"
        case Hop.APPLIANCE:
            return f"route {leg.route} leads to {leg.next_hop}, which is no firewall that carries these rules"
        case _:
            return f"route {leg.route} leads to: {leg.hop}"


def _specific_legs(way: WayOut) -> Observations:
    code, table = "route-bypass", way.table
    around = [leg for leg in way.others if leg.hop not in (Hop.FIREWALL, Hop.DROPPED, Hop.LOCAL)]
    for leg in around:
        what = f"service tag {leg.tag}" if leg.tag else str(leg.addresses)
        resource = str((table or {}).get("id") or way.subnet.id)
        says = f"route {leg.route} sends {what} to {leg.next_hop or leg.hop}, around the firewall"
        if leg.addresses and leg.addresses.is_subset(KMS_ADDRESSES):
            yield note(
                code, resource, f"{says}: Windows activation", "keep it, it is documented", *leg.evidence
            )
        else:
            yield fault(code, resource, says, f"remove the route {leg.route}", *leg.evidence)
    if not around and table is not None:
        says = "no other route takes a part of the Internet elsewhere"
        yield met(code, str(table["id"]), says, evidence(table, "properties.routes"))


def around_the_firewall(scene: Scene) -> Observations:
    """NAT gateways and default outbound access: harmless while a route wins over them, an alternative egress path if the route is removed."""
    for way in scene.ways_out.values():
        subnet, routed = way.subnet, way.main.hop is Hop.FIREWALL
        place = evidence(subnet.holder, f"{subnet.path}properties.natGateway.id")
        if subnet.nat_gateway:
            says = f"{name_of(subnet.nat_gateway)} stands on {subnet.name}" + (
                ": whatever a route sends to the Internet leaves through it, and everything if the route is lost"
                if routed
                else ", and nothing sends the traffic to the firewall first"
            )
            remedy = f"take the NAT gateway off {subnet.name}"
            severity = "warning" if routed else "error"
            yield fault("nat-gateway", subnet.id, says, remedy, place, severity=severity)
        else:
            yield met("nat-gateway", subnet.id, f"{subnet.name} has no NAT gateway", place)
        yield _default_outbound(subnet)


def _default_outbound(subnet: Subnet) -> Observation:
    place = evidence(subnet.holder, f"{subnet.path}properties.defaultOutboundAccess")
    code, remedy = "default-outbound", f"set defaultOutboundAccess of {subnet.name} to false"
    if subnet.default_outbound is False:
        return met(code, subnet.id, f"{subnet.name} is a private subnet", place)
    if subnet.default_outbound:
        says = f"{subnet.name} asks for default outbound access: it gets out directly when the route is lost"
        return fault(code, subnet.id, says, remedy, place, severity="warning")
    return note(code, subnet.id, f"{subnet.name} does not say that it is private", remedy, place)


def learned_routes(scene: Scene) -> Observations:
    for way in scene.ways_out.values():
        if way.table is None:
            continue
        table, code = way.table, "bgp-propagation"
        place = evidence(table, "properties.disableBgpRoutePropagation")
        if not way.learns:
            yield met(code, str(table["id"]), "learned routes are kept out", place)
        elif way.main.route == "virtual hub":
            yield met(
                code, str(table["id"]), "the way to the hub's firewall is learned, as it must be", place
            )
        else:
            yield _learns(scene, way, table)


def _learns(scene: Scene, way: WayOut, table: Body) -> Observation:
    place = evidence(table, "properties.disableBgpRoutePropagation")
    remedy = "set disableBgpRoutePropagation to true"
    gateway = has_gateway(scene.estate, scene.topology, way.subnet.network)
    if gateway is None:
        says = "learned routes would get in, but no gateway is connected"
        network = scene.topology.network(way.subnet.network)
        shown = [evidence(network.body, _PEERINGS)] if network else []
        return note("bgp-propagation", str(table["id"]), says, remedy, place, *shown)
    says = "a gateway is connected, and the more specific routes it learns win over the one to the firewall"
    return fault("bgp-propagation", str(table["id"]), says, remedy, place, gateway, severity="warning")


def public_addresses(scene: Scene) -> Observations:
    """Interfaces with a public address: in a source subnet, or on a machine that Bastion should be the way to."""
    sources = {subnet.id for subnet in scene.sources}
    networks = {network.id for network in scene.networks}
    seen = False
    for body, place, subnet, address in _public_interfaces(scene):
        if subnet not in sources and under(subnet, "virtualNetworks") not in networks:
            continue
        seen = True
        name = str(body.get("name") or name_of(str(body["id"])))
        code = "public-address" if subnet in sources else "jumpbox-public-address"
        says = f"{name} in {name_of(subnet)} has the public address {name_of(address)}"
        yield fault(code, str(body["id"]), says, f"take the public address off {name}", place)
    for item in _unread_interfaces(scene, sources, networks):
        seen = True
        yield item
    unread = scene.unread("Microsoft.Network/networkInterfaces", "Microsoft.Network/publicIPAddresses")
    if not seen and not unread:
        for source in scene.sources:
            says = f"no interface in {source.name} with a public address was read"
            yield met("public-address", source.id, says, evidence(source.holder, f"{source.path}id"))


def _unread_interfaces(scene: Scene, sources: set[str], networks: set[str]) -> Observations:
    """Interfaces of which it is not known whether they have a public address, by each place they may stand in."""
    for body in scene.estate.of_type("Microsoft.Network/networkInterfaces"):
        place = evidence(body, "properties.ipConfigurations")
        if not place.doubt:
            continue
        found = [
            reference(properties(item), "subnet") for item in objects(properties(body), "ipConfigurations")
        ]
        settled = bool(found) and all("/subnets/" in item for item in found)
        near = [item for item in found if under(item, "virtualNetworks") in networks]
        codes = {"public-address" if item in sources else "jumpbox-public-address" for item in near}
        says = f"whether {body.get('name')} has a public address is not known"
        for code in sorted(codes if settled else {"public-address", "jumpbox-public-address"}):
            yield unknown(code, str(body["id"]), says, _READ, place)


def _public_interfaces(scene: Scene) -> Iterator[tuple[Body, Evidence, str, str]]:
    """Interfaces as they say it, then public addresses that say so of an interface nobody read."""
    shown: set[str] = set()
    for body in scene.estate.of_type("Microsoft.Network/networkInterfaces"):
        for index, item in enumerate(objects(properties(body), "ipConfigurations")):
            address = reference(properties(item), "publicIPAddress")
            subnet = reference(properties(item), "subnet")
            if address and subnet:
                shown.add(address)
                path = f"properties.ipConfigurations[{index}].properties.publicIPAddress.id"
                yield body, evidence(body, path), subnet, address
    attached = {item: subnet.id for subnet in scene.topology.subnets() for item in subnet.attached}
    for body in scene.estate.of_type("Microsoft.Network/publicIPAddresses"):
        configuration = reference(properties(body), "ipConfiguration")
        is_interface = "/networkinterfaces/" in configuration and configuration in attached
        if is_interface and normal_id(body["id"]) not in shown:
            place = evidence(body, "properties.ipConfiguration.id")
            yield body, place, attached[configuration], normal_id(body["id"])


def service_endpoints(scene: Scene) -> Observations:
    """Service endpoint routes are more specific than a default route (user-defined routes overview)."""
    for subnet in scene.sources:
        place = evidence(subnet.holder, f"{subnet.path}properties.serviceEndpoints")
        if subnet.service_endpoints:
            names = ", ".join(subnet.service_endpoints)
            says = f"{subnet.name} reaches any account of {names} directly, around the firewall"
            remedy = "use private endpoints, or enable the service endpoints on AzureFirewallSubnet instead"
            yield fault("service-endpoint", subnet.id, says, remedy, place, severity="warning")
        else:
            yield met("service-endpoint", subnet.id, f"{subnet.name} has no service endpoint", place)


def peerings(scene: Scene) -> Observations:
    """A route to a firewall in another network needs a connected peering with it."""
    for network in scene.networks:
        homes = {item.network for item in scene.carriers if item.network}
        if not homes or network.id in homes:
            continue
        if not network.is_whole:
            yield unknown("peering", network.id, "it was not read, and so its peerings were not", _READ)
            continue
        yield from _peering(scene, network, homes)


def _peering(scene: Scene, network: Network, homes: set[str]) -> Observations:
    used = {
        leg.firewall.network
        for way in scene.ways_out.values()
        if way.subnet.network == network.id
        for leg in way.legs
        if leg.firewall is not None and leg.firewall.network
    }
    for home in sorted(used or homes):
        if home == network.id:
            continue
        yield from _peering_with(scene, network, home)


def _peering_with(scene: Scene, network: Network, home: str) -> Observations:
    found = next((item for item in network.peerings if item.remote == home), None)
    remedy = f"peer {network.name} with {name_of(home)}, both ways"
    if found is None:
        hubs = [item for item in scene.carriers if item.hub]
        if not hubs:
            says = f"{network.name} is not peered with {name_of(home)}, where the firewall stands"
            yield fault("peering", network.id, says, remedy, evidence(network.body, _PEERINGS))
        return
    place = evidence(network.body, f"{found.path}.properties.peeringState" if found.path else _PEERINGS)
    back = scene.topology.network(home)
    answer = next((item for item in back.peerings if item.remote == network.id), None) if back else None
    if not found.connected:
        says = f"peering {found.name} with {name_of(home)} is {found.state}"
        yield fault("peering", network.id, says, remedy, place)
    elif answer is not None and not answer.connected:
        says = f"the return path, peering {answer.name} of {name_of(home)}, is {answer.state}"
        yield fault("peering", network.id, says, remedy, place)
    else:
        yield met("peering", network.id, f"{network.name} is connected to {name_of(home)}", place)


_PEERINGS = "properties.virtualNetworkPeerings"


def security_groups(scene: Scene, requirements: Sequence[Requirement]) -> Observations:
    """Do the groups let what the workload needs out? One answer per group."""
    flows = _flows(requirements)
    for subnet in scene.sources:
        place = evidence(subnet.holder, f"{subnet.path}properties.networkSecurityGroup.id")
        if not subnet.security_group:
            says = f"{subnet.name} has no security group: nothing is held back there"
            yield note("nsg-attached", subnet.id, says, f"attach a security group to {subnet.name}", place)
            continue
        yield met("nsg-attached", subnet.id, f"{name_of(subnet.security_group)} is attached", place)
        group = scene.estate.get(subnet.security_group)
        if group is None:
            says = f"security group {name_of(subnet.security_group)} was not read"
            yield unknown("nsg-lets-through", subnet.security_group, says, _READ, place)
        elif flows:
            network = scene.topology.network(subnet.network)
            yield _group(group, subnet, network.space if network else subnet.addresses, flows)


def _flows(requirements: Sequence[Requirement]) -> list[tuple[str, int, End]]:
    """The distinct (protocol, port, destination) that security groups can tell apart."""
    found: dict[tuple[str, int, str], End] = {}
    for item in requirements:
        protocol = "tcp" if item.is_by_name else item.protocol
        end = End(tag=item.service_tag) if item.service_tag else SOMEWHERE
        found[(protocol, item.ports[0], end.tag)] = end
    return [(protocol, port, end) for (protocol, port, _), end in sorted(found.items(), key=lambda x: x[0])]


def _group(
    group: Body, subnet: Subnet, local: AddressSet, flows: Sequence[tuple[str, int, End]]
) -> Observation:
    denied: dict[str, Decision] = {}
    doubtful: dict[str, Decision] = {}
    for protocol, port, end in flows:
        question = Question(
            direction=OUTBOUND,
            source=End(addresses=subnet.addresses),
            destination=end,
            protocol=protocol,
            port=port,
            local=local,
        )
        found = decide(group, question)
        text = f"{protocol} {port}" + (f" to {end.tag}" if end.tag != "Internet" else "")
        if found.allows is None:
            doubtful[text] = found
        elif not found.allows:
            denied[text] = found
    return _told(group, denied, doubtful)


def _told(group: Body, denied: dict[str, Decision], doubtful: dict[str, Decision]) -> Observation:
    code, resource, name = "nsg-lets-through", str(group["id"]), str(group.get("name") or "")
    if denied:
        rules = ", ".join(dict.fromkeys(item.rule for item in denied.values()))
        says = f"rule {rules} of {name} denies {', '.join(denied)} before the firewall sees it"
        shown = tuple(dict.fromkeys(place for item in denied.values() for place in item.evidence))
        return fault(code, resource, says, f"let it through to the firewall before rule {rules}", *shown)
    if doubtful:
        rules = ", ".join(dict.fromkeys(x.rule for item in doubtful.values() for x in item.doubts))
        says = f"{', '.join(doubtful)} depends on rule {rules}, whose tags or groups the ARM API does not resolve"
        shown = tuple(dict.fromkeys(place for item in doubtful.values() for place in item.evidence))
        return unknown(
            code, resource, says, "let the ports out as a whole: the firewall decides by name", *shown
        )
    says = "everything the workload needs gets to the firewall"
    return met(code, resource, says, evidence(group, "properties.securityRules"))
