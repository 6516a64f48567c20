"""``account-allow-list`` among the kinds of enforcement points."""

from __future__ import annotations

from collections.abc import Iterator

from allowlist.estate.bodies import Estate
from allowlist.points.accounts import ACCOUNTS, LISTING
from allowlist.points.kind import Found, Kind
from allowlist.points.point import Surface


def _find(estate: Estate) -> Iterator[Found]:
    for body in estate.of_type(ACCOUNTS):
        if body["properties"].get("restrictOutboundNetworkAccess"):
            yield Found.of(body, "outbound access is restricted")


def _load() -> Surface:
    from allowlist.points.allow_list.surface import SURFACE

    return SURFACE


KIND = Kind(
    name="account-allow-list",
    arm_type=ACCOUNTS,
    listing=LISTING,
    consumers=frozenset({"account-list"}),
    has_marks=False,
    names_sources=False,
    find=_find,
    load=_load,
)
