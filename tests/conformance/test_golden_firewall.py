"""Golden cases of Azure Firewall: verdicts of flows, what would be refused, and rule sets compared by effect."""

import re
from typing import Any

import pytest

from allowlist.rules.compare import relation
from allowlist.rules.evaluate import evaluate
from allowlist.rules.flow import Verdict
from tests.helpers.golden_firewall import facts_of, flow_of, ruleset_of, understood
from tests.helpers.golden_sentences import sides_of, told_about
from tests.helpers.shared import cases_of

_STAGES = {"threatintel": "threat-intelligence"}
_CLASSIC_KINDS = {
    "application": ("app", "application"),
    "network": ("net", "network"),
    "dnat": ("dnat", "nat"),
}
_REASONS = {"host-port-mismatch": "Host header", "no-sni": "no SNI", "sni-missing": "no SNI"}


def _paths(verdict: Verdict, mode: str) -> tuple[str | None, ...]:
    """How a case may write the rule that decided: ``policy/group/collection/rule``, ``classic/kind/…``."""
    if verdict.ref is None:
        return (None,)
    if mode != "classic":
        return (str(verdict.ref),)
    kinds = _CLASSIC_KINDS[verdict.stage]
    return tuple(f"classic/{kind}/{verdict.ref.collection}/{verdict.ref.rule}" for kind in kinds)


@pytest.mark.parametrize("case", cases_of("firewall.yaml", "cases"))
def test_a_golden_flow_gets_its_verdict(case: dict[str, Any]) -> None:
    world, expected = case.get("world") or {}, understood("expect", case["expect"])

    verdict = evaluate(ruleset_of(case["given"], world), flow_of(case["flow"]), facts_of(world))

    assert verdict.word == expected["action"], verdict
    assert verdict.stage == _STAGES.get(expected["by"], expected["by"]), verdict
    assert expected.get("rule") in _paths(verdict, case["given"].get("mode", "policy"))
    assert verdict.alert == expected.get("alert", False)
    if "reason" in expected:
        said = (verdict.because, *verdict.unknowns)
        assert any(_REASONS.get(expected["reason"], expected["reason"]) in text for text in said), said


@pytest.mark.parametrize("case", cases_of("firewall.yaml", "validation_cases"))
def test_what_the_service_refuses_is_said_before_anything_is_sent(case: dict[str, Any]) -> None:
    told = told_about(case["what"])
    assert bool(told) == (case["ours"] != "ok"), told
    if "message_contains" in case:
        assert any(case["message_contains"] in text for text in told), told


@pytest.mark.parametrize("case", cases_of("firewall.yaml", "equivalence_cases"))
def test_two_rule_sets_compare_by_what_they_let_through(case: dict[str, Any]) -> None:
    found, difference = relation(*sides_of(case["what"]))

    assert found == case["relation"]
    if found in ("wider", "narrower"):
        assert difference is not None
        assert difference.witness()
    if re.fullmatch(r"[\w.-]+\.[a-z]+", str(case.get("witness", ""))):
        assert difference is not None
        assert difference.name() == case["witness"]
