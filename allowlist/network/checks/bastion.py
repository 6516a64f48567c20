"""Bastion and the machines behind it."""

from __future__ import annotations

from collections.abc import Iterator

from allowlist.estate.bodies import Body
from allowlist.network.nsg import INBOUND, OUTBOUND, SOMEWHERE, End, Question, decide
from allowlist.network.observation import Observation, evidence, fault, met, note, unknown
from allowlist.network.read import name_of, objects, properties, reference, under
from allowlist.network.scene import Scene
from allowlist.network.topology import Subnet
from allowlist.rules.addresses import EVERYWHERE

Observations = Iterator[Observation]

BASTION = "Microsoft.Network/bastionHosts"
_NETWORK = End(tag="VirtualNetwork")
_ANY = End(addresses=EVERYWHERE)

# Bastion documentation "Working with NSG access" (bastion-nsg.md, 2026-02-24).
_NEEDED = (
    (INBOUND, End(tag="Internet"), _ANY, "tcp", 443),
    (INBOUND, End(tag="GatewayManager"), _ANY, "tcp", 443),
    (INBOUND, End(tag="AzureLoadBalancer"), _ANY, "tcp", 443),
    (INBOUND, _NETWORK, _NETWORK, "tcp", 8080),
    (INBOUND, _NETWORK, _NETWORK, "tcp", 5701),
    (OUTBOUND, _ANY, _NETWORK, "tcp", 22),
    (OUTBOUND, _ANY, _NETWORK, "tcp", 3389),
    (OUTBOUND, _ANY, End(tag="AzureCloud"), "tcp", 443),
    (OUTBOUND, _NETWORK, _NETWORK, "tcp", 8080),
    (OUTBOUND, _NETWORK, _NETWORK, "tcp", 5701),
    (OUTBOUND, _ANY, SOMEWHERE, "tcp", 80),
)


def bastion(scene: Scene) -> Observations:
    hosts = list(scene.estate.of_type(BASTION))
    if not hosts and not scene.unread(BASTION):
        says = "no Bastion host was read; a jumpbox, if there is one, is reached another way"
        yield note("bastion-present", "", says, "put jumpboxes behind Azure Bastion")
    for body in hosts:
        subnet = _subnet(scene, body)
        place = evidence(body, "properties.ipConfigurations[0].properties.subnet.id")
        yield met("bastion-present", str(body["id"]), f"Bastion host {body.get('name')} is there", place)
        if subnet is not None:
            yield _shape(subnet)
            yield from _group(scene, body, subnet)
    yield from _open_ports(scene)


def _subnet(scene: Scene, body: Body) -> Subnet | None:
    for item in objects(properties(body), "ipConfigurations"):
        found = scene.topology.subnet(reference(properties(item), "subnet"))
        if found is not None:
            return found
    return None


def _shape(subnet: Subnet) -> Observation:
    size = sum(high - low + 1 for low, high in subnet.addresses.intervals)
    if subnet.route_table:
        place = evidence(subnet.holder, f"{subnet.path}properties.routeTable.id")
        says = (
            f"{name_of(subnet.route_table)} is on {subnet.name}, which does not support user-defined routes"
        )
        return fault("bastion-subnet", subnet.id, says, f"take the route table off {subnet.name}", place)
    place = evidence(subnet.holder, f"{subnet.path}properties.addressPrefix")
    if 0 < size < 64:
        says = f"{subnet.name} is smaller than /26"
        return fault("bastion-subnet", subnet.id, says, "move Bastion to a subnet of /26 or larger", place)
    return met("bastion-subnet", subnet.id, f"{subnet.name} is large enough and has no route table", place)


def _group(scene: Scene, body: Body, subnet: Subnet) -> Observations:
    code = "bastion-nsg"
    if not subnet.security_group:
        yield met(code, subnet.id, "no security group holds anything back there", evidence(subnet.holder))
        return
    group = scene.estate.get(subnet.security_group)
    if group is None:
        says = f"security group {name_of(subnet.security_group)} was not read"
        yield unknown(code, subnet.security_group, says, "read it: allowlist snapshot -o DIR")
        return
    private = bool(properties(body).get("enablePrivateOnlyBastion"))
    denied = list(_denied(group, subnet, private=private))
    place = evidence(group, "properties.securityRules")
    if denied:
        remedy = "add the rules of the page on network security groups and Bastion"
        yield fault(
            code, str(group["id"]), f"Bastion needs, and does not get: {'; '.join(denied)}", remedy, place
        )
    else:
        yield met(code, str(group["id"]), "all that Bastion needs is let through", place)


def _denied(group: Body, subnet: Subnet, *, private: bool) -> Iterator[str]:
    for direction, source, destination, protocol, port in _NEEDED:
        if private and source.tag == "Internet":
            continue
        ask = Question(
            direction=direction,
            source=End(addresses=subnet.addresses) if source is _ANY else source,
            destination=End(addresses=subnet.addresses) if destination is _ANY else destination,
            protocol=protocol,
            port=port,
            local=subnet.addresses,
        )
        found = decide(group, ask)
        if found.allows is False and not any(doubt.allows for doubt in found.doubts):
            other = source.tag if direction == INBOUND else destination.tag
            yield f"{direction.lower()} {protocol} {port} {'from' if direction == INBOUND else 'to'} {other}"


def _open_ports(scene: Scene) -> Observations:
    """SSH and RDP from the Internet in the workload's own networks."""
    for group_id in sorted(_groups(scene)):
        group = scene.estate.get(group_id)
        if group is None:
            continue
        opened = [port for port in (22, 3389) if _opens(group, port)]
        place = evidence(group, "properties.securityRules")
        if opened:
            says = f"{group.get('name')} lets the Internet in on port {' and '.join(map(str, opened))}"
            remedy = "allow these ports from AzureBastionSubnet only"
            yield fault("management-ports", str(group["id"]), says, remedy, place)
        else:
            yield met("management-ports", str(group["id"]), "SSH and RDP are closed to the Internet", place)


def _groups(scene: Scene) -> set[str]:
    networks = {network.id for network in scene.networks}
    subnets = {
        subnet.security_group
        for subnet in scene.topology.subnets()
        if subnet.network in networks and not subnet.is_reserved
    }
    interfaces = {
        reference(properties(body), "networkSecurityGroup")
        for body in scene.estate.of_type("Microsoft.Network/networkInterfaces")
        for item in objects(properties(body), "ipConfigurations")
        if under(reference(properties(item), "subnet"), "virtualNetworks") in networks
    }
    return (subnets | interfaces) - {""}


def _opens(group: Body, port: int) -> bool:
    """Is some machine behind the group open to the whole Internet on ``port``?"""
    ask = Question(
        direction=INBOUND, source=SOMEWHERE, destination=_NETWORK, protocol="tcp", port=port, local=EVERYWHERE
    )
    found = decide(group, ask)
    return found.allows is True or any(item.allows and item.any_source for item in found.doubts)
