"""The expression language of ARM templates: ``[concat(parameters('p'), '-fw')]`` and what it stands for.

Nothing is guessed. What hangs on something only a deployment knows (a parameter without a value, ``reference``,
the time) is :class:`Unresolved`. Names and ids are the exception: there such a part is called by what it is
called in the template, so that resources of one template still find each other.
(Azure Resource Manager documentation, "template functions".)
"""

from __future__ import annotations

import ipaddress
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from typing import Any

SCOPE_ID = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/template"

_TOKEN = re.compile(r"\s*(?:'((?:[^']|'')*)'|([A-Za-z_]\w*)|(-?\d+)|(\.\?|\[\?|[(),.\[\]]))")

Thunk = Callable[[bool], Any]


class Unresolved(str):
    """The text of an expression that only a deployment can work out."""

    __slots__ = ()


class CannotResolve(ValueError):
    """The value hangs on something that is not known here."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean where an expression stands. ``naming`` is set where a name or an id is worked out."""

    parameters: Mapping[str, Thunk] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    loops: Mapping[str, Any] = field(default_factory=dict)
    copies: Mapping[str, int] = field(default_factory=dict)
    lambdas: Mapping[str, Any] = field(default_factory=dict)
    naming: bool = False

    def parameter(self, name: str) -> Any:
        return self.parameters[name.lower()](self.naming)

    def variable(self, name: str) -> Any:
        loop = self.loops.get(name.lower())
        return looped(loop, self) if loop else resolved(self.variables[name.lower()], self)

    def copy_index(self, name: str = "", offset: int = 0) -> int:
        if isinstance(name, int):
            name, offset = "", name
        if not self.copies or (name and name.lower() not in self.copies):
            return offset + int(self.unknown("0"))
        return offset + (self.copies[name.lower()] if name else list(self.copies.values())[-1])

    def unknown(self, called: str) -> str:
        """Something that only a deployment knows. Raises CannotResolve unless a name is worked out."""
        if self.naming:
            return called
        raise CannotResolve(called)


def resolved(value: Any, scope: Scope) -> Any:
    """``value`` with every expression in it worked out as far as it can be, loops (``copy``) included."""
    if isinstance(value, Mapping):
        return {**_loops(value.get("copy"), scope), **_members(value, scope)}
    if isinstance(value, list):
        return [resolved(item, scope) for item in value]
    if isinstance(value, str) and value.startswith("[") and value.endswith("]"):
        return value[1:] if value.startswith("[[") else evaluated(value, scope)
    return value


def _members(value: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    looped = isinstance(value.get("copy"), list)
    return {key: resolved(item, scope) for key, item in value.items() if not (looped and key == "copy")}


def _loops(loops: Any, scope: Scope) -> dict[str, Any]:
    return {loop["name"]: looped(loop, scope) for loop in loops} if isinstance(loops, list) else {}


def looped(loop: Mapping[str, Any], scope: Scope) -> Any:
    """The list that a loop over a property or a variable makes."""
    count = resolved(loop.get("count"), scope)
    if not isinstance(count, int):
        return Unresolved(f"[copy {loop['name']} {count}]")
    indexed = (replace(scope, copies={**scope.copies, loop["name"].lower(): at}) for at in range(count))
    return [resolved(loop.get("input"), one) for one in indexed]


def evaluated(text: str, scope: Scope) -> Any:
    """The value of ``[expression]``; the text itself, Unresolved, where it cannot be worked out."""
    try:
        return _parsed(text)(scope)
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        StopIteration,
        TypeError,
        ValueError,
        RecursionError,
    ):
        return Unresolved(text)


Expression = Callable[[Scope], Any]


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Expression:
    parser = _Parser(text[1:-1])
    expression = parser.expression()
    if not parser.at_end:
        raise CannotResolve(text)
    return expression


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self._tokens = [match.groups() for match in _TOKEN.finditer(text)]
        self._at = 0
        if "".join(match.group() for match in _TOKEN.finditer(text)).strip() != text.strip():
            raise CannotResolve(text)

    @property
    def at_end(self) -> bool:
        return self._at == len(self._tokens)

    def expression(self) -> Expression:
        found = self._operand()
        while not self.at_end and (mark := self._tokens[self._at][3]) in (".", ".?", "[", "[?"):
            self._at += 1
            key = self._key() if mark[0] == "." else self.expression()
            if mark[0] == "[":
                self._expect("]")
            found = _member(found, key, safe=mark.endswith("?"))
        return found

    def _key(self) -> Expression:
        name = self._next()[1]
        return lambda scope: name

    def _operand(self) -> Expression:
        literal, name, number, _ = self._next()
        if literal is not None:
            return _constant(literal.replace("''", "'"))
        if number is not None:
            return _constant(int(number))
        if name is None:
            raise CannotResolve("an operand is missing")
        self._expect("(")
        return _call(name.lower(), list(self._arguments()))

    def _arguments(self) -> Iterator[Expression]:
        while self._tokens[self._at][3] != ")":
            yield self.expression()
            if self._tokens[self._at][3] == ",":
                self._at += 1
        self._at += 1

    def _next(self) -> tuple[str | None, ...]:
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, mark: str) -> None:
        if self._next()[3] != mark:
            raise CannotResolve(f"'{mark}' is missing")


