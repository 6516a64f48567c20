"""The law of unknown values: what is known without a parameter is the same for every value it may be given.

And whatever the text of an expression, working it out ends, within its budget, without an error of ours.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from allowlist.estate.template.budget import Budget, TooMuch
from allowlist.estate.template.evaluate import evaluated
from allowlist.estate.template.frames import constant, frame_of
from allowlist.estate.template.functions import FUNCTIONS
from allowlist.estate.template.functions.lambdas import LAMBDAS
from allowlist.estate.template.read import read_template
from allowlist.estate.template.scopes import Place, Scope
from allowlist.estate.template.values import Unknown, is_unknown

VALUES: list[Any] = ["", "a", "Ab", "10.0.0.0/24", "a,b", 0, 1, 7, -1, True, False, None, 1.5]
VALUES += [[], ["a"], ["a", "b"], [1, [2]], {}, {"a": 1}, {"A": {"b": [1]}}, {"b": "a", "a": None}]

_LITERALS = st.sampled_from(
    [
        "'a'",
        "'b'",
        "''",
        "'Ab'",
        "','",
        "0",
        "1",
        "2",
        "-1",
        "true()",
        "false()",
        "null()",
        "'10.0.0.0/24'",
        "'{0}-{1}'",
        "createArray('a','b')",
        "createObject('a',1,'b',createArray('x'))",
        "createArray()",
    ]
)
_UNKNOWN = st.just("parameters('u')")
_NAMES = st.sampled_from(sorted({*FUNCTIONS, "if", "and", "or", "coalesce"} - LAMBDAS.keys()))
_LAMBDAS = st.sampled_from(
    ["lambdaVariables('x')", "concat('p', lambdaVariables('x'))", "equals(lambdaVariables('x'), 'a')"]
)


def _calls(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arguments = st.lists(inner, max_size=3)
    return st.one_of(
        st.builds(lambda name, found: f"{name}({', '.join(found)})", _NAMES, arguments),
        st.builds(
            lambda name, items, body: f"{name}({items}, lambda('x', {body}))",
            st.sampled_from(["map", "filter", "toObject", "groupBy", "mapValues"]), inner, _LAMBDAS,
        ),
        st.builds(lambda of, key: f"{of}.{key}", inner, st.sampled_from(["a", "B", "length"])),
        st.builds(lambda of, mark, key: f"{of}{mark}{key}]", inner, st.sampled_from(["[", "[?"]), inner),
    )  # fmt: skip


EXPRESSIONS = st.recursive(st.one_of(_LITERALS, _UNKNOWN), _calls, max_leaves=8)


def _value(expression: str, value: Any) -> tuple[Any, bool]:
    """What it stands for with ``u`` given as ``value``, and whether a part of it is unknown."""
    template = {"parameters": {"u": {"nullable": True}}}
    frame = frame_of(template, {"u": constant(value)}, Place(), Budget(200_000), "public")
    found = evaluated(f"[{expression}]", Scope(frame))
    return found, is_unknown(found, Budget())


@settings(deadline=None)
@example("substring(0, 0, 0)", "")
@given(EXPRESSIONS, st.sampled_from(VALUES))
@example("contains(createArray(parameters('u'), 'a'), 'b')", ["x"])
@example("if(parameters('u'), createArray('a'), createArray('a'))", True)
@example("first(union(parameters('u'), createArray('a')))", ["x"])
def test_what_is_known_without_a_parameter_is_so_for_all_its_values(expression: str, value: Any) -> None:
    known, open_ = _value(expression, Unknown("parameters('u')", "u"))
    if open_:
        return
    then, unknown = _value(expression, value)
    assert unknown or json.dumps(then, sort_keys=True) == json.dumps(known, sort_keys=True)


@settings(deadline=None)
@given(st.one_of(EXPRESSIONS, st.text(alphabet="abc('),.[]?{}0-1\" \n", max_size=40)))
def test_every_text_ends_without_an_error_of_ours(expression: str) -> None:
    resource = {
        "type": "Microsoft.Network/ipGroups",
        "name": f"[{expression}]",
        "properties": {"x": f"[{expression}]"},
    }
    try:
        reading = read_template({"resources": [resource]}, "f.json", budget=Budget(200_000))
    except TooMuch:
        return
    json.dumps(reading.bodies)


_WORDS = [
    "type",
    "name",
    "properties",
    "resources",
    "copy",
    "count",
    "input",
    "condition",
    "template",
    "scope",
    "parameters",
    "variables",
    "functions",
    "members",
    "value",
    "defaultValue",
    "expressionEvaluationOptions",
]
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from(["[parameters('p')]", "x", "[copyIndex()]"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                _WORDS
            ),
            inner, max_size=5,
        ),
    ),
    max_leaves=20,
)  # fmt: skip


@settings(deadline=None)
@given(_JSON, st.sampled_from(["Microsoft.Resources/deployments", "Microsoft.Network/ipGroups"]))
def test_every_shape_of_a_template_ends_without_an_error_of_ours(shape: Any, kind: str) -> None:
    extra = shape if isinstance(shape, dict) else {"properties": shape}
    template = {"resources": [{"type": kind, "name": "n", **extra}], **extra}
    try:
        reading = read_template(template, "f.json", budget=Budget(200_000))
    except TooMuch:
        return
    json.dumps(reading.bodies)
