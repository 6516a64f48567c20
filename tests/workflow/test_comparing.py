"""What a comparison finds in one go is what both states say apart."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from allowlist.estate.bodies import Estate
from allowlist.plan.findings import Finding
from allowlist.workflow.comparing import compare_states
from allowlist.workflow.judging import judge_target
from allowlist.workflow.project import Project, load_project, read_estate
from tests.bench.answers import write_world
from tests.bench.saying import catalogs_of

NOW = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)


def _judged(project: Project, state: Path) -> dict[object, Finding]:
    """The finding of every requirement, in a state that nothing else is held beside."""
    (spec,) = project.targets()
    findings = judge_target(project, read_estate(project, [spec], state), spec).findings
    return {item.requirement: item for item in findings}


@pytest.mark.parametrize("seed", range(12))
def test_what_breaks_and_what_mends_is_what_both_states_say_apart(seed: int, tmp_path: Path) -> None:
    place = write_world(tmp_path, seed)
    project = load_project(place / "allowlist.yaml", catalogs=catalogs_of(place), now=NOW)
    (found,) = compare_states(project, project.targets(), place / "before", place / "after").targets

    before, after = (_judged(project, place / name) for name in ("before", "after"))
    turned = [item for ref, item in after.items() if ref in before and before[ref].is_fine != item.is_fine]
    assert list(found.broken) == [item for item in turned if not item.is_fine]
    assert list(found.mended) == [item for item in turned if item.is_fine]


def test_only_bodies_that_are_alike_are_shared() -> None:
    one = Estate.of([{"id": "/a", "x": [1]}, {"id": "/b", "x": [2]}], "first")
    other = Estate.of([{"id": "/a", "x": [1]}, {"id": "/b", "x": [3]}, {"id": "/c"}], "second")
    shared = other.sharing(one)
    assert shared == other
    assert shared.get("/a") is one.get("/a")
    assert shared.get("/b") is other.get("/b")
    assert shared.derived is one.derived
    assert shared.whole is not one.whole
