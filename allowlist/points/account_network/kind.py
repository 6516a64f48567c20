"""``account-network`` among the kinds of enforcement points."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from allowlist.errors import TargetNotFound
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.parts import objects_in
from allowlist.points.account_network.place import API_VERSION, TAIL
from allowlist.points.accounts import ACCOUNTS, LISTING
from allowlist.points.kind import Found, Kind
from allowlist.points.point import ArmReader, Point


def _find(estate: Estate) -> Iterator[Found]:
    for body in estate.of_type(ACCOUNTS):
        if _has_managed_network(estate, body):
            yield Found.of(body, "Foundry account with a managed network")


def _has_managed_network(estate: Estate, account: Body) -> bool:
    injections = objects_in(account["properties"], "networkInjections")
    managed = any(item.get("useMicrosoftManagedNetwork") for item in injections)
    return managed or estate.get(f"{account['id']}{TAIL}") is not None


def _look_closer(arm: ArmReader, account: Body) -> Iterator[Body]:
    """Lists of accounts do not show their managed networks."""
    if account.get("kind") == "AIServices":
        network = f"{account['id']}{TAIL}"
        with suppress(TargetNotFound):
            yield {**arm.get(network, API_VERSION), "id": network, "name": "default"}


def _load() -> type[Point]:
    from allowlist.points.account_network.point import AccountNetwork

    return AccountNetwork


KIND = Kind(
    name="account-network",
    arm_type=ACCOUNTS,
    listing=LISTING,
    consumers=frozenset({"managed-network"}),
    names_sources=False,
    find=_find,
    look_closer=_look_closer,
    load=_load,
)
