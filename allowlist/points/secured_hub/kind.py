"""``secured-hub`` among the kinds of enforcement points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from allowlist.azure.facts import api_version
from allowlist.errors import TargetNotFound
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.points.kind import Found, Kind, Listing
from allowlist.points.point import ArmReader, Point
from allowlist.points.secured_hub.place import FIREWALLS, HUBS, hub_of, policy_of


def _find(estate: Estate) -> Iterator[Found]:
    """Hubs whose policy no other firewall carries: one that several carry is one target for all of them."""
    firewalls = list(estate.of_type(FIREWALLS))
    carried = Counter(normal_id(policy_of(body) or "/") for body in firewalls)
    for body in firewalls:
        hub, policy = hub_of(body), policy_of(body)
        if not hub or not policy:
            continue
        elsewhere = len(((estate.get(policy) or {}).get("properties") or {}).get("firewalls") or ())
        if carried[normal_id(policy)] == 1 and elsewhere <= 1:
            why = f"secured virtual hub, {body.get('name')} carries {ResourceId(policy).name}"
            yield Found(hub, ResourceId(hub).name, why, instead_of=policy)


def _look_closer(arm: ArmReader, firewall: Body) -> Iterator[Body]:
    """A firewall names its hub; by the hub it is filtered and called."""
    hub = hub_of(firewall)
    if hub:
        with suppress(TargetNotFound):
            yield arm.get(hub, api_version(HUBS))


def _load() -> type[Point]:
    from allowlist.points.secured_hub.point import SecuredHub

    return SecuredHub


KIND = Kind(
    name="secured-hub",
    arm_type=HUBS,
    listing=Listing(FIREWALLS),
    consumers=frozenset({"customer-firewall", "agent", "node", "container-host", "client"}),
    on_network=True,
    find=_find,
    look_closer=_look_closer,
    load=_load,
)
