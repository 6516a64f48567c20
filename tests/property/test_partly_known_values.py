"""The law of partly known values, over every function of the template language: put any values in place of what is
unknown, and what is worked out then is among what was said before.

An answer that is not all known says something, too: how long a list is, that a member is there, what an item is.
So not only wholly known answers are compared; :func:`covers` reads the whole of what one says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from allowlist.estate.template.budget import Budget
from allowlist.estate.template.evaluate import evaluated
from allowlist.estate.template.frames import constant
from allowlist.estate.template.functions import FUNCTIONS
from allowlist.estate.template.scopes import Frame, Scope
from allowlist.estate.template.values import (
    ABSENT,
    Open,
    Unknown,
    hides_members,
    is_unknown,
    kind_of,
    member,
    settled,
)
from tests.helpers.laws import examples

# What an answer says


def covers(said: Any, found: Any) -> bool:
    """May what is ``said`` turn out to be ``found``, which is all known?"""
    if isinstance(said, Unknown):
        return True
    if isinstance(said, dict):
        return isinstance(found, dict) and _covers_object(said, found)
    if isinstance(said, list):
        return isinstance(found, list) and _covers_list(said, found)
    return kind_of(said) == kind_of(found) and bool(said == found)


def _covers_object(said: dict[str, Any], found: dict[str, Any]) -> bool:
    if not hides_members(said) and any(member(said, key) is ABSENT for key in found):
        return False
    for key, value in said.items():
        then = member(found, key)
        perhaps = isinstance(value, Unknown) and value.perhaps
        if not perhaps and (then is ABSENT or not covers(value, then)):
            return False
    return True


def _covers_list(said: list[Any], found: list[Any]) -> bool:
    """Where any number of items may stand, what comes before and behind is in its place, what is between only there."""
    several = [at for at, item in enumerate(said) if isinstance(item, Unknown) and item.some]
    if not several:
        return len(said) == len(found) and all(map(covers, said, found))
    head, tail = said[: several[0]], said[several[-1] + 1 :]
    if len(found) < len(head) + len(tail):
        return False
    between = [item for item in said[several[0] : several[-1]] if not isinstance(item, Unknown)]
    return (
        all(covers(item, found[at]) for at, item in enumerate(head))
        and all(covers(item, found[at - len(tail)]) for at, item in enumerate(tail))
        and all(any(covers(item, then) for then in found) for item in between)
    )


# Values of which a part is unknown, each with one of those that it may turn out to be


@dataclass(frozen=True)
class Pair:
    partly: Any
    then: Any


TEXTS = ["a", "b", "", "A", "/x"]
SCALARS: list[Any] = [*TEXTS, 0, 1, 2, True, False, None]
KNOWN = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("abc"), inner, max_size=2)
    ),
    max_leaves=3,
)
UNKNOWN = Unknown("u", "u")
ID = Unknown("i", "/subscriptions/made-up", is_id=True)


def _same(value: Any) -> Pair:
    return Pair(value, value)


def _whole(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Pair]:
    return values.map(lambda value: Pair(UNKNOWN, value))


@st.composite
def lists(draw: st.DrawFn, items: st.SearchStrategy[Pair]) -> Pair:
    partly: list[Any] = []
    then: list[Any] = []
    for _ in range(draw(st.integers(0, 3))):
        if draw(st.integers(0, 4)) == 0:
            partly.append(UNKNOWN.several)
            then += draw(st.lists(KNOWN, max_size=2))
        else:
            item = draw(items)
            partly.append(item.partly)
            then.append(item.then)
    return Pair(partly, then)


@st.composite
def objects(draw: st.DrawFn, items: st.SearchStrategy[Pair]) -> Pair:
    partly: dict[str, Any] = {}
    then: dict[str, Any] = {}
    for key in draw(st.lists(st.sampled_from("abc"), max_size=2, unique=True)):
        item = draw(items)
        there = draw(st.integers(0, 4))
        partly[key] = item.partly if there > 1 else Unknown("p", "p", perhaps=True)
        if there:
            then[key] = item.then
    if draw(st.integers(0, 4)):
        return Pair(settled(partly), then)
    hidden = draw(st.dictionaries(st.sampled_from("bcd"), KNOWN, max_size=1))
    return Pair(Open(partly), {**hidden, **then})


LEAVES = st.one_of(
    st.sampled_from(SCALARS).map(_same), _whole(KNOWN), st.just(Pair(ID, "/subscriptions/other"))
)
ANY = st.recursive(LEAVES, lambda inner: st.one_of(lists(inner), objects(inner)), max_leaves=4)
PAIRS: dict[str, st.SearchStrategy[Pair]] = {
    "text": st.one_of(st.sampled_from(TEXTS).map(_same), _whole(st.sampled_from(TEXTS))),
    "number": st.one_of(st.integers(-1, 3).map(_same), _whole(st.integers(-1, 3))),
    "truth": st.one_of(st.booleans().map(_same), _whole(st.booleans())),
    "list": lists(ANY),
    "object": objects(ANY),
    "any": ANY,
}

# Expressions over them

ONE = "lambda('x', {})"
ITEM = "lambdaVariables('x')"
SHAPES: dict[str, list[str]] = {
    "list": [
        "concat({list}, {list})", "concat({list}, {any})", "union({list}, {list})", "union({any}, {list})",
        "intersection({list}, {list})", "skip({list}, {number})", "take({list}, {number})", "items({object})",
        "objectKeys({object})", "flatten({list})", "flatten(createArray({list}, {any}))", "createArray({any}, {any})",
        "array({any})", "range(0, {number})", "split({text}, ',')", "if({truth}, {list}, {list})",
        f"map({{list}}, {ONE.format(f'createArray({ITEM})')})",
        f"map({{list}}, {ONE.format(f'contains(createArray({ITEM}), {{any}})')})",
        f"filter({{list}}, {ONE.format(f'not(empty({ITEM}))')})",
        f"filter({{list}}, {ONE.format(f'equals({ITEM}, {{any}})')})",
        f"filter({{list}}, {ONE.format(f'contains({ITEM}, {{text}})')})",
        "map({list}, lambda('x', 'i', lambdaVariables('i')))",
        "filter({list}, lambda('x', 'i', less(lambdaVariables('i'), 1)))",
        "sort({list}, lambda('x', 'y', less(lambdaVariables('x'), lambdaVariables('y'))))",
        "reduce({list}, createArray(), lambda('x', 'y', concat(lambdaVariables('x'), createArray(lambdaVariables('y')))))",
    ],
    "object": [
        "createObject('a', {any}, 'b', {any})", "createObject({text}, {any})", "union({object}, {object})",
        "union({object}, {any}, {object})", "intersection({object}, {object})", "if({truth}, {object}, {object})",
        "union(createObject('a', {object}), createObject('a', {any}))", "shallowMerge(createArray({object}, {object}))",
        "shallowMerge({list})", f"toObject({{list}}, {ONE.format(ITEM)})",
        f"groupBy({{list}}, {ONE.format(ITEM)})", f"mapValues({{object}}, {ONE.format(f'createArray({ITEM})')})",
        f"toObject(items({{object}}), {ONE.format(ITEM + '.key')}, {ONE.format(ITEM + '.value')})",
        "reduce({list}, createObject(), lambda('x', 'y', union(lambdaVariables('x'), lambdaVariables('y'))))",
        "json(string({object}))", "parseCidr({text})",
    ],
    "any": [
        "first({list})", "last({list})", "{list}[{number}]", "{object}.a", "{object}[{text}]", "{object}.?b",
        "{list}[?{number}]", "tryGet({object}, {text})", "tryGet({list}, {number})", "tryGet({object}, 'a', {text})",
        "coalesce({any}, {any})", "if({truth}, {any}, {any})", "indexFromEnd({list}, {number})",
        "tryIndexFromEnd({list}, {number})", "json(string({any}))", "null()", "{list}", "{object}", "{text}", "{number}",
        "base64ToJson(base64(string({any})))",
    ],
    "truth": [
        "contains({list}, {any})", "contains({object}, {text})", "contains({text}, {text})", "empty({list})",
        "empty({object})", "empty({any})", "equals({any}, {any})", "equals({list}, {list})", "not({truth})",
        "and({truth}, {truth})", "or({truth}, {truth})", "less({number}, {number})", "lessOrEquals({any}, {any})",
        "greater({number}, {number})", "greaterOrEquals({text}, {text})", "startsWith({text}, {text})",
        "endsWith({text}, {text})", "bool({any})", "true()", "false()",
    ],
    "number": [
        "length({list})", "length({object})", "length({text})", "length({any})", "indexOf({list}, {any})",
        "lastIndexOf({list}, {any})", "indexOf({text}, 'a')", "lastIndexOf({text}, 'a')", "min({list})",
        "max({list})", "max({number}, {number})", "min({number}, 1)", "add({number}, {number})",
        "sub({number}, {number})", "mul({number}, {number})", "div({number}, {number})", "mod({number}, {number})",
        "int({any})", "float({any})", "dateTimeToEpoch({text})",
    ],
    "text": [
        "concat({text}, {text})", "format('{{0}}', {any})", "string({any})", "join({list}, ',')",
        "replace({text}, 'a', {text})", "substring({text}, 0, {number})", "skip({text}, {number})",
        "take({text}, {number})", "first({text})", "last({text})", "padLeft({text}, {number})", "toLower({text})",
        "toUpper({text})", "trim({text})", "base64({text})", "base64ToString({text})", "uri({text}, {text})",
        "uriComponentToString({text})", "uriComponent({text})", "dataUri({text})", "dataUriToString({text})",
        "cidrSubnet({text}, 24, {number})", "cidrHost({text}, {number})", "dateTimeFromEpoch({number})",
        "dateTimeAdd({text}, 'P1D')", "if({truth}, {text}, {text})",
    ],
}  # fmt: skip
ALL_SHAPES = [(kind, shape) for kind, shapes in SHAPES.items() for shape in shapes]


def test_every_function_of_the_language_stands_in_a_shape() -> None:
    written = " ".join(shape for _, shape in ALL_SHAPES).lower()
    assert [name for name in FUNCTIONS if f"{name}(" not in written] == []


class _Filler:
    """Writes expressions into the places of a shape; ``one`` writes what stands in a place of a kind."""

    def __init__(self, one: Callable[[str], str]) -> None:
        self._one = one

    def filled(self, shape: str) -> str:
        found, rest = "", shape.replace("{{", "\0").replace("}}", "\1")
        while "{" in rest:
            before, _, behind = rest.partition("{")
            kind, _, rest = behind.partition("}")
            found += before + self._one(kind)
        return (found + rest).replace("\0", "{").replace("\1", "}")


Values = dict[str, list[Pair]]
"""Of each kind a few; ``list1`` is the name of the second list."""


def _value(expression: str, values: dict[str, Any]) -> Any:
    variables = {name: constant(value) for name, value in values.items()}
    return evaluated(f"[{expression}]", Scope(Frame(Budget(200_000), variables=variables)))


def _holds(expression: str, values: Values) -> None:
    pairs = {f"{kind}{at}": pair for kind, some in values.items() for at, pair in enumerate(some)}
    then = _value(expression, {name: pair.then for name, pair in pairs.items()})
    if not is_unknown(then, Budget()):
        said = _value(expression, {name: pair.partly for name, pair in pairs.items()})
        assert covers(said, then), (expression, pairs, said, then)


SEVERAL = 3
VALUES = st.fixed_dictionaries(
    {kind: st.lists(pair, min_size=SEVERAL, max_size=SEVERAL) for kind, pair in PAIRS.items()}
)


def _by_turns() -> Callable[[str], str]:
    turns = {kind: cycle(range(SEVERAL)) for kind in PAIRS}
    return lambda kind: f"variables('{kind}{next(turns[kind])}')"


@given(VALUES)
@settings(max_examples=examples(160), deadline=None)
def test_no_function_says_more_than_is_known(values: Values) -> None:
    for _, shape in ALL_SHAPES:
        _holds(_Filler(_by_turns()).filled(shape), values)


@st.composite
def expressions(draw: st.DrawFn) -> str:
    def one(kind: str, depth: int = 2) -> str:
        if not depth or draw(st.integers(0, 2)) == 0:
            return f"variables('{kind}{draw(st.integers(0, SEVERAL - 1))}')"
        deeper = partial(one, depth=depth - 1)
        return _Filler(deeper).filled(draw(st.sampled_from(SHAPES[kind])))

    return _Filler(one).filled(draw(st.sampled_from(ALL_SHAPES))[1])


@given(st.lists(expressions(), min_size=8, max_size=8), VALUES)
@settings(max_examples=examples(120), deadline=None)
def test_no_expression_says_more_than_is_known(questions: list[str], values: Values) -> None:
    for question in questions:
        _holds(question, values)
