"""Each lint rule finds its planted mistake, points at it, and says what to do."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from allowlist.catalog.lint import RULES, FolderBase, GitBase, LintFinding, Severity, lint_files
from allowlist.catalog.lint.spelling import is_disguised, is_slip
from allowlist.errors import InvalidInput
from tests.helpers.catalogs import document, entry, sealed, write


def findings(made: dict[str, Any], folder: Path, base: dict[str, Any] | None = None) -> list[LintFinding]:
    against = FolderBase(write(folder / "base", base).parent) if base else None
    return list(lint_files([write(folder / "catalogs", made)], base=against).findings)


def planted(**fields: Any) -> dict[str, Any]:
    return sealed(document(entry(**fields), entry("region", pattern="{region}.contoso.com"), scenarios=CORE))


CORE = {"core": {"title": "Core", "default": True}}


@pytest.mark.parametrize(
    ("fields", "rule", "at", "remedy"),
    [
        ({"pattern": "*.com"}, "wildcard-too-wide", "pattern:", "at least the registered domain"),
        ({"pattern": "*"}, "wildcard-too-wide", "pattern:", "at least the registered domain"),
        ({"pattern": "*.co.uk"}, "wildcard-too-wide", "pattern:", "at least the registered domain"),
        ({"pattern": "*fabrikam.com"}, "lookalike-wildcard", "pattern:", "write '*.fabrikam.com'"),
        (
            {"pattern": "*.blob.core.windows.net"},
            "shared-suffix",
            "pattern:",
            "{storage}.blob.core.windows.net",
        ),
        ({"pattern": "api.mircosoft.com"}, "misspelt-owner", "pattern:", "write 'microsoft.com'"),
        ({"pattern": "cnd.auth0.com"}, "misspelt-host", "pattern:", "write 'cdn.auth0.com'"),
        (
            {"pattern": "*.fabrikam.com", "consumers": ["account-list"]},
            "wrong-dialect",
            "pattern:",
            "split the entry",
        ),
        ({"sources": None}, "missing-source", "id:", "the page that documents it"),
        (
            {"service_tag": "AzureMachineLerning", "ports": ["tcp:443"]},
            "unknown-service-tag",
            "service_tag:",
            "service tag list",
        ),
        (
            {"service_tag": "AzureFrontDoor", "ports": ["tcp:443"]},
            "unknown-service-tag",
            "service_tag:",
            "AzureFrontDoor.FirstParty",
        ),
        ({"fqdn_tag": "WindowsUpdates"}, "unknown-fqdn-tag", "fqdn_tag:", "WindowsUpdate"),
        ({"alternative": "either"}, "lonely-alternative", "alternative:", "add the other form"),
    ],
)
def test_a_planted_mistake_is_found_where_it_stands(
    fields: dict[str, Any], rule: str, at: str, remedy: str, tmp_path: Path
) -> None:
    found = [finding for finding in findings(planted(**fields), tmp_path) if finding.rule == rule]
    assert len(found) == 1
    line = Path(found[0].file).read_text().splitlines()[found[0].line - 1]
    assert line.strip(" -").startswith(at)
    assert remedy in found[0].remedy


@pytest.mark.parametrize(
    "fields",
    [
        {"pattern": "*.blob.core.windows.net", "risk": "reaches every account"},
        {"pattern": "cnd.auth0.com", "contradiction": "the page really says so"},
        {"pattern": "*.fabrikam.com"},
        {"pattern": "*.{region}.contoso.com"},
        {"service_tag": "Storage.{region}", "ports": ["tcp:443"]},
        {"pattern": "cdn.auth0.com"},
        {"pattern": "api2.fabrikam.com"},
    ],
)
def test_what_is_right_or_explained_raises_no_finding(fields: dict[str, Any], tmp_path: Path) -> None:
    assert findings(planted(**fields), tmp_path) == []


def test_two_entries_for_the_same_are_an_error_and_a_covered_one_is_worth_knowing(tmp_path: Path) -> None:
    made = sealed(
        document(
            entry("one", pattern="a.fabrikam.com"),
            entry("two", pattern="a.fabrikam.com"),
            entry("wide", pattern="*.contoso.com"),
            entry("narrow", pattern="b.contoso.com"),
            scenarios=CORE,
            placeholders={},
        )
    )
    found = {(item.rule, item.severity, item.message) for item in findings(made, tmp_path)}
    assert found == {
        ("duplicate-entry", Severity.ERROR, "asks for the same as 'one'"),
        (
            "overlapping-entry",
            Severity.INFO,
            "'b.contoso.com' is covered by '*.contoso.com' (wide) of the same scenario",
        ),
    }


def test_what_nothing_uses_is_pointed_out(tmp_path: Path) -> None:
    found = findings(sealed(document()), tmp_path)
    assert [(item.rule, item.message) for item in found] == [
        ("unused-declaration", "'extra' is declared but no entry uses it"),
        ("unused-declaration", "'region' is declared but no entry uses it"),
    ]


def test_a_file_that_cannot_be_read_is_told_mistake_by_mistake(tmp_path: Path) -> None:
    made = document(entry(ports=["x:1"], scenario="none"))
    found = findings(made, tmp_path)
    assert [item.rule for item in found] == ["format", "format"]
    assert all(item.line > 1 for item in found)


def history(*, ports: list[str] | None = None, keep: bool = True, until: str | None = None) -> dict[str, Any]:
    entries = [entry("api", ports=ports or ["https:443"], until=until)] if keep else []
    return document(*entries, entry("other", pattern="{region}.contoso.com"), scenarios=CORE)


def test_a_rewritten_release_is_found_without_any_base(tmp_path: Path) -> None:
    made = sealed(history())
    made["entries"][0]["ports"] = ["tcp:443"]
    assert [item.rule for item in findings(made, tmp_path)] == ["rewritten-release"]


@pytest.mark.parametrize(
    ("mine", "rules"),
    [
        (sealed(history(ports=["tcp:443"])), {"changed-meaning", "vanished-release"}),
        (sealed(history(keep=False)), {"vanished-entry", "vanished-release"}),
        (sealed(history(until="next")), set()),
    ],
)
def test_a_release_on_the_base_branch_stays_as_it_is(
    mine: dict[str, Any], rules: set[str], tmp_path: Path
) -> None:
    found = findings(mine, tmp_path, base=sealed(history()))
    assert {item.rule for item in found} == rules


def test_an_entry_that_is_not_released_yet_may_still_change(tmp_path: Path) -> None:
    def draft(ports: list[str]) -> dict[str, Any]:
        return sealed(
            document(
                entry(),
                entry("new", since="next", pattern="{region}.contoso.com", ports=ports),
                scenarios=CORE,
            )
        )

    assert findings(draft(["tcp:1"]), tmp_path, base=draft(["tcp:2"])) == []


@pytest.mark.parametrize(
    ("version", "remedy"),
    [("1.0.1", "release it as 2.0.0"), ("1.1.0", "release it as 2.0.0"), ("2.0.0", None)],
)
def test_a_version_that_hides_a_removal_is_refused(version: str, remedy: str | None, tmp_path: Path) -> None:
    made = document(
        entry("gone", until=version),
        entry("kept", pattern="{region}.contoso.com"),
        versions=("1.0.0", version),
        scenarios=CORE,
    )
    found = [
        item.remedy for item in findings(sealed(made), tmp_path) if item.rule == "version-bump-too-small"
    ]
    assert found == ([remedy] if remedy else [])


def test_the_base_may_be_a_commit(tmp_path: Path) -> None:
    path = write(tmp_path, sealed(history()))
    for arguments in (
        ("init", "--quiet"),
        ("add", "."),
        ("-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "-m", "base"),
    ):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    write(tmp_path, sealed(history(keep=False)))
    found = {item.rule for item in lint_files([path], base=GitBase("HEAD")).findings}
    assert found == {"vanished-entry", "vanished-release"}
    with pytest.raises(InvalidInput, match="git knows no commit 'nowhere'"):
        lint_files([path], base=GitBase("nowhere"))


def test_mistakes_of_form_do_not_hide_mistakes_of_meaning(tmp_path: Path) -> None:
    made = document(
        entry("shape", need="reqired"),
        entry("port", ports=["htps:443"]),
        entry("wide", pattern="*.com"),
        entry("shape", pattern="*fabrikam.com"),
        scenarios=CORE,
    )
    path = write(tmp_path, made)

    found = lint_files([path]).findings

    lines = path.read_text().splitlines()
    places = {(item.rule, lines[item.line - 1].strip(" -")) for item in found}
    assert {
        ("format", "need: reqired"),
        ("format", "htps:443"),
        ("wildcard-too-wide", "pattern: '*.com'"),
        ("lookalike-wildcard", "pattern: '*fabrikam.com'"),
    } <= places
    assert "unused-declaration" not in {item.rule for item in found}


def test_a_text_too_long_is_told_with_its_place(tmp_path: Path) -> None:
    found = findings(document(entry(purpose="x" * 1001), scenarios=CORE), tmp_path)
    assert [item.message for item in found] == ["has 1001 characters, more than 1000"]
    assert found[0].line > 1


def test_every_rule_has_its_own_name_and_explains_itself() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.explanation.endswith(".") for rule in RULES)


@pytest.mark.parametrize(
    ("word", "meant", "slip"),
    [
        ("cnd", "cdn", True),
        ("csp", "ocsp", True),
        ("micorsoft", "microsoft", True),
        ("microsft", "microsoft", True),
        ("microosoft", "microsoft", True),
        ("nicrosoft", "microsoft", True),
        ("api1", "api2", False),
        ("ods", "oms", False),
        ("login", "login", False),
        ("media", "quantum", False),
    ],
)
def test_a_slip_is_one_wrong_key_and_not_another_word(word: str, meant: str, slip: bool) -> None:
    assert is_slip(word, meant) is slip


@pytest.mark.parametrize(
    ("word", "meant", "disguised"),
    [
        ("micr0soft", "microsoft", True),
        ("rnicrosoft", "microsoft", True),
        ("g1thub", "github", True),
        ("micro-soft", "microsoft", True),
        ("microsoft", "microsoft", False),
        ("contoso", "microsoft", False),
    ],
)
def test_a_disguise_looks_the_same_at_a_glance(word: str, meant: str, disguised: bool) -> None:
    assert is_disguised(word, meant) is disguised
