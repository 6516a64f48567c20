"""What a pass knows of earlier ones: asked for once for all targets, and anew where it noted something itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from allowlist.store import Ledger, open_ledger
from allowlist.workflow.syncing.notes import Notes

NOW = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(f"sqlite:///{tmp_path}/ledger.db", environ={}, clock=lambda: NOW) as found:
        yield found


def _state(notes: Notes, kind: str, target: str) -> str | None:
    note = notes.latest(kind, target)
    return note.state if note else None


def test_the_latest_note_of_each_target_and_kind_is_known(ledger: Ledger) -> None:
    for target, state in (("a", "1"), ("b", "2"), ("a", "3")):
        Notes(ledger, "w").note("pending", target, state, {})
    Notes(ledger, "other").note("pending", "a", "4", {})
    Notes(ledger, "w").note("owned", "a", "5", {})

    later = Notes(ledger, "w")
    assert [_state(later, "pending", target) for target in ("a", "b", "c")] == ["3", "2", None]
    assert _state(later, "owned", "a") == "5"


def test_what_a_pass_notes_itself_it_knows(ledger: Ledger) -> None:
    notes = Notes(ledger, "w")
    assert _state(notes, "pending", "a") is None
    notes.note("pending", "a", "1", {"n": 1})
    assert _state(notes, "pending", "a") == "1"
    assert _state(Notes(ledger, "w"), "pending", "a") == "1"


def test_a_target_that_no_run_left_behind_is_asked_of_the_ledger_once(ledger: Ledger) -> None:
    notes = Notes(ledger, "w")
    assert not notes.may_be_written("a")
    notes.writes("a")
    assert [notes.may_be_written(target) for target in ("a", "b")] == [True, False]
