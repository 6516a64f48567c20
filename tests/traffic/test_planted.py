"""Findings planted in an estate and its logs, in all shapes mixed: each is told with its count, and none is invented."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.helpers.cli import run
from tests.helpers.laws import SHARE
from tests.helpers.planted_logs import NEVER, WANTED, planted


@pytest.mark.parametrize("seed", range(round(6 * SHARE)))
def test_what_was_planted_is_found_and_nothing_else(tmp_path: Path, seed: int) -> None:
    truth = planted(tmp_path, Random(seed))
    found = run("evidence", tmp_path / "logs", "--workload", tmp_path / "allowlist.yaml", "--snapshot", tmp_path / "estate", "--json").json  # fmt: skip
    assert _ends(found["denied"]) == truth.denied
    assert _ends(found["not_required"]) == {end: n for end, n in truth.allowed.items() if not end.startswith(WANTED)}  # fmt: skip
    assert found["read"]["is_whole"] == truth.is_whole
    if not truth.is_whole:
        assert found["unused"] is None
        assert found["redundant"] is None
        return
    unused = {kind: {item["subject"].rpartition("/")[2] for item in found["unused"] if item["kind"] == kind} for kind in ("rule", "requirement", "target")}  # fmt: skip
    assert unused == {"rule": truth.unused, "requirement": {"own@planted#never"}, "target": set()}, NEVER
    assert {item["rule"].rpartition("/")[2] for item in found["redundant"]} == truth.redundant


def _ends(items: Iterable[Mapping[str, Any]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for item in items:
        counts[item["end"]] += item["count"]
    return counts
