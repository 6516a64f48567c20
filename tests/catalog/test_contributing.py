"""Evidence from a firewall log becomes the narrowest entry, and files that people keep lose nothing by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from allowlist.catalog import read_catalog
from allowlist.catalog.contributing import parse_issue, read_log, without_ids
from allowlist.catalog.editing import round_trip
from allowlist.documents.source import parse_yaml_source
from allowlist.errors import InvalidInput
from tests.helpers.catalogs import document, entry, sealed, write
from tests.helpers.cli import Result, allowlist

ISSUE = "https://github.com/contoso/landing-zone/issues/40"


def line(name: str, action: str = "Deny", day: str = "2026-11-20") -> str:
    row = {
        "TimeGenerated": f"{day}T10:00:00Z",
        "SourceIp": "10.1.2.3",
        "Fqdn": name,
        "DestinationPort": 443,
        "Protocol": "HTTPS",
        "Action": action,
        "_ResourceId": "/subscriptions/0000/resourceGroups/rg",
    }
    return json.dumps(row)


def logs(folder: Path, denied: list[str], allowed: list[str] = []) -> tuple[str, str]:  # noqa: B006
    before, after = folder / "denied.jsonl", folder / "allowed.jsonl"
    before.write_text("\n".join(line(name) for name in denied), "utf-8")
    after.write_text("\n".join(line(name, "Allow", "2026-11-21") for name in allowed), "utf-8")
    return str(before), str(after)


def contribute(folder: Path, kind: str, *options: str) -> str:
    write(folder / "catalogs", sealed(document(entry("api"))))
    answer = allowlist(
        "catalog", "add", "contoso", "--catalogs", str(folder / "catalogs"), "--evidence", kind,
        "--purpose", "keeps it going", *options,
    )  # fmt: skip
    return answer.err if answer.code else ""


def test_one_name_opened_alone_becomes_one_entry_with_nothing_of_whose_log_it_was(tmp_path: Path) -> None:
    denied, allowed = logs(tmp_path, ["seen.contoso.net", "other.contoso.net"], ["seen.contoso.net"])

    wrong = contribute(
        tmp_path, "validated-alone", "--seen", denied, "--fixed", allowed, "--issue", ISSUE,
        "--region", "swedencentral",
    )  # fmt: skip

    text = (tmp_path / "catalogs" / "contoso.yaml").read_text("utf-8")
    (made,) = [
        one for one in read_catalog(tmp_path / "catalogs" / "contoso.yaml").entries if one.is_from_field
    ]
    (evidence,) = made.evidence
    assert wrong == ""
    assert (made.value, made.need, made.scenario) == ("seen.contoso.net", "conditional", "field")
    assert (evidence.repo, evidence.where, evidence.region) == (
        "contoso/landing-zone",
        "issue 40",
        "swedencentral",
    )
    assert not any(secret in text for secret in ("10.1.2.3", "subscriptions", "other.contoso.net"))


@pytest.mark.parametrize(
    ("kind", "opened", "reason"),
    [
        ("validated-alone", ["seen.contoso.net", "other.contoso.net"], "2 refused names"),
        ("validated-alone", [], "no log shows it opened"),
        ("validated-together", [], "refused and then let through"),
    ],
)
def test_more_is_not_claimed_than_the_logs_show(
    tmp_path: Path, kind: str, opened: list[str], reason: str
) -> None:
    denied, allowed = logs(tmp_path, ["seen.contoso.net", "other.contoso.net"], opened)
    fixed = ("--fixed", allowed) if opened else ()

    assert reason in contribute(tmp_path, kind, "--seen", denied, *fixed, "--issue", ISSUE)


def added(folder: Path, *options: str) -> Result:
    write(folder / "catalogs", sealed(document(entry("api"))))
    denied, allowed = logs(
        folder, ["seen.contoso.net", "other.contoso.net", "third.contoso.net"], ["seen.contoso.net"]
    )
    return allowlist(
        "catalog", "add", "contoso", "--catalogs", str(folder / "catalogs"), "--evidence", "denied-in-log",
        "--purpose", "keeps it going", "--seen", denied, "--fixed", allowed, "--issue", ISSUE, *options,
    )  # fmt: skip


def test_a_refused_name_that_nothing_shows_opened_is_left_out_and_told(tmp_path: Path) -> None:
    told = added(tmp_path).err

    assert "added 'seen-contoso-net'" in told
    for name in ("other.contoso.net", "third.contoso.net"):
        assert f"left out '{name}' (https:443)" in told
        assert f"added '{name}" not in told
    assert "left out 'seen.contoso.net'" not in told


def test_what_was_added_and_what_was_left_out_is_told_as_json(tmp_path: Path) -> None:
    told = added(tmp_path, "--json").json

    assert told["schema"] == "allowlist/catalog-add/v1"
    assert [one["pattern"] for one in told["added"]] == ["seen.contoso.net"]
    assert [(one["name"], one["port"]) for one in told["left_out"]] == [
        ("other.contoso.net", "https:443"),
        ("third.contoso.net", "https:443"),
    ]


def test_a_log_of_what_was_let_through_that_shows_none_of_the_names_adds_nothing(tmp_path: Path) -> None:
    denied, allowed = logs(tmp_path, ["seen.contoso.net"], ["elsewhere.contoso.net"])

    said = contribute(tmp_path, "denied-in-log", "--seen", denied, "--fixed", allowed, "--issue", ISSUE)

    assert "none of 1 refused name is let through afterwards" in said
    assert not [
        one for one in read_catalog(tmp_path / "catalogs" / "contoso.yaml").entries if one.is_from_field
    ]


def test_what_nobody_can_look_up_is_no_evidence(tmp_path: Path) -> None:
    denied, _ = logs(tmp_path, ["seen.contoso.net"])

    assert "--issue URL" in contribute(tmp_path, "denied-in-log", "--seen", denied)
    assert "is no link to an issue" in contribute(
        tmp_path, "denied-in-log", "--seen", denied, "--issue", "https://contoso.example/ticket/4"
    )
    assert "did you mean 'denied-in-log'" in contribute(tmp_path, "denied-in-logs", "--issue", ISSUE)


def test_ids_become_placeholders_or_are_refused() -> None:
    name = "0f8fad5b-d9cb-469f-a165-70867728950e.ods.opinsights.azure.com"

    assert without_ids(name, ["workspaceId"]) == "{workspaceId}.ods.opinsights.azure.com"
    with pytest.raises(ValueError, match="somebody's id"):
        without_ids(name, [])


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (ISSUE, ("contoso/landing-zone", "issue 40", "")),
        ("https://github.com/contoso/lz/pull/7", ("contoso/lz", "pull request 7", "")),
        ("https://github.com/contoso/lz/commit/abc123", ("contoso/lz", "commit", "abc123")),
    ],
)
def test_a_link_names_repository_and_number(url: str, expected: tuple[str, str, str]) -> None:
    assert parse_issue(url) == expected


def test_a_log_with_a_broken_line_is_refused_with_its_place(tmp_path: Path) -> None:
    log = tmp_path / "denied.jsonl"
    log.write_text(line("a.contoso.com") + "\n{", "utf-8")

    with pytest.raises(InvalidInput, match="is no JSON") as caught:
        read_log(log, denied=True)
    assert caught.value.problems[0].line == 2


@pytest.mark.parametrize(
    "text",
    [
        "# licence\n# of ours\n---\n# inside\na: 1  # x\nb:\n  - c\n",
        "---\na: 1\n",
        "# top\na: 1\n",
        "%YAML 1.1\n---\na: 1\n",
        "a: 1\r\nb: 2\r\n",
    ],
)
def test_what_stands_around_a_document_stays(text: str) -> None:
    assert round_trip(text) == text


@pytest.mark.parametrize("number", ["010", "1:30", "-012", "190:20:30"])
def test_a_number_that_readers_take_differently_is_refused_with_its_place(number: str) -> None:
    with pytest.raises(InvalidInput, match="write it in quotes") as caught:
        parse_yaml_source(f"a: 1\nb: {number}\n", "f.yaml")
    assert (caught.value.problems[0].line, caught.value.problems[0].column) == (2, 4)


@pytest.mark.parametrize("number", ["0", "10", "-3", "1_000", "0x1f"])
def test_plain_numbers_stay_numbers(number: str) -> None:
    assert isinstance(parse_yaml_source(f"a: {number}\n", "f.yaml").data["a"], int)
