"""``privateDnsZones/{zone}/ALL``: the record sets of every type in one list."""

from __future__ import annotations

from allowlist.simulator.arm.message import Reply, compact
from allowlist.simulator.arm.provider import Call
from allowlist.simulator.network.backends import parent_resource

_TYPES = ("A", "AAAA", "CNAME", "MX", "PTR", "SOA", "SRV", "TXT")


def all_records(call: Call) -> Reply:
    """Refuses a zone that does not exist."""
    zone = parent_resource(call, call.address.parent())
    found = [
        each
        for name in _TYPES
        for each in call.arm.store.children(zone.id, f"Microsoft.Network/privateDnsZones/{name}")
    ]
    return call.arm.pages.answer(call, found, lambda each: each.body, compact)
