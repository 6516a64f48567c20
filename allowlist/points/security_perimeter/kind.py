"""``security-perimeter`` among the kinds of enforcement points."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from allowlist.azure.facts import api_version
from allowlist.errors import TargetNotFound
from allowlist.estate.bodies import Body, Estate
from allowlist.points.kind import Found, Kind, Listing
from allowlist.points.point import ArmReader, Point
from allowlist.points.security_perimeter.place import PERIMETERS, PROFILES


def _find(estate: Estate) -> Iterator[Found]:
    for body in estate.of_type(PROFILES):
        yield Found.of(body, "profile of a network security perimeter")


def _look_closer(arm: ArmReader, perimeter: Body) -> Iterator[Body]:
    """A list of perimeters does not show their profiles."""
    with suppress(TargetNotFound):
        yield from arm.list(f"{perimeter['id']}/profiles", api_version(PERIMETERS))


def _load() -> type[Point]:
    from allowlist.points.security_perimeter.point import SecurityPerimeter

    return SecurityPerimeter


KIND = Kind(
    name="security-perimeter",
    arm_type=PROFILES,
    listing=Listing(PERIMETERS),
    consumers=frozenset({"account-list"}),
    names_sources=False,
    find=_find,
    look_closer=_look_closer,
    load=_load,
)