def _constant(value: Any) -> Expression:
    return lambda scope: value


def _member(of: Expression, key: Expression, *, safe: bool) -> Expression:
    def member(scope: Scope) -> Any:
        value, name = _known(of(scope), scope), key(scope)
        if isinstance(value, str) and scope.naming:
            return f"{value}.{name}"
        try:
            return _folded(value, name)
        except LookupError:
            return None if safe else scope.unknown(str(name))

    return member


def _folded(value: Any, name: Any) -> Any:
    """A member by name in whatever letter case, or by number. Raises LookupError."""
    if value is None:
        raise LookupError(name)
    if not isinstance(value, dict) or name in value:
        return value[name]
    found = [item for key, item in value.items() if key.lower() == str(name).lower()]
    return found[0]


def _known(value: Any, scope: Scope) -> Any:
    """``value`` if it could be worked out; in a name, something to call it by."""
    return scope.unknown(nickname(value)) if isinstance(value, Unresolved) else value


def nickname(expression: str) -> str:
    """What something is called whose name cannot be worked out."""
    return re.sub(r"\W+", "-", expression).strip("-")


def _call(name: str, arguments: list[Expression]) -> Expression:
    if name in _LAZY:
        return lambda scope: _LAZY[name](scope, *arguments)
    if name in _NAMED:
        return lambda scope: _named(name, arguments, replace(scope, naming=True))
    function = _FUNCTIONS[name]
    if name in _CONTAINERS:
        return lambda scope: function(*(one(scope) for one in arguments))
    return lambda scope: function(*(_known(one(scope), scope) for one in arguments))


def _named(name: str, arguments: list[Expression], scope: Scope) -> str:
    return _NAMED[name](*(str(_known(one(scope), scope)) for one in arguments))


def _if(scope: Scope, condition: Expression, yes: Expression, no: Expression) -> Any:
    return (yes if _known(condition(scope), scope) else no)(scope)


def _coalesce(scope: Scope, *options: Expression) -> Any:
    return next((value for option in options if (value := option(scope)) is not None), None)


def _lambda(scope: Scope, *parts: Expression) -> Callable[..., Any]:
    *names, body = parts

    def call(*values: Any) -> Any:
        bound = dict(zip((name(scope) for name in names), values, strict=False))
        return body(replace(scope, lambdas={**scope.lambdas, **bound}))

    return call


def _unknown(called: str) -> Callable[..., Any]:
    return lambda scope, *arguments: scope.unknown(called)


def _unique(scope: Scope, *parts: Expression) -> str:
    """Equal parts give equal texts, as in Azure; which text is not known here."""
    scope.unknown("")
    return sha256("|".join(str(part(scope)) for part in parts).encode()).hexdigest()[:13]


_LAZY: dict[str, Callable[..., Any]] = {
    "if": _if,
    "and": lambda scope, *parts: all(_known(part(scope), scope) for part in parts),
    "or": lambda scope, *parts: any(_known(part(scope), scope) for part in parts),
    "coalesce": _coalesce,
    "lambda": _lambda,
    "lambdavariables": lambda scope, name: scope.lambdas[name(scope)],
    "parameters": lambda scope, name: scope.parameter(name(scope)),
    "variables": lambda scope, name: scope.variable(name(scope)),
    "copyindex": lambda scope, *parts: scope.copy_index(*(part(scope) for part in parts)),
    "uniquestring": _unique,
    "guid": _unique,
    "newguid": _unknown("new"),
    "utcnow": _unknown("now"),
    "reference": _unknown("reference"),
    "subscription": lambda scope: {"id": "/".join(SCOPE_ID.split("/")[:3]), "subscriptionId": SCOPE_ID.split("/")[2]},
    "resourcegroup": lambda scope: {"id": SCOPE_ID, "name": "template", "location": "template"},
    "deployment": lambda scope: {"name": scope.unknown("deployment"), "location": "template"},
    "tenant": lambda scope: {"tenantId": scope.unknown("tenant")},
}  # fmt: skip


