"""A ledger whose tail was cut off is told by what is remembered outside of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from allowlist.store import Ledger, open_ledger
from tests.helpers.cli import allowlist
from tests.helpers.ledgers import decision, wall_clock


def _opened(folder: Path) -> Ledger:
    environ = {"ALLOWLIST_ANCHOR": str(folder / "anchor.json")}
    return open_ledger(f"sqlite:///{folder}/ledger.db", environ=environ, clock=wall_clock)


def test_an_older_copy_put_in_place_of_the_ledger_hides_nothing(tmp_path: Path) -> None:
    with _opened(tmp_path) as ledger:
        ledger.decide(decision())
    shutil.copy(tmp_path / "ledger.db", tmp_path / "old.db")
    with _opened(tmp_path) as ledger:
        ledger.decide(decision(verdict="reject"))
        assert ledger.verify() == ()
    for file in tmp_path.glob("ledger.db*"):
        file.unlink()
    shutil.copy(tmp_path / "old.db", tmp_path / "ledger.db")

    with _opened(tmp_path) as ledger:
        (found,) = ledger.verify()
        assert "known outside the ledger and is gone" in found.because
    with _opened(tmp_path) as ledger:
        ledger.decide(decision(verdict="approve"), decision(verdict="approve"))
        assert ledger.verify(), "rows written since do not make up for it"


def test_verifying_says_when_there_is_no_anchor(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{workplace}/ledger.db"
    assert "no anchor" in allowlist("history", "--verify", "--ledger", url).err
    monkeypatch.setenv("ALLOWLIST_ANCHOR", str(workplace / "anchor.json"))
    assert "no anchor" not in allowlist("history", "--verify", "--ledger", url).err
