"""An ended entry protects its rule for a while: propose, then quarantine, then remove."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowlist.catalog import RemovalPolicy, RemovalStage, removal_stage
from tests.helpers.catalogs import catalog, entry

FOUND = catalog(entry("gone", until="2.0.0"), entry("kept"), versions=("1.0.0", "2.0.0"))
GONE, KEPT = FOUND.entries
ENDED = date(2024, 2, 1)
STAGES = list(RemovalStage)


@pytest.mark.parametrize(
    ("days", "stage"),
    [
        (0, RemovalStage.PROPOSE),
        (29, RemovalStage.PROPOSE),
        (30, RemovalStage.QUARANTINE),
        (89, RemovalStage.QUARANTINE),
        (90, RemovalStage.REMOVE),
    ],
)
def test_the_stage_follows_from_the_days_since_the_end(days: int, stage: RemovalStage) -> None:
    assert removal_stage(FOUND, GONE, pinned="2.0.0", today=ENDED + timedelta(days=days)) is stage


def test_a_pin_on_a_version_that_still_asks_for_it_keeps_the_rule_for_ever() -> None:
    assert removal_stage(FOUND, GONE, pinned="1.0.0", today=date(2099, 1, 1)) is RemovalStage.KEEP
    assert removal_stage(FOUND, KEPT, pinned="latest", today=date(2099, 1, 1)) is RemovalStage.KEEP


def test_an_unreleased_end_is_only_proposed() -> None:
    found = catalog(entry("going", until="next"))
    assert (
        removal_stage(found, found.entries[0], pinned="next", today=date(2030, 1, 1)) is RemovalStage.PROPOSE
    )


@given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 200), st.integers(0, 200))
def test_waiting_never_goes_back_a_stage(first: int, later: int, propose: int, quarantine: int) -> None:
    policy = RemovalPolicy(propose_days=propose, quarantine_days=quarantine)
    early, late = sorted((first, later))
    stages = [
        STAGES.index(removal_stage(FOUND, GONE, pinned="2", today=ENDED + timedelta(days=day), policy=policy))
        for day in (early, late)
    ]
    assert stages == sorted(stages)
