"""What a check works out only for the findings it shows is what it would have shown of all of them."""

from __future__ import annotations

import datetime as dt

import pytest

from allowlist.plan.findings import Finding
from allowlist.render.findings import findings_text, told_in_full
from allowlist.workflow.checking import check_targets
from allowlist.workflow.project import load_project, read_estate
from tests.bench.estates import write_estate

NOW = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Finding], list[Finding]]:
    """The findings of one estate, in full and as far as a text shows them."""
    place = write_estate(tmp_path_factory.mktemp("estate"), "S")
    project = load_project(place.workload, now=NOW)
    specs = project.targets()
    estate = read_estate(project, specs, place.before)
    whole, brief = (
        [item for check in check_targets(project, estate, specs, *chosen) for item in check.findings]
        for chosen in ((), (told_in_full,))
    )
    return whole, brief


def test_a_text_without_details_is_the_same(checked: tuple[list[Finding], list[Finding]]) -> None:
    whole, brief = checked
    assert list(findings_text(brief, str)) == list(findings_text(whole, str))


def test_what_is_not_shown_is_not_worked_out(checked: tuple[list[Finding], list[Finding]]) -> None:
    whole, brief = checked
    assert [item.is_near for item in brief] == [item.is_near for item in whole]
    assert sum(bool(item.near_misses) for item in brief) < sum(bool(item.near_misses) for item in whole)
