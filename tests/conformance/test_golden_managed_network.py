"""Every golden case of managed networks, account lists, agent egress policies and perimeters, in its own words."""

from __future__ import annotations

from typing import Any

import pytest

from allowlist.points.verdict import Judgement
from tests.helpers.golden_managed import conversation, judgements
from tests.helpers.shared import cases_of

_TEXTS = ("by", "via", "reason", "finding")
_LISTS = ("alternatives", "warnings")


@pytest.mark.parametrize("case", cases_of("managed-network.yaml", "cases"))
def test_a_golden_case_gets_its_verdict(case: dict[str, Any]) -> None:
    expected = case["expect"]
    if "service_answer" in case:
        said = conversation(case)
        assert all(expected.get(key) == value for key, value in said.items() if key != "left"), said
        assert not said.get("left")
        return
    found = judgements(case)
    if "verdicts" in expected:
        assert [item.word.value for item in found] == expected["verdicts"], found
        return
    for item in found:
        _assert_as_expected(item, expected)


def _assert_as_expected(found: Judgement, expected: dict[str, Any]) -> None:
    assert found.word == expected["verdict"], found
    for key in _TEXTS:
        if key in expected:
            assert getattr(found, key) == expected[key], found
    for key in _LISTS:
        if key in expected:
            assert list(getattr(found, key)) == expected[key], found
    if "reasons" in expected:
        assert list(found.warnings) == expected["reasons"], found
    if "rule" in expected:
        assert found.by == expected["rule"], found
    if "also" in expected:
        assert expected["also"]["rule"] in found.also, found
    if "action" in expected:
        assert dict(found.action) == expected["action"], found
