"""Azure AI accounts: the outbound allow list, provisioning states, agents' egress policies."""

from __future__ import annotations

from typing import Any

import pytest

from allowlist.simulator import CognitiveSettings, MicrosoftCognitiveServices, Timing
from tests.helpers.arm import Client, content_of, error_code
from tests.helpers.managed import ACCOUNT, NETWORK, account, settings

POLICY = f"{ACCOUNT}/raiPolicies/egress"


def _client(**properties: Any) -> Client:
    client = Client({"timing": Timing()}, version="2026-09-15-preview")
    client.simulator.seed(account(**properties))
    return client


def _state(client: Client) -> str:
    return str(client.get(ACCOUNT)["properties"]["provisioningState"])


def test_a_patch_keeps_what_it_does_not_name_and_replaces_lists_whole() -> None:
    client = _client(restrictOutboundNetworkAccess=True, allowedFqdnList=["a.example.com", "b.example.com"])

    reply = client.send("PATCH", ACCOUNT, {"properties": {"allowedFqdnList": ["c.example.com"]}})
    client.wait()

    assert reply.status == 202
    properties = client.get(ACCOUNT)["properties"]
    assert properties["allowedFqdnList"] == ["c.example.com"]
    assert properties["restrictOutboundNetworkAccess"] is True
    assert properties["customSubDomainName"] == "ai"


def test_a_put_drops_what_it_leaves_out() -> None:
    client = _client(allowedFqdnList=["a.example.com"])

    client.send("PUT", ACCOUNT, {"location": "eastus", "kind": "AIServices", "properties": {}})

    assert "allowedFqdnList" not in client.get(ACCOUNT)["properties"]


def test_a_write_is_refused_until_the_one_before_has_settled() -> None:
    client = _client()
    patch = {"properties": {"restrictOutboundNetworkAccess": True}}
    first = client.send("PATCH", ACCOUNT, patch)
    assert _state(client) == "Accepted"

    refused = client.send("PATCH", ACCOUNT, patch)

    assert (refused.status, error_code(refused)) == (409, "RequestConflict")
    assert ACCOUNT in content_of(refused)["error"]["message"]
    assert client.get(first.headers["azure-asyncoperation"])["status"] == "InProgress"
    client.wait()
    assert client.get(first.headers["azure-asyncoperation"])["status"] == "Succeeded"
    assert client.send("PATCH", ACCOUNT, patch).status == 202


def test_dependants_of_an_account_that_is_not_ready_are_refused() -> None:
    client = _client()
    client.send("PATCH", ACCOUNT, {"properties": {}})

    refused = client.send("PUT", NETWORK, settings())

    assert (refused.status, error_code(refused)) == (400, "AccountProvisioningStateInvalid")


def test_the_state_can_trail_the_operation() -> None:
    client = _client()
    client.simulator.inject("PATCH:accounts:lag=100")
    reply = client.send("PATCH", ACCOUNT, {"properties": {}})
    client.wait(31)

    assert client.get(reply.headers["azure-asyncoperation"])["status"] == "Succeeded"
    assert _state(client) == "Accepted"
    assert client.send("PATCH", ACCOUNT, {"properties": {}}).status == 409
    client.wait(100)
    assert _state(client) == "Succeeded"


def test_accounts_that_write_at_once_answer_200() -> None:
    settled = CognitiveSettings(writes_take_time=False)
    client = Client({"providers": [MicrosoftCognitiveServices(settled)]}, version="2026-09-15-preview")
    client.simulator.seed(account())

    assert client.send("PATCH", ACCOUNT, {"properties": {}}).status == 200
    assert client.send("PATCH", ACCOUNT, {"properties": {}}).status == 200


def test_the_allow_list_has_a_cap_and_its_entries_are_not_looked_at() -> None:
    client = _client()
    many = [f"h{number}.example.com" for number in range(1_001)]

    assert client.send("PATCH", ACCOUNT, {"properties": {"allowedFqdnList": many}}).status == 400
    odd = {"properties": {"allowedFqdnList": ["https://not.a/host", "*"]}}
    assert client.send("PATCH", ACCOUNT, odd).status == 202


def test_an_etag_is_quoted_in_the_body_and_changes_with_every_write() -> None:
    client = _client()
    before = client.send("GET", ACCOUNT)
    assert content_of(before)["etag"] == before.headers["etag"]
    assert before.headers["etag"].startswith('"')

    client.send("PATCH", ACCOUNT, {"properties": {}})
    client.wait()

    assert client.send("GET", ACCOUNT).headers["etag"] != before.headers["etag"]


