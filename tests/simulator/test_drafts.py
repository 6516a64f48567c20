"""Drafts are a copy beside the policy; deploying one replaces what is live."""

from tests.helpers.arm import (
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

DRAFT = f"{POLICY}/firewallPolicyDrafts/default"
GROUP_DRAFT = f"{RULES}/ruleCollectionGroupDrafts/default"


def names(client: Client) -> list[str]:
    return [each["name"] for each in client.get(RULES)["properties"]["ruleCollections"]]


def test_a_draft_is_written_at_once_and_named_like_its_policy() -> None:
    client = Client().with_policy()

    reply = client.send("PUT", DRAFT, {})

    body = content_of(reply)
    assert reply.status == 201
    assert (body["name"], body["id"]) == ("policy", DRAFT)
    assert body["properties"] == {"threatIntelMode": "Unknown"}
    assert client.send("PUT", DRAFT, {}).status == 200


def test_deploying_puts_the_drafts_in_force_and_removes_them() -> None:
    client = Client().with_rules()
    client.send("PUT", DRAFT, {"properties": {"threatIntelMode": "Deny"}})
    client.send("PUT", GROUP_DRAFT, rule_group(collection(application_rule(), name="drafted")))

    reply = client.send("POST", f"{POLICY}/deploy")

    assert (reply.status, reply.body) == (202, b"null")
    assert names(client) == ["collection"]
    client.wait()
    assert poll(client, reply) == {"status": "Succeeded"}
    assert names(client) == ["drafted"]
    assert client.get(POLICY)["properties"]["threatIntelMode"] == "Deny"
    assert client.get(POLICY)["properties"]["sku"] == {"tier": "Standard"}
    assert [client.send("GET", url).status for url in (DRAFT, GROUP_DRAFT)] == [404, 404]


def test_a_group_just_deployed_has_no_size() -> None:
    client = Client().with_rules()
    client.send("PUT", DRAFT, {})
    client.send("PUT", GROUP_DRAFT, rule_group())
    client.send("POST", f"{POLICY}/deploy")
    client.wait()

    assert "size" not in client.get(RULES)["properties"]


def test_deploying_silently_takes_back_what_was_changed_live_since() -> None:
    client = Client().with_rules()
    client.send("PUT", DRAFT, {})
    client.send("PUT", GROUP_DRAFT, client.get(RULES))
    client.put(RULES, rule_group(collection(application_rule(), name="later")))

    client.send("POST", f"{POLICY}/deploy")
    client.wait()

    assert names(client) == ["collection"]


def test_there_is_nothing_to_deploy_without_a_draft() -> None:
    assert Client().with_policy().send("POST", f"{POLICY}/deploy").status == 404


def test_a_group_cannot_be_created_in_a_draft() -> None:
    client = Client().with_policy()

    assert error_code(client.send("PUT", GROUP_DRAFT, rule_group())) == "ParentResourceNotFound"


def test_deploying_locks_the_policy() -> None:
    client = Client().with_rules()
    client.send("PUT", DRAFT, {})
    client.send("POST", f"{POLICY}/deploy")

    assert client.send("PUT", RULES, rule_group()).status == 400
