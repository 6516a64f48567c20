"""Firewall policies as the nfv back end treats them."""

import pytest

from tests.helpers.arm import (
    FIREWALL,
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

CHILD = f"{NETWORK}/firewallPolicies/child"
PLAIN = {"location": "westeurope"}


def test_a_new_policy_is_updating_until_its_operation_succeeds() -> None:
    client = Client()

    reply = client.send("PUT", POLICY, PLAIN)

    assert reply.status == 201
    assert content_of(reply)["properties"]["provisioningState"] == "Updating"
    assert poll(client, reply) == {"status": "InProgress"}
    client.wait()
    assert poll(client, reply) == {"status": "Succeeded"}
    assert client.get(POLICY)["properties"]["provisioningState"] == "Succeeded"


def test_the_etag_of_a_policy_put_stays_valid() -> None:
    client = Client()

    put = client.put(POLICY, PLAIN)
    read = client.send("GET", POLICY)

    etag = content_of(put)["etag"]
    assert content_of(read)["etag"] == etag
    assert read.headers["etag"] == f'"{etag}"'


def test_a_policy_is_shown_indented_with_windows_line_ends_and_its_odd_type() -> None:
    reply = Client().with_policy().send("GET", POLICY)

    assert reply.body.startswith(b'{\r\n  "properties": {\r\n    "size": "0.00')
    assert content_of(reply)["type"] == "Microsoft.Network/FirewallPolicies"


def test_a_put_that_echoes_read_only_fields_is_taken_and_they_are_ignored() -> None:
    client = Client().with_rules()
    whole = client.get(POLICY)
    whole["properties"]["firewalls"] = [{"id": "/made/up"}]
    whole["properties"]["ruleCollectionGroups"] = []

    client.put(POLICY, whole)

    properties = client.get(POLICY)["properties"]
    assert properties["firewalls"] == []
    assert [each["id"] for each in properties["ruleCollectionGroups"]] == [RULES]


def test_back_references_name_groups_children_and_firewalls() -> None:
    client = Client().with_rules().with_firewall()
    client.put(CHILD, {**PLAIN, "properties": {"basePolicy": {"id": POLICY}}})

    properties = client.get(POLICY)["properties"]

    assert properties["childPolicies"] == [{"id": CHILD}]
    assert properties["ruleCollectionGroups"] == [{"id": RULES}]
    assert properties["firewalls"] == [{"id": FIREWALL}]


def test_api_versions_before_tiers_show_no_tier_and_no_size() -> None:
    client = Client().with_policy()
    client.version = "2020-05-01"

    assert {"sku", "size"}.isdisjoint(client.get(POLICY)["properties"])


@pytest.mark.parametrize("sent", [{"enableProxy": False, "servers": ["10.0.0.4"]}, {"servers": ["10.0.0.4"]}])
def test_a_proxy_that_is_off_is_not_shown(sent: dict[str, object]) -> None:
    client = Client().with_policy(dnsSettings=sent)

    assert client.get(POLICY)["properties"]["dnsSettings"] == {"servers": ["10.0.0.4"]}


def test_a_policy_in_use_cannot_be_deleted() -> None:
    client = Client().with_rules().with_firewall()

    assert client.send("DELETE", POLICY).status == 400
    assert client.simulator.exists(POLICY)


def test_deleting_a_policy_is_immediate_and_takes_its_groups_along() -> None:
    client = Client().with_rules()

    reply = client.send("DELETE", POLICY)

    assert (reply.status, reply.body) == (200, b"")
    assert client.send("GET", RULES).status == 404


def test_a_family_member_that_updates_locks_the_others_with_400() -> None:
    client = Client().with_rules()
    client.put(CHILD, {**PLAIN, "properties": {"basePolicy": {"id": POLICY}}})
    client.send("PUT", CHILD, {**PLAIN, "properties": {"basePolicy": {"id": POLICY}}})

    policy = client.send("PUT", POLICY, PLAIN)
    group = client.send("PUT", RULES, rule_group())

    assert (policy.status, error_code(policy)) == (
        400,
        "FirewallPolicyUpdateNotAllowedWhenUpdatingOrDeleting",
    )
    assert (group.status, error_code(group)) == (
        400,
        "FirewallPolicyRuleCollectionGroupUpdateNotAllowedWhenUpdatingOrDeleting",
    )


def test_a_child_cannot_live_in_another_region_than_its_base() -> None:
    client = Client().with_policy()

    reply = client.send("PUT", CHILD, {"location": "eastus", "properties": {"basePolicy": {"id": POLICY}}})

    assert reply.status == 400


def test_a_child_cannot_be_laxer_than_its_base_about_threats() -> None:
    client = Client().with_policy(threatIntelMode="Deny")
    lax = {"basePolicy": {"id": POLICY}, "threatIntelMode": "Alert"}

    assert client.send("PUT", CHILD, {**PLAIN, "properties": lax}).status == 400


def test_a_policy_cannot_become_its_own_ancestor() -> None:
    client = Client().with_policy()
    client.put(CHILD, {**PLAIN, "properties": {"basePolicy": {"id": POLICY}}})

    assert client.send("PUT", POLICY, {**PLAIN, "properties": {"basePolicy": {"id": CHILD}}}).status == 400


def test_a_missing_base_policy_is_a_dangling_reference() -> None:
    reply = Client().send("PUT", CHILD, {**PLAIN, "properties": {"basePolicy": {"id": POLICY}}})

    assert error_code(reply) == "InvalidResourceReference"


def test_tags_are_patched_at_once_and_nothing_else_changes() -> None:
    client = Client().with_rules(collection(application_rule()))
    before = client.get(POLICY)

    reply = client.send("PATCH", POLICY, {"tags": {"team": "network"}})

    after = content_of(reply)
    assert (reply.status, after["tags"]) == (200, {"team": "network"})
    assert after["properties"] == before["properties"]


def test_unknown_settings_survive_a_write() -> None:
    client = Client().with_policy(somethingNew={"deep": [1, 2]})

    assert client.get(POLICY)["properties"]["somethingNew"] == {"deep": [1, 2]}
