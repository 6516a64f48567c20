"""Notes: what one scheduled run leaves for the next; the latest on a subject counts."""

from __future__ import annotations

from allowlist.store import Ledger


def test_the_latest_note_on_a_subject_counts(ledger: Ledger) -> None:
    ledger.note("told", "a", "x", {"n": 1})
    ledger.note("told", "a", "y", {"n": 2})
    ledger.note("told", "b", "z", {})
    latest = ledger.latest_note("told", "a")
    assert latest is not None
    assert (latest.state, latest.body) == ("y", {"n": 2})
    assert {subject: entry.state for subject, entry in ledger.latest_notes("told").items()} == {
        "a": "y",
        "b": "z",
    }


def test_kinds_and_beginnings_are_kept_apart(ledger: Ledger) -> None:
    ledger.note("told", "a%/x", "1", {})
    ledger.note("left", "a%/x", "2", {})
    ledger.note("told", "ab/x", "3", {})
    assert list(ledger.latest_notes("told", "a%")) == ["a%/x"]
    assert ledger.latest_note("told", "a") is None


def test_notes_belong_to_the_chain(ledger: Ledger) -> None:
    ledger.note("told", "a", "x", {})
    assert ledger.head().seq == 1
    assert not ledger.verify()
