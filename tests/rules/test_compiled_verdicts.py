"""Verdicts found through columns are those of reading every rule, on random rulesets of every construct."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allowlist.names import ancestors
from allowlist.rules.addresses import NOWHERE, AddressSet
from allowlist.rules.columns.names import NameColumn
from allowlist.rules.columns.verdicts import compile_verdicts, flow_of
from allowlist.rules.evaluate import evaluate, hidden_steps
from allowlist.rules.flow import Facts, Flow
from allowlist.rules.model import Ruleset
from tests.helpers.estates import ADDRESSES, NAMES, SERVICES, facts, rulesets
from tests.helpers.laws import examples


@st.composite
def worlds(draw: Any) -> tuple[Ruleset, Facts]:
    """A ruleset with a state here and there, and facts that may hold a threat feed."""
    ruleset, known = draw(rulesets()), draw(facts())
    failed = draw(st.sets(st.integers(0, 5), max_size=2))
    rules = tuple(
        replace(rule, state="group g is Failed") if at in failed else rule
        for at, rule in enumerate(ruleset.application)
    )
    mode = draw(st.sampled_from(["off", "alert", "deny"]))
    known = replace(
        known,
        threat_names=draw(st.sampled_from([(), (), (), ("x.a.com",)])),
        threat_addresses=draw(st.sampled_from([NOWHERE, NOWHERE, AddressSet(((11, 11),))])),
    )
    managed = replace(ruleset.settings, threat_intelligence=mode, is_managed=draw(st.booleans()))
    return replace(ruleset, application=rules, settings=managed), known


@st.composite
def flows(draw: Any) -> Flow:
    application, port = draw(st.sampled_from([*SERVICES, ("", 443), ("", 22)]))
    name = draw(st.sampled_from(NAMES if application == "http" else [*NAMES, ""]))
    host = draw(st.sampled_from([name, name, name, "b.com"]))
    return Flow(
        source=draw(st.sampled_from([*ADDRESSES, 0, 2**32 - 1])),
        port=port,
        transport="tcp" if application else draw(st.sampled_from(["tcp", "udp", "icmp"])),
        application=application,
        sni=name,
        host=host,
        path=draw(st.sampled_from([None, None, "/p"])),
        destination=draw(st.sampled_from([None, None, None, 10 << 24, 20 << 24 | 1])),
        host_port=draw(st.sampled_from([None, None, None, 443, 8443])),
        explicit_proxy=draw(st.sampled_from([False, False, False, True])),
        inbound=draw(st.sampled_from([False, False, False, True])),
        established=draw(st.sampled_from([False, False, False, True])),
    )


@settings(max_examples=examples(600), deadline=None)
@given(worlds(), st.lists(flows(), min_size=1, max_size=8), st.booleans())
def test_a_compiled_ruleset_says_of_every_flow_what_reading_all_its_rules_says(
    world: tuple[Ruleset, Facts], sent: list[Flow], presumes: bool
) -> None:
    ruleset, known = world
    compiled = compile_verdicts(ruleset, known, presumes=presumes)
    for flow in (*sent, *sent):
        verdict = evaluate(ruleset, flow, known, presumes=presumes)

        assert compiled.verdict(flow) == verdict
        assert compiled.hidden(flow, verdict) == hidden_steps(ruleset, flow, verdict, known)


lines = st.tuples(
    st.sampled_from(ADDRESSES),
    st.sampled_from(NAMES),
    st.sampled_from(["https", "http", "mssql", "tcp"]),
    st.sampled_from([443, 80, 1433]),
)


@settings(max_examples=examples(200), deadline=None)
@given(worlds(), st.lists(lines, min_size=1, max_size=12))
def test_lines_of_a_log_get_the_verdicts_of_their_flows(
    world: tuple[Ruleset, Facts], found: list[tuple[int, str, str, int]]
) -> None:
    ruleset, known = world
    verdicts = [evaluate(ruleset, flow_of(*line), known) for line in (*found, *found)]

    assert list(compile_verdicts(ruleset, known).batch((*found, *found))) == verdicts


texts = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("".join)
names = st.lists(texts, min_size=1, max_size=4).map(".".join)
patterns = st.builds(str.__add__, st.sampled_from(["", "*", "*."]), names) | st.just("*")


@settings(max_examples=examples(400), deadline=None)
@given(st.lists(st.lists(patterns, max_size=3), max_size=8), st.lists(names | patterns, min_size=1))
def test_a_name_column_finds_every_pattern_that_covers_a_name_or_pattern(
    rows: list[list[str]], asked: list[str]
) -> None:
    column = NameColumn.of(rows)
    for key in asked:
        wider = set(ancestors(key))

        assert column.numbers(key) == tuple(
            number for number, row in enumerate(rows) if wider.intersection(row)
        )


@pytest.mark.parametrize("name", ["a.com", "x.a.com", "xa.com"])
def test_zones_tell_only_those_sources_apart_that_rules_or_the_caller_do(name: str) -> None:
    apart = AddressSet.parse(["10.0.0.0/24"])
    compiled = compile_verdicts(Ruleset(name="empty"), sources=[apart])
    (low, high), *_ = apart.intervals

    assert compiled.zone(low) == compiled.zone(high) != compiled.zone(high + 1)
    assert compiled(low, name, "https", 443).word == "deny"
