"""``filter`` among the kinds of enforcement points: a proxy, DNS filter or another vendor's firewall, by its files."""

from __future__ import annotations

from collections.abc import Iterator

from allowlist.estate.bodies import Estate
from allowlist.points.kind import Found, Kind
from allowlist.points.point import Point


def _find(estate: Estate) -> Iterator[Found]:
    """Azure knows nothing of it: a workload names its files."""
    del estate
    return iter(())


def _load() -> type[Point]:
    from allowlist.points.filter.point import Filter

    return Filter


KIND = Kind(
    name="filter",
    arm_type="",
    listing=None,
    consumers=frozenset({"customer-firewall", "agent", "node", "container-host", "client"}),
    find=_find,
    load=_load,
)
