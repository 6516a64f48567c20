"""``firewall-policy`` among the kinds of enforcement points."""

from __future__ import annotations

from collections.abc import Iterator

from allowlist.documents.words import counted
from allowlist.estate.bodies import Estate
from allowlist.estate.parts import objects_in
from allowlist.points.kind import Found, Kind, Listing
from allowlist.points.point import Point

POLICIES = "Microsoft.Network/firewallPolicies"


def _find(estate: Estate) -> Iterator[Found]:
    """Policies that decide last: what a base policy says is written where its children are targets."""
    for body in estate.of_type(POLICIES):
        if not body["properties"].get("childPolicies"):
            carried = len(objects_in(body["properties"], "firewalls"))
            yield Found.of(body, f"{counted(carried, 'firewall')} on it")


def _load() -> type[Point]:
    from allowlist.points.firewall.point import FirewallPolicy

    return FirewallPolicy


KIND = Kind(
    name="firewall-policy",
    arm_type=POLICIES,
    listing=Listing(POLICIES),
    consumers=frozenset({"customer-firewall", "agent", "node", "container-host", "client"}),
    on_network=True,
    find=_find,
    load=_load,
)
