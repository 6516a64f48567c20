"""What is said of a plan that only adds certain allows is what the comparison and the partition say in general."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

from hypothesis import event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from allowlist.plan.additions import plain_additions
from allowlist.plan.drafts import Drafted
from allowlist.plan.findings import Finding, Status, find_requirement_findings
from allowlist.plan.found import Findings
from allowlist.plan.model import Operation
from allowlist.plan.proofs import gather_evidence, is_pointless, judge
from allowlist.rules.addresses import EVERYWHERE, NOWHERE, AddressSet
from allowlist.rules.columns.additions import added_allows
from allowlist.rules.columns.allows import ALLOWED, OPEN
from allowlist.rules.compare import Comparison
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.flow import NOTHING_KNOWN, Facts
from allowlist.rules.model import Action, ApplicationRule, RuleRef, Ruleset, Sources
from allowlist.rules.requirement import Requirement
from tests.helpers.estates import SERVICES, application_rules, facts, network_rules, requirements, rulesets
from tests.helpers.laws import among, examples


def _allow(number: int, *asked: Requirement) -> ApplicationRule:
    """The rule that a plan would add for requirements from the same sources."""
    return ApplicationRule(
        ref=RuleRef(policy="p", group="g", collection="ours", rule=f"new{number}", order=(0, 0, 0, number)),
        action=Action.ALLOW,
        sources=Sources(addresses=asked[0].sources),
        services=frozenset((item.protocol, port) for item in asked for port in item.ports),
        patterns=tuple(dict.fromkeys(item.pattern for item in asked)),
    )


class Edit(NamedTuple):
    before: Ruleset
    after: Ruleset
    wanted: list[Requirement]
    new: list[ApplicationRule]
    known: Facts


def _plain(rule: ApplicationRule) -> ApplicationRule:
    """The same without whatever may be in doubt."""
    sources = Sources(addresses=rule.sources.addresses)
    return replace(
        rule, sources=sources, urls=(), fqdn_tags=(), web_categories=(), unresolved=(), unmodelled=(),
        terminates_tls=False,
    )  # fmt: skip


@st.composite
def states(draw: Any) -> tuple[Ruleset, Facts]:
    """Rules and what is known: with every doubt and fact, with none, or with what meets some services only.

    Of the last kind is a deny by name, and a network rule behind which the address of a name may be.
    """
    kind = draw(among("all", "plain", "services", "services"))
    if kind == "all":
        return draw(rulesets()), draw(facts())
    rules = tuple(map(_plain, draw(st.lists(application_rules(), max_size=4))))
    if kind == "plain":
        return Ruleset(name="p", application=rules), NOTHING_KNOWN
    service = draw(among(*SERVICES))
    if draw(st.booleans()):
        tags = (draw(among("Storage", "AzureCloud")),)
        doubt = replace(
            draw(network_rules()), action=Action.DENY, sources=Sources(addresses=EVERYWHERE),
            protocols=frozenset({"tcp"}), ports=((service[1], service[1]),),
            destinations=NOWHERE, fqdns=(), service_tags=tags,
        )  # fmt: skip
        return Ruleset(name="p", network=(doubt,), application=rules), NOTHING_KNOWN
    deny = replace(_plain(draw(application_rules())), services=frozenset({service}), action=Action.DENY)
    return Ruleset(name="p", application=(deny, *rules)), NOTHING_KNOWN


_OTHERWISE: tuple[dict[str, Any], ...] = (
    {"ports": (443, 450), "protocol": "https"},
    {"pattern": "", "service_tag": "Storage", "protocol": "tcp", "ports": (443, 443)},
    {"pattern": "", "service_tag": "Storage", "protocol": "tcp", "ports": (443, 450)},
    {"pattern": "", "fqdn_tag": "Tag", "protocol": "https", "ports": (443, 443)},
    {"pattern": "", "addresses": AddressSet.parse(["20.0.0.0/30"]), "protocol": "tcp", "ports": (443, 443)},
)
"""What may be asked for besides a name at one port."""
_OTHERWISE_ASKED = st.sampled_from(_OTHERWISE)


def _beside(item: Requirement) -> Requirement:
    """The same at the next service: who asks for both has one rule for them."""
    protocol, port = SERVICES[(SERVICES.index((item.protocol, item.ports[0])) + 1) % len(SERVICES)]
    return replace(item, protocol=protocol, ports=(port, port))


@st.composite
def demands(draw: Any) -> list[tuple[Requirement, ...]]:
    """Requirements, those together that one rule would serve: names at one or two services, ranges, tags, addresses."""

    def numbered(item: Requirement) -> Requirement:
        return replace(item, origin=replace(item.origin, entry=f"e{next(numbers)}"))

    numbers, found = itertools.count(), []
    for item in draw(st.lists(requirements(), min_size=1, max_size=4)):
        match draw(among("one", "two", "two", "two", "otherwise")):
            case "one":
                asked = [item]
            case "two":
                asked = [item, _beside(item)]
            case _:
                asked = [replace(item, **draw(_OTHERWISE_ASKED))]
        found.append(tuple(map(numbered, asked)))
    return found


@st.composite
def additions(draw: Any) -> Edit:
    """Rules before and after, requirements, and the rules put somewhere among those of before; sometimes any rule."""
    before, known = draw(states())
    asked = draw(demands())
    wanted = [item for together in asked for item in together]
    named = [together for together in asked if together[0].pattern]
    picked = draw(st.lists(st.sampled_from(named), min_size=1, max_size=3, unique_by=id)) if named else []
    new = [_allow(place, *together) for place, together in enumerate(picked)]
    if draw(among(False, False, False, True)):
        new.append(draw(application_rules()))
    rules = list(before.application)
    for rule in new:
        rules.insert(draw(st.integers(0, len(rules))), rule)
    return Edit(before, replace(before, application=tuple(rules)), wanted, new, known)


@settings(max_examples=examples(300), deadline=None)
@given(additions(), st.booleans())
def test_adding_certain_allows_closes_nothing_and_opens_what_is_asked_for(edit: Edit, presumes: bool) -> None:
    before, after, wanted, _, known = edit
    engine = CoverageEngine.of(before, wanted, known, presumes=presumes)
    findings = Findings(engine, wanted, "t")
    plain = plain_additions(engine, after, wanted, (), findings)
    event(f"in bulk: {plain is not None}")
    comparison = Comparison(engine, after, tuple(wanted))
    if added_allows(before, after) is not None:
        assert not any(item.closed for item in comparison.differences())
    if plain is None:
        return
    assert comparison.differences() == []
    event(f"granted: {len(plain.granted)}")
    looked = find_requirement_findings(comparison.after, wanted, "t")
    for number in plain.granted:
        assert looked[number].status is Status.COVERED
        assert not looked[number].assumptions
    assert looked == find_requirement_findings(plain.engine, wanted, "t")


@settings(max_examples=examples(300), deadline=None)
@given(additions(), st.booleans())
def test_the_proofs_of_additions_are_those_of_the_general_comparison(edit: Edit, presumes: bool) -> None:
    before, after, wanted, new, known = edit
    engine = CoverageEngine.of(before, wanted, known, presumes=presumes)
    drafted = [_writing(rule, [item for item in wanted if _serves(rule, item)]) for rule in new]

    def look(engine: CoverageEngine, asked: Sequence[Requirement]) -> list[Finding]:
        return find_requirement_findings(engine, asked, "t")

    quick = gather_evidence(engine, after, wanted, Findings(engine, wanted, "t"), drafted, look)
    general = gather_evidence(engine, after, wanted, look(engine, wanted), drafted, look)
    judged = [(judge(item, quick), judge(item, general)) for item in drafted]
    for one, other in judged:
        assert one == other
        assert is_pointless(one, quick) == is_pointless(other, general)
    assert quick.broken == general.broken
    left = {key: item for key, item in general.after.items() if item.status is not Status.COVERED}
    assert {key: item for key, item in quick.after.items() if item.status is not Status.COVERED} == left


def _serves(rule: ApplicationRule, item: Requirement) -> bool:
    return item.pattern in rule.patterns and (item.protocol, item.ports[0]) in rule.services


def _writing(rule: ApplicationRule, served: Sequence[Requirement]) -> Drafted:
    path = (rule.ref.collection, rule.ref.rule)
    operation = Operation(action="add", surface="s", resource="/r", path=path, after={"name": path[1]})
    return Drafted(operation=operation, requirements=tuple(served))


@settings(max_examples=examples(300), deadline=None)
@given(states(), st.lists(requirements(), min_size=1, max_size=4), st.booleans())
def test_what_certain_allows_make_of_a_requirement_is_what_its_partition_says(
    state: tuple[Ruleset, Facts], wanted: list[Requirement], presumes: bool
) -> None:
    ruleset, known = state
    engine = CoverageEngine.of(ruleset, wanted, known, presumes=presumes)
    lazy = Findings(engine, wanted, "t")
    for item, fate, covered in zip(wanted, lazy.fates, lazy.covered(), strict=True):
        coverage = engine.cover(item)
        event(f"fate {fate}")
        others = any(map(coverage.rules, ("denying", "doubts", "assuming")))
        assert covered == coverage.is_covered
        if fate == ALLOWED:
            assert coverage.is_covered
            assert not others
        if fate == OPEN:
            assert not coverage.is_covered
            assert not others
    assert list(lazy) == find_requirement_findings(engine, wanted, "t")
