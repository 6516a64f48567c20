"""Changes are told by meaning: what is let through before and after, not how the file reads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowlist.catalog import (
    Bump,
    Catalog,
    ChangeKind,
    Cloud,
    changes_between,
    changes_for,
    compare,
    required_bump,
)
from tests.helpers.catalogs import catalog, entry


def two_versions(before: dict[str, Any] | None, after: dict[str, Any] | None) -> Catalog:
    entries = [entry("stays")]
    if before:
        entries.append(entry("before", **{"until": "2.0.0", **before}))
    if after:
        entries.append(entry("after", **{"since": "2.0.0", **after}))
    return catalog(*entries, versions=("1.0.0", "2.0.0"))


HOST = {"pattern": "api.contoso.com"}


@pytest.mark.parametrize(
    ("before", "after", "kind", "bump"),
    [
        (None, HOST, ChangeKind.ADDED, Bump.MINOR),
        (HOST, None, ChangeKind.ENDED, Bump.MAJOR),
        (HOST, {"pattern": "*.contoso.com"}, ChangeKind.WIDENED, Bump.MINOR),
        ({"pattern": "*.contoso.com"}, HOST, ChangeKind.NARROWED, Bump.MAJOR),
        (HOST, {**HOST, "ports": ["https:443", "http:80"]}, ChangeKind.WIDENED, Bump.MINOR),
        ({**HOST, "ports": ["any:*"]}, HOST, ChangeKind.NARROWED, Bump.MAJOR),
        (HOST, {**HOST, "clouds": ["public", "china"]}, ChangeKind.WIDENED, Bump.MINOR),
        (
            {**HOST, "consumers": ["client", "node"]},
            {**HOST, "consumers": ["node"]},
            ChangeKind.NARROWED,
            Bump.MAJOR,
        ),
        ({**HOST, "need": "optional"}, HOST, ChangeKind.NEED_RAISED, Bump.MINOR),
        (HOST, {**HOST, "need": "optional"}, ChangeKind.NEED_LOWERED, Bump.MAJOR),
        (HOST, {**HOST, "written": "api.contoso.con"}, ChangeKind.RESTATED, Bump.PATCH),
        ({**HOST, "clouds": ["public"]}, {**HOST, "clouds": ["china"], "ports": ["tcp:1"]}, None, Bump.MAJOR),
        (
            {"pattern": "{region}.in.contoso.com"},
            {"pattern": "*.in.contoso.com"},
            ChangeKind.WIDENED,
            Bump.MINOR,
        ),
        (
            {"pattern": None, "service_tag": "AzureMonitor", "ports": ["tcp:443"]},
            {"pattern": None, "service_tag": "AzureMonitor.{region}", "ports": ["tcp:443"]},
            ChangeKind.NARROWED,
            Bump.MAJOR,
        ),
        (
            {**HOST, "clouds": ["public"], "ports": ["https:443"]},
            {"pattern": "*.contoso.com", "ports": ["http:80"]},
            ChangeKind.REPLACED,
            Bump.MAJOR,
        ),
    ],
)
def test_a_change_is_named_by_what_it_lets_through(
    before: dict[str, Any] | None, after: dict[str, Any] | None, kind: ChangeKind | None, bump: Bump
) -> None:
    changes = changes_between(two_versions(before, after), "1.0.0", "2.0.0")
    assert required_bump(changes) is bump
    if kind is not None:
        assert [change.kind for change in changes] == [kind]
    else:
        assert {change.kind for change in changes} == {ChangeKind.ADDED, ChangeKind.ENDED}


def test_an_end_that_another_entry_covers_takes_nothing_away() -> None:
    found = catalog(
        entry("wide", pattern="*.contoso.com"), entry("api", until="1.1.0"), versions=("1.0.0", "1.1.0")
    )
    (change,) = changes_between(found, "1.0.0", "1.1.0")
    assert (change.kind, change.loses, change.bump) == (ChangeKind.ENDED, False, Bump.MINOR)


def test_cover_from_another_scenario_does_not_count() -> None:
    found = catalog(
        entry("wide", pattern="*.contoso.com", scenario="extra"),
        entry("api", until="2.0.0"),
        versions=("1.0.0", "2.0.0"),
    )
    assert required_bump(changes_between(found, "1.0.0", "2.0.0")) is Bump.MAJOR


def test_only_the_changes_of_my_scenario_and_cloud_concern_me() -> None:
    found = catalog(
        entry("base"),
        entry("mine", since="1.1.0"),
        entry("other", since="1.1.0", scenario="extra"),
        entry("abroad", since="1.1.0", clouds=["china"]),
        versions=("1.0.0", "1.1.0"),
    )
    changes = changes_between(found, "1.0.0", "1.1.0")
    mine = changes_for(changes, scenarios={"core"}, cloud=Cloud.PUBLIC)
    assert [change.entry.id for change in mine] == ["mine"]


hosts = st.sampled_from(
    ["*.contoso.com", "a.contoso.com", "b.contoso.com", "*.fabrikam.com", "{region}.contoso.com"]
)
ports = st.lists(
    st.sampled_from(["https:443", "http:80", "tcp:443", "any:*"]), min_size=1, max_size=2, unique=True
)
rows = st.lists(st.tuples(hosts, ports, st.sampled_from(["core", "extra"])), min_size=1, max_size=5)


def catalog_of(found: list[tuple[str, list[str], str]], prefix: str) -> Catalog:
    return catalog(
        *(
            entry(f"{prefix}{number}", pattern=host, ports=port, scenario=scenario)
            for number, (host, port, scenario) in enumerate(found)
        )
    )


@given(rows, rows)
def test_every_added_and_every_ended_entry_appears_in_exactly_one_change(
    old: list[tuple[str, list[str], str]], new: list[tuple[str, list[str], str]]
) -> None:
    before, after = catalog_of(old, "o").entries, catalog_of(new, "n").entries
    changes = compare(before, after)
    assert sorted(change.before.id for change in changes if change.before) == sorted(
        item.id for item in before
    )
    assert sorted(change.after.id for change in changes if change.after) == sorted(item.id for item in after)


@given(rows)
def test_a_version_compared_with_itself_has_no_changes(found: list[tuple[str, list[str], str]]) -> None:
    entries = catalog_of(found, "e").entries
    assert compare(entries, entries) == ()
