"""azureFirewalls, and what happens to them when the policies and IP groups they run change."""

from typing import Any

import pytest

from allowlist.simulator import NetworkSettings
from tests.helpers.arm import (
    FIREWALL,
    IP_GROUP,
    NETWORK,
    POLICY,
    RULES,
    Client,
    application_rule,
    collection,
    content_of,
    error_code,
    poll,
    rule_group,
)

ADDRESSES = {"location": "westeurope", "properties": {"ipAddresses": ["10.0.0.0/24"]}}


def classic(*rules: dict[str, Any]) -> dict[str, Any]:
    properties = {"priority": 100, "action": {"type": "Allow"}, "rules": list(rules)}
    collections = [{"name": "classic", "properties": properties}]
    return {"location": "westeurope", "properties": {"applicationRuleCollections": collections}}


def classic_rule(**more: Any) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "name": "rule",
        "protocols": [{"protocolType": "Https", "port": 443}],
        "targetFqdns": ["*.example.com"],
    }
    return {**rule, "sourceAddresses": ["10.0.0.0/24"], **more}


def state(client: Client, url: str) -> str:
    return str(client.get(url)["properties"]["provisioningState"])


def test_firewalls_have_weak_etags_that_change_when_the_work_is_done() -> None:
    client = Client()

    put = client.put(FIREWALL, classic(classic_rule()))

    read = client.send("GET", FIREWALL)
    assert content_of(put)["etag"].startswith('W/"')
    assert read.headers["etag"] == content_of(read)["etag"] != content_of(put)["etag"]
    assert read.body.startswith(b'{"name":"firewall","id":')


def test_classic_collections_carry_id_type_and_the_firewalls_etag() -> None:
    client = Client()
    client.put(FIREWALL, classic(classic_rule()))

    body = client.get(FIREWALL)

    (only,) = body["properties"]["applicationRuleCollections"]
    assert only["id"] == f"{FIREWALL}/applicationRuleCollections/classic"
    assert only["etag"] == body["etag"]
    assert only["properties"]["provisioningState"] == "Succeeded"
    assert only["properties"]["rules"][0]["direction"] == "Inbound"


def test_leaving_the_collections_out_wipes_them() -> None:
    client = Client()
    client.put(FIREWALL, classic(classic_rule()))

    client.put(FIREWALL, {"location": "westeurope", "properties": {}})

    assert client.get(FIREWALL)["properties"]["applicationRuleCollections"] == []


def test_a_put_that_changes_nothing_has_succeeded_at_once() -> None:
    client = Client()
    client.put(FIREWALL, classic(classic_rule()))
    whole = client.get(FIREWALL)

    reply = client.send("PUT", FIREWALL, whole)

    assert content_of(reply)["properties"]["provisioningState"] == "Succeeded"
    assert content_of(reply)["etag"] == whole["etag"]
    assert poll(client, reply) == {"status": "Succeeded"}


def test_deleting_ends_in_204() -> None:
    client = Client()
    client.put(FIREWALL, classic())

    reply = client.send("DELETE", FIREWALL)

    assert (reply.status, reply.body) == (202, b"")
    client.wait()
    assert client.send("GET", reply.headers["location"]).status == 204
    assert client.send("GET", FIREWALL).status == 404


def test_a_busy_firewall_answers_429_without_saying_when_to_come_back() -> None:
    client = Client()
    client.send("PUT", FIREWALL, classic())

    reply = client.send("PUT", FIREWALL, classic(classic_rule()))

    assert (reply.status, error_code(reply)) == (429, "RetryableError")
    assert "retry-after" not in reply.headers


@pytest.mark.parametrize(("kinds", "status"), [({"azurefirewalls"}, 412), (set(), 200)])
def test_a_stale_if_match_is_refused_where_the_back_end_honours_it(kinds: set[str], status: int) -> None:
    client = Client(options={"network": NetworkSettings(honour_if_match=frozenset(kinds))})
    client.put(FIREWALL, classic())

    reply = client.send("PUT", FIREWALL, classic(classic_rule()), headers={"if-match": 'W/"stale"'})

    assert reply.status == status
    if status == 412:
        assert content_of(reply)["error"]["details"][0]["code"] == "PreconditionFailedEtagMismatch"


def test_policy_and_classic_rules_exclude_each_other() -> None:
    client = Client().with_policy()
    body = classic(classic_rule())
    body["properties"]["firewallPolicy"] = {"id": POLICY}

    assert error_code(client.send("PUT", FIREWALL, body)) == "AzureFirewallPolicyAndRuleCollectionsConflict"


def test_a_classic_rule_with_a_bad_address_is_refused() -> None:
    reply = Client().send("PUT", FIREWALL, classic(classic_rule(sourceAddresses=["10.0.0.300"])))

    assert error_code(reply) == "AzureFirewallRuleInvalidIpAddressOrRangeFormat"


def test_office_tags_are_for_policies_only() -> None:
    rule = classic_rule(targetFqdns=[], fqdnTags=["Office365.Common.Allow.Required"])

    assert Client().send("PUT", FIREWALL, classic(rule)).status == 400


def test_an_attached_firewall_updates_along_with_a_group() -> None:
    client = Client().with_rules().with_firewall()

    reply = client.send("PUT", RULES, rule_group())

    assert [state(client, url) for url in (RULES, POLICY, FIREWALL)] == ["Updating"] * 3
    client.wait(1_000)
    assert poll(client, reply) == {"status": "Succeeded"}
    assert [state(client, url) for url in (RULES, POLICY, FIREWALL)] == ["Succeeded"] * 3


