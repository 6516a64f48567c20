"""What rules show by themselves: what hides behind others, what misleads, what is open too wide."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from allowlist.estate.bodies import Estate
from allowlist.plan.findings import Finding
from allowlist.plan.rule_findings import find_rule_findings, find_rules_of_others
from allowlist.points.firewall.translate import to_ruleset
from allowlist.rules.addresses import EVERYWHERE, AddressSet
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.model import Action, ApplicationRule, NetworkRule, Ruleset, Sources
from tests.rules.test_compare import REF, application, network, rules

EVERYONE = Sources(addresses=EVERYWHERE)


def found(ruleset: Ruleset, status: str) -> list[Finding]:
    findings = find_rule_findings(CoverageEngine.of(ruleset, ()), EVERYWHERE, "t")
    return [item for item in findings if item.status == status]


def named(rule: ApplicationRule, name: str) -> ApplicationRule:
    return replace(rule, ref=replace(REF, rule=name))


def test_a_rule_hidden_by_several_together_is_idle_and_no_one_of_them_hides_it() -> None:
    halves = [
        named(application(patterns=("*.a.com",)), "names"),
        named(application(patterns=("a.com",)), "apex"),
    ]
    hidden = named(application(patterns=("a.com", "*.a.com")), "hidden")
    assert [item.rule for item in found(rules(*halves, hidden), "redundant")] == ["p/g/c/hidden"]
    assert found(rules(halves[0], hidden), "redundant") == []


def test_a_network_deny_hides_application_rules() -> None:
    deny = replace(network(destinations=EVERYWHERE, action=Action.DENY), sources=EVERYONE)
    assert len(found(rules(deny, application(patterns=("a.com",))), "redundant")) == 1


def test_a_closing_deny_all_is_not_idle() -> None:
    closing = named(replace(application(patterns=("*",), action=Action.DENY), sources=EVERYONE), "last")
    assert found(rules(application(patterns=("a.com",)), closing), "redundant") == []


def read(kind: str, **fields: Any) -> Ruleset:
    """A ruleset of one rule, from JSON as Azure returns it."""
    policy = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/firewallPolicies/p"
    rule = {"ruleType": kind, "name": "r", "sourceAddresses": ["10.0.0.4"], **fields}
    rule |= {"protocols": [{"protocolType": "Https", "port": 443}]} if kind == "ApplicationRule" else {}
    rule |= {"ipProtocols": ["TCP"], "destinationPorts": ["443"]} if kind == "NetworkRule" else {}
    collection = {"name": "c", "priority": 100, "action": {"type": "Deny"}, "rules": [rule]}
    group = {"priority": 100, "ruleCollections": [collection]}
    empty = f"{policy.rpartition('/firewallPolicies')[0]}/ipGroups/empty"
    bodies = [
        {"id": policy, "name": "p", "properties": {}},
        {"id": f"{policy}/ruleCollectionGroups/g", "name": "g", "properties": group},
        {"id": empty, "name": "empty", "properties": {"ipAddresses": []}},
    ]
    return to_ruleset(Estate.of(bodies), policy)


EMPTY = ["/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/ipGroups/empty"]


@pytest.mark.parametrize(
    ("kind", "fields", "told"),
    [
        ("ApplicationRule", {"destinationAddresses": ["10.0.0.0/8"]}, "has no effect"),
        ("ApplicationRule", {"targetUrls": ["a.com/x"]}, "does not narrow"),
        ("ApplicationRule", {"targetUrls": ["a.com/x"], "targetFqdns": []}, "no effect on a standard"),
        ("ApplicationRule", {"sourceAddresses": [], "sourceIpGroups": EMPTY}, "the service skips it"),
        ("NetworkRule", {"sourceAddresses": [], "sourceIpGroups": EMPTY}, "the service skips it"),
    ],
)
def test_what_an_author_may_believe_and_is_not_so_is_told(
    kind: str, fields: dict[str, Any], told: str
) -> None:
    ruleset = read(kind, **{"targetFqdns": ["a.com"], **fields} if kind == "ApplicationRule" else fields)
    assert any(told in item.because for item in found(ruleset, "invalid"))


def test_nothing_is_told_of_a_plain_rule() -> None:
    rule: NetworkRule | ApplicationRule = application(patterns=("a.com",))
    assert found(rules(rule), "invalid") == []
    assert found(rules(rule), "widens") == []


def widened(*items: NetworkRule | ApplicationRule, asked: tuple[str, ...] = (), **settings: Any) -> list[str]:
    engine = CoverageEngine.of(rules(*items, **settings), ())
    findings = find_rule_findings(engine, EVERYWHERE, "t", asked)
    return [item.because for item in findings if item.status == "widens"]


def test_a_rule_for_every_source_is_told_where_rules_name_sources() -> None:
    rule = replace(application(patterns=("a.com",)), sources=EVERYONE)
    assert widened(rule) == ["it is open to every source (*)"]
    assert widened(rule, is_managed=True) == []


@pytest.mark.parametrize(
    ("fields", "asked", "told"),
    [
        ({"destinations": ["20.0.0.0/8"]}, (), ["it opens 16,777,216 public addresses on tcp 443"]),
        ({"destinations": ["20.0.0.0/9"]}, (), []),
        ({"destinations": ["10.0.0.0/8"], "ports": ((1, 65535),)}, (), []),
        (
            {"destinations": ["20.0.0.1"], "ports": ((1, 65535),)},
            (),
            ["it opens every port to 1 public addresses"],
        ),
        ({"destinations": ["20.0.0.1"], "ports": ((1, 65535),), "owner": "w"}, (), []),
        ({"service_tags": ("Storage.WestEurope",)}, ("storage.westeurope",), []),
        ({"service_tags": ("Storage.WestEurope",)}, ("storage",), []),
        ({"destinations": ["*"], "ports": ((22, 80),)}, (), ["a network rule to every destination"]),
        ({"destinations": ["*"], "ports": ((22, 22), (25, 30))}, (), ["it opens tcp 22, 25-30 to every"]),
        ({"destinations": ["*"], "protocols": frozenset({"udp"})}, (), ["it opens udp 443 to every"]),
        ({"destinations": ["*"], "unmodelled": ("x",)}, (), []),
        ({"destinations": ["*"], "state": "group g is Failed"}, (), []),
    ],
)
def test_a_network_rule_is_too_wide_by_what_it_reaches_and_nobody_asked_for(
    fields: dict[str, Any], asked: tuple[str, ...], told: list[str]
) -> None:
    fields = fields | {"destinations": AddressSet.parse(fields.get("destinations", ()))}
    found = widened(network(**fields), asked=asked)
    assert len(found) == len(told)
    assert all(text in because for text, because in zip(told, found, strict=True))


def test_a_broad_service_tag_is_told_with_what_is_behind_it() -> None:
    (found,) = widened(network(service_tags=("Storage.WestEurope",)))
    assert "the service tag Storage.WestEurope on tcp 443 opens storage accounts of every tenant" in found


def test_rules_of_each_other_workload_are_told_once_with_their_number() -> None:
    owned = [replace(application(patterns=("a.com",)), owner=owner) for owner in ("old", "w", "", "older")]
    findings = list(find_rules_of_others(rules(*owned, replace(network(), owner="old")), "w", "t"))
    assert [(item.rule, item.because.partition(";")[0]) for item in findings] == [
        ("rules of workload old", "2 carry the mark of workload 'old'"),
        ("rules of workload older", "1 carry the mark of workload 'older'"),
    ]
