"""Golden cases of Azure Firewall: verdicts of flows, what would be refused, and rule sets compared by effect."""

import re
from collections.abc import Iterable
from typing import Any

import pytest

from allowlist.estate.bodies import Estate
from allowlist.points.firewall.compose import THROUGH_DRAFT
from allowlist.rules.compare import relation
from allowlist.rules.evaluate import evaluate
from allowlist.rules.flow import Verdict
from tests.helpers.golden_firewall import facts_of, flow_of, ruleset_of, understood
from tests.helpers.golden_inputs import (
    COMPARED,
    CONFIGURED,
    POLICY,
    group,
    point_of,
    policy,
    sides_of,
    told_about,
    unwritten,
)
from tests.helpers.golden_managed import requirement_of
from tests.helpers.shared import cases_of, load_golden

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


NEW_GROUP_IN_A_DRAFT = "VAL-28"


def _configured(section: str, written: Iterable[str]) -> list[Any]:
    """The golden cases of ``section`` that have values; the others are named by a test of their own."""
    known = set(written)
    cases = cases_of("firewall.yaml", section)
    return [case for case in cases if case.values[0] is None or case.values[0]["id"] in known]


@pytest.mark.parametrize("case", _configured("validation_cases", CONFIGURED))
def test_what_the_service_refuses_is_said_before_anything_is_sent(case: dict[str, Any]) -> None:
    for bodies in CONFIGURED[case["id"]]:
        told = told_about(bodies)
        assert bool(told) == (case["ours"] != "ok"), told
        if "message_contains" in case:
            assert any(case["message_contains"] in text for text in told), told


def test_a_group_that_is_not_there_is_made_in_the_policy_and_never_in_its_draft() -> None:
    """The service refuses a new rule collection group in a draft (golden case VAL-28)."""
    point = point_of("firewall-policy", POLICY, via="draft")
    wanted = requirement_of({"fqdn": "a.example"})

    def methods(*bodies: dict[str, Any]) -> list[str]:
        estate = Estate.of([policy(), *bodies])
        drafted = point.draft(estate, [wanted], [])
        return [write.method for write in point.compose(estate, [item.operation for item in drafted.changes])]

    assert methods() == ["PUT"]
    assert methods(group()) == [THROUGH_DRAFT]


@pytest.mark.parametrize("case", _configured("equivalence_cases", COMPARED))
def test_two_rule_sets_compare_by_what_they_let_through(case: dict[str, Any]) -> None:
    found, difference = relation(*sides_of(case["id"]))

    assert found == case["relation"]
    if found in ("wider", "narrower"):
        assert difference is not None
        assert difference.witness()
    if re.fullmatch(r"[\w.-]+\.[a-z]+", str(case.get("witness", ""))):
        assert difference is not None
        assert difference.name() == case["witness"]


def test_every_golden_case_has_its_values() -> None:
    golden = load_golden("firewall.yaml")
    assert unwritten(golden.get("validation_cases", []), *CONFIGURED, NEW_GROUP_IN_A_DRAFT) == []
    assert unwritten(golden.get("equivalence_cases", []), *COMPARED) == []
