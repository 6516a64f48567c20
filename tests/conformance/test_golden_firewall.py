"""Every golden flow gets the documented verdict, from the documented stage and rule."""

from typing import Any

import pytest

from allowlist.rules.evaluate import evaluate
from tests.helpers.golden_firewall import facts_of, flow_of, ruleset_of
from tests.helpers.shared import cases_of

_STAGES = {"threatintel": "threat-intelligence"}


def _path(verdict: Any) -> str | None:
    if verdict.ref is None:
        return None
    return "/".join(
        part
        for part in (verdict.ref.policy, verdict.ref.group, verdict.ref.collection, verdict.ref.rule)
        if part
    )


@pytest.mark.parametrize("case", cases_of("firewall.yaml", "cases"))
def test_a_golden_flow_gets_its_verdict(case: dict[str, Any]) -> None:
    verdict = evaluate(
        ruleset_of(case["given"], case.get("world") or {}),
        flow_of(case["flow"]),
        facts_of(case.get("world") or {}),
    )
    expected = case["expect"]

    assert verdict.word == expected["action"], verdict
    assert verdict.stage == _STAGES.get(expected["by"], expected["by"]), verdict
    if case["given"].get("mode") != "classic":
        assert _path(verdict) == expected["rule"]
    elif expected["rule"]:
        assert expected["rule"].endswith(f"/{verdict.ref.collection}/{verdict.ref.rule}")
    assert verdict.alert == expected.get("alert", False)
    if expected.get("reason") == "host-port-mismatch":
        assert "Host header" in verdict.because
