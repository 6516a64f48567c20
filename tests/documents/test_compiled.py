"""A workload file that was read before is not read again, and nothing that could change its meaning is overlooked."""

from __future__ import annotations

from pathlib import Path

import pytest

from allowlist.documents.compiled import cache_folder, compiled, key_of
from allowlist.errors import InvalidInput
from allowlist.workload.reader import read_workload

TEXT = """\
schema: allowlist/workload/v1
name: demo
sources: {agents: {addresses: [10.0.0.0/24]}}
targets:
  - {name: hub, surface: firewall-policy, resource: /subscriptions/s/resourceGroups/g/providers/p/t/n, delete: sync}
"""
KINDS = ("firewall-policy",)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "allowlist" / "workloads"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "allowlist.yaml"
    path.write_text(TEXT)
    return path


def test_the_second_reading_is_the_first_one(cache: Path, file: Path) -> None:
    first, _ = read_workload(file, KINDS)
    second, source = read_workload(file, KINDS)
    assert first == second
    assert len(list(cache.iterdir())) == 1
    assert source.problem(("targets", 0, "name"), "x").line == 5


def test_another_text_is_read_anew(cache: Path, file: Path) -> None:
    read_workload(file, KINDS)
    file.write_text(TEXT.replace("demo", "other"))
    assert read_workload(file, KINDS)[0].name == "other"


def test_other_kinds_of_enforcement_points_are_another_question(cache: Path, file: Path) -> None:
    read_workload(file, KINDS)
    with pytest.raises(InvalidInput):
        read_workload(file, ("account-network",))


def test_a_wrong_file_is_told_with_its_places_every_time(cache: Path, file: Path) -> None:
    file.write_text(TEXT.replace("delete: sync", "delete: perhaps"))
    for _ in range(2):
        with pytest.raises(InvalidInput, match=":5:"):
            read_workload(file, KINDS)


def test_a_broken_copy_counts_as_none(cache: Path, file: Path) -> None:
    read_workload(file, KINDS)
    for copy in cache.iterdir():
        copy.write_bytes(b"\xc1 no document")
    assert read_workload(file, KINDS)[0].name == "demo"


def test_a_copy_is_another_when_the_rules_it_was_read_by_change(tmp_path: Path) -> None:
    rules = tmp_path / "rules.py"
    rules.write_text("a = 1")
    other = tmp_path / "other.py"
    other.write_text("a = 2")
    keys = {key_of("text", rules=(str(path),)) for path in (rules, other)}
    assert len(keys) == 2


def test_without_a_home_everything_is_read(file: Path) -> None:
    assert cache_folder({}, "workloads") is None
    assert compiled(None, "key", str, lambda: "made") == "made"
