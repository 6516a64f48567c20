"""Who answers a network's DNS questions in the end: Azure DNS seen from which network, or a server nobody can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from allowlist.network.firewalls import Firewall
from allowlist.network.observation import Evidence, evidence
from allowlist.network.private_dns import Resolver
from allowlist.network.topology import Network, Topology

AZURE_DNS = "168.63.129.16"
"""Azure DNS inside every network (Azure documentation "what is IP address 168.63.129.16")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsResolution:
    """``network`` is the one whose zone links count; empty where a server's answers cannot be known.

    ``through_proxy`` is the firewall that is asked on the way; ``broken`` says why nothing answers at all.
    """

    network: str
    says: str
    through_proxy: Firewall | None = None
    broken: str = ""
    unreadable: str = ""
    evidence: tuple[Evidence, ...] = ()


def answering(
    network: Network, topology: Topology, firewalls: Sequence[Firewall], resolvers: Sequence[Resolver]
) -> DnsResolution:
    """Follow a network's DNS servers to the network whose private zones decide."""
    shown = evidence(network.body, "properties.dhcpOptions.dnsServers")
    if not network.is_whole:
        because = f"virtual network {network.name} was not read, and so its DNS servers were not"
        return DnsResolution(network="", says=because, unreadable=because)
    servers = [item for item in network.dns_servers if item]
    if not servers or servers[0] == AZURE_DNS:
        return DnsResolution(network=network.id, says="Azure DNS from its own network", evidence=(shown,))
    server = servers[0]
    firewall = next((item for item in firewalls if server in item.private_addresses), None)
    if firewall is not None:
        return _through_firewall(firewall, topology, resolvers, shown)
    return _through_server(server, topology, resolvers, (shown,), proxy=None)


def _through_firewall(
    firewall: Firewall, topology: Topology, resolvers: Sequence[Resolver], shown: Evidence
) -> DnsResolution:
    settings = firewall.dns
    places = (shown, evidence(settings.holder or firewall.body, settings.path))
    if settings.open:
        because = f"firewall {firewall.name} is asked, and whether its DNS proxy is on is not known"
        return DnsResolution(
            network="", says=because, through_proxy=firewall, unreadable=because, evidence=places
        )
    if not settings.proxy:
        because = f"DNS questions go to firewall {firewall.name}, whose DNS proxy is off"
        return DnsResolution(
            network="", says=because, through_proxy=firewall, broken=because, evidence=places
        )
    if settings.servers and settings.servers[0] != AZURE_DNS:
        return _through_server(settings.servers[0], topology, resolvers, places, proxy=firewall)
    if not firewall.network:
        because = f"firewall {firewall.name} stands in a virtual hub, whose zone links ARM does not show"
        return DnsResolution(
            network="", says=because, through_proxy=firewall, unreadable=because, evidence=places
        )
    return DnsResolution(
        network=firewall.network,
        says=f"firewall {firewall.name} asks Azure DNS from its own network",
        through_proxy=firewall,
        evidence=places,
    )


def _through_server(
    server: str,
    topology: Topology,
    resolvers: Sequence[Resolver],
    shown: tuple[Evidence, ...],
    proxy: Firewall | None,
) -> DnsResolution:
    resolver = next((item for item in resolvers if item.address == server), None)
    if resolver is not None:
        says = f"private resolver {resolver.name} asks Azure DNS from its own network"
        return DnsResolution(network=resolver.network, says=says, through_proxy=proxy, evidence=shown)
    holders = topology.holding(server)
    because = f"DNS server {server} answers as it is configured, which ARM does not show"
    return DnsResolution(
        network=holders[0].id if len(holders) == 1 else "",
        says=because,
        through_proxy=proxy,
        unreadable=because,
        evidence=shown,
    )
