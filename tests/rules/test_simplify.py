"""Simplifications are proved before they are offered: drops and merges change no flow, splits stop look-alikes only."""

from __future__ import annotations

from itertools import product
from typing import Any

from hypothesis import event, given, settings
from msgspec.structs import replace

from allowlist.rules.addresses import EVERYWHERE, AddressSet
from allowlist.rules.compare import Comparison, Difference
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.evaluate import evaluate
from allowlist.rules.flow import NOTHING_KNOWN, Facts, Flow
from allowlist.rules.model import Action, ApplicationRule, NetworkRule, RuleRef, Ruleset, Sources
from allowlist.rules.simplify import (
    Kind,
    Suggestion,
    _can_be_split,
    _changed,
    _State,
    _tightened,
    suggest,
)
from tests.helpers.estates import ADDRESSES, NAMES, SERVICES, rulesets
from tests.helpers.laws import examples


def rule(
    name: str,
    *patterns: str,
    sources: str = "10.0.0.0/24",
    collection: str = "c",
    action: Action = Action.ALLOW,
    order: int = 0,
    **more: object,
) -> ApplicationRule:
    return ApplicationRule(
        ref=RuleRef(policy="p", group="g", collection=collection, rule=name, order=(0, 100, 100, order)),
        action=action,
        sources=Sources(addresses=AddressSet.parse([sources])),
        services=frozenset({("https", 443)}),
        patterns=patterns,
        **more,  # type: ignore[arg-type]
    )


def suggestions(*rules: ApplicationRule) -> list[Suggestion]:
    ordered = tuple(
        replace(item, ref=replace(item.ref, order=(0, 100, 100, place))) for place, item in enumerate(rules)
    )
    return suggest(Ruleset(name="p", application=ordered))


def names(suggestion: Suggestion) -> list[str]:
    return [ref.rule for ref in suggestion.rules]


def test_of_two_rules_that_say_the_same_the_later_one_goes() -> None:
    (found,) = suggestions(rule("one", "a.com"), rule("two", "a.com", collection="d"))
    assert found.kind is Kind.DROP
    assert names(found) == ["two"]


def test_a_rule_that_others_cover_only_together_goes() -> None:
    whole = rule("whole", "a.com", sources="10.0.0.0/24", collection="d")
    low = rule("low", "a.com", sources="10.0.0.0/25")
    high = rule("high", "a.com", sources="10.0.0.128/25", collection="e")
    assert [names(item) for item in suggestions(low, high, whole)] == [["whole"]]


def test_a_rule_whose_flows_a_later_rule_allows_goes_too() -> None:
    (found,) = suggestions(rule("narrow", "x.a.com"), rule("wide", "*.a.com", collection="d"))
    assert names(found) == ["narrow"]


def test_a_rule_that_a_deny_stands_behind_stays() -> None:
    deny = rule("deny", "x.a.com", collection="d", action=Action.DENY)
    wide = rule("wide", "*.a.com", collection="e")
    assert suggestions(rule("narrow", "x.a.com"), deny, wide) == []


def test_a_deny_is_never_dropped() -> None:
    deny = rule("deny", "a.com", action=Action.DENY)
    assert suggestions(deny, rule("again", "a.com", action=Action.DENY)) == []


def test_rules_of_one_collection_that_differ_in_their_names_merge() -> None:
    (found,) = suggestions(rule("one", "a.com"), rule("two", "b.com"))
    assert found.kind is Kind.MERGE
    assert found.instead
    assert found.instead.patterns == ("a.com", "b.com")


def test_rules_of_one_collection_that_differ_in_their_sources_merge() -> None:
    (found,) = suggestions(
        rule("one", "a.com", sources="10.0.0.0/25"), rule("two", "a.com", sources="10.0.0.128/25")
    )
    assert found.instead
    assert list(found.instead.sources.addresses.texts()) == ["10.0.0.0/24"]


def test_rules_of_different_collections_are_not_merged() -> None:
    assert suggestions(rule("one", "a.com"), rule("two", "b.com", collection="d")) == []


def test_a_look_alike_is_split_and_what_that_stops_is_shown() -> None:
    (found,) = suggestions(rule("wide", "*contoso.com"))
    assert found.kind is Kind.SPLIT
    assert found.instead
    assert found.instead.patterns == ("contoso.com", "*.contoso.com")
    assert found.closes == ("10.0.0.4 → xcontoso.com https:443",)


def test_of_a_rule_with_a_look_alike_only_that_is_written_anew() -> None:
    (found,) = suggestions(rule("wide", "*contoso.com", "b.com"))
    assert found.instead
    assert found.instead.patterns == ("contoso.com", "*.contoso.com", "b.com")


def test_a_look_alike_that_another_rule_lets_through_anyway_is_not_split() -> None:
    ours = rule("ours", "*contoso.com", owner="w")
    assert suggestions(ours, rule("wide", "*contoso.com", "b.com", collection="d")) == []


