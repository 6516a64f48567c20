"""One workload in its network: the parts of an estate that its questions are about, each read once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from allowlist.estate.bodies import Body, Estate
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.estate.unread import CONTAINERS, UNRESOLVED, how_to_read, is_unread
from allowlist.estate.unreadable import Unreadable
from allowlist.network.endpoints import Endpoint, endpoints_of
from allowlist.network.firewalls import Firewall, carriers, firewalls_of
from allowlist.network.name_servers import DnsResolution, answering
from allowlist.network.private_dns import PrivateZone, Resolver, resolvers_of, zones_of
from allowlist.network.read import member, objects, properties, reference, under
from allowlist.network.routes import WayOut, way_out
from allowlist.network.topology import Network, Subnet, Topology
from allowlist.rules.addresses import AddressSet


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a workload's traffic meets. ``named`` are subnets and networks its sources name, ``addresses`` the rest."""

    estate: Estate
    cloud: str
    targets: tuple[str, ...]
    named: tuple[str, ...]
    addresses: AddressSet

    def unread(self, *kinds: str) -> str:
        """Why resources of a type are not all known; empty where nothing was refused."""
        found = (item for item in self.estate.unreadable for kind in kinds if item.is_of(kind))
        return str(next(found, ""))

    @cached_property
    def topology(self) -> Topology:
        return Topology.of(self.estate)

    @cached_property
    def firewalls(self) -> list[Firewall]:
        return firewalls_of(self.estate)

    @cached_property
    def carriers(self) -> list[Firewall]:
        """Firewalls that evaluate the rules of any target."""
        found = [item for target in self.targets for item in carriers(self.estate, target)]
        return list({item.id: item for item in found}.values())

    @cached_property
    def endpoints(self) -> list[Endpoint]:
        return endpoints_of(self.estate, self.cloud)

    @cached_property
    def zones(self) -> list[PrivateZone]:
        return zones_of(self.estate)

    @cached_property
    def resolvers(self) -> list[Resolver]:
        return resolvers_of(self.estate)

    @cached_property
    def sources(self) -> tuple[Subnet, ...]:
        """The subnets in which the workload's traffic starts."""
        chosen: dict[str, Subnet] = {}
        for item in self.named:
            subnet = self.topology.subnet(item) if "/subnets/" in item else None
            if subnet is not None:
                chosen[subnet.id] = subnet
        networks = {normal_id(item) for item in self.named if "/subnets/" not in item}
        for subnet in self.topology.subnets():
            wanted = subnet.network in networks or bool(subnet.addresses & self.addresses)
            if wanted and not self._starts_nothing(subnet):
                chosen.setdefault(subnet.id, subnet)
        return tuple(sorted(chosen.values(), key=lambda item: item.id))

    def _starts_nothing(self, subnet: Subnet) -> bool:
        """Reserved subnets, those of gateways with rows of their own, and those that hold private endpoints alone."""
        return subnet.is_reserved or subnet.id in self._service_subnets or self._is_for_endpoints(subnet)

    def _is_for_endpoints(self, subnet: Subnet) -> bool:
        endpoints = [item for item in self.endpoints if item.subnet == subnet.id]
        if not endpoints or subnet.delegations:
            return False
        interfaces = {
            normal_id(str(item.get("id")))
            for endpoint in endpoints
            for item in objects(properties(endpoint.body), "networkInterfaces")
        }
        others = [item for item in subnet.attached if under(item, "networkInterfaces") not in interfaces]
        return not others or not interfaces

    @cached_property
    def _service_subnets(self) -> frozenset[str]:
        """Subnets of application gateways, API Management and DNS resolvers."""
        found = [
            reference(properties(item), "subnet")
            for body in self.estate.of_type("Microsoft.Network/applicationGateways")
            for item in objects(properties(body), "gatewayIPConfigurations")
        ]
        for body in self.estate.of_type("Microsoft.ApiManagement/service"):
            configuration = member(properties(body), "virtualNetworkConfiguration")
            found.append(normal_id(str(configuration.get("subnetResourceId") or "")))
        resolving = (
            subnet.id
            for subnet in self.topology.subnets()
            if any(item.lower() == "microsoft.network/dnsresolvers" for item in subnet.delegations)
        )
        return frozenset([*found, *resolving])

    @cached_property
    def networks(self) -> tuple[Network, ...]:
        """The workload's own networks."""
        ids = dict.fromkeys(subnet.network for subnet in self.sources)
        return tuple(network for item in ids if (network := self.topology.network(item)) is not None)

    @cached_property
    def reachable(self) -> frozenset[str]:
        """The workload's networks and those they are peered with."""
        return frozenset(item for network in self.networks for item in self.topology.reachable(network.id))

    @cached_property
    def near_endpoints(self) -> list[Endpoint]:
        """Endpoints the workload can reach, in its own networks or in a peered one."""
        return [item for item in self.endpoints if item.network in self.reachable]

    @cached_property
    def ways_out(self) -> dict[str, WayOut]:
        return {
            subnet.id: way_out(self.estate, subnet, self.carriers, self.firewalls) for subnet in self.sources
        }

    def answering(self, network: Network) -> DnsResolution:
        """Who answers the network's DNS questions."""
        return answering(network, self.topology, self.firewalls, self.resolvers)


def scene_of(
    estate: Estate,
    cloud: str,
    targets: Sequence[str],
    named: Iterable[str],
    addresses: AddressSet,
) -> Scene:
    """The scene of a workload: target resource ids, subnets and networks it names, and plain addresses."""
    return Scene(
        estate=_as_far_as_read(estate),
        cloud=cloud,
        targets=tuple(map(normal_id, targets)),
        named=tuple(map(normal_id, named)),
        addresses=addresses,
    )


def _as_far_as_read(estate: Estate) -> Estate:
    """Without the resources that were named and not read, which are told as unreadable: no member of theirs is absent.

    What stands below a policy or a network is left: the rules, which are judged by what translates them.
    """
    named = {
        key: body for key, body in estate.resources.items() if is_unread(body) and not _is_of_rules(body)
    }
    if not named:
        return estate
    kept = {key: body for key, body in estate.resources.items() if key not in named}
    told = (Unreadable(ResourceId(key).type, _not_read(body)) for key, body in named.items())
    return replace(estate, resources=kept, unreadable=(*estate.unreadable, *told))


def _is_of_rules(body: Body) -> bool:
    named = str(body["id"])
    return named.startswith("[") or ResourceId(named).parent.type in CONTAINERS


def _not_read(body: Body) -> str:
    """Why, and with which command it is brought."""
    why = str(properties(body)[UNRESOLVED])[1:-1]
    command = how_to_read(str(body["id"]))
    return f"{body.get('name')}, {why}" + ("" if command in why else f"; {command}")
