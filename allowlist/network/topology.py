"""Virtual networks with their subnets and peerings: where a source lives, and what its network is connected to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from allowlist.estate.bodies import Body, Estate
from allowlist.estate.known import is_expression
from allowlist.estate.resource_id import normal_id
from allowlist.network.read import (
    member,
    name_of,
    objects,
    prefixes,
    properties,
    reference,
    references,
    texts,
    under,
)
from allowlist.rules.addresses import AddressSet

NETWORK_TYPE = "Microsoft.Network/virtualNetworks"

SERVICE_SUBNETS = frozenset(
    {
        "azurefirewallsubnet",
        "azurefirewallmanagementsubnet",
        "azurebastionsubnet",
        "gatewaysubnet",
        "routeserversubnet",
    }
)
"""Names the platform reserves: no workload traffic starts there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peering:
    """One side of a peering. ``remote`` is the other network's id."""

    name: str
    remote: str
    connected: bool
    state: str
    uses_remote_gateway: bool
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    """One subnet. ``body`` is its raw JSON, ``holder`` the resource it stands in, ``path`` the place there."""

    id: str
    name: str
    network: str
    addresses: AddressSet
    route_table: str
    security_group: str
    nat_gateway: str
    default_outbound: bool | None
    service_endpoints: tuple[str, ...]
    delegations: tuple[str, ...]
    attached: tuple[str, ...]
    body: Body
    holder: Body
    path: str

    @property
    def is_reserved(self) -> bool:
        return self.name.lower() in SERVICE_SUBNETS


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """One virtual network. ``is_whole`` is false where only its subnets were read."""

    id: str
    name: str
    space: AddressSet
    dns_servers: tuple[str, ...]
    subnets: tuple[Subnet, ...]
    peerings: tuple[Peering, ...]
    body: Body
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Topology:
    """All virtual networks of an estate, by id."""

    networks: dict[str, Network]

    @classmethod
    def of(cls, estate: Estate) -> Topology:
        found = [_network(estate, body) for body in estate.of_type(NETWORK_TYPE)]
        return cls({network.id: network for network in (*_of_lone_subnets(estate), *found)})

    def network(self, network_id: str) -> Network | None:
        return self.networks.get(normal_id(network_id))

    def subnet(self, subnet_id: str) -> Subnet | None:
        network = self.network(under(subnet_id, "virtualNetworks"))
        wanted = normal_id(subnet_id)
        return next((item for item in network.subnets if item.id == wanted), None) if network else None

    def subnets(self) -> Iterator[Subnet]:
        for network in self.networks.values():
            yield from network.subnets

    def at(self, address: int) -> list[Subnet]:
        """The subnets an address may lie in: more than one where networks use the same space."""
        return [subnet for subnet in self.subnets() if address in subnet.addresses]

    def holding(self, text: str) -> list[Network]:
        """The networks whose space holds an address given as text."""
        wanted = prefixes([text])
        return [network for network in self.networks.values() if wanted and wanted.is_subset(network.space)]

    def reachable(self, network_id: str) -> set[str]:
        """The network and those it is peered with, connected; peering is not transitive."""
        start = normal_id(network_id)
        network = self.network(start)
        near = {item.remote for item in network.peerings if item.connected} if network else set()
        return {start, *near}


def _network(estate: Estate, body: Body) -> Network:
    inner = properties(body)
    inline = [(f"properties.subnets[{index}]", item) for index, item in enumerate(objects(inner, "subnets"))]
    separate = list(estate.children(body["id"], "subnets"))
    known = {str(item.get("name", "")).lower() for _, item in inline}
    subnets = [_subnet(body["id"], item, body, path) for path, item in inline]
    subnets += [_subnet(body["id"], item, item, "") for item in separate if _name(item).lower() not in known]
    return Network(
        id=normal_id(body["id"]),
        name=_name(body),
        space=prefixes(texts(member(inner, "addressSpace"), "addressPrefixes")),
        dns_servers=tuple(texts(member(inner, "dhcpOptions"), "dnsServers")),
        subnets=tuple(subnets),
        peerings=tuple(_peerings(estate, body)),
        body=body,
    )


def _of_lone_subnets(estate: Estate) -> Iterator[Network]:
    """Subnets that were read without their network: of that, nothing but its name is known."""
    parents = {
        under(body["id"], "virtualNetworks"): body for body in estate.of_type(f"{NETWORK_TYPE}/subnets")
    }
    for parent in parents:
        if parent and estate.get(parent) is None:
            stub = _network(estate, {"id": parent, "name": name_of(parent), "properties": {}})
            yield replace(stub, is_whole=False)


def _name(body: Body) -> str:
    return str(body.get("name") or name_of(str(body.get("id", ""))))


def _subnet(network_id: str, body: Body, holder: Body, path: str) -> Subnet:
    inner = properties(body)
    stated = body.get("id")
    own_id = str(stated) if stated and not is_expression(stated) else f"{network_id}/subnets/{_name(body)}"
    single = [inner["addressPrefix"]] if inner.get("addressPrefix") else []
    outbound: Any = inner.get("defaultOutboundAccess")
    return Subnet(
        id=normal_id(own_id),
        name=_name(body),
        network=normal_id(network_id),
        addresses=prefixes([*single, *(texts(inner, "addressPrefixes"))]),
        route_table=reference(inner, "routeTable"),
        security_group=reference(inner, "networkSecurityGroup"),
        nat_gateway=reference(inner, "natGateway"),
        default_outbound=outbound if isinstance(outbound, bool) else None,
        service_endpoints=tuple(_services(objects(inner, "serviceEndpoints"))),
        delegations=tuple(_delegated(objects(inner, "delegations"))),
        attached=references(inner, "ipConfigurations"),
        body=body,
        holder=holder,
        path=f"{path}." if path else "",
    )


def _services(items: Iterable[Body] | None) -> Iterator[str]:
    for item in items or ():
        if item.get("service"):
            yield str(item["service"])


def _delegated(items: Iterable[Body] | None) -> Iterator[str]:
    for item in items or ():
        service = properties(item).get("serviceName") or item.get("serviceName")
        if service:
            yield str(service)


def _peerings(estate: Estate, body: Body) -> Iterator[Peering]:
    inner = properties(body)
    inline = list(enumerate(objects(inner, "virtualNetworkPeerings")))
    for index, item in inline:
        yield _peering(item, f"properties.virtualNetworkPeerings[{index}]")
    known = {_name(item).lower() for _, item in inline}
    for item in estate.children(body["id"], "virtualNetworkPeerings"):
        if _name(item).lower() not in known:
            yield _peering(item, "")


def _peering(item: Body, path: str) -> Peering:
    inner = properties(item)
    state = str(inner.get("peeringState") or "Connected")
    return Peering(
        name=_name(item),
        remote=reference(inner, "remoteVirtualNetwork"),
        connected=state.lower() == "connected" and inner.get("allowVirtualNetworkAccess") is not False,
        state=state
        if inner.get("allowVirtualNetworkAccess") is not False
        else f"{state}, access not allowed",
        uses_remote_gateway=bool(inner.get("useRemoteGateways")),
        path=path,
    )
