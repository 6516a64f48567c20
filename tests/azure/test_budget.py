"""Never more requests than ARM lets through, and never slower than it says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowlist.azure.budget import Budgets
from allowlist.azure.connection import Connection, connect
from allowlist.simulator import Simulator, serve
from allowlist.simulator.arm.throttle import Bucket
from tests.helpers.fleet import policy_id, seed_fleet

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001"
GROUPS = f"{SUBSCRIPTION}/resourceGroups"
LEFT = "x-ms-ratelimit-remaining-subscription-reads"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def sent_at(pauses: list[float]) -> list[float]:
    """When requests go out that are asked for at these distances, each waiting as told."""
    clock = Clock()
    budgets = Budgets(clock)
    moments = []
    for pause in pauses:
        clock.now += pause
        moments.append(clock.now + budgets.take("GET", GROUPS))
        budgets.answered("GET", GROUPS, {})
    return moments


@given(st.lists(st.floats(0, 0.1), min_size=1, max_size=600))
def test_in_no_stretch_of_time_are_there_more_than_the_bucket_and_its_refill(pauses: list[float]) -> None:
    moments = sorted(sent_at(pauses))
    for first in range(0, len(moments), 50):
        for last in range(first, len(moments), 50):
            assert last - first + 1 <= 250 + 25 * (moments[last] - moments[first]) + 1e-6


def test_a_burst_is_free_and_then_25_a_second_go_out() -> None:
    moments = sent_at([0.0] * 350)
    assert moments[249] == 0.0
    assert moments[349] == pytest.approx(100 / 25)


def test_writes_and_deletes_have_budgets_of_their_own() -> None:
    budgets = Budgets(Clock())
    for method in ("PUT", "DELETE"):
        waits = [budgets.take(method, GROUPS) for _ in range(201)]
        assert waits[199:] == pytest.approx([0.0, 0.1])
    assert budgets.take("GET", GROUPS) == 0.0


def test_every_subscription_has_its_own() -> None:
    budgets = Budgets(Clock())
    waits = [budgets.take("GET", GROUPS) for _ in range(260)]
    assert waits[-1] > 0
    assert budgets.take("GET", GROUPS.replace("0001", "0002")) == 0.0


@pytest.mark.parametrize(("left", "waits"), [("1", True), ("400", False)])
def test_what_the_service_says_is_left_counts_more_than_what_we_believe(left: str, waits: bool) -> None:
    budgets = Budgets(Clock())
    budgets.take("GET", GROUPS)
    budgets.answered("GET", GROUPS, {LEFT: left})
    asked = [budgets.take("GET", GROUPS) for _ in range(300)]
    assert (asked[2] > 0) == waits
    assert (asked[-1] > 0) == waits


def test_after_a_refusal_everybody_waits_as_long_as_was_asked() -> None:
    budgets = Budgets(Clock())
    budgets.take("GET", GROUPS)
    budgets.answered("GET", GROUPS, {}, refused_for=3)
    assert budgets.take("GET", GROUPS) == pytest.approx(3)


def test_many_threads_on_a_small_budget_are_never_refused() -> None:
    small = {"reads": Bucket(40, 100), "writes": Bucket(40, 100), "deletes": Bucket(40, 100)}
    simulator = Simulator(throttle=small)
    seed_fleet(simulator, 20)
    with serve(simulator) as running, connect(Connection(endpoint=running.url, credential="none")) as arm:
        with ThreadPoolExecutor(8) as pool:
            read = list(pool.map(lambda number: arm.get(policy_id(number % 20), "2024-05-01"), range(120)))
        assert len(read) == 120
    assert {request.status for request in simulator.requests} == {200}
