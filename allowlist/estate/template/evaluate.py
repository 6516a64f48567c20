"""Expressions and the values that hold them, worked out as far as they can be. Nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from allowlist.estate.template.alternatives import one_of
from allowlist.estate.template.budget import COPIES
from allowlist.estate.template.contextual import contextual_of
from allowlist.estate.template.form import is_expression
from allowlist.estate.template.functions import FUNCTIONS, Function
from allowlist.estate.template.functions.objects import got
from allowlist.estate.template.grammar import Access, Call, Literal, Malformed, Node, parse
from allowlist.estate.template.scopes import Frame, Lazy, Scope, deeper
from allowlist.estate.template.values import (
    ABSENT,
    SHOWN,
    Lambda,
    Refused,
    Unknown,
    called,
    hides_members,
    ids_in,
    is_unknown,
    nickname,
)
from allowlist.estate.unread import UNRESOLVED


def resolved(value: Any, scope: Scope) -> Any:
    """``value`` with every expression in it worked out, loops (``copy``) included."""
    scope.budget.spend()
    if isinstance(value, str):
        return evaluated(value, scope) if is_expression(value) else _unescaped(value)
    if isinstance(value, Mapping):
        return _object(value, scope)
    if isinstance(value, list):
        return [resolved(item, scope) for item in value]
    return value


def _unescaped(text: str) -> str:
    return text[1:] if text.startswith("[[") and text.endswith("]") else text


def evaluated(text: str, scope: Scope) -> Any:
    """What ``[expression]`` stands for; if that is unknown, it is known by the whole expression."""
    try:
        found = _evaluate(parse(text[1:-1]), scope)
    except (Malformed, RecursionError):
        return Unknown(text[1:-1])
    return replace(found, text=text[1:-1]) if isinstance(found, Unknown) else found


def _object(value: Mapping[str, Any], scope: Scope) -> Any:
    """An object whose keys may be expressions; unknown as a whole where a key is."""
    found: dict[str, Any] = {}
    for key, item in value.items():
        if key == "copy" and isinstance(item, list):
            made = loops(item, scope)
            if made is None:
                return Unknown("copy")
            found.update(made)
            continue
        name = resolved(key, scope)
        if not isinstance(name, str):
            return Unknown(key[1:-1])
        found[name] = resolved(item, scope)
    return found


def loops(items: list[Any], scope: Scope) -> dict[str, Any] | None:
    """What loops over properties or variables make, by name; None where one has no name."""
    found: dict[str, Any] = {}
    for loop in items:
        name = loop.get("name") if isinstance(loop, Mapping) else None
        if not isinstance(name, str) or is_expression(name):
            return None
        found[name] = looped(loop, name, scope)
    return found


def looped(loop: Mapping[str, Any], name: str, scope: Scope) -> Any:
    """The list that one loop makes; unknown if it is not known how often it runs."""
    count = resolved(loop.get("count"), scope)
    if not is_count(count):
        return Unknown(f"copy {name} {shown(loop.get('count'))}", name)
    return [resolved(loop.get("input"), scope.turn(name, at)) for at in range(count)]


def is_count(value: Any) -> bool:
    """A number of turns that Resource Manager makes."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= COPIES


def _evaluate(node: Node, scope: Scope) -> Any:
    scope.budget.spend()
    if isinstance(node, Literal):
        return node.value
    try:
        with deeper(scope.budget):
            return _accessed(node, scope) if isinstance(node, Access) else _called(node, scope)
    except Refused:
        return Unknown(node.text, nickname(node.text))


def _accessed(node: Access, scope: Scope) -> Any:
    holder, key = _evaluate(node.of, scope), _evaluate(node.key, scope)
    if isinstance(holder, Unknown) or isinstance(key, Unknown):
        return Unknown(node.text, f"{_called_text(holder)}.{_called_text(key)}")
    if holder is None and node.safe:
        return None
    found = got(holder, key)
    if found is not ABSENT:
        return found.single if isinstance(found, Unknown) else found
    if node.safe:
        return None
    raise Refused("there is no such member")


def _called_text(value: Any) -> str:
    if isinstance(value, Unknown):
        return value.called if isinstance(value.called, str) else nickname(value.text)
    return value if isinstance(value, str) else nickname(str(value))


def _called(node: Call, scope: Scope) -> Any:
    if node.name in _LAZY:
        return _LAZY[node.name](node, scope)
    values = [_evaluate(argument, scope) for argument in node.arguments]
    contextual = contextual_of(node.name)
    if contextual is not None:
        function, fewest, most = contextual
        if not fewest <= len(values) <= most:
            raise Refused(f"{len(values)} arguments")
        return function(scope, node, *values)
    if node.name in scope.frame.functions:
        return _user_function(node.name, values, scope)
    known = FUNCTIONS.get(node.name)
    if known is None:
        raise Refused(f"the function {node.name}")
    known.refuse_count(len(values))
    return _applied(known, node, values, scope)


