"""Expressions of ARM templates, as far as templates of real clients use them.

Grammar and functions: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions and
…/template-functions. Written apart from the product's own reading of templates: both sides must not share one mistake.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+)|(?P<word>\w+)|(?P<sign>[()\[\].,]))"
)


class InvalidTemplateError(Exception):
    """What Azure refuses with the code ``InvalidTemplate``."""


@dataclass(slots=True)
class Scope:
    """What expressions can see. ``reference`` gives the properties of a resource by its id."""

    subscription: str
    group: str
    location: str
    tenant: str
    deployment: str
    reference: Callable[[str], Any]
    parameters: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    index: int = 0

    def value(self, found: Any) -> Any:
        """``found`` with every expression in it worked out. Raises InvalidTemplateError."""
        if isinstance(found, dict):
            return {self.value(name): self.value(item) for name, item in found.items()}
        if isinstance(found, list):
            return [self.value(item) for item in found]
        if not isinstance(found, str) or not (found.startswith("[") and found.endswith("]")):
            return found
        return found[1:] if found.startswith("[[") else _Reader(found[1:-1], self).whole()

    @property
    def group_id(self) -> str:
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"


class _Reader:
    """Recursive descent; a branch of ``if`` that is not taken is read and not worked out."""

    def __init__(self, text: str, scope: Scope) -> None:
        self._text = text
        self._scope = scope
        self._tokens = self._split(text)
        self._at = 0
        self._idle = 0

    def whole(self) -> Any:
        value = self._expression()
        if self._at != len(self._tokens):
            raise InvalidTemplateError(f"Unable to parse language expression '{self._text}'.")
        return value

    def _split(self, text: str) -> list[tuple[str, str]]:
        tokens, at = [], 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                raise InvalidTemplateError(f"Unable to parse language expression '{text}'.")
            tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
            at = found.end()
        return tokens

    def _next(self, sign: str = "") -> tuple[str, str]:
        kind, text = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        if not kind or (sign and text != sign):
            raise InvalidTemplateError(f"Unable to parse language expression '{self._text}'.")
        self._at += 1
        return kind, text

    def _peek(self) -> str:
        kind, text = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        return text if kind == "sign" else ""

    def _expression(self) -> Any:
        kind, text = self._next()
        if kind == "text":
            value: Any = text[1:-1].replace("''", "'")
        elif kind == "number":
            value = int(text)
        else:
            value = self._call(text)
        while self._peek() in (".", "["):
            value = self._member(value)
        return value

    def _member(self, value: Any) -> Any:
        if self._next()[1] == ".":
            key: Any = self._next()[1]
        else:
            key = self._expression()
            self._next("]")
        if self._idle:
            return None
        try:
            return _lookup(value, key)
        except (KeyError, IndexError, TypeError, StopIteration):
            raise InvalidTemplateError(f"The language expression property '{key}' doesn't exist.") from None

    def _call(self, name: str) -> Any:
        self._next("(")
        arguments: list[Any] = []
        while self._peek() != ")":
            skipped = name.lower() == "if" and bool(arguments) and self._is_skipped(arguments)
            self._idle += skipped
            arguments.append(self._expression())
            self._idle -= skipped
            if self._peek() != ")":
                self._next(",")
        self._next(")")
        return None if self._idle else _apply(name, arguments, self._scope)

    @staticmethod
    def _is_skipped(arguments: list[Any]) -> bool:
        return bool(arguments[0]) is (len(arguments) == 2)


def _lookup(value: Any, key: Any) -> Any:
    if isinstance(value, Mapping):
        return next(item for name, item in value.items() if name.lower() == str(key).lower())
    return value[key]


def _apply(name: str, arguments: list[Any], scope: Scope) -> Any:
    function = _SCOPED.get(name.lower())
    try:
        if function is not None:
            return function(scope, *arguments)
        return _PLAIN[name.lower()](*arguments)
    except KeyError:
        raise InvalidTemplateError(f"The template function '{name}' is not valid.") from None
    except (TypeError, ValueError, IndexError, StopIteration) as error:
        raise InvalidTemplateError(f"Unable to evaluate template function '{name}': {error}.") from None


def _named(kind: str) -> Callable[[Scope, str], Any]:
    def look_up(scope: Scope, name: str) -> Any:
        found = next((key for key in getattr(scope, kind) if key.lower() == name.lower()), None)
        if found is None:
            raise InvalidTemplateError(f"The template {kind[:-1]} '{name}' is not found.")
        return scope.value(getattr(scope, kind)[found]) if kind == "variables" else scope.parameters[found]

    return look_up


def _resource_id(scope: Scope, *parts: str) -> str:
    kind = next(index for index, part in enumerate(parts) if "/" in part)
    before, (full, *names) = list(parts[:kind]), parts[kind:]
    group = before.pop() if before else scope.group
    subscription = before.pop() if before else scope.subscription
    return f"/subscriptions/{subscription}/resourceGroups/{group}{_tail(full, names)}"


def _subscription_resource_id(scope: Scope, *parts: str) -> str:
    own = [] if "/" in parts[0] else [parts[0]]
    full, *names = parts[len(own) :]
    return f"/subscriptions/{(own or [scope.subscription])[0]}{_tail(full, names)}"


def _tail(full: str, names: list[str]) -> str:
    namespace, *types = full.split("/")
    if len(types) != len(names):
        raise ValueError(f"{full} takes {len(types)} names")
    return f"/providers/{namespace}/" + "/".join(
        part for pair in zip(types, names, strict=True) for part in pair
    )


def _concat(*parts: Any) -> Any:
    if parts and isinstance(parts[0], list):
        return [item for part in parts for item in part]
    return "".join(_text(part) for part in parts)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"))


def _format(text: str, *values: Any) -> str:
    return re.sub(r"\{(\d+)[^}]*\}", lambda found: _text(values[int(found[1])]), text)


def _union(*values: Any) -> Any:
    if isinstance(values[0], dict):
        return {name: item for value in values for name, item in value.items()}
    return [item for index, item in enumerate(_concat(*values)) if item not in _concat(*values)[:index]]


def _contains(where: Any, what: Any) -> bool:
    return str(what).lower() in {name.lower() for name in where} if isinstance(where, dict) else what in where


def _equals(first: Any, second: Any) -> bool:
    """Texts are compared with regard to case."""
    return bool(first == second and isinstance(first, bool) == isinstance(second, bool))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _pairs(*items: Any) -> dict[str, Any]:
    return dict(zip(items[::2], items[1::2], strict=True))


_SCOPED: Final[dict[str, Callable[..., Any]]] = {
    "parameters": _named("parameters"),
    "variables": _named("variables"),
    "resourceid": _resource_id,
    "subscriptionresourceid": _subscription_resource_id,
    "resourcegroup": lambda scope: {"id": scope.group_id, "name": scope.group, "location": scope.location},
    "subscription": lambda scope: {
        "id": f"/subscriptions/{scope.subscription}",
        "subscriptionId": scope.subscription,
        "tenantId": scope.tenant,
    },
    "tenant": lambda scope: {"tenantId": scope.tenant},
    "deployment": lambda scope: {"name": scope.deployment},
    "reference": lambda scope, resource, *more: scope.reference(resource),
    "copyindex": lambda scope, *more: scope.index + (more[-1] if more and isinstance(more[-1], int) else 0),
}
_PLAIN: Final[dict[str, Callable[..., Any]]] = {
    "add": lambda first, second: first + second,
    "and": lambda *values: all(values),
    "array": lambda value: value if isinstance(value, list) else [value],
    "bool": lambda value: str(value).lower() in ("true", "1"),
    "coalesce": lambda *values: next((value for value in values if value is not None), None),
    "concat": _concat,
    "contains": _contains,
    "createarray": lambda *values: list(values),
    "createobject": _pairs,
    "empty": lambda value: not value,
    "endswith": lambda text, end: text.lower().endswith(end.lower()),
    "equals": _equals,
    "extensionresourceid": lambda base, full, *names: base + _tail(full, list(names)),
    "false": lambda: False,
    "first": lambda value: value[0],
    "format": _format,
    "greater": lambda first, second: first > second,
    "guid": lambda *parts: str(uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(parts))),
    "if": lambda condition, yes, no: yes if condition else no,
    "int": int,
    "json": json.loads,
    "last": lambda value: value[-1],
    "length": len,
    "less": lambda first, second: first < second,
    "newguid": lambda: str(uuid.uuid4()),
    "not": lambda value: not value,
    "null": lambda: None,
    "or": lambda *values: any(values),
    "replace": lambda text, old, new: text.replace(old, new),
    "split": lambda text, mark: (
        text.split(mark) if isinstance(mark, str) else re.split("|".join(map(re.escape, mark)), text)
    ),
    "startswith": lambda text, start: text.lower().startswith(start.lower()),
    "string": _text,
    "substring": lambda text, start, *length: text[start : start + length[0]] if length else text[start:],
    "take": lambda value, count: value[:count],
    "tolower": lambda text: text.lower(),
    "toupper": lambda text: text.upper(),
    "trim": lambda text: text.strip(),
    "true": lambda: True,
    "union": _union,
    "uniquestring": lambda *parts: _digest(*parts)[:13],
}
