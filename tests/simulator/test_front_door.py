"""What every request to ARM goes through, whatever the resource provider."""

import re

import pytest

from allowlist.simulator import DEFAULT_SUBSCRIPTION, Bucket
from tests.helpers.arm import (
    GROUP,
    NETWORK,
    POLICY,
    RULES,
    Client,
    collection,
    error_code,
    poll,
    rule_group,
)

SUBSCRIPTION = f"/subscriptions/{DEFAULT_SUBSCRIPTION}"
PLAIN = {"location": "westeurope"}


@pytest.mark.parametrize(
    "spelling",
    [
        POLICY.replace("resourceGroups", "resourcegroups"),
        POLICY.replace("Microsoft.Network/", "Microsoft.Network//"),
        POLICY.upper(),
        POLICY + "/",
        POLICY.replace("policy", "pol%69cy"),
    ],
)
def test_ids_are_found_in_every_spelling_real_clients_send(spelling: str) -> None:
    client = Client().with_policy()

    assert client.get(spelling)["id"] == POLICY


@pytest.mark.parametrize("version", ["2019-09-01", "2022-01-01", "2026-03-01"])
def test_older_and_newer_api_versions_are_taken(version: str) -> None:
    client = Client().with_policy()
    client.version = version

    assert client.send("GET", POLICY).status == 200


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://arm.example" + POLICY, "MissingApiVersionParameter"),
        (f"https://arm.example{POLICY}?api-version=latest", "InvalidApiVersionParameter"),
    ],
)
def test_a_request_without_a_proper_api_version_is_refused_by_the_gateway(url: str, code: str) -> None:
    reply = Client().with_policy().send("GET", url)

    assert (reply.status, error_code(reply)) == (400, code)
    assert reply.headers["x-ms-failure-cause"] == "gateway"


def test_a_request_without_a_token_is_challenged() -> None:
    client = Client(options={"require_token": True})

    refused = client.send("GET", GROUP)
    taken = client.send("GET", GROUP, headers={"authorization": "Bearer anything"})

    assert refused.status == 401
    assert refused.headers["www-authenticate"].startswith('Bearer authorization_uri="https://arm.example/')
    assert taken.status == 200


@pytest.mark.parametrize(
    ("method", "url", "status", "code"),
    [
        ("GET", POLICY, 404, "ResourceNotFound"),
        ("GET", RULES, 404, "ResourceNotFound"),
        ("GET", f"{POLICY}/ruleCollectionGroups", 404, "ResourceNotFound"),
        ("GET", f"{SUBSCRIPTION}/resourceGroups/none", 404, "ResourceGroupNotFound"),
        ("GET", POLICY.replace("/hub/", "/none/"), 404, "ResourceGroupNotFound"),
        ("PUT", POLICY.replace("/hub/", "/none/"), 404, "ResourceGroupNotFound"),
        ("GET", "/subscriptions/99999999-9999-9999-9999-999999999999", 404, "SubscriptionNotFound"),
        ("GET", f"{SUBSCRIPTION}/providers/Microsoft.Nothing/things", 404, "InvalidResourceNamespace"),
        ("GET", f"{SUBSCRIPTION}/nothing", 404, "NotFound"),
        ("POST", f"{POLICY}/explode", 405, "MethodNotAllowed"),
        ("POST", POLICY, 405, "MethodNotAllowed"),
        ("PUT", f"{NETWORK}/firewallPolicies", 405, "MethodNotAllowed"),
    ],
)
def test_what_is_not_there_is_refused_in_azures_words(method: str, url: str, status: int, code: str) -> None:
    reply = Client().send(method, url, PLAIN if method == "PUT" else None)

    assert (reply.status, error_code(reply)) == (status, code)


def test_a_body_that_is_no_object_is_refused() -> None:
    assert error_code(Client().send("PUT", POLICY, ["list"])) == "InvalidRequestContent"


