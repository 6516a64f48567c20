"""When a scheduled run may change anything."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowlist.workflow.syncing.calendar import closed_because, is_open
from allowlist.workload.document import Automation, Freeze, Window

WEDNESDAY = dt.datetime(2026, 11, 25, tzinfo=dt.UTC)
WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
TIMES = st.times().map(lambda time: f"{time:%H:%M}")


def at(hour: int, minute: int = 0, day: int = 0) -> dt.datetime:
    return WEDNESDAY + dt.timedelta(days=day, hours=hour, minutes=minute)


def window(start: str, end: str, *days: str) -> Window:
    return Window(days=list(days or WEEK), start=start, end=end)  # type: ignore[arg-type]


def test_without_windows_and_freezes_it_is_always_open() -> None:
    assert closed_because(Automation(), at(3)) == ""


@pytest.mark.parametrize(
    ("moment", "is_inside"),
    [
        (at(21, 59), False),
        (at(22, 0), True),
        (at(1, 59, day=1), True),
        (at(2, 0, day=1), False),
        (at(23, 0, day=1), False),
        (at(1, 0), False),
    ],
)
def test_a_window_past_midnight_belongs_to_the_day_it_begins_on(moment: dt.datetime, is_inside: bool) -> None:
    assert is_open(window("22:00", "02:00", "wed"), moment) is is_inside


def test_outside_all_windows_it_says_so() -> None:
    automation = Automation(windows=[window("22:00", "23:00"), window("04:00", "05:00")])
    assert closed_because(automation, at(12)) == "outside the maintenance windows"
    assert closed_because(automation, at(4, 30)) == ""


def test_a_freeze_holds_on_both_its_days_and_beats_a_window() -> None:
    freeze = Freeze(first="2026-11-25", last="2026-11-26", reason="quarter end")
    automation = Automation(windows=[window("00:00", "00:00")], freezes=[freeze])
    assert closed_because(automation, at(0)) == "frozen until 2026-11-26: quarter end"
    assert closed_because(automation, at(23, 59, day=1)) == "frozen until 2026-11-26: quarter end"
    assert closed_because(automation, at(0, day=2)) == ""


def test_moments_of_other_time_zones_are_read_as_utc() -> None:
    there = dt.timezone(dt.timedelta(hours=5))
    automation = Automation(windows=[window("22:00", "23:00")])
    assert closed_because(automation, dt.datetime(2026, 11, 26, 3, 30, tzinfo=there)) == ""


@given(start=TIMES, end=TIMES, minute=st.integers(0, 7 * 24 * 60 - 1))
def test_a_window_and_its_opposite_share_no_minute_and_leave_none_out(
    start: str, end: str, minute: int
) -> None:
    moment = WEDNESDAY + dt.timedelta(minutes=minute)
    if start != end:
        assert is_open(window(start, end), moment) != is_open(window(end, start), moment)
