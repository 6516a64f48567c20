"""Verdicts found through columns are those of reading every rule, on random rulesets of every construct."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from allowlist.names import ancestors
from allowlist.rules.addresses import NOWHERE, AddressSet
from allowlist.rules.columns import verdicts
from allowlist.rules.columns.names import NameColumn
from allowlist.rules.columns.verdicts import compile_verdicts, flow_of
from allowlist.rules.evaluate import evaluate, hidden_steps
from allowlist.rules.flow import Facts, Flow
from allowlist.rules.model import Action, ApplicationRule, RuleRef, Ruleset, Sources
from tests.helpers.estates import ADDRESSES, NAMES, SERVICES, facts, rulesets
from tests.helpers.laws import among, examples


@st.composite
def worlds(draw: Any) -> tuple[Ruleset, Facts]:
    """A ruleset with a state here and there, and facts that may hold a threat feed."""
    ruleset, known = draw(rulesets()), draw(facts())
    failed = draw(st.sets(st.integers(0, 5), max_size=2))
    rules = tuple(
        replace(rule, state="group g is Failed") if at in failed else rule
        for at, rule in enumerate(ruleset.application)
    )
    mode = draw(among("off", "alert", "deny", "open"))
    known = dataclasses.replace(
        known,
        threat_names=draw(among((), (), (), ("x.a.com",))),
        threat_addresses=draw(among(NOWHERE, NOWHERE, AddressSet(((11, 11),)))),
    )
    managed = replace(ruleset.settings, threat_intelligence=mode, is_managed=draw(st.booleans()))
    return replace(ruleset, application=rules, settings=managed), known


@st.composite
def flows(draw: Any) -> Flow:
    application, port = draw(among(*SERVICES, ("", 443), ("", 22)))
    name = draw(among(*NAMES) if application == "http" else among(*NAMES, ""))
    host = draw(among(name, name, name, "b.com"))
    return Flow(
        source=draw(among(*ADDRESSES, 0, 2**32 - 1)),
        port=port,
        transport="tcp" if application else draw(among("tcp", "udp", "icmp")),
        application=application,
        sni=name,
        host=host,
        path=draw(among(None, None, "/p")),
        destination=draw(among(None, None, None, 10 << 24, 20 << 24 | 1)),
        host_port=draw(among(None, None, None, 443, 8443)),
        explicit_proxy=draw(among(False, False, False, True)),
        inbound=draw(among(False, False, False, True)),
        established=draw(among(False, False, False, True)),
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
    expected = [evaluate(ruleset, flow_of(*line), known) for line in (*found, *found)]

    assert list(compile_verdicts(ruleset, known).batch((*found, *found))) == expected


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


def _for(name: str, source: str, *, unresolved: tuple[str, ...] = (), deny: bool = False) -> ApplicationRule:
    return ApplicationRule(
        ref=RuleRef(policy="p", group="g", collection="c", rule=name),
        action=Action.DENY if deny else Action.ALLOW,
        sources=Sources(addresses=AddressSet.parse([source]), unresolved=unresolved),
        services=frozenset({("https", 443)}),
        patterns=("a.com",),
    )


def test_of_very_many_rules_for_a_name_the_first_for_the_source_decides_however_often_one_asks() -> None:
    many = tuple(_for(f"r{number}", f"10.0.0.{number}", deny=number % 2 == 1) for number in range(40))
    ruleset = Ruleset(name="p", application=many)
    compiled = compile_verdicts(ruleset)
    for _ in range(2):
        for number in range(41):
            flow = flow_of((10 << 24) + number, "a.com", "https", 443)
            assert compiled.verdict(flow) == evaluate(ruleset, flow)
            assert compiled.verdict(flow).word == ("allow" if number < 40 and number % 2 == 0 else "deny")


@pytest.mark.parametrize("unresolved", [(), ("IP group g",)])
def test_sources_with_equal_marks_are_told_the_same_and_those_whom_other_rules_meet_have_others(
    unresolved: tuple[str, ...],
) -> None:
    ruleset = Ruleset(
        name="p",
        application=(
            _for("low", "10.0.0.0/30", deny=True),
            _for("doubtful", "10.0.0.4/30", unresolved=unresolved),
            _for("all", "10.0.0.0/28"),
        ),
    )
    apart = AddressSet.parse(["10.0.0.2/31"])
    compiled = compile_verdicts(ruleset, sources=[apart])
    asked = flow_of(0, "a.com", "https", 443)
    meeting = compiled.meeting(asked)
    assert meeting
    told = compiled.columns(item.mask for item in meeting.candidates)
    said: dict[int, set[str]] = {}
    for number in range(20):
        source = (10 << 24) + number
        verdict = evaluate(ruleset, replace(asked, source=source))
        assert bool(compiled.mask(apart) & compiled.bit(source)) is (source in apart)
        assert meeting.verdict(compiled.bit(source)) == verdict
        assert bool(compiled.row(source) & compiled.columns([compiled.mask(apart)])) is (source in apart)
        said.setdefault(compiled.row(source) & told, set()).add(verdict.because)

    assert len(said) == 4  # the first four, the second four, the rest of sixteen, and everybody else
    assert all(len(words) == 1 for words in said.values())
    assert compiled.meeting(replace(asked, explicit_proxy=True)) is None


def test_what_is_remembered_of_very_many_names_has_an_end_and_changes_no_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verdicts, "MANY", 2)
    named = [replace(_for(f"r{at}", "10.0.0.0/24"), patterns=(f"a{at}.com",)) for at in range(6)]
    wide = replace(_for("wide", "10.0.0.0/28", deny=True), patterns=("*.com",))
    ruleset = Ruleset(name="p", application=(*named[:3], wide, *named[3:]))
    compiled = compile_verdicts(ruleset)
    for at in (*range(7), *range(7)):
        for source in (10 << 24, (10 << 24) + 100):
            flow = flow_of(source, f"a{at}.com", "https", 443)
            assert compiled(source, f"a{at}.com", "https", 443) == evaluate(ruleset, flow)
            assert len(compiled._columns) <= 2
            assert len(compiled._shared) <= 2
            assert len(compiled._lines) <= 2
