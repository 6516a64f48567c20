"""A provisional change stands only if somebody confirms it in time; whoever runs next undoes the rest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from allowlist.errors import AllowlistError, LockHeld
from allowlist.workflow.confirming import await_confirmation, confirm_run, is_expired
from allowlist.workflow.rolling_back import plan_way_back, roll_back
from tests.helpers.world import OURS, POLICY, World, contoso_world, now

TEN_MINUTES = dt.timedelta(minutes=10)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with contoso_world(tmp_path) as found:
        yield found


@pytest.fixture
def run_id(world: World) -> str:
    """A provisional run."""
    plan = world.plan()
    world.approve(plan)
    return world.apply(plan, confirm_within=TEN_MINUTES).run_id


class Clock:
    """Moves on when somebody sleeps."""

    def __init__(self) -> None:
        self.now = now()

    def __call__(self) -> dt.datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds * 60)


def test_what_nobody_confirms_is_undone_when_its_time_is_over(world: World, run_id: str) -> None:
    clock = Clock()
    undone = await_confirmation(
        world.project, run_id, world.arm, world.context(clock=clock, sleep=clock.sleep)
    )
    assert undone is not None
    assert world.body(OURS) is None
    assert world.ledger.run(run_id).state == "rolled-back"
    assert not world.ledger.unfinished_runs()


def test_a_confirmed_run_stays(world: World, run_id: str) -> None:
    confirm_run(world.ledger, run_id, "bob", now())
    assert await_confirmation(world.project, run_id, world.arm, world.context()) is None
    assert world.ledger.run(run_id).summary["confirmed_by"] == "bob"
    assert world.plan().is_empty


def test_it_is_too_late_to_confirm_when_the_time_is_over(world: World, run_id: str) -> None:
    with pytest.raises(AllowlistError, match="had to be confirmed until"):
        confirm_run(world.ledger, run_id, "bob", now() + TEN_MINUTES)
    roll_back(world.project, run_id, world.arm, world.context())
    with pytest.raises(AllowlistError, match="not provisional"):
        confirm_run(world.ledger, run_id, "bob", now())


def test_another_process_finds_what_a_dead_one_left_unconfirmed(world: World, run_id: str) -> None:
    (run,) = world.ledger.unfinished_runs()
    assert run.run_id == run_id
    assert [is_expired(run, moment) for moment in (now(), now() + TEN_MINUTES)] == [False, True]


def test_a_way_back_that_could_not_begin_leaves_the_run_to_be_undone(world: World, run_id: str) -> None:
    lock_group = POLICY.lower().replace("afwp-weu", "afwp-global")
    with (
        world.ledger.lock(f"apply {lock_group}", owner="bob", lease=dt.timedelta(minutes=1)),
        pytest.raises(LockHeld),
    ):
        roll_back(world.project, run_id, world.arm, world.context())
    assert is_expired(world.ledger.run(run_id), now() + TEN_MINUTES)
    roll_back(world.project, run_id, world.arm, world.context())
    assert not world.ledger.unfinished_runs()


def test_whoever_watches_waits_for_a_lock_that_somebody_holds(world: World, run_id: str) -> None:
    lock_group, told, clock = POLICY.lower().replace("afwp-weu", "afwp-global"), list[str](), Clock()
    held = world.ledger.lock(f"apply {lock_group}", owner="bob", lease=dt.timedelta(hours=9))
    held.__enter__()

    def tell(text: str) -> None:
        told.append(text)
        held.__exit__(None, None, None)

    context = world.context(clock=clock, sleep=clock.sleep)
    undone = await_confirmation(world.project, run_id, world.arm, context, tell)
    assert undone is not None
    assert len(told) == 1
    assert "not undone yet" in told[0]
    assert world.body(OURS) is None


def test_the_way_back_is_proved_before_it_is_gone(world: World, run_id: str) -> None:
    puts = sum(request.method != "GET" for request in world.simulator.requests)
    way = plan_way_back(world.project, run_id, world.arm, world.context())
    assert len(way.changes) == len(world.rules())
    assert way.closes
    assert not way.opens
    assert way.exact == ("hub-firewall",)
    assert sum(request.method != "GET" for request in world.simulator.requests) == puts
