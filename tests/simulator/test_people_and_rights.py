"""Who asks, what they may do, what they did: tokens, tenants, denied rights, the activity log, counts."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from allowlist.errors import InvalidInput
from allowlist.simulator import DEFAULT_SUBSCRIPTION, DOCUMENTED, Simulator, serve
from tests.helpers.arm import GROUP, NETWORK, POLICY, RULES, Client, content_of, error_code
from tests.helpers.managed import HUB, fqdn_rule, with_hub

OTHER = "00000000-0000-0000-0000-0000000000aa"
TENANT = "11111111-1111-1111-1111-111111111111"
OTHER_TENANT = "22222222-aaaa-aaaa-aaaa-222222222222"
EVENTS = f"/subscriptions/{DEFAULT_SUBSCRIPTION}/providers/Microsoft.Insights/eventtypes/management/values"


def _token(**claims: str) -> dict[str, str]:
    parts = ({"alg": "none"}, claims)
    encoded = [urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return {"authorization": f"Bearer {'.'.join(encoded)}.signature"}


def _events(client: Client, *clauses: str, **more: str) -> list[dict[str, Any]]:
    start = datetime.fromtimestamp(client.clock() - 86_400, UTC).isoformat()
    text = " and ".join((f"eventTimestamp ge '{start}'", *clauses))
    query = "&".join((f"$filter={quote(text)}", *(f"${name}={quote(value)}" for name, value in more.items())))
    found: list[dict[str, Any]] = client.get(f"{EVENTS}?{query}")["value"]
    return found


@pytest.mark.parametrize(
    ("denied", "method", "path"),
    [
        ("Microsoft.Network/firewallPolicies/read", "GET", POLICY),
        ("Microsoft.Network/*", "PUT", POLICY),
        ("*/write", "PUT", POLICY),
        (f"Microsoft.Network/firewallPolicies/write@{GROUP}", "PUT", POLICY),
    ],
)
def test_a_missing_right_is_named_with_its_scope(denied: str, method: str, path: str) -> None:
    client = Client({"denied": [denied]})
    action = f"Microsoft.Network/firewallPolicies/{'read' if method == 'GET' else 'write'}"

    refused = client.send(method, path, {}, _token(appid="pipeline", oid="1", tid=TENANT))

    assert (refused.status, error_code(refused)) == (403, "AuthorizationFailed")
    message = content_of(refused)["error"]["message"]
    assert f"perform action '{action}' over scope '{path}'" in message
    assert "The client 'pipeline' with object id '1'" in message


def test_what_is_not_denied_is_allowed_and_rights_can_come_back() -> None:
    client = Client({"denied": [f"Microsoft.Network/firewallPolicies/*@{GROUP}x"]}).with_policy()
    client.simulator.deny("Microsoft.Network/firewallPolicies/read")
    assert client.send("GET", POLICY).status == 403

    client.simulator.allow_all()

    assert client.send("GET", POLICY).status == 200


def test_an_actions_right_is_named_after_the_action() -> None:
    client = with_hub(Client({"denied": ["*/provisionManagedNetwork/action"]}))

    refused = client.send("POST", f"{HUB}/provisionManagedNetwork", {})

    action = "Microsoft.MachineLearningServices/workspaces/provisionManagedNetwork/action"
    assert f"action '{action}' over scope '{HUB}'" in content_of(refused)["error"]["message"]


@pytest.mark.parametrize("text", ["nonsense", "a/b@c"])
def test_a_denial_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Simulator(denied=[text])


def test_permissions_say_what_is_missing_at_a_scope() -> None:
    client = Client({"denied": [f"*/write@{GROUP}"]})
    asked = "providers/Microsoft.Authorization/permissions"

    here = client.get(f"{POLICY}/{asked}")["value"][0]
    there = client.get(f"/subscriptions/{DEFAULT_SUBSCRIPTION}/{asked}")["value"][0]

    assert (here["actions"], here["notActions"]) == (["*"], ["*/write"])
    assert there["notActions"] == []


def test_role_assignments_count_from_above_and_below() -> None:
    client = Client().with_policy()
    kind = "providers/Microsoft.Authorization/roleAssignments"
    body = {"properties": {"principalId": "1", "roleDefinitionId": "reader"}}
    assert client.send("PUT", f"{GROUP}/{kind}/on-group", body).status == 201
    assert client.send("PUT", f"{POLICY}/{kind}/on-policy", body).status == 201

    at_policy = [each["name"] for each in client.get(f"{POLICY}/{kind}")["value"]]
    at_group = [each["name"] for each in client.get(f"{GROUP}/{kind}")["value"]]

    assert at_policy == at_group == ["on-group", "on-policy"]
    assert client.get(f"{POLICY}/{kind}/on-policy")["properties"]["principalId"] == "1"
    assert [each["name"] for each in client.get(f"{NETWORK}/firewallPolicies")["value"]] == ["policy"]


@pytest.fixture
def two_tenants() -> Client:
    client = Client()
    described = {"id": f"/subscriptions/{OTHER}", "displayName": "Other", "tenantId": OTHER_TENANT}
    policy = f"/subscriptions/{OTHER}/resourceGroups/far/providers/Microsoft.Network/firewallPolicies/far"
    client.simulator.seed([described, {"id": policy, "location": "eastus", "properties": {}}])
    return client


def _subscriptions(client: Client, headers: dict[str, str]) -> list[str]:
    found = content_of(client.send("GET", "/subscriptions", headers=headers))["value"]
    return [each["displayName"] for each in found]


def test_a_token_opens_the_subscriptions_of_its_tenant_only(two_tenants: Client) -> None:
    assert _subscriptions(two_tenants, _token(tid=OTHER_TENANT)) == ["Other"]
    assert _subscriptions(two_tenants, _token(tid=TENANT)) == ["Simulated subscription"]
    assert len(_subscriptions(two_tenants, {})) == 2
    tenants = two_tenants.get("/tenants")["value"]
    assert [each["tenantId"] for each in tenants] == [TENANT, OTHER_TENANT]

    refused = two_tenants.send("GET", f"/subscriptions/{OTHER}", headers=_token(tid=TENANT))

    assert (refused.status, error_code(refused)) == (401, "InvalidAuthenticationTokenTenant")
    assert OTHER_TENANT in refused.headers["www-authenticate"]


def test_resource_graph_looks_only_where_the_token_opens(two_tenants: Client) -> None:
    two_tenants.with_policy()
    query = {"query": "resources | project name"}
    path = "/providers/Microsoft.ResourceGraph/resources"

    found = content_of(two_tenants.send("POST", path, query, _token(tid=OTHER_TENANT)))

    assert [row["name"] for row in found["data"]] == ["far"]


def test_the_activity_log_says_who_wrote_what_newest_first() -> None:
    client = Client().with_rules()
    client.send("DELETE", RULES, headers=_token(upn="alice@example.com", tid=TENANT))
    client.wait()

    newest, *older = _events(client)

    assert newest["caller"] == "alice@example.com"
    assert (
        newest["operationName"]["value"] == "Microsoft.Network/firewallPolicies/ruleCollectionGroups/delete"
    )
    assert (newest["resourceId"], newest["status"]["value"]) == (RULES, "Accepted")
    assert newest["authorization"]["scope"] == RULES
    assert [each["resourceId"] for each in older] == [RULES, POLICY]


def test_reads_leave_no_trace_and_refused_writes_do() -> None:
    client = Client({"denied": ["*/delete"]}).with_policy()
    client.get(POLICY)
    client.send("DELETE", POLICY)
    client.wait()

    assert [each["status"]["value"] for each in _events(client)] == ["Failed", "Accepted"]


def test_what_somebody_else_did_is_there_under_their_name() -> None:
    client = Client().with_policy()
    client.simulator.edit(POLICY, lambda body: None, by="bob@example.com")
    client.simulator.inject("GET:firewallPolicies:foreign-edit")
    client.get(POLICY)
    client.simulator.remove(POLICY, by="bob@example.com")
    client.wait()

    found = _events(client, f"resourceUri eq '{POLICY.upper()}'")

    verbs = [(each["caller"], each["operationName"]["value"].rsplit("/", 1)[-1]) for each in found]
    assert verbs[0] == ("bob@example.com", "delete")
    assert verbs[1] == ("operator@example.com", "write")
    assert verbs[2] == ("bob@example.com", "write")


def test_events_show_up_late_and_can_be_narrowed() -> None:
    client = Client().with_policy()
    client.simulator.edit(POLICY, lambda body: None)
    assert len(_events(client)) == 1

    client.wait()

    assert len(_events(client)) == 2
    assert _events(client, "resourceGroupName eq 'elsewhere'") == []
    assert (
        len(_events(client, "resourceProvider eq 'Microsoft.Network'", select="caller,eventTimestamp")) == 2
    )
    assert list(_events(client, select="caller,eventTimestamp")[0]) == ["caller", "eventTimestamp"]


def test_times_may_stand_without_quotes_and_channels_are_no_condition() -> None:
    """As the Azure command line writes its filter."""
    client = Client().with_policy()
    start = datetime.fromtimestamp(client.clock() - 60 * 60, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    text = f"eventTimestamp ge {start} and eventChannels eq 'Admin, Operation'"

    assert len(client.get(f"{EVENTS}?$filter={quote(text)}")["value"]) == 1


@pytest.mark.parametrize(
    "query", ["", "?$filter=nonsense", "?$filter=eventTimestamp ge '2001-01-01T00:00:00Z'"]
)
def test_the_activity_log_wants_a_start_within_ninety_days(query: str) -> None:
    assert Client().send("GET", EVENTS + query.replace(" ", "%20")).status == 400


def test_each_principal_and_subscription_has_buckets_of_its_own() -> None:
    client = Client({"throttle": DOCUMENTED}).with_policy()
    first, second = _token(oid="1"), _token(oid="2")
    left = "x-ms-ratelimit-remaining-subscription-reads"

    client.send("GET", POLICY, headers=first)

    assert client.send("GET", POLICY, headers=first).headers[left] == "248"
    assert client.send("GET", POLICY, headers=second).headers[left] == "249"
    tenant_wide = client.send("GET", "/subscriptions", headers=second)
    assert tenant_wide.headers["x-ms-ratelimit-remaining-tenant-reads"] == "249"


def test_the_control_endpoint_counts_by_operation_and_takes_rights_away() -> None:
    simulator = Simulator(require_token=False)
    simulator.seed({"id": GROUP, "type": "Microsoft.Resources/resourceGroups", "location": "westeurope"})
    with serve(simulator) as running:
        asked = {"params": {"api-version": "2024-05-01"}}
        httpx.put(running.url + POLICY, json={"location": "westeurope"}, **asked)  # type: ignore[arg-type]
        httpx.get(running.url + POLICY, **asked)  # type: ignore[arg-type]
        counts = httpx.get(f"{running.url}/simulator/requests?summary").json()
        denied = httpx.post(f"{running.url}/simulator/denied", json=["*/read"]).json()
        refused = httpx.get(running.url + POLICY, **asked).status_code  # type: ignore[arg-type]
        again = httpx.delete(f"{running.url}/simulator/denied").json()
        wrong = httpx.post(f"{running.url}/simulator/denied", json=["x"])

    kind = "Microsoft.Network/firewallPolicies"
    assert counts["byOperation"] == {f"PUT {kind}": 1, f"GET {kind}": 1}
    assert "requests" not in counts
    assert (denied["inForce"], refused, again["inForce"], wrong.status_code) == (["*/read"], 403, [], 400)


def test_every_answer_can_be_made_late() -> None:
    client = Client({"delay": 0.08})
    client.simulator.inject("GET:firewallPolicies:delay=1")

    assert client.send("PUT", POLICY, {"location": "westeurope"}).delay == 0.08
    assert client.send("GET", POLICY).delay == 1.08


def test_a_hub_writes_into_the_activity_log_too() -> None:
    client = with_hub(Client())
    client.send("PUT", f"{HUB}/outboundRules/ours", fqdn_rule())
    client.wait()

    assert _events(client)[0]["operationName"]["value"].endswith("/workspaces/outboundRules/write")
