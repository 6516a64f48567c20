"""Which version a text means, and how far a change moves it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowlist.catalog import Bump, Version, parse_version
from allowlist.errors import CatalogError
from tests.helpers.catalogs import catalog, entry

VERSIONS = ("1.0.0", "1.2.0", "1.2.1", "1.10.0", "2.0.0")
versions = st.builds(Version, *[st.integers(0, 99)] * 3)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("latest", "2.0.0"),
        ("next", "next"),
        ("1", "1.10.0"),
        ("1.2", "1.2.1"),
        ("1.2.0", "1.2.0"),
        ("2", "2.0.0"),
    ],
)
def test_a_version_is_found_by_word_prefix_or_number(text: str, version: str) -> None:
    assert catalog(versions=VERSIONS).resolve(text) == version


@pytest.mark.parametrize("text", ["3", "1.20", "1.2.9", "newest", "", "1."])
def test_an_unknown_version_is_refused_with_what_exists(text: str) -> None:
    with pytest.raises(CatalogError) as caught:
        catalog(versions=VERSIONS).resolve(text)
    assert "1.10.0" in caught.value.hint


def test_a_catalog_without_releases_has_only_the_next_version() -> None:
    found = catalog(entry(since="next"), releases=[])
    assert [item.id for item in found.entries_at("next")] == ["api"]
    with pytest.raises(CatalogError, match="no release yet"):
        found.resolve("latest")


def test_a_version_holds_the_entries_that_began_before_it_ends_them() -> None:
    found = catalog(
        entry("old", until="1.2.0"),
        entry("kept"),
        entry("new", since="1.10.0"),
        entry("coming", since="next"),
        entry("going", until="next"),
        versions=VERSIONS,
    )
    held = {
        version: [item.id for item in found.entries_at(version)]
        for version in ("1.0.0", "1.2", "latest", "next")
    }
    assert held == {
        "1.0.0": ["old", "kept", "going"],
        "1.2": ["kept", "going"],
        "latest": ["kept", "new", "going"],
        "next": ["kept", "new", "coming"],
    }


@given(versions, st.sampled_from([Bump.PATCH, Bump.MINOR, Bump.MAJOR]))
def test_every_step_leads_to_a_later_version_and_a_larger_step_leads_further(
    version: Version, bump: Bump
) -> None:
    assert bump.apply(version) > version
    assert parse_version(str(bump.apply(version))) == bump.apply(version)
    assert all(smaller.apply(version) <= bump.apply(version) for smaller in Bump if smaller <= bump)
