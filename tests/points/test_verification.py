"""What keeps a write from being called done is told in values: no error text of a service changes their kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from allowlist.estate.bodies import Body, Estate
from allowlist.plan.model import Operation
from allowlist.points.kind import kind_of
from allowlist.points.point import Target
from allowlist.points.unmet import Unmet, UnmetKind, is_failed, is_moving, is_of_state
from tests.helpers import foundry


class Reads:
    """An ARM that shows ``estate`` and nothing else."""

    def __init__(self, *bodies: Body) -> None:
        self.estate = Estate.of(bodies)

    def get(self, resource_id: str, api_version: str) -> Body:
        found = self.estate.get(resource_id)
        assert found is not None
        return found

    def list(self, path: str, api_version: str) -> Iterator[Body]:
        return iter(())

    def query(self, path: str, body: Body, api_version: str) -> Iterator[Body]:
        raise AssertionError(f"nothing here asks Resource Graph: {path}")


def unmet(status: str, destination: str = "a.example", **more: Any) -> list[Unmet]:
    """What verification says of one rule of a hub that was written and now has ``status``."""
    target = Target(
        name="t", workload="w", surface="hub-network", resource=foundry.HUB, delete="sync", options={}
    )
    after = {"type": "FQDN", "category": "UserDefined", "destination": "a.example"}
    add = Operation(
        action="add", surface="hub-network", resource=foundry.HUB, path=("outboundRules", "mine"), after=after
    )
    point = kind_of("hub-network").bind(target)
    (write,) = point.compose(Estate.of([foundry.hub()]), [add])
    now = Reads(foundry.hub({"mine": foundry.fqdn(destination, status, **more)}))
    return point.verify(now, write)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("Provisioning", UnmetKind.MOVING),
        ("Deleting", UnmetKind.MOVING),
        ("Failed", UnmetKind.FAILED),
        ("Inactive", UnmetKind.UNSETTLED),
        ("Unheard-of", UnmetKind.UNSETTLED),
    ],
)
def test_a_rule_that_reads_as_written_is_unmet_by_its_state(status: str, kind: UnmetKind) -> None:
    found = unmet(status)
    assert [item.kind for item in found] == [kind]
    assert is_of_state(found)


def test_an_active_rule_is_met() -> None:
    assert unmet("Active") == []


def test_a_failed_rule_is_not_waited_for_whatever_its_error_says() -> None:
    found = unmet(
        "Failed", errorInformation="the endpoint is in state Updating; rule x is in state Provisioning"
    )
    assert is_failed(found)
    assert not is_moving(found)


def test_a_rule_that_reads_different_is_no_matter_of_state() -> None:
    found = unmet("Provisioning", "other.example") + unmet("Failed")
    assert [item.kind for item in found] == [UnmetKind.DIFFERENT, UnmetKind.FAILED]
    assert not is_of_state(found)
