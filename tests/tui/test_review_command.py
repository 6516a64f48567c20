"""The command itself: what it says where no screen can be shown."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.cli import CONTOSO, allowlist


def test_a_plan_that_is_not_there_is_told_with_the_next_step(workplace: Path) -> None:
    del workplace
    result = allowlist("review", "nope.json")
    assert result.code == 1
    assert "nope.json is not there" in result.err
    assert "allowlist plan -o FILE" in result.err


def test_a_workload_that_is_not_there_is_told(workplace: Path) -> None:
    del workplace
    result = allowlist("review", "--snapshot", CONTOSO)
    assert result.code == 1
    assert "allowlist.yaml is not there" in result.err
    assert "allowlist init" in result.err


def test_without_a_terminal_the_way_without_one_is_named(workplace: Path) -> None:
    del workplace
    result = allowlist("review", "--workload", CONTOSO / "allowlist.yaml", "--snapshot", CONTOSO)
    assert result.code == 1
    assert "review needs a terminal" in result.err
    assert "allowlist approve PLAN" in result.err
