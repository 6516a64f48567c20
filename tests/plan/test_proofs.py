"""What a change is for and what it does besides is proved from the rules before and after, whoever wrote them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from msgspec.structs import replace

from allowlist.plan.drafts import Drafted
from allowlist.plan.findings import Finding, Status, find_requirement_findings, own_excess
from allowlist.plan.found import Findings
from allowlist.plan.model import Classification, Cost, Operation, Risk
from allowlist.plan.proofs import (
    Evidence,
    evidence_of_no_change,
    gather_evidence,
    is_pointless,
    judge,
)
from allowlist.rules.addresses import EVERYWHERE
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.flow import Facts
from allowlist.rules.model import Action, ApplicationRule, RuleRef, Ruleset, Settings
from allowlist.rules.requirement import Requirement
from tests.plan.test_findings import wanted
from tests.rules.test_compare import application, rules

A = wanted("a.com")


def called(name: str, *patterns: str, action: Action = Action.ALLOW) -> ApplicationRule:
    ref = RuleRef(policy="p", group="g", collection="ours", rule=name)
    return replace(application(patterns=patterns, action=action), ref=ref)


def writing(name: str, *served: Requirement, action: str = "add") -> Drafted:
    operation = Operation(
        action=action,  # type: ignore[arg-type]
        surface="firewall_policy",
        resource="/r",
        path=("ours", name),
        before=None if action == "add" else {"name": name},
        after=None if action == "remove" else {"name": name},
    )
    return Drafted(operation=operation, requirements=served)


def look(engine: CoverageEngine, asked: Sequence[Requirement]) -> list[Finding]:
    return find_requirement_findings(engine, asked, "t")


def gathered(
    before: Ruleset, after: Ruleset, *drafted: Drafted, asked: Sequence[Requirement] = (A,)
) -> Evidence:
    engine = CoverageEngine.of(before, asked)
    findings = [*look(engine, asked), own_excess("t", "ours/old", "says more")]
    return gather_evidence(engine, after, asked, findings, drafted, look)


def test_what_was_found_about_rules_is_no_finding_of_a_requirement() -> None:
    evidence = gathered(rules(), rules(called("a", "a.com")), writing("a", A))
    assert set(evidence.before) == {A.key, "ours/old"}
    assert set(evidence.after) == {A.key}


def test_a_flow_that_opens_or_closes_through_no_rule_of_the_plan_disproves_every_change() -> None:
    ours, foreign = called("a", "a.com"), called("foreign", "b.com")
    for before, after in ((rules(), rules(ours, foreign)), (rules(foreign), rules(ours))):
        mine = writing("a", A)
        proof = judge(mine, gathered(before, after, mine)).proofs.nothing_else
        assert not proof.holds
        assert proof.text == "flows change that no rule explains"
        assert proof.witness
        assert "b.com" in proof.witness


def test_a_change_that_comes_before_the_deny_of_somebody_else_tells_it() -> None:
    ours, deny = called("a", "a.com"), called("no", "a.com", action=Action.DENY)
    mine = writing("a", A)
    found = judge(mine, gathered(rules(deny), rules(ours, deny), mine))
    assert found.overrides == ("denied by p/g/ours/no, which is evaluated first",)
    behind = judge(mine, gathered(rules(deny), rules(deny, ours), mine))
    assert behind.overrides == ()


def test_a_change_for_what_is_allowed_already_is_pointless_and_one_that_opens_it_is_not() -> None:
    other, ours = called("other", "a.com"), called("a", "a.com")
    mine = writing("a", A)
    for before, pointless in ((rules(other), True), (rules(), False)):
        evidence = gathered(before, rules(*before.application, ours), mine)
        found = judge(mine, evidence)
        assert is_pointless(found, evidence) is pointless
        assert (found.classification is Classification.ALREADY_COVERED) is pointless


@pytest.mark.parametrize("kind", [list, Findings])
def test_a_change_that_achieves_a_part_of_what_it_is_for_is_not_pointless(kind: type) -> None:
    plain = replace(A, protocol="http", ports=(80, 80))
    deny = called("no", "a.com", action=Action.DENY)
    ours = replace(called("a", "a.com"), services=frozenset({("https", 443), ("http", 80)}))
    mine, asked, after = writing("a", A, plain), (A, plain), rules(deny, ours)
    engine = CoverageEngine.of(rules(deny), asked)
    findings = Findings(engine, asked, "t") if kind is Findings else look(engine, asked)
    evidence = gather_evidence(engine, after, asked, findings, [mine], look)
    found = judge(mine, evidence)
    assert not found.proofs.sufficient.holds
    assert not is_pointless(found, evidence)
    assert evidence.after[plain.key].covered_by == ("p/g/ours/a",)


def test_a_range_of_ports_is_asked_for_and_covered_as_a_whole_or_not_at_all() -> None:
    wide = replace(A, ports=(443, 450))
    ours = called("a", "a.com")
    mine, asked = writing("a", wide), (A, wide)
    engine = CoverageEngine.of(rules(), asked)
    for wanted_ones in (asked, (wide,)):
        findings = Findings(engine, wanted_ones, "t")
        evidence = gather_evidence(engine, rules(ours), wanted_ones, findings, [mine], look)
        assert evidence.after[wide.key].status is Status.PARTIAL
        assert not judge(mine, evidence).proofs.sufficient.holds


@pytest.mark.parametrize("mode", ["deny", "open"])
def test_what_threat_intelligence_denies_or_may_deny_no_added_rule_grants(mode: str) -> None:
    known = Facts(threat_addresses=EVERYWHERE)
    before = replace(rules(), settings=Settings(tier="premium", threat_intelligence=mode))
    mine, after = writing("a", A), replace(before, application=(called("a", "a.com"),))
    engine = CoverageEngine.of(before, (A,), known)
    evidence = gather_evidence(engine, after, (A,), Findings(engine, (A,), "t"), [mine], look)
    assert not judge(mine, evidence).proofs.sufficient.holds


def test_a_rule_that_a_requirement_still_needs_cannot_be_taken_away_or_changed_so_that_it_fails() -> None:
    ours, other = called("a", "a.com"), called("a", "b.com")
    for change, after in (
        (writing("a", action="remove"), rules()),
        (writing("a", action="update"), rules(other)),
    ):
        proof = judge(change, gathered(rules(ours), after, change)).proofs.sufficient
        assert not proof.holds
        assert proof.text == "would take away own@1#e a.com https:443"
        assert "a.com" in proof.witness


def test_a_setting_that_takes_a_requirement_away_is_held_to_it_whoever_wrote_the_rule() -> None:
    foreign = called("foreign", "a.com")
    setting = msgspec.structs.replace(writing("tier", action="update"), pervasive=True)
    found = judge(setting, gathered(rules(foreign), rules(), setting))
    assert not found.proofs.sufficient.holds
    assert found.proofs.sufficient.text == "would take away own@1#e a.com https:443"
    assert found.proofs.nothing_else.holds  # what is closed is laid at the setting, not left unexplained


def test_removing_what_others_allow_as_well_changes_nothing() -> None:
    ours, other = called("a", "a.com"), called("other", "a.com")
    gone = writing("a", action="remove")
    found = judge(gone, gathered(rules(other, ours), rules(other), gone))
    assert (found.classification, found.risk) == (Classification.REDUNDANT, Risk.REMOVAL)
    assert [found.proofs.needed.text, found.proofs.sufficient.text, found.proofs.nothing_else.text] == [
        "no requirement wants this rule any more",
        "every requirement stays allowed without it",
        "nothing changes",
    ]


def test_removing_what_nobody_asks_for_narrows_and_shows_a_flow_that_ends() -> None:
    ours, stale = called("a", "a.com"), called("stale", "b.com")
    gone = writing("stale", action="remove")
    found = judge(gone, gathered(rules(ours, stale), rules(ours), gone))
    assert found.classification is Classification.NARROWS
    assert found.proofs.nothing_else.holds
    assert found.proofs.nothing_else.text == "closes flows that no requirement asks for"
    assert "b.com" in found.proofs.nothing_else.witness


def test_an_update_that_serves_no_lack_says_what_it_is_for() -> None:
    before, after = rules(called("a", "a.com", "b.com")), rules(called("a", "a.com"))
    plain = writing("a", A, action="update")
    reasoned = msgspec.structs.replace(plain, why="the state of the group is Failed")
    found, told = (judge(item, gathered(before, after, item)) for item in (plain, reasoned))
    assert found.proofs.needed.text == "the rule says more or less than the catalogs ask for"
    assert told.proofs.needed.text == "the state of the group is Failed"
    assert found.classification is told.classification is Classification.NARROWS


def test_a_change_that_lets_more_through_than_is_asked_for_widens_and_shows_a_flow() -> None:
    mine = writing("a", A)
    found = judge(mine, gathered(rules(), rules(called("a", "a.com", "b.com")), mine))
    assert (found.classification, found.risk) == (Classification.WIDENS, Risk.WIDENING)
    assert found.proofs.nothing_else.text == "also opens 1 set of flows nobody asked for"
    assert "b.com" in found.proofs.nothing_else.witness


def test_what_a_surface_cannot_leave_out_is_told_beside_the_change_and_is_no_widening() -> None:
    beside = tuple(wanted(f"{letter}.org") for letter in "wxyz")
    ports = replace(wanted("v.org"), ports=(443, 444))
    after = rules(called("a", "a.com", *(item.pattern for item in beside)))
    mine = msgspec.structs.replace(writing("a", A), along=(A, *beside))
    found = judge(mine, gathered(rules(), after, mine))
    assert found.classification is Classification.NEW
    assert found.proofs.nothing_else.also == tuple(f"{letter}.org https:443" for letter in "wxyz")
    assert found.proofs.nothing_else.text == (
        "no other flow is opened or closed, but for w.org https:443, x.org https:443, y.org https:443 and 1 more: "
        "the surface has no narrower rule"
    )
    few = msgspec.structs.replace(writing("a", A), along=(ports,))
    assert judge(few, gathered(rules(), rules(called("a", "a.com")), few)).proofs.nothing_else.also == (
        "v.org https:443-444",
    )


@pytest.mark.parametrize(
    ("served", "cost", "risk"),
    [
        (A, Cost(), Risk.LOW),
        (wanted("*.a.com"), Cost(), Risk.WILDCARD),
        (A, Cost(billed="a firewall"), Risk.BILLED),
        (A, Cost(billed="a firewall", irreversible="it stays"), Risk.IRREVERSIBLE),
    ],
)
def test_the_worst_that_a_change_may_do_is_its_risk(served: Requirement, cost: Cost, risk: Risk) -> None:
    mine = msgspec.structs.replace(writing("a", served), cost=cost)
    after = rules(called("a", served.pattern))
    assert judge(mine, gathered(rules(), after, mine, asked=(served,))).risk is risk


def test_a_change_is_judged_once_and_a_plan_of_none_keeps_what_is_not_covered() -> None:
    mine = writing("a", A)
    evidence = gathered(rules(), rules(called("a", "a.com")), mine)
    assert judge(mine, evidence) is judge(mine, evidence)

    asked = (A, wanted("b.com"))
    found = look(CoverageEngine.of(rules(called("a", "a.com")), asked), asked)
    left = evidence_of_no_change(asked, found)
    assert left.before == left.after == {asked[1].key: found[1]}
