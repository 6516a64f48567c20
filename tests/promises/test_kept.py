"""Promises that need somebody else's hand, or two places, to be broken: each test is what a mutant has to be noticed by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from allowlist.errors import AppliedInPart
from allowlist.workflow.rolling_back import roll_back
from tests.helpers.small_world import NETWORK, OURS, POLICY, WORKLOAD, group, others_rule, small_world
from tests.helpers.world import World

SECOND = f"{NETWORK}/firewallPolicies/second"
OURS_THERE = f"{SECOND}/ruleCollectionGroups/allowlist-wl"
TWO_PLACES = WORKLOAD.replace(
    "    delete: sync\n",
    f"    delete: sync\n  - name: second\n    surface: firewall-policy\n    resource: {SECOND}\n    delete: sync\n",
)
ONE_MORE = '  - {id: c, pattern: "c.old.com", ports: ["https:443"], owner: o, reason: r, expires: "2030-01-01"}\nsources:'


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with small_world(tmp_path) as found:
        found.settings.update(settle_attempts=3)
        yield found


@contextmanager
def _at(world: World, moment: str, meddle: Callable[[], None]) -> Iterator[None]:
    """Once, when the journal says ``moment``, somebody else does something."""
    done: list[str] = []

    def watch(event: Any) -> None:
        if event.state == moment and not done:
            done.append("x")
            meddle()

    world.settings["on_event"] = watch
    yield
    world.settings.pop("on_event")
    assert done


def _drop_a_rule(body: dict[str, Any]) -> None:
    body["properties"]["ruleCollections"][0]["rules"].pop()


def test_what_only_removes_waits_for_what_adds_wherever_that_is(tmp_path: Path) -> None:
    second: dict[str, object] = {
        "id": SECOND,
        "name": "second",
        "location": "westeurope",
        "properties": {"sku": {"tier": "Standard"}, "dnsSettings": {"enableProxy": True}},
    }
    with small_world(
        tmp_path,
        second,
        workload=WORKLOAD.replace("sources:", ONE_MORE).replace("additions: 1", "additions: 9"),
    ) as world:
        first = world.plan()
        world.approve(first)
        world.apply(first)
        world.workload.write_text(TWO_PLACES)
        plan = world.plan()
        assert {item.operation.action for item in plan.changes if item.target == "fw"} == {"remove"}
        assert {item.operation.action for item in plan.changes if item.target == "second"} == {"add"}
        world.approve(plan)
        before = sum(1 for _ in world.simulator.requests)

        result = world.apply(plan)

        assert result.is_complete, result.error
        written = [item.path for item in [*world.simulator.requests][before:] if item.method == "PUT"]
        assert ["/second/" in path for path in written] == [True, False]


def test_a_run_that_somebody_undoes_behind_its_back_has_not_converged(world: World) -> None:
    plan = world.plan()
    world.approve(plan)

    with _at(world, "verified", lambda: world.edit(OURS, _drop_a_rule)):
        result = world.apply(plan)

    assert result.is_complete
    assert result.converged is False


def test_collections_of_others_in_a_group_we_write_stay_as_they_are(tmp_path: Path) -> None:
    theirs = group(OURS, "theirs", others_rule("guest", description="Theirs"), priority=1000)
    with small_world(tmp_path, theirs) as world:
        before = _collections(world)
        plan = world.plan()
        world.approve(plan)

        world.apply(plan)

        assert before
        assert _collections(world)[: len(before)] == before
        assert len(world.rules(OURS)) == 1 + len(plan.changes)


def _collections(world: World) -> list[Any]:
    return list((world.body(OURS) or {})["properties"]["ruleCollections"])


def test_done_is_what_reads_back_and_not_what_was_sent(world: World) -> None:
    plan = world.plan()
    world.approve(plan)

    with _at(world, "landed", lambda: world.edit(OURS, _drop_a_rule)):
        result = world.apply(plan)

    assert not result.is_complete
    assert "could not be verified" in result.error


def test_a_rollback_that_does_not_read_back_is_an_alarm(world: World) -> None:
    plan = world.plan()
    world.approve(plan)
    run_id = world.apply(plan).run_id

    def put_back() -> None:
        world.arm.put(OURS, group(OURS, "allowlist-wl", others_rule("late"), priority=1000), "2024-05-01")

    with _at(world, "verified", put_back), pytest.raises(AppliedInPart, match="ROLLBACK FAILED"):
        roll_back(world.project, run_id, world.arm, world.context())

    assert world.ledger.runs(1)[0].state == "rollback-failed"


def test_a_plan_reads_and_nothing_more(world: World) -> None:
    world.plan()

    assert {item.method for item in world.simulator.requests} <= {"GET", "HEAD"}
    assert world.body(POLICY) is not None
