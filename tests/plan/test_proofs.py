"""What a change is for and what it does besides is proved from the rules before and after, whoever wrote them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from allowlist.plan.drafts import Drafted
from allowlist.plan.findings import Finding, find_requirement_findings, own_excess
from allowlist.plan.model import Classification, Operation
from allowlist.plan.proofs import Evidence, gather_evidence, is_pointless, judge
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.model import Action, ApplicationRule, RuleRef, Ruleset
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
