"""``hub-network`` among the kinds of enforcement points."""

from __future__ import annotations

from collections.abc import Iterator

from allowlist.estate.bodies import Estate
from allowlist.estate.parts import object_in
from allowlist.points.kind import Found, Kind, Listing
from allowlist.points.point import Point

WORKSPACES = "Microsoft.MachineLearningServices/workspaces"


def _find(estate: Estate) -> Iterator[Found]:
    """Only a network that approves decides about names; one open to the internet has nothing to say."""
    for body in estate.of_type(WORKSPACES):
        mode = object_in(body["properties"], "managedNetwork").get("isolationMode", "")
        if mode == "AllowOnlyApprovedOutbound":
            yield Found.of(body, "managed network with approved outbound only")


def _load() -> type[Point]:
    from allowlist.points.hub_network.point import HubNetwork

    return HubNetwork


KIND = Kind(
    name="hub-network",
    arm_type=WORKSPACES,
    listing=Listing(WORKSPACES),
    consumers=frozenset({"managed-network"}),
    names_sources=False,
    find=_find,
    load=_load,
)
