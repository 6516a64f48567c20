"""``firewall-policy`` among the kinds of enforcement points."""

from __future__ import annotations

from collections.abc import Iterator

from allowlist.documents.words import counted
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.parts import object_in, objects_in
from allowlist.estate.resource_id import normal_id
from allowlist.points.kind import Found, Kind, Listing
from allowlist.points.point import Point

POLICIES = "Microsoft.Network/firewallPolicies"


def _find(estate: Estate) -> Iterator[Found]:
    """Policies that decide last: what a base policy says is written where its children are targets."""
    for body in estate.of_type(POLICIES):
        if not body["properties"].get("childPolicies"):
            carried = {normal_id(str(item.get("id"))) for item in objects_in(body["properties"], "firewalls")}
            carried |= _carrying(estate, body)
            yield Found.of(body, f"{counted(len(carried), 'firewall')} on it")


def _carrying(estate: Estate, policy: Body) -> set[str]:
    """Firewalls that name the policy: not every tool prints the list of them that the policy keeps."""
    wanted = normal_id(str(policy["id"]))
    firewalls = estate.of_type("Microsoft.Network/azureFirewalls")
    named = {
        normal_id(str(body["id"])): object_in(body["properties"], "firewallPolicy").get("id")
        for body in firewalls
    }
    return {firewall for firewall, found in named.items() if normal_id(str(found)) == wanted}


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
