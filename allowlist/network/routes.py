"""The egress route of a subnet: which part of the Internet goes to which next hop, exactly.

Longest prefix first; for one prefix a user-defined route wins over a learned one, and that over the system's
(Azure documentation "virtual network traffic routing").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from allowlist.estate.bodies import Body, Estate
from allowlist.network.firewalls import Firewall
from allowlist.network.hubs import hub_default
from allowlist.network.observation import Evidence, evidence
from allowlist.network.read import objects, prefixes, properties
from allowlist.network.topology import Subnet, Topology
from allowlist.rules.addresses import INTERNET, NOWHERE, AddressSet

KMS_ADDRESSES = prefixes(["20.118.99.224/32", "40.83.235.53/32", "23.102.135.246/32"])
"""Windows activation under forced tunnelling (Azure documentation "custom routes to enable KMS activation")."""


class Hop(StrEnum):
    """Where a leg leads. ``direct`` is the system's own route to the Internet."""

    FIREWALL = "firewall"
    OTHER_FIREWALL = "another firewall"
    APPLIANCE = "virtual appliance"
    INTERNET = "Internet"
    GATEWAY = "virtual network gateway"
    DROPPED = "dropped"
    DIRECT = "direct"
    LOCAL = "virtual network"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One part of the Internet with its next hop. ``tag`` is set instead of ``addresses`` for service tag routes."""

    hop: Hop
    addresses: AddressSet = NOWHERE
    tag: str = ""
    route: str = ""
    next_hop: str = ""
    firewall: Firewall | None = None
    evidence: tuple[Evidence, ...] = ()

    @property
    def size(self) -> int:
        return sum(high - low + 1 for low, high in self.addresses.intervals)


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """Every leg of a subnet; ``main`` takes the largest part. ``learns`` says whether gateways' routes get in."""

    subnet: Subnet
    legs: tuple[Leg, ...]
    table: Body | None
    learns: bool
    unknown: str = ""

    @property
    def main(self) -> Leg:
        return max(self.legs, key=lambda leg: leg.size)

    @property
    def routes(self) -> tuple[Evidence, ...]:
        """The list in which a route would stand, for what rests on there being none."""
        return (evidence(self.table, "properties.routes"),) if self.table else ()

    @property
    def others(self) -> tuple[Leg, ...]:
        return tuple(leg for leg in self.legs if leg is not self.main)

    def leg_to(self, address: int) -> Leg:
        """The leg an address takes; the main one where none claims it."""
        return next((leg for leg in self.legs if address in leg.addresses), self.main)


def way_out(
    estate: Estate,
    subnet: Subnet,
    carriers: Sequence[Firewall],
    firewalls: Sequence[Firewall],
) -> WayOut:
    """Work out where a subnet's traffic to the Internet goes; ``carriers`` hold the rules in question."""
    table = estate.get(subnet.route_table) if subnet.route_table else None
    learns = not properties(table).get("disableBgpRoutePropagation")
    legs: list[Leg] = []
    left = INTERNET
    for index, route in _by_length(table):
        leg = _leg(table or {}, index, route, carriers, firewalls)
        claimed = leg.addresses & left
        if leg.tag or claimed:
            legs.append(_with(leg, claimed))
            left = left - claimed
    if left:
        legs.append(_without_route(estate, subnet, left, learns, carriers, firewalls))
    unknown = ""
    if subnet.route_table and table is None:
        unknown = f"route table {subnet.route_table.rpartition('/')[2]} was not read"
    return WayOut(subnet=subnet, legs=tuple(legs), table=table, learns=learns, unknown=unknown)


def _by_length(table: Body | None) -> list[tuple[int, Body]]:
    routes = list(enumerate(objects(properties(table), "routes")))
    return sorted(routes, key=lambda item: -_length(str(properties(item[1]).get("addressPrefix") or "")))


def _length(prefix: str) -> int:
    _, slash, bits = prefix.partition("/")
    return int(bits) if slash and bits.isdigit() else 33


def _leg(
    table: Body, index: int, route: Body, carriers: Sequence[Firewall], firewalls: Sequence[Firewall]
) -> Leg:
    inner = properties(route)
    prefix = str(inner.get("addressPrefix") or "")
    addresses = prefixes([prefix])
    address = str(inner.get("nextHopIpAddress") or "")
    hop, firewall = _hop(str(inner.get("nextHopType") or ""), address, carriers, firewalls)
    return Leg(
        hop=hop,
        addresses=addresses,
        tag="" if addresses or ":" in prefix else prefix,
        route=str(route.get("name") or prefix),
        next_hop=address,
        firewall=firewall,
        evidence=(evidence(table, f"properties.routes[{index}].properties"),),
    )


_HOPS = {
    "internet": Hop.INTERNET,
    "virtualnetworkgateway": Hop.GATEWAY,
    "none": Hop.DROPPED,
    "vnetlocal": Hop.LOCAL,
}


def _hop(
    kind: str, address: str, carriers: Sequence[Firewall], firewalls: Sequence[Firewall]
) -> tuple[Hop, Firewall | None]:
    if kind.lower() != "virtualappliance":
        return _HOPS.get(kind.lower(), Hop.DIRECT), None
    for known, hop in ((carriers, Hop.FIREWALL), (firewalls, Hop.OTHER_FIREWALL)):
        for firewall in known:
            if address in firewall.private_addresses:
                return hop, firewall
    return Hop.APPLIANCE, None


def _with(leg: Leg, addresses: AddressSet) -> Leg:
    return Leg(
        hop=leg.hop,
        addresses=addresses,
        tag=leg.tag,
        route=leg.route,
        next_hop=leg.next_hop,
        firewall=leg.firewall,
        evidence=leg.evidence,
    )


def _without_route(
    estate: Estate,
    subnet: Subnet,
    left: AddressSet,
    learns: bool,
    carriers: Sequence[Firewall],
    firewalls: Sequence[Firewall],
) -> Leg:
    """What no user-defined route claims: a connected hub's default route if it gets in, else the system's own."""
    shown = (evidence(subnet.holder, f"{subnet.path}properties.routeTable"),)
    hub = hub_default(estate, subnet.network)
    if hub is None or not hub.next_hop or not hub.accepted or not learns:
        return Leg(hop=Hop.DIRECT, addresses=left, evidence=(*shown, *(hub.evidence if hub else ())))
    for known, hop in ((carriers, Hop.FIREWALL), (firewalls, Hop.OTHER_FIREWALL)):
        for firewall in known:
            if firewall.id == hub.next_hop:
                return Leg(
                    hop=hop,
                    addresses=left,
                    route="virtual hub",
                    next_hop=hub.next_hop,
                    firewall=firewall,
                    evidence=hub.evidence,
                )
    return Leg(
        hop=Hop.APPLIANCE,
        addresses=left,
        route="virtual hub",
        next_hop=hub.next_hop,
        evidence=hub.evidence,
    )


def has_gateway(estate: Estate, topology: Topology, network_id: str) -> Evidence | None:
    """The gateway whose learned routes reach a network: its own, or that of a peer it uses; None if none is seen."""
    network = topology.network(network_id)
    if network is None:
        return None
    for subnet in network.subnets:
        if subnet.name.lower() == "gatewaysubnet":
            return evidence(subnet.holder, f"{subnet.path}name")
    for peering in network.peerings:
        if peering.uses_remote_gateway:
            return evidence(network.body, f"{peering.path}.properties.useRemoteGateways")
    return None
