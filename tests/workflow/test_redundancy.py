"""Redundant rules: without all of them together, every flow that was seen is decided as it was, by a rule."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import replace
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from allowlist.rules.addresses import AddressSet
from allowlist.rules.columns.verdicts import compile_verdicts
from allowlist.rules.evaluate import evaluate
from allowlist.rules.flow import NOTHING_KNOWN
from allowlist.rules.model import Action, ApplicationRule, RuleRef, Ruleset, Sources
from allowlist.traffic.findings import Redundant, Seen
from allowlist.workflow.evidence import flow_of_seen
from allowlist.workflow.redundancy import Chains
from tests.helpers.estates import ADDRESSES, NAMES, rulesets
from tests.helpers.laws import examples

AT = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)


def rule(name: str, *patterns: str, action: Action = Action.ALLOW, sources: str = "10.0.0.0/24") -> ApplicationRule:  # fmt: skip
    return ApplicationRule(
        ref=RuleRef(policy="p", group="g", collection="c", rule=name), action=action,
        sources=Sources(addresses=AddressSet.parse([sources])), services=frozenset({("https", 443)}), patterns=patterns,
    )  # fmt: skip


def seen(name: str, *, rule: str = "", action: str = "allow", source: str = "10.0.0.4", count: int = 1) -> Seen:  # fmt: skip
    return Seen("application", source, name, "", 443, "https", action, "", "", "", "", rule, count, AT, AT)


def redundant(ruleset: Ruleset, *flows: Seen) -> list[Redundant]:
    verdicts, chains = compile_verdicts(ruleset, NOTHING_KNOWN), Chains()
    for one in flows:
        flow = flow_of_seen(one)
        if flow is not None:
            chains.take(verdicts, flow, verdicts.verdict(flow), one)
    return list(chains.redundant("t"))


def told(*rules: ApplicationRule, flows: tuple[Seen, ...]) -> dict[str, tuple[bool, tuple[str, ...]]]:
    found = redundant(Ruleset(name="p", application=rules), *flows)
    return {item.rule.rpartition("/")[2]: (item.decides, item.instead) for item in found}


def test_a_rule_behind_another_that_always_decides_is_redundant() -> None:
    rules = rule("first", "*.contoso.com"), rule("second", "a.contoso.com")
    assert told(*rules, flows=(seen("a.contoso.com"), seen("b.contoso.com"))) == {
        "second": (False, ("p/g/c/first",))
    }


def test_a_rule_whose_flows_a_later_one_decides_the_same_is_redundant() -> None:
    rules = rule("narrow", "a.contoso.com"), rule("wide", "*.contoso.com")
    assert told(*rules, flows=(seen("a.contoso.com"), seen("b.contoso.com"))) == {
        "narrow": (True, ("p/g/c/wide",))
    }


def test_of_two_rules_that_do_the_same_one_stays() -> None:
    rules = rule("one", "a.contoso.com"), rule("two", "a.contoso.com")
    assert list(told(*rules, flows=(seen("a.contoso.com"),))) == ["two"]


def test_a_rule_that_lets_a_single_flow_through_alone_is_needed() -> None:
    rules = rule("narrow", "a.contoso.com", "example.org"), rule("wide", "*.contoso.com")
    assert told(*rules, flows=(seen("a.contoso.com", count=999), seen("b.contoso.com"), seen("example.org"))) == {}  # fmt: skip


def test_a_deny_that_stands_before_an_allow_is_needed() -> None:
    rules = rule("no", "a.contoso.com", action=Action.DENY), rule("yes", "*.contoso.com")
    assert told(*rules, flows=(seen("a.contoso.com", action="deny"), seen("b.contoso.com"))) == {}


def test_a_deny_that_only_the_default_would_repeat_is_not_called_redundant() -> None:
    rules = (rule("no", "a.contoso.com", action=Action.DENY),)
    assert told(*rules, flows=(seen("a.contoso.com", action="deny"),)) == {}


def test_a_log_that_names_another_rule_makes_its_rules_doubtful() -> None:
    rules = rule("narrow", "a.contoso.com"), rule("wide", "*.contoso.com")
    assert told(*rules, flows=(seen("a.contoso.com", rule="somebody's"), seen("b.contoso.com"))) == {}
    assert told(*rules, flows=(seen("a.contoso.com", action="deny"), seen("b.contoso.com"))) == {}


@st.composite
def traffic(draw: Any) -> list[Seen]:
    names = st.sampled_from([name for name in NAMES if name])
    addresses = st.sampled_from([str(ipaddress.IPv4Address(number)) for number in ADDRESSES])
    flows = st.builds(lambda name, source, count: seen(name, source=source, count=count), names, addresses, st.integers(1, 9))  # fmt: skip
    found: list[Seen] = draw(st.lists(flows, min_size=1, max_size=12))
    return found


@settings(max_examples=examples(80), deadline=None)
@given(rulesets(), traffic())
def test_without_all_redundant_rules_every_flow_seen_is_decided_as_it_was(
    ruleset: Ruleset, flows: list[Seen]
) -> None:
    logged = []
    for one in flows:
        flow = flow_of_seen(one)
        assert flow is not None
        logged.append((flow, replace(one, action=evaluate(ruleset, flow, NOTHING_KNOWN).word)))
    gone = {item.rule for item in redundant(ruleset, *(one for _, one in logged))}
    left = msgspec.structs.replace(
        ruleset,
        network=tuple(item for item in ruleset.network if str(item.ref) not in gone),
        application=tuple(item for item in ruleset.application if str(item.ref) not in gone),
    )
    for flow, _ in logged:
        before, after = (evaluate(rules, flow, NOTHING_KNOWN) for rules in (ruleset, left))
        if before.word != "unknown":
            assert after.word == before.word
