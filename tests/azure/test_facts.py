"""Facts of Azure stand in one place, and each cloud is answered with its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from allowlist.azure import facts
from allowlist.names import Pattern, shared_suffix_of
from allowlist.points.managed.destinations import endpoint_hosts, is_storage
from tests.helpers.shared import REPOSITORY

FOLDER = REPOSITORY / "allowlist" / "azure" / "facts"
STORAGE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/data"


@pytest.mark.parametrize("table", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_every_table_names_its_source_and_the_date_it_was_read(table: Path) -> None:
    document = json.loads(table.read_text())

    assert document["source"]
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", document["read"])


@pytest.mark.parametrize(
    ("cloud", "host"),
    [
        ("public", "data.blob.core.windows.net"),
        ("usgov", "data.blob.core.usgovcloudapi.net"),
        ("china", "data.blob.core.chinacloudapi.cn"),
    ],
)
def test_an_endpoint_stands_for_the_names_of_its_own_cloud(cloud: str, host: str) -> None:
    assert endpoint_hosts(STORAGE, "blob", cloud) == (host,)


def test_a_resource_with_names_of_its_own_is_not_guessed() -> None:
    workspace = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"

    assert endpoint_hosts(workspace, "amlworkspace", "public") == ()


@pytest.mark.parametrize("row", facts.clouds().values(), ids=lambda row: row.cloud)
def test_storage_is_known_and_shared_in_every_cloud(row: facts.CloudRow) -> None:
    assert is_storage(f"*.blob.{row.storage}")
    assert shared_suffix_of(Pattern(f"*.blob.{row.storage}")) is not None


def test_a_tag_is_written_as_the_api_spells_it() -> None:
    assert facts.fqdn_tags()["AzureHDInsight"] == "HDInsight"


def test_a_tag_stands_for_the_names_of_its_cloud() -> None:
    assert facts.tag_hosts("AzureResourceManager.UsGovVirginia", "usgov") == ("management.usgovcloudapi.net",)
    assert facts.tag_hosts("AzureResourceManager", "germany") == ()


def test_a_version_is_that_of_the_type_or_of_what_it_belongs_to() -> None:
    network = facts.api_version("Microsoft.Network")

    assert facts.api_version("microsoft.network/firewallPolicies/ruleCollectionGroups") == network
    assert facts.api_version("Microsoft.Network/privateDnsZones/A") != network
    with pytest.raises(KeyError):
        facts.api_version("Contoso.Example/things")


_VERSION = re.compile(r"""["']20[12]\d-[01]\d-[0-3]\d(-preview)?["']""")
_HOST = re.compile(
    r"core\.windows\.net|usgovcloudapi|chinacloudapi|vault\.azure\.net|\.azure\.us\b|microsoftonline"
)


def _product_lines() -> Iterator[tuple[str, str]]:
    """Code lines of the product; the simulator keeps its own facts, so that both sides cannot share a mistake."""
    for path in sorted((REPOSITORY / "allowlist").rglob("*.py")):
        relative = path.relative_to(REPOSITORY / "allowlist").as_posix()
        if not relative.startswith(("simulator/", "azure/facts/")):
            yield from ((relative, line) for line in path.read_text().splitlines())


def test_no_version_of_an_api_stands_anywhere_else() -> None:
    assert [(path, line) for path, line in _product_lines() if _VERSION.search(line)] == []


def test_no_host_of_a_cloud_stands_anywhere_else() -> None:
    """Apart from examples in docstrings, the hosts of Microsoft itself that pages name, and the watch over pages, which
    tells clouds by what writers write."""
    found = [
        (path, line.strip())
        for path, line in _product_lines()
        if _HOST.search(line) and not path.startswith("catalog/upstream/")
    ]
    assert [item for item in found if not _is_example(*item)] == []


def _is_example(path: str, line: str) -> bool:
    return (
        line.startswith(("#", '"""', ">>>", "('https://acct."))
        or "``" in line
        or "such as `" in line
        or "MICROSOFT_STORAGE" in line
        or path == "catalog/lint/names.py"
    )


def test_every_service_tag_was_looked_at_and_an_unknown_one_is_no_less_broad() -> None:
    table = json.loads((FOLDER / "broad_tags.json").read_text())
    tags = facts.service_tags()
    known = {*tags.service_tags, *(f"{tag}.{part}" for tag, parts in tags.sub_tags.items() for part in parts)}
    looked_at = [row["tag"] for row in table["rows"]] + [
        tag for found in table["narrow"].values() for tag in found
    ]

    assert sorted(looked_at) == sorted(known)
    for tag in (
        "AzureMonitor.westeurope",
        "Internet",
        "azurecloud",
        "CognitiveServicesManagement",
        "BrandNew.uksouth",
    ):
        assert facts.broad_tag(tag) is not None, tag
    for tag in (
        "",
        "AzureActiveDirectory",
        "VirtualNetwork",
        "AzureFrontDoor.FirstParty",
        "MicrosoftContainerRegistry",
    ):
        assert facts.broad_tag(tag) is None, tag


def test_no_suffix_is_listed_twice() -> None:
    found = [suffix for row in facts.shared_suffixes() for suffix in row.suffixes.values()]

    assert len(found) == len(set(found))
