"""What was written stays as it was written, and where it did not, the ledger says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from allowlist.documents import digest_of
from allowlist.errors import AllowlistError
from allowlist.store import Head, Ledger
from tests.helpers.laws import examples
from tests.helpers.ledgers import (
    PLAN,
    decision,
    execute_raw,
    execute_without_triggers,
    opened,
    read_row,
    step,
    with_run,
)

FORGED = "sha256:" + "f" * 64
ROWS = 6
"""Rows of a told story: plan, run-begun, snapshot, two steps, decision."""


def tell_a_story(ledger: Ledger) -> Head:
    run_id = with_run(ledger)
    ledger.save_snapshot(run_id, "hub", "before", b'{"value":[]}')
    ledger.record_step(run_id, step(0))
    ledger.record_step(run_id, step(0, state="sent"))
    ledger.decide(decision())
    return ledger.head()


def suspects(url: str, anchor: Head | None = None) -> list[int]:
    with opened(url) as ledger:
        return [found.seq for found in ledger.verify(anchor)]


def test_an_untouched_ledger_is_intact(ledger: Ledger) -> None:
    anchor = tell_a_story(ledger)
    assert anchor.seq == ROWS
    assert ledger.verify() == ()
    assert ledger.verify(anchor) == ()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_event SET body = '{}' WHERE seq = 2",
        "DELETE FROM ledger_event WHERE seq = 2",
        "DELETE FROM ledger_event",
        "UPDATE ledger_blob SET digest = 'x'",
        "DELETE FROM ledger_blob",
        "UPDATE ledger_head SET seq = 3",
        f"UPDATE ledger_head SET seq = 7, digest = '{FORGED}'",
        "DELETE FROM ledger_head",
        "INSERT INTO ledger_head VALUES (9, 'x')",
        "UPDATE ledger_schema SET version = 9",
        "DELETE FROM ledger_schema",
        "INSERT INTO ledger_event SELECT 9, kind, subject, state, at, body, digest, 'x' FROM ledger_event WHERE seq = 6",
        "INSERT INTO ledger_event SELECT 7, kind, subject, state, at, body, previous, 'x' FROM ledger_event WHERE seq = 6",
    ],
)
def test_the_database_itself_refuses_to_change_history(
    ledger: Ledger, ledger_url: str, statement: str
) -> None:
    tell_a_story(ledger)
    with pytest.raises(DBAPIError, match="append-only"):
        execute_raw(ledger_url, statement)
    assert ledger.verify() == ()


def test_sqlite_does_not_let_a_row_be_replaced_by_inserting_it_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with opened(url) as ledger:
        tell_a_story(ledger)
    for table in ("event", "blob", "head", "schema"):
        with pytest.raises(DBAPIError, match="append-only"):
            execute_raw(url, f"INSERT OR REPLACE INTO ledger_{table} SELECT * FROM ledger_{table}")


def test_postgresql_does_not_let_a_table_be_emptied(postgresql_ledger_url: str) -> None:
    with opened(postgresql_ledger_url) as ledger:
        tell_a_story(ledger)
    for table in ("event", "blob", "head", "schema"):
        with pytest.raises(DBAPIError, match="append-only"):
            execute_raw(postgresql_ledger_url, f"TRUNCATE ledger_{table}")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE ledger_event SET body = '{}' WHERE seq = 4", [4]),
        ("UPDATE ledger_event SET at = '2020-01-01T00:00:00.000000+00:00' WHERE seq = 1", [1]),
        (f"UPDATE ledger_event SET digest = '{FORGED}' WHERE seq = 4", [4]),
        ("DELETE FROM ledger_event WHERE seq = 1", [1]),
        ("DELETE FROM ledger_event WHERE seq IN (3, 4)", [3]),
        ("DELETE FROM ledger_event WHERE seq = 6", [6]),
        ("DELETE FROM ledger_event", [1]),
        ("DELETE FROM ledger_blob", [1, 3]),
        ("UPDATE ledger_blob SET body = (SELECT MIN(body) FROM ledger_blob)", None),
        (f"UPDATE ledger_head SET digest = '{FORGED}'", [6]),
    ],
)
def test_tampering_by_an_owner_of_the_database_is_found(
    ledger_url: str, statement: str, expected: list[int] | None
) -> None:
    with opened(ledger_url) as ledger:
        tell_a_story(ledger)
    execute_without_triggers(ledger_url, statement)
    found = suspects(ledger_url)
    assert found == expected if expected else len(found) == 1


@pytest.mark.parametrize("seq", [1, 3, ROWS])
def test_a_row_rewritten_together_with_its_digest_is_found(ledger_url: str, seq: int) -> None:
    with opened(ledger_url) as ledger:
        tell_a_story(ledger)
    values = {**read_row(ledger_url, seq), "state": "forged"}
    digest = digest_of({name: value for name, value in values.items() if name != "digest"})
    execute_without_triggers(
        ledger_url, f"UPDATE ledger_event SET state = 'forged', digest = '{digest}' WHERE seq = {seq}"
    )
    assert suspects(ledger_url) == [seq]


def test_a_shortened_history_is_found_even_when_the_head_was_moved_back(ledger_url: str) -> None:
    with opened(ledger_url) as ledger:
        anchor = tell_a_story(ledger)
        digest = ledger.entries(limit=3)[-1].digest
    execute_without_triggers(
        ledger_url,
        "DELETE FROM ledger_event WHERE seq > 4",
        f"UPDATE ledger_head SET seq = 4, digest = '{digest}'",
    )
    assert suspects(ledger_url) == []
    assert suspects(ledger_url, anchor) == [5]


def test_a_wholly_rewritten_history_is_found_by_an_anchor_kept_outside(tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path / 'true.db'}") as ledger:
        anchor = tell_a_story(ledger)
    forged_url = f"sqlite:///{tmp_path / 'forged.db'}"
    with opened(forged_url) as forged:
        with_run(forged)
        for number in range(ROWS):
            forged.record_step("run-1", step(number))
    assert suspects(forged_url) == []
    assert suspects(forged_url, anchor) == [ROWS]


def test_a_document_that_was_changed_is_not_handed_out(ledger_url: str) -> None:
    with opened(ledger_url) as ledger:
        tell_a_story(ledger)
    execute_without_triggers(ledger_url, "DELETE FROM ledger_blob")
    with opened(ledger_url) as ledger:
        with pytest.raises(AllowlistError, match="missing or was changed"):
            ledger.plan(PLAN)
        with pytest.raises(AllowlistError, match="missing or was changed"):
            ledger.snapshot("run-1", "hub", "before")


@settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    seq=st.integers(1, ROWS),
    name=st.sampled_from(["kind", "subject", "state", "at", "body", "previous", "digest"]),
    addition=st.text("abc {}\"',", min_size=1, max_size=3),
)
def test_any_change_of_any_column_of_any_row_is_found_there(
    tmp_path: Path, seq: int, name: str, addition: str
) -> None:
    file = tmp_path / "ledger.db"
    file.unlink(missing_ok=True)
    with opened(f"sqlite:///{file}") as ledger:
        tell_a_story(ledger)
    quoted = addition.replace("'", "''")
    execute_without_triggers(
        f"sqlite:///{file}", f"UPDATE ledger_event SET {name} = {name} || '{quoted}' WHERE seq = {seq}"
    )
    assert suspects(f"sqlite:///{file}")[0] == seq
