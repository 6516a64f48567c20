"""A few hundred random worlds of every kind on every run; ``make fuzz`` tries as many as one likes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracle.trial import Tally, try_seed

WORLDS = 240
PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
def test_the_product_and_the_oracle_agree(part: int, tmp_path: Path) -> None:
    tally = Tally()
    for seed in range(part, WORLDS, PARTS):
        try_seed(seed, tmp_path, tally)

    assert tally.wrong == []
    for what in ("covered", "not covered", "unknown", "sufficient", "foreign bytes", "convergence"):
        assert tally.counts[what] > 0, what
