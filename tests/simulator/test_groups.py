"""Rule collection groups: whole replacement, read-back habits, validation, limits."""

import json

import pytest

from allowlist.simulator import NetworkSettings
from tests.helpers.arm import (
    IP_GROUP,
    POLICY,
    RULES,
    Client,
    application_rule,
    collection,
    content_of,
    error_code,
    network_rule,
    poll,
    rule_group,
)


def _with(**settings: object) -> Client:
    return Client(options={"network": NetworkSettings(**settings)})  # type: ignore[arg-type]


def test_the_etag_of_a_group_put_is_stale_once_the_operation_is_done() -> None:
    client = Client().with_policy()

    put = client.put(RULES, rule_group(collection(application_rule())))

    assert client.get(RULES)["etag"] != content_of(put)["etag"]


def test_a_put_replaces_the_whole_group() -> None:
    client = Client().with_rules(collection(application_rule("one"), application_rule("two")))

    client.put(RULES, rule_group(collection(application_rule("two"))))

    (only,) = client.get(RULES)["properties"]["ruleCollections"]
    assert [rule["name"] for rule in only["rules"]] == ["two"]


def test_absent_arrays_come_back_empty_and_enums_in_the_services_spelling() -> None:
    sent = application_rule(protocols=[{"port": 443, "protocolType": "HTTPS"}])
    client = Client().with_rules(collection(sent, action={"type": "allow"}))

    (read,) = client.get(RULES)["properties"]["ruleCollections"]
    (rule,) = read["rules"]
    assert list(read) == ["ruleCollectionType", "action", "rules", "name", "priority"]
    assert read["action"] == {"type": "Allow"}
    assert rule["protocols"] == [{"protocolType": "Https", "port": 443}]
    assert rule["terminateTLS"] is False
    assert [name for name, value in rule.items() if value == []] == [
        "fqdnTags",
        "webCategories",
        "targetUrls",
        "destinationAddresses",
        "sourceIpGroups",
        "httpHeadersToInsert",
    ]


def test_network_rules_gain_an_undocumented_field_and_dnat_loses_its_capitals() -> None:
    nat = {
        "ruleType": "NatRule",
        "name": "nat",
        "sourceAddresses": ["*"],
        "destinationAddresses": ["203.0.113.9"],
        "destinationPorts": ["443"],
        "translatedAddress": "10.0.0.4",
        "translatedPort": "443",
    }
    kind = "FirewallPolicyNatRuleCollection"
    client = Client().with_rules(
        collection(network_rule()),
        collection(nat, name="nat", priority=210, ruleCollectionType=kind, action={"type": "DNAT"}),
    )

    network, translated = client.get(RULES)["properties"]["ruleCollections"]
    assert network["rules"][0]["ipv6Rule"] is False
    assert translated["action"] == {"type": "Dnat"}


def test_unknown_fields_of_a_rule_survive() -> None:
    client = Client(version="2026-03-01").with_rules(
        collection(application_rule(sourceKubeSelectorGroups=["a"]))
    )

    (only,) = client.get(RULES)["properties"]["ruleCollections"]
    assert only["rules"][0]["sourceKubeSelectorGroups"] == ["a"]


def test_reading_and_writing_back_changes_nothing_but_the_etag() -> None:
    client = Client().with_rules(
        collection(application_rule()), collection(network_rule(), name="n", priority=300)
    )
    before = client.get(RULES)

    client.put(RULES, before)

    after = client.get(RULES)
    assert {**after, "etag": ""} == {**before, "etag": ""}
    assert after["etag"] != before["etag"]


def test_the_size_is_the_length_of_the_collections_and_a_fixed_part() -> None:
    client = Client().with_rules(collection(application_rule()))

    properties = client.get(RULES)["properties"]

    size = round(float(properties["size"].removesuffix(" MB")) * 1_048_576)
    length = len(json.dumps(properties["ruleCollections"], separators=(",", ":")))
    assert 1_320 <= size - length <= 1_690


