"""ARM templates: enough of the template language to know each resource's id and its references.

Understood are ``parameters`` (one without a default is called by its own name), ``variables``, ``concat``,
``format``, ``resourceId``, ``toLower``, ``toUpper``, ``if``, ``equals``, ``empty``, ``createArray``, property
access and literals: what exports hold and compiled templates mostly use. Anything else stays as it is written,
so nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from allowlist.errors import InvalidInput

_SCOPE = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/template"
_TOKEN = re.compile(r"\s*(?:'((?:[^']|'')*)'|([A-Za-z_]\w*)|(\d+)|([(),.\[\]]))")


def is_template(data: dict[str, Any]) -> bool:
    return "deploymenttemplate.json" in str(data.get("$schema", "")).lower() and "resources" in data


def read_template(template: dict[str, Any], file: Path) -> Iterator[dict[str, Any]]:
    """The resources of an exported template as ARM would return them, nested ones included."""
    scope: dict[str, Any] = {
        "parameters": {
            name: item.get("defaultValue", name) for name, item in template.get("parameters", {}).items()
        },
        "variables": {},
    }
    for name, value in template.get("variables", {}).items():
        scope["variables"][name] = _resolved(value, scope)
    resources = template["resources"]
    for item in resources.values() if isinstance(resources, dict) else resources:
        yield from _resources(item, "", "", scope, file)


def _resources(
    item: dict[str, Any], parent_type: str, parent_name: str, scope: dict[str, Any], file: Path
) -> Iterator[dict[str, Any]]:
    body = _resolved({key: value for key, value in item.items() if key != "resources"}, scope)
    kind, name = str(body.get("type", "")), str(body.get("name", ""))
    if "/" not in kind and parent_type:
        kind, name = f"{parent_type}/{kind}", f"{parent_name}/{name}"
    if not kind or "[" in name:
        raise InvalidInput.of(
            file, f"resource '{name or kind}': its name cannot be worked out; export without parameters"
        )
    outer = {key: value for key, value in body.items() if key not in ("apiVersion", "dependsOn", "condition")}
    yield {**outer, "type": kind, "name": name.rpartition("/")[2], "id": _id_of(kind, name.split("/"))}
    for child in item.get("resources", []):
        yield from _resources(child, kind, name, scope, file)


def _id_of(kind: str, names: list[str]) -> str:
    namespace, _, types = kind.partition("/")
    pairs = "/".join(f"{one}/{name}" for one, name in zip(types.split("/"), names, strict=False))
    return f"{_SCOPE}/providers/{namespace}/{pairs}"


def _resolved(value: Any, scope: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _resolved(item, scope) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, scope) for item in value]
    if (
        isinstance(value, str)
        and value.startswith("[")
        and not value.startswith("[[")
        and value.endswith("]")
    ):
        return _evaluated(value, scope)
    return value


def _evaluated(text: str, scope: dict[str, Any]) -> Any:
    tokens = list(_TOKEN.finditer(text[1:-1]))
    if "".join(match.group() for match in tokens).strip() != text[1:-1].strip():
        return text
    try:
        value, rest = _expression(tokens, 0, scope)
    except (AttributeError, LookupError, TypeError, ValueError):
        return text
    return value if rest == len(tokens) else text


def _expression(tokens: list[re.Match[str]], at: int, scope: dict[str, Any]) -> tuple[Any, int]:
    value, at = _operand(tokens, at, scope)
    while at < len(tokens) and tokens[at].group(4) in (".", "["):
        if tokens[at].group(4) == ".":
            value, at = value[tokens[at + 1].group(2)], at + 2
        else:
            key, at = _expression(tokens, at + 1, scope)
            value, at = value[key], at + 1
    return value, at


def _operand(tokens: list[re.Match[str]], at: int, scope: dict[str, Any]) -> tuple[Any, int]:
    literal, name, number, _ = tokens[at].groups()
    if literal is not None:
        return literal.replace("''", "'"), at + 1
    if number is not None:
        return int(number), at + 1
    if name is None or tokens[at + 1].group(4) != "(":
        raise ValueError(tokens[at].group())
    arguments: list[Any] = []
    at += 2
    while tokens[at].group(4) != ")":
        value, at = _expression(tokens, at, scope)
        arguments.append(value)
        at += tokens[at].group(4) == ","
    return _FUNCTIONS[name.lower()](scope, *arguments), at + 1


def _resource_id(scope: dict[str, Any], *arguments: str) -> str:
    kind = next(index for index, argument in enumerate(arguments) if "/" in argument)
    names = list(arguments[kind + 1 :])
    return _id_of(arguments[kind], names)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "parameters": lambda scope, name: scope["parameters"][name],
    "variables": lambda scope, name: scope["variables"][name],
    "concat": lambda scope, *parts: "".join(map(str, parts)),
    "format": lambda scope, text, *parts: text.format(*parts),
    "resourceid": _resource_id,
    "tolower": lambda scope, text: text.lower(),
    "toupper": lambda scope, text: text.upper(),
    "if": lambda scope, condition, yes, no: yes if condition else no,
    "equals": lambda scope, one, other: one == other,
    "empty": lambda scope, value: not value,
    "createarray": lambda scope, *items: list(items),
    "resourcegroup": lambda scope: {"location": "template", "name": "template", "id": _SCOPE},
}