def id_of(kind: str, names: list[str]) -> str:
    """The ARM id of a resource of this template."""
    namespace, _, types = kind.partition("/")
    pairs = "/".join(f"{one}/{name}" for one, name in zip(types.split("/"), names, strict=False))
    return f"{SCOPE_ID}/providers/{namespace}/{pairs}"


def _resource_id(*arguments: str) -> str:
    """Subscription and resource group may come first; everything of a template stands in one group here."""
    kind = next(index for index, argument in enumerate(arguments) if "/" in argument.strip("/"))
    return id_of(arguments[kind], list(arguments[kind + 1 :]))


_NAMED: dict[str, Callable[..., str]] = {
    "resourceid": _resource_id,
    "subscriptionresourceid": _resource_id,
    "extensionresourceid": lambda parent, kind, *names: (
        f"{parent}{id_of(kind, list(names)).removeprefix(SCOPE_ID)}"
    ),
}


def _concat(*parts: Any) -> Any:
    if isinstance(parts[0], list):
        return list(itertools.chain(*parts))
    return "".join(map(_text, parts))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"))


def _format(text: str, *parts: Any) -> str:
    return text.format(*map(_text, parts))


def _union(first: Any, *others: Any) -> Any:
    if isinstance(first, dict):
        return {key: item for part in (first, *others) for key, item in part.items()}
    found = list(first)
    return found + [item for part in others for item in part if item not in found]


def _cidr_subnet(prefix: str, size: int, index: int) -> str:
    network = ipaddress.ip_network(prefix, strict=False)
    return str(next(itertools.islice(network.subnets(new_prefix=size), index, None)))


def _substring(text: str, start: int, length: int | None = None) -> str:
    return text[start:] if length is None else text[start : start + length]


def _pairs(*parts: Any) -> dict[str, Any]:
    return dict(zip(parts[::2], parts[1::2], strict=True))


_CONTAINERS = frozenset({"createarray", "createobject", "array"})
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": lambda one, other: one + other,
    "array": lambda value: value if isinstance(value, list) else [value],
    "bool": lambda value: str(value).lower() in ("true", "1"),
    "cidrsubnet": _cidr_subnet,
    "concat": _concat,
    "contains": lambda where, what: what in where,
    "createarray": lambda *items: list(items),
    "createobject": _pairs,
    "div": lambda one, other: int(one / other),
    "empty": lambda value: not value,
    "endswith": lambda text, end: text.lower().endswith(end.lower()),
    "equals": lambda one, other: one == other,
    "false": lambda: False,
    "filter": lambda items, keep: [item for item in items if keep(item)],
    "first": lambda items: items[0] if items else None,
    "flatten": lambda items: list(itertools.chain(*items)),
    "format": _format,
    "greater": lambda one, other: one > other,
    "greaterorequals": lambda one, other: one >= other,
    "int": int,
    "items": lambda value: [{"key": key, "value": item} for key, item in sorted(value.items())],
    "join": lambda items, mark: mark.join(map(_text, items)),
    "json": json.loads,
    "last": lambda items: items[-1] if items else None,
    "length": len,
    "less": lambda one, other: one < other,
    "lessorequals": lambda one, other: one <= other,
    "map": lambda items, change: [change(item) for item in items],
    "max": lambda *items: max(items[0] if isinstance(items[0], list) else items),
    "min": lambda *items: min(items[0] if isinstance(items[0], list) else items),
    "mod": lambda one, other: one % other,
    "mul": lambda one, other: one * other,
    "not": lambda value: not value,
    "null": lambda: None,
    "objectkeys": sorted,
    "range": lambda start, count: list(range(start, start + count)),
    "replace": lambda text, old, new: text.replace(old, new),
    "shallowmerge": lambda items: _union({}, *items),
    "skip": lambda items, count: items[count:],
    "split": lambda text, mark: re.split("|".join(map(re.escape, [mark] if isinstance(mark, str) else mark)), text),
    "startswith": lambda text, start: text.lower().startswith(start.lower()),
    "string": _text,
    "sub": lambda one, other: one - other,
    "substring": _substring,
    "take": lambda items, count: items[:count],
    "tolower": str.lower,
    "toupper": str.upper,
    "trim": str.strip,
    "true": lambda: True,
    "tryget": lambda value, *keys: _try_get(value, keys),
    "union": _union,
}  # fmt: skip


def _try_get(value: Any, keys: tuple[Any, ...]) -> Any:
    for key in keys:
        try:
            value = _folded(value, key)
        except (LookupError, TypeError):
            return None
    return value