def test_operation_urls_are_long_absolute_and_lead_back_to_the_callers_host() -> None:
    url = Client().send("PUT", POLICY, PLAIN).headers["azure-asyncoperation"]

    assert 2_900 < len(url) < 3_500
    assert re.match(r"https://arm\.example/subscriptions/[^/]+/providers/Microsoft\.Network/locations/", url)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda url: url[:-1],
        lambda url: url.split("&t=")[0],
        lambda url: url.lower(),
        lambda url: url.replace("api-version=2024-05-01", "api-version=2024-01-01"),
        lambda url: url + "&extra=1",
    ],
)
def test_an_operation_url_only_works_byte_for_byte(spoil: object) -> None:
    client = Client()
    url = client.send("PUT", POLICY, PLAIN).headers["azure-asyncoperation"]

    assert callable(spoil)
    assert client.send("GET", spoil(url)).status == 403
    assert client.send("GET", url).status == 200


def test_polls_say_nothing_about_waiting_unless_asked_to() -> None:
    silent, growing = Client(), Client(options={"polls": (20, 40, 0.5)})

    assert "retry-after" not in _polled(silent)[0]
    assert [headers.get("retry-after") for headers in _polled(growing)] == ["20", "40", None]
    assert _polled(growing, POLICY + "-2")[2]["x-ms-retry-after-ms"] == "500"


def _polled(client: Client, url: str = POLICY) -> list[dict[str, str]]:
    operation = client.send("PUT", url, PLAIN).headers["azure-asyncoperation"]
    return [client.send("GET", operation).headers for _ in range(3)]


def test_lists_come_in_pages_that_together_hold_everything_once() -> None:
    client = Client(options={"page_size": 2})
    for number in range(5):
        client.put(f"{POLICY}-{number}", PLAIN)

    found, url = [], f"{SUBSCRIPTION}/providers/Microsoft.Network/firewallPolicies"
    while url:
        page = client.get(url)
        found += [each["name"] for each in page["value"]]
        url = page.get("nextLink", "")

    assert found == [f"policy-{number}" for number in range(5)]


def test_an_invented_page_token_is_refused() -> None:
    url = f"{SUBSCRIPTION}/providers/Microsoft.Network/firewallPolicies?$skiptoken=abc"

    assert Client().send("GET", url).status == 400


def test_a_list_shows_a_change_made_since_it_was_last_read() -> None:
    client = Client().with_rules()
    url = f"{POLICY}/ruleCollectionGroups"
    client.get(url)

    client.put(RULES, rule_group(collection(name="other")))

    (only,) = client.get(url)["value"]
    assert only["properties"]["ruleCollections"][0]["name"] == "other"


def test_a_list_is_scoped_to_the_subscription_or_the_resource_group() -> None:
    client = Client().with_policy()
    client.send("PUT", f"{SUBSCRIPTION}/resourceGroups/hub-2", PLAIN)
    client.put(POLICY.replace("/hub/", "/hub-2/"), PLAIN)

    everywhere = client.get(f"{SUBSCRIPTION}/providers/Microsoft.Network/firewallPolicies")["value"]
    in_hub = client.get(f"{NETWORK}/firewallPolicies")["value"]

    assert [len(everywhere), len(in_hub)] == [2, 1]


def test_remaining_requests_are_counted_down_per_subscription() -> None:
    client = Client()

    replies = [client.send("GET", GROUP) for _ in range(2)]

    remaining = [int(each.headers["x-ms-ratelimit-remaining-subscription-reads"]) for each in replies]
    assert remaining == [1_099, 1_098]
    assert replies[0].headers["x-ms-ratelimit-remaining-subscription-global-reads"] == "16499"


def test_an_empty_bucket_answers_429_and_says_when_it_is_refilled() -> None:
    buckets = {"reads": Bucket(2, 0.5), "writes": Bucket(2, 0.5), "deletes": Bucket(2, 0.5)}
    client = Client(options={"throttle": buckets})
    client.get(GROUP)
    client.get(GROUP)

    refused = client.send("GET", GROUP)

    assert (refused.status, error_code(refused)) == (429, "SubscriptionRequestsThrottled")
    assert refused.headers["retry-after"] == "2"
    client.wait(2)
    assert client.send("GET", GROUP).status == 200


