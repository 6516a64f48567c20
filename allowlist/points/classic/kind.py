"""``azure-firewall`` among the kinds of enforcement points."""

from __future__ import annotations

from collections.abc import Iterator

from allowlist.estate.bodies import Estate
from allowlist.points.kind import Found, Kind, Listing
from allowlist.points.point import Point

FIREWALLS = "Microsoft.Network/azureFirewalls"


def _find(estate: Estate) -> Iterator[Found]:
    for body in estate.of_type(FIREWALLS):
        if not body["properties"].get("firewallPolicy"):
            yield Found.of(body, "classic rules")


def _load() -> type[Point]:
    from allowlist.points.classic.point import ClassicFirewall

    return ClassicFirewall


KIND = Kind(
    name="azure-firewall",
    arm_type=FIREWALLS,
    listing=Listing(FIREWALLS),
    consumers=frozenset({"customer-firewall", "agent", "node", "container-host", "client"}),
    on_network=True,
    find=_find,
    load=_load,
)