def test_deleting_answers_202_with_the_old_group_and_ends_in_null() -> None:
    client = Client().with_rules()

    reply = client.send("DELETE", RULES)

    assert reply.status == 202
    assert content_of(reply)["name"] == "rules"
    assert client.get(RULES)["properties"]["provisioningState"] == "Deleting"
    assert client.send("GET", reply.headers["location"]).status == 202
    client.wait()
    result = client.send("GET", reply.headers["location"])
    assert (result.status, result.body) == (200, b"null")
    assert client.send("GET", RULES).status == 404


def test_deleting_what_is_not_there_is_no_error() -> None:
    assert Client().with_policy().send("DELETE", RULES).status == 204


def test_a_group_without_its_policy_is_refused() -> None:
    assert error_code(Client().send("PUT", RULES, rule_group())) == "ParentResourceNotFound"


def test_the_policy_is_updating_while_its_group_is() -> None:
    client = Client().with_rules()

    client.send("PUT", RULES, rule_group())

    assert client.get(POLICY)["properties"]["provisioningState"] == "Updating"
    client.wait()
    assert client.get(POLICY)["properties"]["provisioningState"] == "Succeeded"


REFUSED = {
    "a priority below 100": (rule_group(priority=99), "FirewallPolicyRuleCollectionInvalidPriority"),
    "a collection priority above 65000": (
        rule_group(collection(application_rule(), priority=65_001)),
        "FirewallPolicyRuleCollectionInvalidPriority",
    ),
    "a network rule without destination": (
        rule_group(collection(network_rule(destinationAddresses=[]))),
        "FirewallPolicyNetworkRuleDestinationMustBeSpecified",
    ),
    "a rule without source": (
        rule_group(collection(application_rule(sourceAddresses=[]))),
        "FirewallPolicyRuleIpAddressesAndPortsMustBeSpecified",
    ),
    "FQDN tags without protocols": (
        rule_group(collection(application_rule(fqdns=[], fqdnTags=["WindowsUpdate"], protocols=[]))),
        "InternalServerError",
    ),
    "an asterisk inside a name": (
        rule_group(collection(application_rule(fqdns=["test.*.example.com"]))),
        "FirewallPolicyRuleInvalidTarget",
    ),
    "two asterisks": (
        rule_group(collection(application_rule(fqdns=["*.*.example.com"]))),
        "FirewallPolicyRuleInvalidTarget",
    ),
    "a URL with a port": (
        rule_group(collection(application_rule(fqdns=[], targetUrls=["www.example.com:8080"]))),
        "FirewallPolicyRuleInvalidTarget",
    ),
    "a URL on a Standard policy": (
        rule_group(collection(application_rule(fqdns=[], targetUrls=["www.example.com/a/*"]))),
        "FirewallPolicyRuleNotSupportedInTier",
    ),
    "a network rule with a wildcard name": (
        rule_group(collection(network_rule(destinationAddresses=[], destinationFqdns=["*.example.com"]))),
        "FirewallPolicyRuleInvalidTarget",
    ),
    "a network rule with a name but no DNS proxy": (
        rule_group(collection(network_rule(destinationAddresses=[], destinationFqdns=["www.example.com"]))),
        "FirewallPolicyNetworkRuleFqdnRequiresDnsProxy",
    ),
    "an IPv6 source": (
        rule_group(collection(application_rule(sourceAddresses=["fd00::/8"]))),
        "AzureFirewallRuleInvalidIpAddressOrRangeFormat",
    ),
    "a collection name used twice": (
        rule_group(collection(application_rule()), collection(application_rule(), priority=300)),
        "FirewallPolicyRuleCollectionDuplicate",
    ),
    "a missing IP group": (
        rule_group(collection(application_rule(sourceAddresses=[], sourceIpGroups=[IP_GROUP]))),
        "InvalidResourceReference",
    ),
    "rules of two types in one collection": (
        rule_group(collection(application_rule(), network_rule("other"))),
        "FirewallPolicyRuleCollectionMixedRuleTypes",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_service_refuses(what: str) -> None:
    body, code = REFUSED[what]
    client = Client().with_policy()

    reply = client.send("PUT", RULES, body)

    assert (reply.status, error_code(reply)) == (400, code)
    assert not client.simulator.exists(RULES)


def test_a_missing_discriminator_crashes_the_service_without_a_reason() -> None:
    reply = Client().with_policy().send("PUT", RULES, rule_group({"name": "no-type", "priority": 200}))

    assert content_of(reply) == {
        "Message": "The request is invalid.",
        "ModelState": {"resource.properties.ruleCollections[0]": ["An error has occurred."]},
    }


@pytest.mark.parametrize(
    "rule",
    [
        application_rule(fqdns=["*"]),
        application_rule(fqdns=["*example.com", "a_b.example.com"]),
        application_rule(sourceAddresses=["10.0.0.1-10.0.0.9", "10.1.0.0/16", "*"]),
        application_rule(protocols=[{"protocolType": "Mssql", "port": 1433}]),
        network_rule(destinationAddresses=["AzureActiveDirectory"]),
    ],
)
def test_the_service_accepts(rule: dict[str, object]) -> None:
    Client().with_rules(collection(rule))


def test_names_in_network_rules_need_the_dns_proxy_of_the_policy_or_of_its_base() -> None:
    client = Client().with_policy(dnsSettings={"enableProxy": True})
    client.put(f"{POLICY}-child", {"location": "westeurope", "properties": {"basePolicy": {"id": POLICY}}})
    rule = network_rule(destinationAddresses=[], destinationFqdns=["www.example.com"])

    client.put(RULES, rule_group(collection(rule)))
    client.put(f"{POLICY}-child/ruleCollectionGroups/rules", rule_group(collection(rule)))


def test_the_number_of_groups_is_limited() -> None:
    client = _with(groups_per_policy=1).with_rules()

    reply = client.send("PUT", f"{POLICY}/ruleCollectionGroups/second", rule_group(priority=400))

    assert error_code(reply) == "FirewallPolicyRuleCollectionGroupLimitExceeded"


def test_the_size_of_a_group_is_limited() -> None:
    client = _with(group_bytes=2_000).with_policy()
    names = [f"host-{number}.example.com" for number in range(100)]

    reply = client.send("PUT", RULES, rule_group(collection(application_rule(fqdns=names))))

    assert error_code(reply) == "FirewallPolicyRuleCollectionGroupSizeExceeded"


def test_two_groups_cannot_share_a_priority() -> None:
    client = Client().with_rules()

    reply = client.send("PUT", f"{POLICY}/ruleCollectionGroups/second", rule_group())

    assert error_code(reply) == "FirewallPolicyRuleCollectionGroupDuplicatePriority"


@pytest.mark.parametrize(("switch", "body"), [(True, None), (False, "rules")])
def test_an_unchanged_group_may_be_answered_with_null(switch: bool, body: str | None) -> None:
    client = _with(null_for_unchanged=switch).with_rules()

    reply = client.send("PUT", RULES, client.get(RULES))

    assert reply.status == 200
    assert (content_of(reply) or {}).get("name") == body


@pytest.mark.parametrize(
    ("kinds", "status"), [(frozenset(), 200), ({"firewallpolicies/rulecollectiongroups"}, 412)]
)
def test_if_match_counts_only_where_it_is_switched_on(kinds: frozenset[str], status: int) -> None:
    client = _with(honour_if_match=frozenset(kinds)).with_rules()

    reply = client.send("PUT", RULES, rule_group(), headers={"if-match": '"stale"'})

    assert reply.status == status


@pytest.mark.parametrize("renewed", [True, False])
def test_a_group_write_changes_the_policys_etag_only_when_switched_on(renewed: bool) -> None:
    client = _with(group_write_renews_policy_etag=renewed).with_rules()
    before = client.get(POLICY)["etag"]

    client.put(RULES, rule_group())

    assert (client.get(POLICY)["etag"] != before) is renewed


def test_a_second_write_of_the_same_group_waits_its_turn() -> None:
    client = Client().with_rules()
    first = client.send("PUT", RULES, rule_group())

    second = client.send("PUT", RULES, rule_group())

    assert second.status == 400
    assert "operation ID" in content_of(second)["error"]["message"]
    client.wait()
    assert poll(client, first) == {"status": "Succeeded"}
    assert client.send("PUT", RULES, rule_group()).status == 200