def _applied(function: Function, node: Call, values: list[Any], scope: Scope) -> Any:
    budget = scope.budget
    unknown = any(isinstance(value, Unknown) for value in values)
    if function.looks_inside and (function.takes_unknown or not unknown):
        try:
            return function.call(budget, *values)
        except Refused:
            unknown = True
    if unknown or any(is_unknown(value, budget) for value in values):
        return _stand_in(function, node, values, scope)
    return function.call(budget, *values)


_KEEPS_IDS = ("concat", "format", "tolower", "toupper", "trim", "string")


def _stand_in(function: Function, node: Call, values: list[Any], scope: Scope) -> Unknown:
    """An unknown, called by what the function makes of what its arguments are called."""
    budget = scope.budget
    try:
        name = function.call(budget, *(called(value, budget) for value in values))
    except (Refused, TypeError, ValueError, LookupError, AttributeError):
        return Unknown(node.text, nickname(node.text))
    if isinstance(name, str) and len(name) > 4 * SHOWN:
        return Unknown(node.text, nickname(node.text))
    return Unknown(node.text, name, is_id=node.name in _KEEPS_IDS and _begins_with_id(name, values))


def _begins_with_id(name: Any, values: list[Any]) -> bool:
    """Is it an id that was made longer, with nothing but its scope made up?"""
    if not isinstance(name, str):
        return False
    heads = [str(item.called).lower() for item in ids_in(values)]
    return any(
        name.lower().startswith(head) and name[len(head) : len(head) + 1] in ("", "/") for head in heads
    )


def _user_function(name: str, values: list[Any], scope: Scope) -> Any:
    """A function of the template: it sees its arguments and other functions, nothing else."""
    function = scope.frame.functions[name]
    if len(values) != len(function.names):
        raise Refused(f"{len(values)} arguments")
    given = {argument: _given(value) for argument, value in zip(function.names, values, strict=True)}
    outer = scope.frame
    frame = Frame(outer.budget, outer.cloud, outer.place, given, {}, outer.functions)
    return resolved(function.body, Scope(frame))


def _given(value: Any) -> Lazy:
    return Lazy("", lambda: value)


def _if(node: Call, scope: Scope) -> Any:
    if len(node.arguments) != 3:
        raise Refused("condition and two values")
    condition, yes, no = node.arguments
    holds = _evaluate(condition, scope)
    if isinstance(holds, Unknown):
        return one_of(_evaluate(yes, scope), _evaluate(no, scope), node.text, scope.budget)
    if not isinstance(holds, bool):
        raise Refused("a condition that is no truth value")
    return _evaluate(yes if holds else no, scope)


def _and(node: Call, scope: Scope) -> Any:
    return _logical(node, scope, decisive=False)


def _or(node: Call, scope: Scope) -> Any:
    return _logical(node, scope, decisive=True)


def _logical(node: Call, scope: Scope, *, decisive: bool) -> Any:
    """One false part decides ``and``, one true part ``or``, whatever is unknown beside it."""
    values = [_evaluate(argument, scope) for argument in node.arguments]
    if not values or not all(isinstance(value, bool | Unknown) for value in values):
        raise Refused("parts that are no truth values")
    if decisive in [value for value in values if isinstance(value, bool)]:
        return decisive
    if any(isinstance(value, Unknown) for value in values):
        raise Refused("parts that are not known")
    return not decisive


def _coalesce(node: Call, scope: Scope) -> Any:
    if not node.arguments:
        raise Refused("no arguments")
    for argument in node.arguments:
        value = _evaluate(argument, scope)
        if isinstance(value, Unknown):
            return Unknown(node.text, value.called)
        if value is not None:
            return value
    return None


def _lambda(node: Call, scope: Scope) -> Lambda:
    if not node.arguments:
        raise Refused("a lambda without a body")
    *names, body = node.arguments
    if not names or not all(isinstance(name, Literal) and isinstance(name.value, str) for name in names):
        raise Refused("a lambda without names")
    words = tuple(str(name.value) for name in names if isinstance(name, Literal))
    return Lambda(words, lambda *values: _evaluate(body, scope.bind(words, values)))


_LAZY: dict[str, Callable[[Call, Scope], Any]] = {
    "if": _if,
    "and": _and,
    "or": _or,
    "coalesce": _coalesce,
    "lambda": _lambda,
}


def as_json(value: Any, scope: Scope) -> Any:
    """``value`` as it stands in a body: ids as they are called, other unknowns as the expression they come from."""
    scope.budget.spend()
    if isinstance(value, Unknown):
        if value.is_id and isinstance(value.called, str):
            return value.called
        return shown(f"[{value.text}]")
    if isinstance(value, Mapping):
        members = {key: as_json(item, scope) for key, item in value.items()}
        return {**members, UNRESOLVED: "[other members]"} if hides_members(value) else members
    if isinstance(value, list):
        return [as_json(item, scope) for item in value]
    return "[lambda]" if isinstance(value, Lambda) else value


def shown(value: Any) -> str:
    """An expression, cut where it is too long for a message."""
    text = str(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 2]}…]"
