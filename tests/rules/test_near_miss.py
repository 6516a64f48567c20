"""What nearly lets a flow through is told with what is missing, and mending exactly that lets it through."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from allowlist.rules.addresses import EVERYWHERE, AddressSet, parse_interval
from allowlist.rules.by_source import verdicts_by_source
from allowlist.rules.evaluate import evaluate
from allowlist.rules.flow import Flow
from allowlist.rules.model import (
    Action,
    ApplicationRule,
    NetworkRule,
    RuleRef,
    Ruleset,
    Settings,
    Sources,
)
from allowlist.rules.near_miss import Lack, NearMiss, NearMisses
from tests.helpers.estates import ADDRESSES, NAMES, SERVICES, rulesets
from tests.helpers.laws import examples

HERE = AddressSet.parse(["10.0.0.0/24"])


def ref(name: str) -> RuleRef:
    return RuleRef(policy="p", group="g", collection="c", rule=name)


def application(name: str = "r", *patterns: str, **more: object) -> ApplicationRule:
    values: dict[str, object] = {
        "action": Action.ALLOW,
        "sources": Sources(addresses=HERE),
        "services": frozenset({("https", 443)}),
    } | more
    return ApplicationRule(ref=ref(name), patterns=patterns, **values)  # type: ignore[arg-type]


def network(name: str = "n", **more: object) -> NetworkRule:
    values: dict[str, object] = {
        "action": Action.ALLOW,
        "sources": Sources(addresses=HERE),
        "protocols": frozenset({"tcp"}),
        "ports": ((443, 443),),
    } | more
    return NetworkRule(ref=ref(name), **values)  # type: ignore[arg-type]


def flow(
    name: str = "a.com", source: str = "10.0.0.4", app: str = "https", port: int = 443, **more: object
) -> Flow:
    values = {"transport": "tcp", "application": app, "sni": name, "host": name} | more
    return Flow(source=parse_interval(source)[0], port=port, **values)  # type: ignore[arg-type]


def near(asked: Flow, *rules: ApplicationRule | NetworkRule, **about: object) -> tuple[NearMiss, ...]:
    ruleset = Ruleset(
        name="p",
        application=tuple(rule for rule in rules if isinstance(rule, ApplicationRule)),
        network=tuple(rule for rule in rules if isinstance(rule, NetworkRule)),
        settings=Settings(**about),  # type: ignore[arg-type]
    )
    return NearMisses(ruleset).of(asked)


PREMIUM_URL = {"urls": ("a.com/in",), "terminates_tls": True}


@pytest.mark.parametrize(
    ("asked", "rule", "about", "lack", "text"),
    [
        (flow(source="10.1.0.4"), application("r", "a.com"), {}, Lack.SOURCE, "it is for 10.0.0.0/24, not for 10.1.0.4"),
        (flow(port=8443), application("r", "a.com"), {}, Lack.PORT, "it is for https:443, not for https:8443"),
        (flow(app="http", port=80), application("r", "a.com"), {}, Lack.PROTOCOL, "it is for https:443, not for http:80"),
        (flow(app=""), application("r", "a.com"), {}, Lack.PROTOCOL, "it is for https:443; tcp:443 reaches no application rule"),
        (flow("a.com"), application("r", "*.a.com"), {}, Lack.NAME, "it names *.a.com, which does not hold a.com"),
        (flow("x.a.com"), application("r", "a.com"), {}, Lack.NAME, "it names a.com, which does not hold x.a.com"),
        (flow(), application("r", urls=("a.com/in",)), {}, Lack.URL, "its target URL a.com/in takes a Premium policy"),
        (flow(path="/out"), application("r", **PREMIUM_URL), {"tier": "premium"}, Lack.URL, "does not hold the path /out"),
        (flow(port=80, app="http"), network(fqdns=("a.com",)), {}, Lack.PORT, "it is for tcp:443, not for tcp:80"),
        (flow(transport="udp", app=""), network(fqdns=("a.com",)), {}, Lack.PROTOCOL, "it is for tcp:443, not for udp:443"),
        (flow("x.a.com"), network(fqdns=("a.com",)), {}, Lack.NAME, "it names a.com, which does not hold x.a.com"),
        (flow(), network(fqdns=("a.com",)), {"resolves_network_names": False}, Lack.DNS_PROXY, "the DNS proxy is on, and it is off"),
        (flow(), network(fqdns=("a.com",)), {"tier": "basic"}, Lack.DNS_PROXY, "a Basic firewall takes no names in network rules"),
        (flow("", port=80, app="", destination=20), network(destinations=AddressSet(((20, 20),))), {}, Lack.PORT, "not for tcp:80"),
        (flow(source="10.1.0.4"), application("r", "a.com", sources=Sources()), {}, Lack.SOURCE, "it is for no source"),
    ],
)  # fmt: skip
def test_the_one_thing_that_is_missing_is_named(
    asked: Flow, rule: ApplicationRule | NetworkRule, about: dict[str, object], lack: Lack, text: str
) -> None:
    (found,) = near(asked, rule, **about)

    assert found.ref == rule.ref
    assert [item.lack for item in found.missing] == [lack]
    assert text in str(found)


def test_an_allow_behind_a_deny_lacks_the_order() -> None:
    deny, allow = application("no", "*.com", action=Action.DENY), application("yes", "a.com")

    (found,) = near(flow(), deny, allow)

    assert found.ref == allow.ref
    assert [item.lack for item in found.missing] == [Lack.ORDER]
    assert "after application rule p/g/c/no, which denies" in str(found)


def test_a_destination_that_is_written_so_that_it_matches_nothing_is_told_for_who_was_meant() -> None:
    (found,) = near(flow(), application("r", "b.com", ignored=("https://a.com/in",)))
    assert [item.lack for item in found.missing] == [Lack.NAME]
    assert "it names 'https://a.com/in', which as it is written matches nothing" in str(found)
    assert near(flow(), application("r", "b.com", ignored=("\u00fc" * 70 + ".com",))) == ()


@pytest.mark.parametrize(("path", "lacks"), [("/in", [Lack.SOURCE]), ("/out", [Lack.URL, Lack.SOURCE])])
def test_a_target_url_that_holds_the_path_is_not_what_is_missing(path: str, lacks: list[Lack]) -> None:
    rule = application("r", **PREMIUM_URL)
    (found,) = near(flow(source="10.1.0.4", path=path), rule, tier="premium")
    assert [item.lack for item in found.missing] == lacks


def test_a_rule_that_may_not_be_in_force_says_so_besides_what_it_lacks() -> None:
    (found,) = near(flow(port=8443), application("r", "a.com", state="group g is Failed"))
    assert [item.lack for item in found.missing] == [Lack.PORT, Lack.STATE]
    assert "it may not be in force: group g is Failed" in str(found)


def test_what_passes_has_no_near_miss() -> None:
    assert near(flow(), application("r", "a.com"), application("s", "a.com", services=frozenset())) == ()


def test_rules_that_name_something_else_or_everything_are_no_near_misses() -> None:
    asked = flow(port=80, app="http")
    others = (
        application("b", "b.com"),
        application("all", "*"),
        network("n", destinations=EVERYWHERE),
        network("deny", fqdns=("a.com",), action=Action.DENY),
        application("broken", urls=("a.com:80/x",)),
    )
    assert near(asked, *others) == ()


def test_those_that_lack_least_come_first_and_few_are_told() -> None:
    far = application("far", "a.com", sources=Sources(), services=frozenset({("http", 80)}))
    close = application("close", "a.com", sources=Sources())
    many = [application(f"m{number}", "a.com", services=frozenset({("http", 80)})) for number in range(5)]

    found = near(flow(), far, *many, close)

    assert len(found) == 3
    assert all(len(item.missing) == 1 for item in found)
    assert re.search(r"\d more", str(near(flow(), application("w", "a.com", services=_eight()))[0]))


def _eight() -> frozenset[tuple[str, int]]:
    return frozenset(("https", 9000 + number) for number in range(8))


@settings(max_examples=examples(300), deadline=None)
@given(
    rulesets(),
    st.sampled_from(ADDRESSES),
    st.sampled_from(NAMES),
    st.sampled_from(SERVICES),
)
def test_mending_what_is_missing_lets_the_flow_through(
    ruleset: Ruleset, source: int, name: str, service: tuple[str, int]
) -> None:
    asked = Flow(source=source, port=service[1], application=service[0], sni=name, host=name)
    for found in NearMisses(ruleset).of(asked):
        rules: tuple[ApplicationRule | NetworkRule, ...] = (*ruleset.application, *ruleset.network)
        mended = [
            _mended(rule, asked, found) for rule in rules if rule.ref == found.ref and rule.action == "allow"
        ]
        alone = [_alone(rule, ruleset) for rule in mended]
        assert any(evaluate(item, asked).word != "deny" for item in alone)


def _mended(
    rule: ApplicationRule | NetworkRule, asked: Flow, found: NearMiss
) -> ApplicationRule | NetworkRule:
    lacks = {item.lack for item in found.missing}
    if Lack.SOURCE in lacks:
        rule = replace(rule, sources=Sources(addresses=EVERYWHERE))
    if isinstance(rule, NetworkRule):
        ports = ((1, 65535),) if lacks & {Lack.PORT, Lack.PROTOCOL} else rule.ports
        protocols = frozenset({"any"}) if Lack.PROTOCOL in lacks else rule.protocols
        names = (asked.name,) if Lack.NAME in lacks else rule.fqdns
        return replace(rule, ports=ports, protocols=protocols, fqdns=names)
    services = {(asked.application, asked.port)} if lacks & {Lack.PORT, Lack.PROTOCOL} else rule.services
    patterns = (asked.name,) if lacks & {Lack.NAME, Lack.URL} else rule.patterns
    return replace(rule, services=frozenset(services), patterns=patterns)


def _alone(rule: ApplicationRule | NetworkRule, ruleset: Ruleset) -> Ruleset:
    about = replace(ruleset.settings, resolves_network_names=True, tier="premium", threat_intelligence="off")
    if isinstance(rule, NetworkRule):
        return Ruleset(name="p", network=(rule,), settings=about)
    return Ruleset(name="p", application=(rule,), settings=about)


@settings(max_examples=examples(300), deadline=None)
@given(rulesets(), st.sampled_from(NAMES), st.sampled_from(SERVICES))
def test_a_set_of_sources_is_answered_as_each_of_its_addresses(
    ruleset: Ruleset, name: str, service: tuple[str, int]
) -> None:
    asked = Flow(source=0, port=service[1], application=service[0], sni=name, host=name)
    everybody = AddressSet.of((item, item) for item in ADDRESSES)

    parts = verdicts_by_source(ruleset, asked, everybody)

    assert AddressSet.of(span for part, _ in parts for span in part.intervals) == everybody
    for part, verdict in parts:
        for address in ADDRESSES:
            if address in part:
                alone = evaluate(ruleset, replace(asked, source=address))
                assert (alone.word, alone.ref, alone.because) == (verdict.word, verdict.ref, verdict.because)