def test_a_change_of_the_base_policy_reaches_the_firewalls_of_its_children() -> None:
    client = Client().with_rules()
    child = f"{NETWORK}/firewallPolicies/child"
    client.put(child, {"location": "westeurope", "properties": {"basePolicy": {"id": POLICY}}})
    client.put(FIREWALL, {"location": "westeurope", "properties": {"firewallPolicy": {"id": child}}})

    client.send("PUT", RULES, rule_group())

    assert state(client, FIREWALL) == "Updating"


def test_a_faulted_firewall_fails_every_later_change_until_it_is_written_itself() -> None:
    client = Client().with_rules().with_firewall()
    client.simulator.edit(FIREWALL, lambda body: body["properties"].update(provisioningState="Failed"))

    reply = client.put(RULES, rule_group())

    error = poll(client, reply)["error"]
    assert error["code"] == "FirewallPolicyUpdateFailed"
    assert error["message"] == "Put on Firewall Policy policy Failed with 1 faulted referenced firewalls"
    assert [state(client, url) for url in (RULES, POLICY, FIREWALL)] == ["Failed"] * 3
    client.put(FIREWALL, client.get(FIREWALL))
    assert poll(client, client.put(RULES, rule_group())) == {"status": "Succeeded"}
    assert [state(client, url) for url in (RULES, POLICY, FIREWALL)] == ["Succeeded"] * 3


def test_a_half_updated_firewall_is_healed_by_writing_the_group_again() -> None:
    client = Client().with_rules().with_firewall()
    client.simulator.inject("PUT:ruleCollectionGroups:times=1:half-updated")

    failed = client.put(RULES, rule_group(collection(application_rule("new"))))

    assert poll(client, failed)["status"] == "Failed"
    assert [state(client, url) for url in (RULES, POLICY, FIREWALL)] == ["Failed"] * 3
    assert poll(client, client.put(RULES, client.get(RULES))) == {"status": "Succeeded"}
    assert [state(client, url) for url in (RULES, POLICY, FIREWALL)] == ["Succeeded"] * 3


def with_ip_group(client: Client, url: str = IP_GROUP) -> Client:
    client.put(url, ADDRESSES)
    return client


def test_ip_groups_know_who_uses_them() -> None:
    client = with_ip_group(Client())
    client.with_rules(collection(application_rule(sourceAddresses=[], sourceIpGroups=[IP_GROUP.upper()])))
    client.put(f"{FIREWALL}-classic", classic(classic_rule(sourceAddresses=[], sourceIpGroups=[IP_GROUP])))

    properties = client.get(IP_GROUP)["properties"]

    assert properties["firewallPolicies"] == [{"id": POLICY}]
    assert properties["firewalls"] == [{"id": f"{FIREWALL}-classic"}]


def test_an_ip_group_in_use_cannot_be_deleted() -> None:
    client = with_ip_group(Client())
    client.with_rules(collection(application_rule(sourceAddresses=[], sourceIpGroups=[IP_GROUP])))

    reply = client.send("DELETE", IP_GROUP)

    body = content_of(reply)
    assert (reply.status, body["status"]) == (400, "Failed")
    assert body["error"]["code"] == "IpGroupsHasFirewallPolicyReferences"


def test_a_group_that_names_an_updating_ip_group_has_to_wait() -> None:
    client = with_ip_group(Client()).with_policy()
    client.send("PUT", IP_GROUP, ADDRESSES)

    reply = client.send(
        "PUT", RULES, rule_group(collection(application_rule(sourceAddresses=[], sourceIpGroups=[IP_GROUP])))
    )

    assert (reply.status, error_code(reply)) == (429, "RetryableError")
    assert content_of(reply)["error"]["details"][0]["code"] == "ReferencedResourceNotProvisioned"


@pytest.mark.parametrize(("parallel", "outcome"), [(1, "Failed"), (20, "Succeeded")])
def test_several_ip_groups_of_one_firewall_at_once_break_it_unless_allowed(
    parallel: int, outcome: str
) -> None:
    client = Client(options={"network": NetworkSettings(ip_groups_in_parallel=parallel)})
    second = f"{IP_GROUP}-2"
    with_ip_group(with_ip_group(client), second)
    rule = application_rule(sourceAddresses=[], sourceIpGroups=[IP_GROUP, second])
    client.with_rules(collection(rule)).with_firewall()
    client.send("PUT", IP_GROUP, ADDRESSES)

    reply = client.put(second, ADDRESSES)

    assert poll(client, reply)["status"] == outcome
    assert state(client, FIREWALL) == outcome


@pytest.mark.parametrize("address", ["10.0.0.300", "*", "fd00::1", "example.com"])
def test_an_ip_group_takes_ipv4_only(address: str) -> None:
    body = {"location": "westeurope", "properties": {"ipAddresses": [address]}}

    assert Client().send("PUT", IP_GROUP, body).status == 400


def test_an_ip_group_holds_at_most_its_limit() -> None:
    addresses = [f"10.{number // 256}.{number % 256}.0/24" for number in range(5_001)]
    body = {"location": "westeurope", "properties": {"ipAddresses": addresses}}

    assert Client().send("PUT", IP_GROUP, body).status == 400
