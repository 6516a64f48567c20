"""What a judgement asks once: requirements of another state of the estate, and of a target only what keeps it from fine."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from allowlist.estate.bodies import Estate
from allowlist.workflow.judging import Judgement, judge_target
from allowlist.workflow.memory import collector_paused, kept_to_the_end
from tests.helpers.posture import PLANTS, Bodies, Plant, clean_bodies, estate_with, project
from tests.workflow.test_sources import moved

ONE = project()


def judged(estate: Estate, known: Judgement | None = None) -> Judgement:
    return judge_target(ONE, estate, ONE.targets()[0], known.resolved if known else None)


def state(bodies: Bodies) -> Estate:
    return Estate.of(bodies.values(), origin="example")


CLEAN = state(clean_bodies())


@pytest.mark.parametrize("plant", PLANTS[::3], ids=lambda plant: plant.name)
def test_what_is_taken_over_and_told_in_parts_is_that_of_the_state_itself(plant: Plant) -> None:
    clean, planted = judged(CLEAN), judged(estate_with(plant))
    assert judged(planted.estate, clean).resolved == planted.resolved
    assert judged(CLEAN, planted).resolved == clean.resolved
    assert list(planted.posture) == planted.point.posture(planted.estate)
    assert not {item.code for item in planted.point.faults(planted.estate)} & {"bad-state", "rule_failed"}


def test_requirements_are_resolved_anew_where_their_sources_moved() -> None:
    known = judged(CLEAN)
    after = state(moved(clean_bodies()))
    assert judged(after, known).resolved == judged(after).resolved != known.resolved


def test_requirements_are_taken_over_where_traffic_starts_where_it_did() -> None:
    bodies = {key: body for key, body in clean_bodies().items() if "/privateendpoints/" not in key}
    known = judged(state(bodies))
    assert judged(state(bodies), known).resolved is known.resolved


def test_the_collector_is_on_again_after_pauses_within_each_other() -> None:
    with kept_to_the_end():
        with collector_paused():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


MADE = """
import gc
from allowlist.workflow.memory import PROCESS, kept_to_the_end
PROCESS.is_one_command = {ends}
looked = []
gc.callbacks.append(lambda phase, info: looked.append(info))
with kept_to_the_end():
    made = [[] for _ in range(10_000)]
more = [[] for _ in range(10)]
print(bool(looked), gc.isenabled())
"""


@pytest.mark.parametrize(("ends", "said"), [(True, "False True"), (False, "True True")])
def test_a_process_that_ends_with_its_command_does_not_look_through_what_it_made(
    ends: bool, said: str
) -> None:
    code = MADE.format(ends=ends)
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == said
