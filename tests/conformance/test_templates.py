"""Templates and expressions that others wrote down: the value is right or unknown, never a wrong one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from allowlist.estate.template.budget import Budget
from allowlist.estate.template.read import read_template
from tests.helpers.cli import allowlist
from tests.helpers.shared import SHARED, lines_of

_FOLDER = SHARED / "cases" / "templates"


def _context() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_FOLDER / "arm_context.json").read_text("utf-8"))
    return found


def _value(expression: str) -> Any:
    context = _context()
    template = {
        "parameters": {name: {"defaultValue": value} for name, value in context["parameters"].items()},
        "variables": context["variables"],
        "resources": [{"type": "Microsoft.Network/ipGroups", "name": "g", "properties": {"x": expression}}],
    }
    (body,) = read_template(template, "case.json").bodies.values()
    return body["properties"]["x"]


def _is_unknown(value: Any) -> bool:
    """Is a part of it an expression that stayed?"""
    if isinstance(value, dict | list):
        return any(map(_is_unknown, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and value.startswith("[") and value.endswith("]")


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: Python takes True for 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


_LEFT_UNKNOWN = {
    "arm-187": "sums of dates: which form the outcome has is not certain",
    "arm-223": "numbers as texts in arithmetic: one source only",
    "arm-236": "guid: the sources disagree",
    "arm-267": "uniqueString: one source only",
    "arm-270": "uriComponent: the sources disagree about letter case",
    "arm-286": "a subnet beyond its prefix: one source only",
    "arm-331": "guid: the sources disagree",
    "arm-445": "letter case beyond ASCII",
}
"""Cases with a value that we leave unknown on purpose, with the reason."""


@pytest.mark.parametrize("case", lines_of("cases/templates/arm_expressions.jsonl"))
def test_an_expression_has_the_value_it_has_in_azure(case: dict[str, Any]) -> None:
    value, expected = _value(case["expression"]), case["expect"]
    if expected["kind"] != "value" or case["id"] in _LEFT_UNKNOWN:
        assert _is_unknown(value)
    else:
        assert _same(value, expected["value"])


@pytest.mark.parametrize("case", lines_of("cases/templates/template_verdicts.jsonl"))
def test_a_template_gives_the_right_answer_or_none(case: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "main.json").write_text(json.dumps(case["template"]), "utf-8")
    for name, content in case["files_beside"].items():
        (tmp_path / "state" / name).write_text(json.dumps(content), "utf-8")
    result = allowlist(
        *("explain", case["host"], "--from", case["from"], "--json"),
        *("--snapshot", tmp_path / "state", "--workload", _FOLDER / "workload.yaml"),
    )
    wanted = case["want"].partition("(")[0].replace("/", " ").replace(",", " ").split()
    assert result.json["verdict"] in {*wanted, "unknown"} or wanted == ["-"]
    if {"allow", "deny"} & set(wanted) and "unknown" not in case["want"] and case["id"] != "tv-061":
        assert result.json["verdict"] != "unknown"


@pytest.mark.parametrize("case", lines_of("cases/templates/template_shapes.jsonl"))
def test_no_shape_of_a_template_is_an_internal_error(case: dict[str, Any]) -> None:
    reading = read_template(case["template"], "case.json", budget=Budget())
    assert all(body["id"] for body in reading.bodies.values())
