"""What a workspace says it must reach: compared with a catalog as sets, and kept as a catalog with revisions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from allowlist.catalog.editing import release
from allowlist.catalog.live import compare, dependencies_of, write_revision
from allowlist.catalog.reader import read_catalog
from allowlist.simulator import Simulator, serve
from tests.helpers.catalogs import shipped_library
from tests.helpers.cli import allowlist
from tests.helpers.schemas import fits
from tests.helpers.shared import REPOSITORY

HUB = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-ai-weu/providers/Microsoft.MachineLearningServices/workspaces/hub-research"


def needs(*hosts: str, ports: tuple[int, ...] = (443,)) -> list[dict[str, Any]]:
    details = [{"port": port} for port in ports]
    endpoints = [{"domainName": host, "endpointDetails": details} for host in hosts]
    return [{"properties": {"category": "Storage", "endpoints": endpoints}}]


@pytest.fixture
def azure() -> Iterator[tuple[str, ...]]:
    simulator = Simulator()
    simulator.seed(REPOSITORY / "examples" / "hub" / "estate")
    with serve(simulator) as running:
        yield "--arm-endpoint", running.url, "--credential", "none"


def test_a_name_is_known_when_a_wider_entry_or_a_parameter_covers_it() -> None:
    entries = shipped_library().get("azure-machine-learning").entries_at("latest")
    live = dependencies_of(
        needs("MyAccount.blob.core.windows.net", "x.azureml.ms", "new-host.contoso.example")
    )

    result = compare(live, entries)

    assert [item.name for item in result.known] == ["myaccount.blob.core.windows.net", "x.azureml.ms"]
    assert [(item.name, witness) for item, witness in result.unknown] == [
        ("new-host.contoso.example", "new-host.contoso.example")
    ]


def test_a_wildcard_wider_than_the_catalog_is_unknown_with_a_witness() -> None:
    entries = shipped_library().get("vscode").entries_at("latest")

    ((item, witness),) = compare(dependencies_of(needs("*.dev")), entries).unknown

    assert item.name == "*.dev"
    assert witness.endswith(".dev")
    assert not witness.endswith(".vscode.dev")


def test_ports_of_one_name_are_gathered_and_what_is_no_host_is_left_out() -> None:
    live = dependencies_of([*needs("a.example", "not a host"), *needs("a.example", ports=(80, 5671))])

    assert [(item.name, item.port_texts) for item in live] == [
        ("a.example", ["http:80", "https:443", "tcp:5671"])
    ]


def test_the_workspace_is_asked_over_http(azure: tuple[str, ...]) -> None:
    result = allowlist("catalog", "live", HUB, "--json", *azure)

    assert result.code == 0, result.err
    assert "login.microsoftonline.com" in {item["pattern"] for item in result.json["known"]}
    fits("catalog-live", result.json)


def test_its_answer_becomes_a_catalog_that_lints_and_grows_by_revisions(
    azure: tuple[str, ...], workplace: Path
) -> None:
    (workplace / "catalogs").mkdir()
    path = workplace / "catalogs" / "hub-research.yaml"

    assert allowlist("catalog", "live", HUB, "-o", path, *azure).code == 0
    assert allowlist("catalog", "lint", path).code == 0
    assert allowlist("catalog", "release", "hub-research").out == "hub-research 1.0.0\n"
    assert "0 added, 0 ended" in allowlist("catalog", "live", HUB, "-o", path, *azure).err


def test_what_is_gone_is_ended_and_an_empty_answer_ends_nothing(tmp_path: Path) -> None:
    path, today = tmp_path / "hub.yaml", date(2026, 11, 1)
    write_revision(path, dependencies_of(needs("a.example", "b.example")), HUB, today)
    release(path, on=today, note="as first read")

    assert write_revision(path, (), HUB, today) == ([], [])
    assert write_revision(path, dependencies_of(needs("b.example", "*.c.example")), HUB, today) == (
        ["*.c.example"],
        ["a-example"],
    )
    assert [entry.id for entry in read_catalog(path).entries if not entry.until] == [
        "b-example",
        "any-c-example",
    ]


def test_an_account_is_refused_with_the_reason(azure: tuple[str, ...]) -> None:
    account = HUB.replace("MachineLearningServices/workspaces", "CognitiveServices/accounts")

    refused = allowlist("catalog", "live", account, *azure)

    assert refused.code == 1
    assert "accounts do not tell their dependencies" in refused.err
