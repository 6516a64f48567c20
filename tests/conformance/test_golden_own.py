"""Golden cases that stand in this repository, few and by hand: what every build sees, with or without the larger sets."""

from typing import Any

import pytest

from allowlist.rules.compare import relation
from allowlist.rules.evaluate import evaluate
from tests.helpers.golden_firewall import facts_of, flow_of, ruleset_of
from tests.helpers.golden_managed import judgements
from tests.helpers.shared import own_cases


@pytest.mark.parametrize("case", own_cases("firewall.yaml", "flows"))
def test_a_flow_gets_the_verdict_that_the_documentation_gives_it(case: dict[str, Any]) -> None:
    world, expected = case.get("world", {}), case["expect"]

    verdict = evaluate(ruleset_of(case["given"], world), flow_of(case["flow"]), facts_of(world))

    rule = str(verdict.ref) if verdict.ref else None
    assert (verdict.word, verdict.stage, rule) == (expected["action"], expected["by"], expected["rule"]), (
        verdict
    )


@pytest.mark.parametrize("case", own_cases("firewall.yaml", "comparisons"))
def test_rules_are_compared_by_the_flows_they_let_through(case: dict[str, Any]) -> None:
    before, after = (ruleset_of(case[side], {}) for side in ("before", "after"))

    found, difference = relation(before, after)

    assert found == case["relation"]
    assert (difference is None) == (found == "same")
    if difference is not None and "witness" in case:
        assert difference.name() == case["witness"]


@pytest.mark.parametrize("case", own_cases("firewall.yaml", "comparisons"))
def test_a_comparison_read_backwards_says_the_opposite(case: dict[str, Any]) -> None:
    before, after = (ruleset_of(case[side], {}) for side in ("before", "after"))
    opposite = {"wider": "narrower", "narrower": "wider", "same": "same"}

    assert relation(after, before)[0] == opposite[case["relation"]]


@pytest.mark.parametrize("case", own_cases("managed-network.yaml", "cases"))
def test_a_managed_network_gets_the_verdict_that_the_documentation_gives_it(case: dict[str, Any]) -> None:
    expected = case["expect"]

    (found,) = judgements(case)

    told = {"verdict": str(found.word), "by": found.by, "via": found.via, "reason": found.reason}
    assert {key: told[key] for key in expected} == expected, found