def _policy(*rules: dict[str, Any], **egress: Any) -> dict[str, Any]:
    properties = {"basePolicyName": "Microsoft.Default", "contentFilters": [{"name": "Hate"}]}
    return {"properties": {**properties, "egressPolicy": {**egress, "rules": list(rules)}}}


def _header_rule(**header: Any) -> dict[str, Any]:
    action = {"actionType": "Transform", "headers": [{"operation": "Set", "name": "X-Key", **header}]}
    return {"name": "key", "ruleType": "Fqdn", "match": {"host": "api.example.com"}, "action": action}


def test_a_policy_is_written_at_once_and_says_its_defaults() -> None:
    client = _client()

    created = client.send("PUT", POLICY, _policy({"name": "a"}, {"name": "b"}))

    assert created.status == 201
    egress = client.get(POLICY)["properties"]["egressPolicy"]
    assert (egress["mode"], egress["defaultAction"]) == ("Enforced", "Deny")
    assert [rule["name"] for rule in egress["rules"]] == ["a", "b"]
    assert client.send("PUT", POLICY, _policy(mode="Audit")).status == 200
    assert client.get(POLICY)["properties"]["egressPolicy"]["mode"] == "Audit"


def test_a_headers_value_is_never_shown_and_stays_when_it_is_left_out() -> None:
    client = _client()
    client.send("PUT", POLICY, _policy(_header_rule(value="secret")))

    assert b"secret" not in client.send("GET", POLICY).body
    client.send("PUT", POLICY, client.get(POLICY))

    kept = client.simulator.resource(POLICY)["properties"]["egressPolicy"]["rules"]
    assert kept[0]["action"]["headers"][0]["value"] == "secret"


def test_a_policy_has_at_most_480_rules() -> None:
    client = _client()

    assert client.send("PUT", POLICY, _policy(*[{"name": str(n)} for n in range(481)])).status == 400


def test_deleting_a_policy_ends_in_204_and_may_be_repeated() -> None:
    client = _client()
    client.send("PUT", POLICY, _policy())

    where = client.send("DELETE", POLICY).headers["location"]

    assert client.send("GET", where).status == 202
    client.wait()
    assert client.send("GET", where).status == 204
    assert client.send("DELETE", POLICY).status == 204


def test_an_account_is_created_listed_and_deleted() -> None:
    client = Client(version="2026-09-15-preview")
    body = {"location": "eastus", "kind": "AIServices", "sku": {"name": "S0"}, "properties": {}}
    created = client.send("PUT", ACCOUNT, body)
    assert (created.status, content_of(created)["properties"]["provisioningState"]) == (201, "Creating")
    client.wait()

    assert _state(client) == "Succeeded"
    assert client.get(ACCOUNT)["properties"]["endpoint"] == "https://eastus.api.cognitive.microsoft.com/"
    assert [client.send("DELETE", ACCOUNT).status for _ in range(2)] == [200, 204]
    assert client.send("PUT", ACCOUNT, {"properties": {}}).status == 400


def test_an_accounts_keys_are_all_one_can_ask_for() -> None:
    client = _client()

    assert content_of(client.send("POST", f"{ACCOUNT}/listKeys")).keys() == {"key1", "key2"}
    assert client.send("POST", f"{ACCOUNT}/nothing").status == 405
    assert client.send("POST", f"{ACCOUNT}x/listKeys").status == 404


def test_a_failed_write_leaves_the_account_failed() -> None:
    client = _client()
    client.simulator.inject("PATCH:accounts:operation-fails")
    client.send("PATCH", ACCOUNT, {"properties": {}})
    client.wait()

    assert _state(client) == "Failed"
    assert client.send("PATCH", ACCOUNT, {"properties": {}}).status == 202


@pytest.mark.parametrize("path", [ACCOUNT, POLICY])
def test_somebody_else_can_change_what_is_being_read(path: str) -> None:
    client = _client()
    client.send("PUT", POLICY, _policy({"name": "ours"}))
    client.simulator.inject("GET:*:foreign-edit")

    assert b"foreign-" in client.send("GET", path).body


def test_other_children_of_an_account_are_kept_as_they_come() -> None:
    client = _client()
    deployment = f"{ACCOUNT}/deployments/gpt"

    assert client.send("PUT", deployment, {"properties": {"model": {"name": "gpt"}}}).status == 201
    assert [each["name"] for each in client.get(f"{ACCOUNT}/deployments")["value"]] == ["gpt"]
    assert client.send("DELETE", deployment).status == 200