def test_the_log_tells_which_rights_were_used() -> None:
    client = Client().with_rules()
    poll(client, client.send("PUT", RULES, rule_group()))
    client.wait()
    client.send("PUT", f"{POLICY}/firewallPolicyDrafts/default", {})
    client.send("POST", f"{POLICY}/deploy")

    log = client.simulator.requests

    assert log.actions() == {
        "Microsoft.Network/firewallPolicies/write",
        "Microsoft.Network/firewallPolicies/ruleCollectionGroups/write",
        "Microsoft.Network/firewallPolicies/firewallPolicyDrafts/write",
        "Microsoft.Network/firewallPolicies/deploy/action",
    }
    assert log.count_by_subscription() == {DEFAULT_SUBSCRIPTION: len(log)}


def test_the_log_keeps_no_signature() -> None:
    client = Client()
    poll(client, client.send("PUT", POLICY, PLAIN))

    assert all("&c=" not in entry.path + entry.query for entry in client.simulator.requests)


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("/subscriptions", [DEFAULT_SUBSCRIPTION]),
        (f"{SUBSCRIPTION}/resourceGroups", ["hub"]),
        (f"{SUBSCRIPTION}/resources", ["policy"]),
        (f"{GROUP}/resources", ["policy"]),
        (
            f"{SUBSCRIPTION}/resources?$filter=resourceType eq 'Microsoft.Network/firewallPolicies'",
            ["policy"],
        ),
        (f"{SUBSCRIPTION}/resources?$filter=resourceType eq 'Microsoft.Network/ipGroups'", []),
    ],
)
def test_arm_lists_what_there_is(url: str, names: list[str]) -> None:
    client = Client().with_rules()

    found = [each.get("name") or each["subscriptionId"] for each in client.get(url)["value"]]

    assert found == names


@pytest.mark.parametrize("url", ["/tenants", f"{SUBSCRIPTION}/locations", f"{SUBSCRIPTION}/providers"])
def test_arm_lists_where_things_can_be(url: str) -> None:
    assert Client().get(url)["value"]


def test_a_provider_is_registered() -> None:
    client = Client()

    assert client.get(f"{SUBSCRIPTION}/providers/Microsoft.Network")["registrationState"] == "Registered"
    assert client.send("POST", f"{SUBSCRIPTION}/providers/Microsoft.Network/register").status == 200


@pytest.mark.parametrize("type_name", ["virtualNetworks", "routeTables", "privateEndpoints"])
def test_neighbours_are_read_as_they_were_seeded(type_name: str) -> None:
    client = Client()
    resource_id = f"{NETWORK}/{type_name}/one"
    client.simulator.seed(
        {"id": resource_id, "name": "one", "type": f"Microsoft.Network/{type_name}", **PLAIN}
    )

    assert client.get(resource_id)["location"] == "westeurope"
    assert [each["id"] for each in client.get(f"{NETWORK}/{type_name}")["value"]] == [resource_id]


def test_built_in_lists_hold_no_tag_for_azure_ai() -> None:
    client = Client()
    lists = f"{SUBSCRIPTION}/providers/Microsoft.Network"

    tags = [
        each["properties"]["fqdnTagName"] for each in client.get(f"{lists}/azureFirewallFqdnTags")["value"]
    ]
    services = [each["name"] for each in client.get(f"{lists}/locations/westeurope/serviceTags")["values"]]

    assert "WindowsUpdate" in tags
    assert not [tag for tag in tags if "MachineLearning" in tag or "Cognitive" in tag]
    assert "AzureMachineLearning" in services
    assert client.get(f"{lists}/azureWebCategories/hacking")["name"] == "Hacking"
