"""Address prefixes (IPv4; subnets of IPv6 too)."""

from __future__ import annotations

import ipaddress
from typing import Any

from allowlist.estate.template.budget import Budget
from allowlist.estate.template.functions.table import Function, integer, text
from allowlist.estate.template.values import Refused

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(value: Any) -> Network:
    """A prefix without host bits: what becomes of those is not documented."""
    try:
        return ipaddress.ip_network(text(value))
    except ValueError:
        raise Refused("no prefix") from None


def _ipv4(value: Any) -> ipaddress.IPv4Network:
    network = _network(value)
    if not isinstance(network, ipaddress.IPv4Network) or network.prefixlen > 30:
        raise Refused("no prefix with hosts of its own")
    return network


def _subnet(budget: Budget, prefix: Any, size: Any, index: Any) -> str:
    network = _network(prefix)
    if not network.prefixlen <= integer(size) <= network.max_prefixlen:
        raise Refused("no size inside the prefix")
    if not 0 <= integer(index) < 1 << (size - network.prefixlen):
        raise Refused("beyond the prefix")
    start = int(network.network_address) + (index << (network.max_prefixlen - size))
    return str(type(network)((start, size)))


def _host(budget: Budget, prefix: Any, index: Any) -> str:
    network = _ipv4(prefix)
    if not 0 <= integer(index) < network.num_addresses - 2:
        raise Refused("beyond the prefix")
    return str(network.network_address + 1 + index)


def _parse(budget: Budget, prefix: Any) -> dict[str, Any]:
    network = _ipv4(prefix)
    return {
        "network": str(network.network_address),
        "netmask": str(network.netmask),
        "broadcast": str(network.broadcast_address),
        "firstUsable": str(network.network_address + 1),
        "lastUsable": str(network.broadcast_address - 1),
        "cidr": network.prefixlen,
    }


NETWORKS: dict[str, Function] = {
    "cidrsubnet": Function(_subnet, 3, 3),
    "cidrhost": Function(_host, 2, 2),
    "parsecidr": Function(_parse, 1, 1),
}
