"""The simulator shows and keeps what the api-version asked for knows, and refuses versions that a type has not."""

from __future__ import annotations

import json

import pytest

from allowlist.azure.connection import Connection, connect
from allowlist.errors import TargetUnavailable
from allowlist.simulator import Simulator, parse_fault, serve
from allowlist.simulator.arm.address import Address
from allowlist.simulator.arm.versions import versions_of
from tests.helpers.arm import (
    GROUP,
    POLICY,
    RULES,
    Client,
    application_rule,
    collection,
    content_of,
    error_code,
    rule_group,
)
from tests.helpers.cli import CONTOSO
from tests.helpers.shared import REPOSITORY

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001"
NARROWED = application_rule(sourceKubeSelectorGroups=["/subscriptions/s/x"])


def _rule(client: Client, version: str) -> dict[str, object]:
    body = client.get(f"{RULES}?api-version={version}")
    rule: dict[str, object] = body["properties"]["ruleCollections"][0]["rules"][0]
    return rule


def test_a_field_newer_than_the_version_is_not_shown_and_a_put_without_it_takes_it_away() -> None:
    client = Client(version="2026-03-01").with_policy()
    client.put(RULES, rule_group(collection(NARROWED)))
    assert "sourceKubeSelectorGroups" in _rule(client, "2025-09-01")
    assert "sourceKubeSelectorGroups" not in _rule(client, "2024-05-01")
    listed = client.get(f"{POLICY}/ruleCollectionGroups?api-version=2024-05-01")
    assert "sourceKubeSelectorGroups" not in json.dumps(listed)

    client.put(f"{RULES}?api-version=2024-05-01", rule_group(collection(NARROWED)))
    assert "sourceKubeSelectorGroups" not in _rule(client, "2026-03-01")


@pytest.mark.parametrize("version", ["2024-05-02", "2099-01-01", "2024-05-01-preview"])
def test_a_version_that_a_type_has_not_is_refused_with_those_it_has(version: str) -> None:
    reply = Client().send("GET", f"{POLICY}?api-version={version}")
    assert (reply.status, error_code(reply)) == (400, "NoRegisteredProviderFound")
    assert "2024-05-01, 2024-07-01" in content_of(reply)["error"]["message"]


ACCOUNTS = f"{GROUP}/providers/Microsoft.CognitiveServices/accounts"
WORKSPACES = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces"


@pytest.mark.parametrize(
    ("path", "asked", "has"),
    [
        (ACCOUNTS, "2026-03-02", "2026-03-01, 2026-03-15-preview, 2026-05-01"),
        (f"{ACCOUNTS}/a/managedNetworks", "2025-06-01", "'2025-10-01-preview, 2025-12-01"),
        (f"{ACCOUNTS}/a/managedNetworks/default/outboundRules", "2025-09-01", "'2025-10-01-preview, 2025-12-01"),
        (f"{WORKSPACES}/w/outboundRules", "2023-04-01", "'2023-04-01-preview, 2023-06-01-preview"),
        (f"{WORKSPACES}/w/managedNetworks", "2026-05-01", "'2024-10-01-preview, 2025-04-01-preview"),
        (f"{GROUP}/providers/Microsoft.Network/privateDnsZones", "2024-05-01", "2020-06-01, 2024-06-01"),
        (f"{GROUP}/providers/Microsoft.Search/searchServices", "2024-05-01", "2025-05-01"),
    ],
)  # fmt: skip
def test_every_provider_has_versions_of_its_own(path: str, asked: str, has: str) -> None:
    reply = Client().send("GET", f"{path}?api-version={asked}")
    assert (reply.status, error_code(reply)) == (400, "NoRegisteredProviderFound")
    assert has in content_of(reply)["error"]["message"]


def test_types_without_a_location_are_refused_in_other_words() -> None:
    reply = Client().send(
        "GET", f"{GROUP}/providers/Microsoft.Authorization/roleAssignments?api-version=2018-06-01"
    )
    assert (reply.status, error_code(reply)) == (404, "InvalidResourceType")
    assert "The supported api-versions are '2014-04-01-preview,2014-07-01-preview," in str(content_of(reply))


def test_what_the_product_asks_for_is_among_the_versions_there_are() -> None:
    """Two tables from different sources: one of the fields that are known, one of what a type is published with."""
    rows = json.loads((REPOSITORY / "allowlist" / "azure" / "facts" / "api_versions.json").read_text())[
        "rows"
    ]
    for row in rows:
        namespace, *types = row["type"].split("/")
        segments = tuple(part for name in types for part in (name, "x"))
        known = versions_of(Address(namespace=namespace, segments=segments))
        assert row["version"] in known or row["type"].startswith("Microsoft.Resources/"), row["type"]


def test_provider_metadata_lists_every_type_with_its_versions() -> None:
    found = Client().get("/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.Network")
    policies = next(item for item in found["resourceTypes"] if item["resourceType"] == "firewallPolicies")
    assert policies["apiVersions"][0] == "2026-03-01"


NO_ANSWERS = ["redirect", "no-content", "empty-body", "empty-object", "empty-array", "error-inside", "html-page",
              "no-value", "cut-body", "null-body"]  # fmt: skip


@pytest.mark.parametrize("fault", NO_ANSWERS)
@pytest.mark.parametrize("path", ["providers/Microsoft.Network/firewallPolicies", "resourceGroups"])
def test_the_product_takes_none_of_these_for_an_empty_list(fault: str, path: str) -> None:
    simulator = Simulator()
    simulator.seed(CONTOSO)
    simulator.faults.add(parse_fault(f"GET:*:{fault}"))
    with (
        serve(simulator) as running,
        connect(Connection(endpoint=running.url, credential="none")) as arm,
        pytest.raises(TargetUnavailable, match=f"127.0.0.1:{running.port}"),
    ):
        list(arm.list(f"{SUBSCRIPTION}/{path}", "2024-05-01"))


def test_a_cloud_without_the_newest_version_is_read_with_the_newest_it_has() -> None:
    told: list[str] = []
    simulator = Simulator()
    simulator.seed(CONTOSO)
    simulator.faults.add(parse_fault("*:*:old-cloud"))
    with (
        serve(simulator) as running,
        connect(Connection(endpoint=running.url, credential="none"), notify=told.append) as arm,
    ):
        assert list(arm.list(f"{SUBSCRIPTION}/providers/Microsoft.Network/firewallPolicies", "2024-05-01"))
    assert "read with api-version 2024-03-01" in told[0]
