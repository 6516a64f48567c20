"""``agent-egress`` among the kinds of enforcement points."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from allowlist.errors import TargetNotFound
from allowlist.estate.bodies import Body, Estate
from allowlist.points.accounts import ACCOUNTS, LISTING
from allowlist.points.agent_egress.place import API_VERSION
from allowlist.points.kind import Found, Kind
from allowlist.points.point import ArmReader, Point

POLICIES = f"{ACCOUNTS}/raiPolicies"


def _find(estate: Estate) -> Iterator[Found]:
    for body in estate.of_type(POLICIES):
        if body["properties"].get("egressPolicy"):
            yield Found.of(body, "policy with egress rules for hosted agents")


def _look_closer(arm: ArmReader, account: Body) -> Iterator[Body]:
    """Policies are below accounts; neither lists of accounts nor Resource Graph show them."""
    if account.get("kind") == "AIServices":
        with suppress(TargetNotFound):
            yield from arm.list(f"{account['id']}/raiPolicies", API_VERSION)


def _load() -> type[Point]:
    from allowlist.points.agent_egress.point import AgentEgress

    return AgentEgress


KIND = Kind(
    name="agent-egress",
    arm_type=POLICIES,
    listing=LISTING,
    consumers=frozenset({"agent"}),
    names_sources=False,
    find=_find,
    look_closer=_look_closer,
    load=_load,
)
