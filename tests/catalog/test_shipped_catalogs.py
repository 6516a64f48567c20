"""The catalogs in this repository: complete, clean, and with a history nobody can rewrite."""

from __future__ import annotations

from itertools import pairwise

import pytest

from allowlist.catalog import (
    Kind,
    changes_between,
    release_digest,
    required_bump,
    shipped_catalogs,
)
from allowlist.catalog.editing import round_trip
from allowlist.catalog.library import catalog_files
from allowlist.catalog.lint import Severity, lint_files
from allowlist.catalog.versions import Bump, parse_version
from tests.helpers.catalogs import shipped_library

LIBRARY = shipped_library()
NAMES = sorted(LIBRARY.catalogs)
RELEASES = [(catalog.name, release.version) for catalog in LIBRARY for release in catalog.releases]


@pytest.mark.parametrize(("name", "version"), RELEASES)
def test_a_release_holds_exactly_what_its_digest_says(name: str, version: str) -> None:
    catalog = LIBRARY.get(name)
    assert release_digest(catalog, version) == catalog.release(version).digest


@pytest.mark.parametrize("name", NAMES)
def test_the_version_numbers_tell_the_truth_about_their_changes(name: str) -> None:
    catalog = LIBRARY.get(name)
    for older, newer in pairwise(release.version for release in catalog.releases):
        least = max(required_bump(changes_between(catalog, older, newer)), Bump.PATCH)
        assert parse_version(newer) >= least.apply(parse_version(older))


def test_lint_finds_neither_errors_nor_warnings() -> None:
    report = lint_files(catalog_files(shipped_catalogs()))
    assert [finding for finding in report.findings if finding.severity is not Severity.INFO] == []


@pytest.mark.parametrize("name", NAMES)
def test_editing_keeps_every_byte_it_does_not_change(name: str) -> None:
    text = (shipped_catalogs() / f"{name}.yaml").read_text(encoding="utf-8")
    assert round_trip(text) == text


@pytest.mark.parametrize("name", NAMES)
def test_every_catalog_gives_a_workload_something_by_default_or_says_why_not(name: str) -> None:
    catalog = LIBRARY.get(name)
    package_by_package = any(entry.asked_by for entry in catalog.entries)
    by_request = (entry.need == "optional" or entry.is_from_field for entry in catalog.entries)
    assert catalog.default_scenarios or package_by_package or all(by_request)


def test_package_registries_are_parameters_everywhere() -> None:
    python = {entry.value for entry in LIBRARY.get("python-packages").entries_at("latest")}
    assert {"{python_index}", "*.{python_files}"} <= python


def test_a_documented_need_of_nothing_is_kept_as_data() -> None:
    nothing = [entry for entry in LIBRARY.get("azure-front-door").entries if entry.kind is Kind.NOTHING]
    assert len(nothing) == 1


def test_the_hub_tells_its_documented_story() -> None:
    hub = LIBRARY.get("foundry-hub")
    first = {str(entry) for entry in hub.entries_at("1.0.0")}
    latest = {str(entry) for entry in hub.entries_at("latest")}
    assert {"ghcr.io", "raw.githubusercontent.com", "*.vscode.dev"} <= first
    assert {"huggingface.co", "VirtualNetwork", "vscode.download.prss.microsoft.com"} <= latest - first
    assert not {"ghcr.io", "raw.githubusercontent.com"} & latest


def test_a_name_misspelt_by_its_page_is_never_asked_for() -> None:
    assert "cnd.auth0.com" not in {str(entry) for catalog in LIBRARY for entry in catalog.entries}
