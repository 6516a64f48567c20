"""``account-allow-list`` among the kinds of enforcement points."""

from __future__ import annotations

from collections.abc import Iterator

from allowlist.estate.bodies import Estate
from allowlist.points.accounts import ACCOUNTS, LISTING
from allowlist.points.kind import Found, Kind
from allowlist.points.point import Point


def _find(estate: Estate) -> Iterator[Found]:
    for body in estate.of_type(ACCOUNTS):
        if body["properties"].get("restrictOutboundNetworkAccess"):
            yield Found.of(body, "outbound access is restricted")


def _load() -> type[Point]:
    from allowlist.points.allow_list.point import AccountAllowList

    return AccountAllowList


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
