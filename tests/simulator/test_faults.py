"""Faults: how they are written, whom they meet, and what the client sees."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowlist.errors import InvalidInput
from allowlist.simulator import PRESETS, Chance, Effect, Fault, parse_fault
from tests.helpers.arm import (
    FIREWALL,
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

PUT_RULES = rule_group(collection(application_rule("changed")))


def faulty(*faults: str, firewall: bool = False) -> Client:
    client = Client().with_rules()
    if firewall:
        client.with_firewall()
    for fault in faults:
        client.simulator.inject(fault)
    return client


def rule_names(client: Client) -> list[str]:
    collections = client.simulator.resource(RULES)["properties"]["ruleCollections"]
    return [rule["name"] for each in collections for rule in each["rules"]]


def test_the_example_of_the_documentation_means_what_it_says() -> None:
    fault = parse_fault("PUT:ruleCollectionGroups:nth=2:status=429,retry-after=1")

    assert isinstance(fault, Fault)
    assert (fault.method, fault.kind, fault.first, fault.last) == ("PUT", "ruleCollectionGroups", 2, 2)
    assert fault.effect == Effect(status=429, retry_after="1")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("PUT:ruleCollectionGroups:bussy", "did you mean 'busy'"),
        ("PUT:ruleCollectionGroups:statsu=500", "did you mean 'status'"),
        ("PUT:ruleCollectionGroups:status=soon", "cannot read 'status=soon'"),
        ("PUT:ruleCollectionGroups:reset=never", "cannot read 'reset=never'"),
        ("PUT:ruleCollectionGroups:nth=2", "does nothing"),
        ("SEND:ruleCollectionGroups:busy", "knows no method 'SEND'"),
        ("busy", "has the form METHOD:KIND:WORD"),
        ("random:rate=often", "cannot read 'rate=often'"),
        ("random:only=bussy", "did you mean 'busy'"),
        ("random:speed=3", "knows no word 'speed=3'"),
    ],
)
def test_a_fault_that_cannot_be_read_says_why(text: str, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(complaint)):
        parse_fault(text)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_written_by_name(name: str) -> None:
    fault = parse_fault(f"*:*:{name}")

    assert isinstance(fault, Fault)
    assert fault.effect == PRESETS[name]


@pytest.mark.parametrize(
    ("word", "hit"),
    [
        ("nth=2", [False, True, False, False]),
        ("nth=2-3", [False, True, True, False]),
        ("nth=3-", [False, False, True, True]),
        ("times=2", [True, True, False, False]),
        ("contains=POLICIES/policy", [True, True, True, True]),
        ("contains=elsewhere", [False, False, False, False]),
        ("chance=0", [False, False, False, False]),
    ],
)
def test_a_fault_meets_the_requests_it_names(word: str, hit: list[bool]) -> None:
    client = faulty(f"GET:firewallPolicies:{word}:unavailable")

    assert [client.send("GET", POLICY).status == 503 for _ in range(4)] == hit
    assert client.send("GET", RULES).status == 200
    assert client.simulator.faults.injected.total() == sum(hit)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("busy", 400, "FirewallPolicyRuleCollectionGroupUpdateNotAllowedWhenUpdatingOrDeleting"),
        ("conflict", 409, "AnotherOperationInProgress"),
        ("precondition", 412, "PreconditionFailed"),
        ("throttled", 429, "SubscriptionRequestsThrottled"),
        ("throttled-silently", 429, "RetryableError"),
        ("unavailable", 503, "ServiceUnavailable"),
        ("status=400,code=FirewallPolicyUpdateFailed,envelope=E3", 400, "FirewallPolicyUpdateFailed"),
        ("status=400,code=IpGroupsUpdateFailed,envelope=E2", 400, "IpGroupsUpdateFailed"),
    ],
)
def test_a_refused_write_changes_nothing(fault: str, status: int, code: str) -> None:
    client = faulty(f"PUT:ruleCollectionGroups:{fault}")
    before = client.simulator.resource(RULES)

    reply = client.send("PUT", RULES, PUT_RULES)

    assert (reply.status, error_code(reply)) == (status, code)
    assert client.simulator.resource(RULES) == before
    assert client.simulator.idle


@pytest.mark.parametrize(
    ("preset", "retry_after"),
    [("throttled", "1"), ("throttled-absurdly", "86400"), ("throttled-silently", None)],
)
def test_a_throttled_client_may_be_told_when_to_come_back(preset: str, retry_after: str | None) -> None:
    reply = faulty(f"GET:*:{preset}").send("GET", POLICY)

    assert (reply.status, reply.headers.get("retry-after")) == (429, retry_after)


def test_a_forbidden_request_names_the_right_that_lacks() -> None:
    reply = faulty("PUT:ruleCollectionGroups:status=403").send("PUT", RULES, PUT_RULES)

    message = content_of(reply)["error"]["message"]
    assert error_code(reply) == "AuthorizationFailed"
    assert f"'Microsoft.Network/firewallPolicies/ruleCollectionGroups/write' over scope '{RULES}'" in message


@pytest.mark.parametrize(("when", "landed"), [("before", ["rule"]), ("after", ["changed"])])
def test_a_lost_connection_hides_whether_the_write_landed(when: str, landed: list[str]) -> None:
    client = faulty(f"PUT:ruleCollectionGroups:reset={when}")

    reply = client.send("PUT", RULES, PUT_RULES)

    assert reply.drop
    assert rule_names(client) == landed
    assert [entry.status for entry in client.simulator.requests][-1] == 0


def test_a_failing_operation_leaves_a_failed_group_that_a_second_write_heals() -> None:
    client = faulty("PUT:ruleCollectionGroups:times=1:operation-fails", firewall=True)

    failed = client.put(RULES, PUT_RULES)

    assert poll(client, failed)["status"] == "Failed"
    assert client.get(RULES)["properties"]["provisioningState"] == "Failed"
    assert client.get(FIREWALL)["properties"]["provisioningState"] == "Succeeded"
    assert poll(client, client.put(RULES, PUT_RULES)) == {"status": "Succeeded"}
    assert client.get(RULES)["properties"]["provisioningState"] == "Succeeded"


def test_a_lost_operation_cannot_be_polled_although_the_work_is_done() -> None:
    client = faulty("PUT:ruleCollectionGroups:operation-lost")

    reply = client.put(RULES, PUT_RULES)

    assert client.send("GET", reply.headers["azure-asyncoperation"]).status == 404
    assert client.get(RULES)["properties"]["provisioningState"] == "Succeeded"


def test_a_slow_operation_takes_its_time() -> None:
    client = faulty("PUT:ruleCollectionGroups:operation=slow,factor=100")
    reply = client.send("PUT", RULES, PUT_RULES)

    client.wait(1)

    assert poll(client, reply) == {"status": "InProgress"}
    client.wait(10)
    assert poll(client, reply) == {"status": "Succeeded"}


def test_a_stale_etag_is_shown_in_header_and_body_alike() -> None:
    client = faulty("GET:ruleCollectionGroups:stale-etag")

    reply = client.send("GET", RULES)

    assert reply.headers["etag"] == f'"{content_of(reply)["etag"]}"'
    assert content_of(reply)["etag"] != client.simulator.resource(RULES)["etag"]


def test_a_null_body_hides_a_write_that_landed() -> None:
    client = faulty("PUT:ruleCollectionGroups:null-body")

    reply = client.send("PUT", RULES, PUT_RULES)

    assert (reply.status, reply.body) == (200, b"null")
    assert rule_names(client) == ["changed"]


@pytest.mark.parametrize("when", ["foreign-edit", "foreign-edit-after"])
def test_somebody_else_edits_around_a_read(when: str) -> None:
    client = faulty(f"GET:ruleCollectionGroups:times=1:{when}")

    first, second = client.get(RULES), client.get(RULES)

    assert ([first["etag"]] == [second["etag"]]) is (when == "foreign-edit")
    assert [name for name in rule_names(client) if name.startswith("foreign-")]


def test_somebody_elses_edit_is_lost_when_a_write_follows_it() -> None:
    client = faulty("PUT:ruleCollectionGroups:foreign-edit")

    client.put(RULES, PUT_RULES)

    assert rule_names(client) == ["changed"]


def test_a_skewed_clock_shows_in_the_date_only() -> None:
    straight, skewed = faulty().send("GET", POLICY), faulty("GET:*:clock-skew").send("GET", POLICY)

    assert straight.headers["date"] != skewed.headers["date"]
    assert content_of(straight)["properties"] == content_of(skewed)["properties"]


def test_polls_can_be_faulted_by_their_own_name() -> None:
    client = faulty("GET:operations:times=1:unavailable")
    reply = client.put(RULES, PUT_RULES)

    statuses = [client.send("GET", reply.headers["azure-asyncoperation"]).status for _ in range(2)]

    assert statuses == [503, 200]


def _outcomes(seed: int) -> list[Any]:
    client = faulty(f"random:seed={seed},rate=0.4")
    replies = [client.send("GET", POLICY) for _ in range(30)]
    return [(reply.status, reply.drop) for reply in replies]


@given(st.integers(0, 10_000))
def test_chance_is_the_same_for_the_same_seed(seed: int) -> None:
    assert _outcomes(seed) == _outcomes(seed)


@given(st.sampled_from(sorted(PRESETS)), st.integers(0, 1_000))
def test_chance_keeps_to_the_presets_it_was_given(name: str, seed: int) -> None:
    chance = Chance(rate=1.0, seed=seed, only=(name,))

    drawn = {found[0] for method in ("GET", "PUT") for _ in range(5) if (found := chance.draw(method))}

    assert drawn <= {name}


def test_writes_under_chance_end_in_a_state_the_client_can_read() -> None:
    client = faulty("random:seed=3,rate=0.5", firewall=True)
    for number in range(60):
        client.send("PUT", RULES, rule_group(collection(application_rule(f"rule-{number}"))))
        client.wait()
    client.simulator.faults.clear()

    states = {client.get(url)["properties"]["provisioningState"] for url in (RULES, POLICY, FIREWALL)}

    assert states <= {"Succeeded", "Failed"}
    assert client.simulator.faults.injected.total() > 0