def _network(**more: Any) -> NetworkRule:
    return NetworkRule(
        ref=RuleRef(policy="p", group="n", collection="n", rule="n"),
        sources=Sources(addresses=AddressSet.parse(["10.0.0.0/24"])),
        protocols=frozenset({"tcp"}),
        **more,
    )


def test_what_a_network_rule_lets_through_already_goes_and_what_it_does_not_stays() -> None:
    wide = _network(action=Action.ALLOW, ports=((443, 443),), destinations=EVERYWHERE)
    narrow = replace(wide, ports=((22, 22),))
    for network, left in ((wide, [["one"], ["tail"]]), (narrow, [])):
        ruleset = Ruleset(
            name="p",
            network=(network,),
            application=(rule("one", "a.com"), rule("tail", "*.b.com", collection="d", order=1)),
        )
        assert [names(item) for item in suggest(ruleset)] == left
    state = _State(ruleset, NOTHING_KNOWN)
    assert [state.has_company(item) for item in state.rules()] == [False, False]


def test_addresses_that_are_known_show_that_a_rule_lets_nothing_through() -> None:
    deny = _network(action=Action.DENY, ports=((443, 443),), fqdns=("b.com",))
    ruleset = Ruleset(name="p", network=(deny,), application=(rule("one", "a.com"),))
    shared, own = (AddressSet.parse([text]) for text in ("20.0.0.1", "20.0.0.2"))

    assert suggest(ruleset) == []
    assert suggest(ruleset, Facts(dns={"a.com": own, "b.com": shared})) == []
    (found,) = suggest(ruleset, Facts(dns={"a.com": shared, "b.com": shared}))
    assert (found.kind, names(found)) == (Kind.DROP, ["one"])


def test_what_has_no_host_behind_its_asterisk_is_not_split() -> None:
    assert suggestions(rule("tail", "*-agents.example")) == []


def test_rules_of_this_product_and_rules_with_unmodelled_parts_are_left_alone() -> None:
    ours = [rule("one", "a.com", owner="w"), rule("two", "b.com", owner="w")]
    opaque = [rule("three", "c.com", unmodelled=("x",)), rule("four", "d.com", unmodelled=("x",))]
    assert suggestions(*ours, *opaque) == []


def _after(ruleset: Ruleset, found: list[Suggestion]) -> Ruleset:
    gone = {ref for item in found for ref in item.rules}
    instead = {item.rules[0]: item.instead for item in found if item.instead}
    kept = [
        instead.get(item.ref, item)
        for item in ruleset.application
        if item.ref not in gone or item.ref in instead
    ]
    return replace(ruleset, application=tuple(kept))


@settings(max_examples=examples(150), deadline=None)
@given(rulesets())
def test_all_drops_and_merges_together_change_the_fate_of_no_flow(ruleset: Ruleset) -> None:
    refs = [item.ref for item in ruleset.application]
    if len(set(refs)) != len(refs):
        return
    found = [item for item in suggest(ruleset) if item.kind is not Kind.SPLIT]
    simpler = _after(ruleset, found)
    for address, name, (protocol, port) in product(ADDRESSES, NAMES, SERVICES):
        flow = Flow(source=address, port=port, application=protocol, sni=name, host=name)
        assert evaluate(simpler, flow).word == evaluate(ruleset, flow).word


@settings(max_examples=examples(300), deadline=None)
@given(rulesets())
def test_a_rule_that_surely_decides_can_never_be_dropped(ruleset: Ruleset) -> None:
    state = _State(ruleset, NOTHING_KNOWN)
    for item in state.rules():
        surely = state.surely_decides(item)
        event(f"surely: {surely}")
        assert not surely or state.differences([item], None)


@settings(max_examples=examples(300), deadline=None)
@given(rulesets())
def test_a_comparison_among_neighbours_and_their_near_names_says_what_one_of_all_rules_says(
    ruleset: Ruleset,
) -> None:
    merged = [item for item in suggest(ruleset) if item.kind is Kind.MERGE]
    ruleset = _after(ruleset, merged)
    state, whole = _State(ruleset, NOTHING_KNOWN), CoverageEngine.of(ruleset, ())

    def told(found: list[Difference]) -> list[tuple[str, bool, bool]]:
        return sorted((item.witness(), bool(item.opened), bool(item.closed)) for item in found)

    for item in state.rules():
        loose = [text for text in item.patterns if _can_be_split(text)]
        event(f"loose: {bool(loose)}")
        for instead in (None, _tightened(item)):
            after = _changed(ruleset, [item], instead)
            expected = told(Comparison(whole, after, ()).differences())
            assert told(state.differences([item], instead)) == expected
            if instead and loose:
                assert told(state.differences_around(loose, item, _tightened)) == expected
