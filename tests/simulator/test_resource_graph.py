"""Resource Graph: the part of the query language that finding one's resources takes."""

from __future__ import annotations

from typing import Any

import pytest

from allowlist.simulator import DEFAULT_SUBSCRIPTION
from tests.helpers.arm import GROUP, POLICY, Client, content_of, error_code
from tests.helpers.managed import ACCOUNT, account, fqdn_rule, hub

QUERY = "/providers/Microsoft.ResourceGraph/resources"
OTHER = "00000000-0000-0000-0000-0000000000aa"
ELSEWHERE = f"/subscriptions/{OTHER}/resourceGroups/far/providers/Microsoft.Network"


@pytest.fixture
def client() -> Client:
    made = Client(version="2022-10-01")
    made.simulator.seed(
        [
            account(restrictOutboundNetworkAccess=True),
            hub(outboundRules={"ours": fqdn_rule()["properties"]}),
            {"id": POLICY, "location": "West Europe", "tags": {"team": "network"}, "properties": {}},
            {"id": f"{POLICY}/ruleCollectionGroups/rules", "properties": {"priority": 100}},
            {"id": f"{ELSEWHERE}/firewallPolicies/far", "location": "eastus", "properties": {}},
        ]
    )
    return made


def _ask(client: Client, query: str, **more: Any) -> Any:
    reply = client.send("POST", QUERY, {"query": query, **more})
    assert reply.status == 200, reply.body
    return content_of(reply)


def _names(client: Client, query: str, **more: Any) -> list[str]:
    return [row["name"] for row in _ask(client, query, **more)["data"]]


def test_resources_of_some_types_are_found_in_every_subscription(client: Client) -> None:
    query = """Resources
        | where type in~ ('Microsoft.Network/firewallPolicies', 'Microsoft.CognitiveServices/accounts')
        | project id, name, type, location, resourceGroup, subscriptionId, kind
        | order by name asc"""

    found = _ask(client, query)

    assert [row["name"] for row in found["data"]] == ["ai", "far", "policy"]
    assert found["data"][2] == {
        "id": POLICY,
        "name": "policy",
        "type": "microsoft.network/firewallpolicies",
        "location": "westeurope",
        "resourceGroup": "hub",
        "subscriptionId": DEFAULT_SUBSCRIPTION,
        "kind": "",
    }
    assert (found["totalRecords"], found["count"], found["resultTruncated"]) == (3, 3, "false")


def test_children_are_no_rows_of_their_own(client: Client) -> None:
    assert sorted(_names(client, "resources | project name")) == ["ai", "far", "hub", "policy"]


def test_properties_are_what_the_provider_shows(client: Client) -> None:
    query = (
        "resources | where type =~ 'microsoft.machinelearningservices/workspaces'"
        " | extend mode = properties.managedNetwork.isolationMode"
        " | project name, mode, rules = properties.managedNetwork.outboundRules"
    )

    (row,) = _ask(client, query)["data"]

    assert (row["mode"], list(row["rules"])) == ("AllowOnlyApprovedOutbound", ["ours"])


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("name == 'ai'", ["ai"]),
        ("name =~ 'AI'", ["ai"]),
        ("name == 'AI'", []),
        ("type !~ 'microsoft.network/firewallpolicies'", ["ai", "hub"]),
        ("type contains 'FIREWALL' and location == 'eastus'", ["far"]),
        ("name startswith 'po' or name endswith 'b'", ["hub", "policy"]),
        ("not(type has 'network')", ["ai", "hub"]),
        ("name !in ('ai', 'hub')", ["far", "policy"]),
        ("tags['team'] == 'network'", ["policy"]),
        ("isnotempty(tags.team)", ["policy"]),
        ("properties.restrictOutboundNetworkAccess == true", ["ai"]),
        ("tolower(id) contains '/resourcegroups/far/'", ["far"]),
        ("(name == 'ai' or name == 'hub') and kind == 'Hub'", ["hub"]),
        (f"subscriptionId == '{OTHER}'", ["far"]),
    ],
)
def test_conditions(client: Client, condition: str, names: list[str]) -> None:
    assert _names(client, f"resources | where {condition} | order by name asc | project name") == names


def test_only_the_subscriptions_asked_for_are_searched(client: Client) -> None:
    assert _names(client, "resources | project name", subscriptions=[OTHER]) == ["far"]
    assert _names(client, "resources", subscriptions=["unknown"]) == []


def test_a_long_answer_comes_in_pages(client: Client) -> None:
    query, names = "resources | order by id asc | project id, name", []
    options: dict[str, Any] = {"$top": 3}
    while True:
        page = _ask(client, query, options=options)
        names += [row["name"] for row in page["data"]]
        if "$skipToken" not in page:
            break
        options = {"$top": 3, "$skipToken": page["$skipToken"]}

    assert sorted(names) == ["ai", "far", "hub", "policy"]
    bad = client.send("POST", QUERY, {"query": query, "options": {"$skipToken": "x"}})
    assert bad.status == 400


def test_counting_and_grouping(client: Client) -> None:
    counted = _ask(client, "resources | summarize number = count() by type | where number > 1")["data"]

    assert counted == [{"type": "microsoft.network/firewallpolicies", "number": 2}]
    assert _ask(client, "resources | count")["data"] == [{"Count": 4}]
    assert _ask(client, "resources | summarize count()")["data"] == [{"count_": 4}]
    assert len(_ask(client, "resources | distinct type")["data"]) == 3
    assert len(_ask(client, "resources | take 2")["data"]) == 2


def test_a_table_has_columns_and_rows(client: Client) -> None:
    found = _ask(
        client, "resources | where name == 'ai' | project id, name", options={"resultFormat": "table"}
    )

    assert [each["name"] for each in found["data"]["columns"]] == ["id", "name"]
    assert found["data"]["rows"] == [[ACCOUNT, "ai"]]


def test_containers_are_subscriptions_and_groups(client: Client) -> None:
    query = (
        "resourcecontainers | where type =~ 'microsoft.resources/subscriptions/resourcegroups' | project id"
    )

    assert GROUP in [row["id"] for row in _ask(client, query)["data"]]


@pytest.mark.parametrize(
    "query",
    [
        "nonsense | where a == 'b'",
        "resources | join x",
        "resources | where",
        "resources | where a === 'b'",
        "'",
    ],
)
def test_a_query_that_is_not_understood_is_refused(client: Client, query: str) -> None:
    refused = client.send("POST", QUERY, {"query": query})

    assert (refused.status, error_code(refused)) == (400, "BadRequest")
    assert content_of(refused)["error"]["details"][0]["code"] == "InvalidQuery"


def test_fifteen_queries_in_five_seconds_are_let_through(client: Client) -> None:
    replies = [client.send("POST", QUERY, {"query": "resources | count"}) for _ in range(16)]

    assert replies[0].headers["x-ms-user-quota-remaining"] == "14"
    assert (replies[-1].status, error_code(replies[-1])) == (429, "RateLimiting")
    assert replies[-1].headers["x-ms-user-quota-resets-after"] == "00:00:05"
    client.wait(5)
    assert client.send("POST", QUERY, {"query": "resources | count"}).status == 200
