"""A few hundred random worlds of every kind on every run; ``make fuzz`` tries as many as one likes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracle.assuming import try_assumptions
from tests.oracle.trial import Tally, try_seed

WORLDS = 240
PARTS = 4
ASSUMING = 24


@pytest.mark.parametrize("part", range(PARTS))
def test_the_product_and_the_oracle_agree(part: int, tmp_path: Path) -> None:
    tally = Tally()
    for seed in range(part, WORLDS, PARTS):
        try_seed(seed, tmp_path, tally)

    assert tally.wrong == []
    for what in ("covered", "not covered", "unknown", "sufficient", "foreign bytes", "convergence"):
        assert tally.counts[what] > 0, what


def test_what_is_said_under_assumptions_holds_wherever_they_do(tmp_path: Path) -> None:
    tally = Tally()
    for seed in range(ASSUMING):
        try_assumptions(seed, tmp_path, tally)

    assert tally.wrong == []
    for what in ("covered holds, unless what it names", "had to be told", "facts settle it"):
        assert tally.counts[f"assumptions: {what}"] > 0, what


def test_what_a_removal_takes_from_a_hub_in_doubt_is_added_in_the_same_plan(tmp_path: Path) -> None:
    """A rule of ours for an entry that is gone let the name through; the hub's routing is under way."""
    tally = Tally()
    try_seed(702750, tmp_path, tally)
    assert tally.wrong == []
