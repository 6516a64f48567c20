"""The three proofs of a plan mean what they say, on random estates, checked flow by flow.

needed: some flow of the requirement is not surely allowed before · sufficient: every flow of it is surely allowed
after · nothing else: no flow outside the requirements changes its fate; a failed proof's witness is true
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from allowlist.names import Pattern
from allowlist.plan.drafts import Drafted
from allowlist.plan.findings import Finding, find_requirement_findings
from allowlist.plan.model import Operation
from allowlist.plan.proofs import gather_evidence, judge
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.evaluate import evaluate
from allowlist.rules.flow import Flow
from allowlist.rules.model import Action, ApplicationRule, RuleRef, Ruleset, Sources
from allowlist.rules.requirement import Requirement
from tests.helpers.estates import ADDRESSES, NAMES, PATTERNS, SERVICES, requirements, rulesets
from tests.helpers.laws import examples

priorities = st.integers(99, 103)


def _our_rule(requirement: Requirement, pattern: str, priority: int) -> ApplicationRule:
    return ApplicationRule(
        ref=RuleRef(policy="p", group="ours", collection="ours", rule="rule", order=(1, priority, 100, 0)),
        action=Action.ALLOW,
        sources=Sources(addresses=requirement.sources),
        services=frozenset({(requirement.protocol, requirement.ports[0])}),
        patterns=(pattern,),
    )


def _with_rule(ruleset: Ruleset, rule: ApplicationRule) -> Ruleset:
    rules = sorted((*ruleset.application, rule), key=lambda item: item.ref.order)
    return replace(ruleset, application=tuple(rules))


def _word(ruleset: Ruleset, address: int, name: str, service: tuple[str, int]) -> str:
    return evaluate(
        ruleset, Flow(source=address, port=service[1], application=service[0], sni=name, host=name)
    ).word


def _is_wanted(requirement: Requirement, address: int, name: str, service: tuple[str, int]) -> bool:
    same_service = (requirement.protocol, requirement.ports[0]) == service
    return same_service and address in requirement.sources and Pattern(requirement.pattern).matches(name)


def _look(engine: CoverageEngine, items: Sequence[Requirement]) -> list[Finding]:
    return find_requirement_findings(engine, items, "t")


@settings(max_examples=examples(300), deadline=None)
@given(rulesets(), requirements(), st.sampled_from([None, *PATTERNS]), priorities)
def test_the_proofs_of_an_added_rule_are_true(
    before: Ruleset, wanted: Requirement, other_pattern: str | None, priority: int
) -> None:
    after = _with_rule(before, _our_rule(wanted, other_pattern or wanted.pattern, priority))
    engine = CoverageEngine.of(before, [wanted])
    findings = find_requirement_findings(engine, [wanted], "t")
    operation = Operation(action="add", surface="s", resource="r", path=("ours", "rule"), after={})
    drafted = Drafted(operation=operation, requirements=(wanted,))
    evidence = gather_evidence(engine, after, [wanted], findings, [drafted], _look)
    judged = judge(drafted, evidence)

    flows = list(product(ADDRESSES, NAMES, SERVICES))
    words = {flow: (_word(before, *flow), _word(after, *flow)) for flow in flows}
    mine = [flow for flow in flows if _is_wanted(wanted, *flow)]
    rank = {"deny": 0, "unknown": 1, "allow": 2}

    if any(words[flow][0] != "allow" for flow in mine):
        assert judged.proofs.needed.holds
    if any(words[flow][1] != "allow" for flow in mine):
        assert not judged.proofs.sufficient.holds
        assert judged.proofs.sufficient.witness
    others = [flow for flow in flows if flow not in mine and words[flow][0] != words[flow][1]]
    if any(rank[words[flow][1]] > rank[words[flow][0]] for flow in others):
        assert not judged.proofs.nothing_else.holds
        assert judged.proofs.nothing_else.witness
    if judged.proofs.nothing_else.holds:
        assert not any(rank[words[flow][1]] > rank[words[flow][0]] for flow in others)
    if judged.proofs.sufficient.holds:
        assert all(words[flow][1] == "allow" for flow in mine)
