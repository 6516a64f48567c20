"""Facts of Azure stand in one place, and each cloud is answered with its own."""

from __future__ import annotations

import json
import re
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
