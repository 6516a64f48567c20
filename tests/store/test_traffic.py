"""The rolling aggregate of traffic, on SQLite and on PostgreSQL: a day is one reading, the fullest there was."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import create_engine

from allowlist.store import Ledger
from allowlist.store.traffic import COLUMNS, EDITED, TrafficDay
from tests.helpers.ledgers import HandClock, execute_raw, opened

MONDAY = dt.date(2026, 11, 23)
TUESDAY = dt.date(2026, 11, 24)


def group(name: str = "pytorch.org", n: int = 1, **more: Any) -> tuple[Any, ...]:
    values = {
        **dict.fromkeys(COLUMNS, ""), "log": "application", "name": name, "port": 443, "n": n, "hours": 512,
        "first": "2026-11-23 09:10:00", "last": "2026-11-23 09:10:00", **more,
    }  # fmt: skip
    return tuple(values[column] for column in COLUMNS)


def day(*rows: tuple[Any, ...], of: dt.date = MONDAY, doubts: tuple[str, ...] = ()) -> TrafficDay:
    return TrafficDay(day=of, rows=rows, doubts=doubts)


def kept(ledger: Ledger, workload: str = "w") -> list[tuple[str, str, int]]:
    name, count = COLUMNS.index("name"), COLUMNS.index("n")
    return sorted((at, row[name], row[count]) for at, row in ledger.traffic(workload))


def test_reading_the_same_day_again_counts_nothing_twice(ledger: Ledger) -> None:
    assert ledger.keep_traffic("w", [day(group(n=3))], MONDAY) == 1
    assert ledger.keep_traffic("w", [day(group(n=3))], MONDAY) == 0
    assert kept(ledger) == [("2026-11-23", "pytorch.org", 3)]


def test_a_fuller_reading_replaces_a_day_and_a_poorer_one_does_not(ledger: Ledger) -> None:
    ledger.keep_traffic("w", [day(group(n=3))], MONDAY)
    ledger.keep_traffic("w", [day(group(n=2), group("late.example", 2))], MONDAY)
    assert kept(ledger) == [("2026-11-23", "late.example", 2), ("2026-11-23", "pytorch.org", 2)]
    ledger.keep_traffic("w", [day(group(n=3))], MONDAY)
    assert ("2026-11-23", "late.example", 2) in kept(ledger)


def test_old_days_go_and_other_workloads_keep_theirs(ledger: Ledger) -> None:
    for workload in ("w", "other"):
        ledger.keep_traffic(workload, [day(group()), day(group("b.example"), of=TUESDAY)], MONDAY)
    ledger.keep_traffic("w", [], TUESDAY)
    assert list(ledger.traffic_days("w")) == [TUESDAY]
    assert kept(ledger) == [("2026-11-24", "b.example", 1)]
    assert list(ledger.traffic_days("other")) == [MONDAY, TUESDAY]


def test_doubts_stay_with_their_day_until_a_reading_without_them(ledger: Ledger) -> None:
    ledger.keep_traffic("w", [day(group(), doubts=("3 of 9 lines were left out",))], MONDAY)
    assert ledger.traffic_days("w") == {MONDAY: ("3 of 9 lines were left out",)}
    ledger.keep_traffic("w", [day(group())], MONDAY)
    assert ledger.traffic_days("w") == {MONDAY: ()}


def test_many_groups_come_back_as_they_were(ledger: Ledger) -> None:
    rows = [group(f"n{number}.example", number, rule="o'clock é") for number in range(1, 5001)]
    ledger.keep_traffic("w", [day(*rows)], MONDAY)
    assert sorted(row for _, row in ledger.traffic("w")) == sorted(rows)


def test_the_aggregate_is_no_part_of_the_chain(ledger: Ledger) -> None:
    ledger.keep_traffic("w", [day(group())], MONDAY)
    assert ledger.head().seq == 0
    assert not ledger.verify()


EDITS = {
    "a flow taken out": "DELETE FROM ledger_traffic WHERE name = 'b.example'",
    "all flows taken out": "DELETE FROM ledger_traffic",
    "another rule": "UPDATE ledger_traffic SET rule = 'others' WHERE name = 'b.example'",
    "more hours": "UPDATE ledger_traffic SET hours = 16777215",
    "doubts taken out": "UPDATE ledger_traffic_day SET doubts = '[]'",
    "a day moved": "UPDATE ledger_traffic SET day = '2026-11-20'",
    "a day without its account": "DELETE FROM ledger_traffic_day",
}


@pytest.mark.parametrize("name", EDITS)
def test_a_day_that_was_edited_is_in_doubt(ledger_url: str, name: str) -> None:
    """So nothing is called unused on its word."""
    with opened(ledger_url, HandClock()) as ledger:
        ledger.keep_traffic("w", [day(group(), group("b.example"), doubts=("half",))], MONDAY)
        execute_raw(ledger_url, EDITS[name])

        assert all(EDITED in doubts for doubts in ledger.traffic_days("w").values())
        assert ledger.traffic_days("w")


def test_a_ledger_from_before_traffic_was_kept_goes_on(ledger_url: str) -> None:
    clock = HandClock()
    with opened(ledger_url, clock) as ledger:
        ledger.note("told", "a", "x", {})
    guard = "DROP TRIGGER ledger_schema_delete" + (
        " ON ledger_schema" if ledger_url.startswith("postgresql") else ""
    )
    execute_raw(
        ledger_url, guard, "DROP TABLE ledger_traffic", "DROP TABLE ledger_traffic_day",
        "DELETE FROM ledger_schema WHERE version = 2",
    )  # fmt: skip
    with opened(ledger_url, clock) as ledger:
        ledger.keep_traffic("w", [day(group())], MONDAY)
        assert ledger.head().seq == 1
        assert kept(ledger) == [("2026-11-23", "pytorch.org", 1)]
    engine = create_engine(ledger_url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT max(version) FROM ledger_schema").scalar() == 2
    engine.dispose()
