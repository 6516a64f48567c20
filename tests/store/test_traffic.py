"""The rolling aggregate of traffic, on SQLite and on PostgreSQL: a day is one reading, the fullest there was, as the chain names it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import create_engine

from allowlist.store import Ledger
from allowlist.store.traffic import COLUMNS, CUT, EDITED, GONE, UNNAMED, TrafficDay
from tests.helpers.ledgers import HandClock, execute_raw, execute_without_triggers, opened

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
    return sorted(
        (str(one.day), row[name], row[count]) for one in ledger.traffic(workload) for row in one.rows
    )


def doubts(ledger: Ledger, workload: str = "w") -> dict[dt.date, tuple[str, ...]]:
    return {one.day: one.doubts for one in ledger.traffic(workload)}


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
    assert list(doubts(ledger)) == [TUESDAY]
    assert kept(ledger) == [("2026-11-24", "b.example", 1)]
    assert list(doubts(ledger, "other")) == [MONDAY, TUESDAY]


def test_doubts_stay_with_their_day_until_a_reading_without_them(ledger: Ledger) -> None:
    ledger.keep_traffic("w", [day(group(), doubts=("3 of 9 lines left out",))], MONDAY)
    assert doubts(ledger) == {MONDAY: ("3 of 9 lines left out",)}
    ledger.keep_traffic("w", [day(group())], MONDAY)
    assert doubts(ledger) == {MONDAY: ()}


def test_many_groups_come_back_as_they_were(ledger: Ledger) -> None:
    rows = [group(f"n{number}.example", number, rule="o'clock é") for number in range(1, 2502)]
    ledger.keep_traffic("w", [day(*rows)], MONDAY)
    assert sorted(row for one in ledger.traffic("w") for row in one.rows) == sorted(rows)


def test_each_reading_that_changes_a_day_adds_a_row_and_no_other_does(ledger: Ledger) -> None:
    both = [day(group()), day(group("b.example"), of=TUESDAY)]
    for reading, rows in ((both, 2), (both, 2), ([day(group(n=2)), both[1]], 3), ([day(group(n=1))], 3)):
        ledger.keep_traffic("w", reading, MONDAY)
        assert ledger.head().seq == rows
    ledger.keep_traffic("w", [], TUESDAY)
    assert ledger.head().seq == 3
    assert not (*ledger.verify(), *ledger.traffic_tampering())
    assert doubts(ledger) == {TUESDAY: ()}
    newest, *_ = ledger.entries(1)
    assert (newest.kind, newest.subject, newest.body) == (
        "traffic", "w/2026-11-23", {"digest": day(group(n=2)).digest, "events": 2},
    )  # fmt: skip


FORGED = day(group("b.example", 5), of=MONDAY)
EDITS = {
    "a flow taken out": ["DELETE FROM ledger_traffic WHERE name = 'b.example'"],
    "all flows taken out": ["DELETE FROM ledger_traffic WHERE day = '2026-11-23'"],
    "another rule": ["UPDATE ledger_traffic SET rule = 'others' WHERE name = 'b.example'"],
    "more hours": ["UPDATE ledger_traffic SET hours = 16777215 WHERE day = '2026-11-23'"],
    "doubts taken out": ["UPDATE ledger_traffic_day SET doubts = '[]' WHERE day = '2026-11-23'"],
    "doubts that are none": ["UPDATE ledger_traffic_day SET doubts = '{' WHERE day = '2026-11-23'"],
    "a day moved": ["UPDATE ledger_traffic SET day = '2026-11-20' WHERE day = '2026-11-23'"],
    "a day moved to none": ["UPDATE ledger_traffic SET day = 'x' WHERE day = '2026-11-23'"],
    "a day without its account": ["DELETE FROM ledger_traffic_day WHERE day = '2026-11-23'"],
    "the digest of the day rewritten too": [
        "DELETE FROM ledger_traffic WHERE name = 'pytorch.org' AND day = '2026-11-23'",
        f"UPDATE ledger_traffic_day SET events = 5, doubts = '[]', digest = '{FORGED.digest}' WHERE day = '2026-11-23'",
    ],
    "another workload's day": [
        f"DELETE FROM {table} WHERE workload = 'w' AND day = '2026-11-23'" for table in ("ledger_traffic", "ledger_traffic_day")
    ] + [f"UPDATE {table} SET workload = 'w' WHERE workload = 'other'" for table in ("ledger_traffic", "ledger_traffic_day")],
    "another firewall's day": ["UPDATE ledger_traffic SET resource = 'fw-2' WHERE day = '2026-11-23'"],
}  # fmt: skip
MONDAYS = day(group(n=3), group("b.example", 5), doubts=("half",))


def test_a_day_that_was_edited_counts_for_nothing_and_is_found(ledger: Ledger, ledger_url: str) -> None:
    """So nothing is called unused on its word; a reading that is as full puts it right, without another row."""
    ledger.keep_traffic("w", [MONDAYS, day(group(), of=TUESDAY)], MONDAY)
    for name, edits in EDITS.items():
        ledger.keep_traffic("other", [day(group("b.example", 9))], MONDAY)
        execute_raw(ledger_url, *edits)

        assert EDITED in doubts(ledger)[MONDAY], name
        assert doubts(ledger)[TUESDAY] == (), name
        assert kept(ledger) == [("2026-11-24", "pytorch.org", 1)], name
        found = [one.because for one in ledger.traffic_tampering() if one.seq == 1]
        assert found == [f"traffic of w on 2026-11-23: {EDITED}"], name
        assert ledger.keep_traffic("w", [MONDAYS], MONDAY) == 1, name
        assert doubts(ledger) == {MONDAY: ("half",), TUESDAY: ()}, name
    assert ledger.head().seq == 3
    assert not ledger.verify()


def test_a_poorer_reading_does_not_put_right_what_was_edited(ledger_url: str) -> None:
    """Not even where the count that the table tells was lowered."""
    with opened(ledger_url, HandClock()) as ledger:
        ledger.keep_traffic("w", [MONDAYS], MONDAY)
        execute_raw(ledger_url, "DELETE FROM ledger_traffic", "UPDATE ledger_traffic_day SET events = 0")
        assert ledger.keep_traffic("w", [day(group(n=3))], MONDAY) == 0
        assert EDITED in doubts(ledger)[MONDAY]


def test_a_day_that_is_gone_without_a_trace_is_told_where_an_older_one_is_kept(ledger_url: str) -> None:
    tables = ("ledger_traffic", "ledger_traffic_day")
    with opened(ledger_url, HandClock()) as ledger:
        ledger.keep_traffic("w", [day(group()), day(group(), of=TUESDAY)], MONDAY)
        execute_raw(ledger_url, *(f"DELETE FROM {table} WHERE day = '2026-11-24'" for table in tables))
        assert doubts(ledger) == {MONDAY: (), TUESDAY: (GONE,)}
        assert [one.seq for one in ledger.traffic_tampering()] == [2]


CHAIN_EDITS = {
    "no row names the day": (["DELETE FROM ledger_event WHERE seq = 2"], {MONDAY: (UNNAMED,)}),
    "the row names another digest": (
        [f"UPDATE ledger_event SET body = replace(body, '{day(group()).digest}', '{FORGED.digest}')"], {MONDAY: (UNNAMED,)},
    ),
    "an older row is the newest left": (["DELETE FROM ledger_event WHERE seq = 3"], {MONDAY: (CUT,)}),
}  # fmt: skip


@pytest.mark.parametrize("name", CHAIN_EDITS)
def test_a_day_is_in_doubt_where_rows_of_the_chain_are_missing_or_edited(ledger_url: str, name: str) -> None:
    edits, expected = CHAIN_EDITS[name]
    with opened(ledger_url, HandClock()) as ledger:
        ledger.note("told", "a", "x", {})
        ledger.keep_traffic("w", [day(group())], MONDAY)
        ledger.note("told", "a", "x", {})
        execute_without_triggers(ledger_url, *edits)

        assert doubts(ledger) == expected
        assert ledger.verify()


def test_a_day_from_before_days_were_named_is_in_doubt_until_it_is_read_again(ledger_url: str) -> None:
    with opened(ledger_url, HandClock()) as ledger:
        ledger.keep_traffic("w", [day(group(n=3))], MONDAY)
        for table in ("ledger_traffic", "ledger_traffic_day"):
            execute_raw(ledger_url, f"UPDATE {table} SET workload = 'older'")

        assert doubts(ledger, "older") == {MONDAY: (UNNAMED,)}
        assert ledger.keep_traffic("older", [day(group(n=2))], MONDAY) == 0
        assert ledger.keep_traffic("older", [day(group(n=3))], MONDAY) == 1
        assert doubts(ledger, "older") == {MONDAY: ()}


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
        assert ledger.head().seq == 2
        assert kept(ledger) == [("2026-11-23", "pytorch.org", 1)]
    engine = create_engine(ledger_url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT max(version) FROM ledger_schema").scalar() == 2
    engine.dispose()
