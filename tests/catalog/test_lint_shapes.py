"""Names that cannot be what they are meant to be, and names that come together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from allowlist.catalog import read_catalog
from allowlist.catalog.lint import LintFinding, lint_files
from allowlist.errors import InvalidInput
from tests.helpers.catalogs import document, entry, sealed, write

CORE = {"core": {"title": "Core", "default": True}}
FIELD: dict[str, Any] = {
    "evidence": [{"class": "rule-in-template", "repo": "a/b", "where": "main.tf", "commit": "abc1234"}],
    "sources": [],
}


def lint(
    folder: Path, *entries: dict[str, Any], others: tuple[dict[str, Any], ...] = ()
) -> list[LintFinding]:
    made = document(*entries, entry("region", pattern="{region}.contoso.com"), scenarios=CORE)
    known = []
    for index, other in enumerate(others):
        name = f"other{index}"
        known.append(read_catalog(write(folder / name, sealed({**other, "name": name}))))
    return list(lint_files([write(folder / "catalogs", sealed(made))], known=known).findings)


def rules(found: list[LintFinding]) -> dict[str, LintFinding]:
    return {finding.rule: finding for finding in found}


@pytest.mark.parametrize(
    ("fields", "rule", "remedy"),
    [
        ({"pattern": "AzureFrontDoor.FirstParty"}, "tag-as-host", "service_tag"),
        ({"pattern": "crl3.digicert.com"}, "revocation-over-https", "[http:80]"),
        ({"pattern": "ocsp.contoso.com"}, "revocation-over-https", "[http:80]"),
        ({"pattern": "mcr.microsoft.com"}, "split-pair", "*.data.mcr.microsoft.com"),
    ],
)
def test_a_planted_mistake_is_found_with_its_remedy(
    tmp_path: Path, fields: dict[str, Any], rule: str, remedy: str
) -> None:
    found = rules(lint(tmp_path, entry(**fields)))

    assert rule in found
    assert remedy in found[rule].remedy


@pytest.mark.parametrize(
    ("pattern", "said"),
    [("AzureMonitor", "write 'service_tag: AzureMonitor'"), ("fileserver", "no fully qualified name")],
)
def test_what_has_no_dot_is_refused_when_it_is_read(tmp_path: Path, pattern: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(said)):
        lint(tmp_path, entry(pattern=pattern))


@pytest.mark.parametrize(
    "entries",
    [
        [entry(pattern="monitor.contoso.com")],
        [entry(pattern="crl3.digicert.com", ports=["http:80"])],
        [
            entry(pattern="mcr.microsoft.com"),
            entry("data", pattern="*.data.mcr.microsoft.com"),
        ],
    ],
)
def test_what_is_right_is_left_alone(tmp_path: Path, entries: list[dict[str, Any]]) -> None:
    mine = {"tag-as-host", "revocation-over-https", "split-pair", "near-twin"}

    assert mine.isdisjoint(rules(lint(tmp_path, *entries)))


@pytest.mark.parametrize(
    ("known", "written"),
    [
        ("agent365.svc.cloud.microsoft", "agent365.svc.cloud.microsoft.com"),
        ("api.fabrikam.com", "api.fabrikam.net"),
    ],
)
def test_a_twin_of_a_known_name_under_another_end_is_asked_about(
    tmp_path: Path, known: str, written: str
) -> None:
    other = document(entry("known", pattern=known), scenarios=CORE, placeholders={})
    found = rules(lint(tmp_path, entry(pattern=written, **FIELD), others=(other,)))

    assert f"'{known}'" in found["near-twin"].message


@pytest.mark.parametrize(("since", "is_told"), [("next", True), ("1.0.0", False)])
def test_a_new_twin_is_asked_about_although_a_page_is_cited_and_a_released_one_is_not(
    tmp_path: Path, since: str, is_told: bool
) -> None:
    other = document(entry("known", pattern="api.fabrikam.com"), scenarios=CORE, placeholders={})
    found = rules(lint(tmp_path, entry(pattern="api.fabrikam.net", since=since), others=(other,)))

    assert ("near-twin-cited" in found) is is_told
    assert "near-twin" not in found


def test_a_twin_in_another_cloud_is_how_clouds_are(tmp_path: Path) -> None:
    other = document(entry("known", pattern="api.fabrikam.com"), scenarios=CORE, placeholders={})
    found = rules(
        lint(tmp_path, entry(pattern="api.fabrikam.cn", clouds=["china"], **FIELD), others=(other,))
    )

    assert "near-twin" not in found


def test_a_pattern_of_another_shape_than_what_was_seen_is_told(tmp_path: Path) -> None:
    seen = {"package": "p", "versions": "1.0", "moment": "first-call"}
    other = document(
        entry("seen", pattern="eastus2-3.in.fabrikam.com", asked_by=[seen]), scenarios=CORE, placeholders={}
    )
    found = rules(lint(tmp_path, entry(pattern="{region}.in.fabrikam.com"), others=(other,)))

    assert "eastus2-3.in.fabrikam.com" in found["observed-otherwise"].message


def test_a_page_that_another_catalog_reads_further_is_told(tmp_path: Path) -> None:
    other = document(entry("a"), entry("more"), scenarios=CORE, placeholders={})
    found = rules(lint(tmp_path, entry("a"), others=(other,)))

    assert "'more.contoso.com'" in found["page-in-part"].message
