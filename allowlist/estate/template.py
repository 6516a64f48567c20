"""ARM templates, exported or compiled from Bicep: the resources they would deploy, as ARM would return them.

Nested deployments (Bicep modules), loops, conditions and default values of parameters are followed. What cannot
be worked out stays as the expression it is, and makes the answers that hang on it unknown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from allowlist.errors import InvalidInput
from allowlist.estate.expressions import Scope, Thunk, Unresolved, id_of, nickname, resolved

UNRESOLVED = "[unresolved]"
"""The one property of a resource whose properties, as a whole, cannot be worked out."""

_DEPLOYMENT = "microsoft.resources/deployments"
_NOT_OF_THE_RESOURCE = ("apiVersion", "dependsOn", "condition", "copy", "resources", "scope")
# Where a resource of these types stands decides what is let through, so its name must be known.
_DECISIVE = re.compile(
    r"microsoft\.(network/(firewallpolicies|azurefirewalls|ipgroups)|cognitiveservices/accounts"
    r"|machinelearningservices/workspaces)\b",
    re.IGNORECASE,
)


def is_template(data: Any) -> bool:
    return isinstance(data, dict) and "deploymenttemplate.json" in _schema(data) and "resources" in data


def is_parameter_file(data: Any) -> bool:
    return isinstance(data, dict) and "deploymentparameters.json" in _schema(data)


def _schema(data: dict[str, Any]) -> str:
    return str(data.get("$schema", "")).lower()


def parse_commented(text: str) -> Any:
    """JSON as ARM takes it in templates: with comments and texts over several lines. Raises ValueError."""
    return json.loads(_COMMENT.sub(lambda found: found.group(1) or " ", text), strict=False)


_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)


def read_template(
    template: dict[str, Any], file: Path, values: Mapping[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """The resources of a template; ``values`` are those of its parameter file. Raises InvalidInput."""
    given = {name.lower(): _constant(value) for name, value in (values or {}).items()}
    seen: dict[str, dict[str, Any]] = {}
    for body in _Reader(file).resources(template, given, inner=False):
        key = body["id"].lower()
        if seen.setdefault(key, body) != body and _DECISIVE.match(body["type"]):
            raise InvalidInput.of(
                file, f"deploys two different resources as {body['type']} '{body['name']}'", hint=_hint(file)
            )
        yield body


def _hint(file: Path) -> str:
    return f"give the parameters in {file.stem}.parameters.json, or save what is deployed"


def _constant(value: Any) -> Thunk:
    return lambda naming: value


def _thunk(value: Any, scope: Scope) -> Thunk:
    return lambda naming: resolved(value, replace(scope, naming=naming))


@dataclass(frozen=True, slots=True)
class _Reader:
    file: Path

    def resources(
        self, template: Mapping[str, Any], given: Mapping[str, Thunk], *, inner: bool
    ) -> Iterator[dict[str, Any]]:
        scope = _scope_of(template, given, inner=inner)
        yield from self._all(template.get("resources") or (), "", "", scope)

    def _all(self, items: Any, parent_type: str, parent_name: str, scope: Scope) -> Iterator[dict[str, Any]]:
        for item in items.values() if isinstance(items, Mapping) else items:
            for one in _copies(item, scope):
                if not item.get("existing") and resolved(item.get("condition", True), one) is not False:
                    yield from self._resource(item, parent_type, parent_name, one)

    def _resource(
        self, item: Mapping[str, Any], parent_type: str, parent_name: str, scope: Scope
    ) -> Iterator[dict[str, Any]]:
        kind = str(resolved(item.get("type", ""), scope))
        if kind.lower() == _DEPLOYMENT and "template" in (item.get("properties") or {}):
            yield from self._deployment(item["properties"], scope)
            return
        name = resolved(item.get("name", ""), replace(scope, naming=True))
        name = nickname(name) if isinstance(name, Unresolved) else str(name)
        if "/" not in kind and parent_type:
            kind, name = f"{parent_type}/{kind}", f"{parent_name}/{name}"
        names = name.split("/")
        self._check(kind, name, names)
        outer = {key: value for key, value in item.items() if key not in _NOT_OF_THE_RESOURCE}
        body = _plain(resolved(outer, scope))
        if not isinstance(body.get("properties", {}), dict):
            body["properties"] = {UNRESOLVED: body["properties"]}
        yield {**body, "type": kind, "name": names[-1], "id": id_of(kind, names)}
        yield from self._all(item.get("resources") or (), kind, name, scope)

    def _check(self, kind: str, name: str, names: list[str]) -> None:
        if kind and not _DECISIVE.match(kind):
            return
        if not kind or len(names) != kind.count("/") or any(not part or "[" in part for part in names):
            raise InvalidInput.of(
                self.file, f"resource '{name or kind}': its name cannot be worked out", hint=_hint(self.file)
            )

    def _deployment(self, properties: Mapping[str, Any], outer: Scope) -> Iterator[dict[str, Any]]:
        inner = str((properties.get("expressionEvaluationOptions") or {}).get("scope", "outer")).lower()
        template = properties["template"]
        if inner != "inner":
            yield from self._all(template.get("resources") or (), "", "", outer)
            return
        given = {
            name.lower(): _thunk(item["value"], outer)
            for name, item in (properties.get("parameters") or {}).items()
            if isinstance(item, Mapping) and "value" in item
        }
        yield from self.resources(template, given, inner=True)


def _scope_of(template: Mapping[str, Any], given: Mapping[str, Thunk], *, inner: bool) -> Scope:
    """Parameters and variables of a template; a default may speak of other parameters."""
    variables = template.get("variables") or {}
    parameters: dict[str, Thunk] = {}
    scope = Scope(
        parameters,
        variables={name.lower(): value for name, value in variables.items()},
        loops={loop["name"].lower(): loop for loop in variables.get("copy") or ()},
    )
    for name, item in (template.get("parameters") or {}).items():
        parameters[name.lower()] = given.get(name.lower()) or _default(name, item, scope, inner=inner)
    return scope


def _default(name: str, item: Mapping[str, Any], scope: Scope, *, inner: bool) -> Thunk:
    """A parameter nobody gave: its default, null inside a module, or unknown, as a deployment may give it.

    An empty default has to be filled in before it can name anything.
    """
    if "defaultValue" in item:
        default = _thunk(item["defaultValue"], scope)
        return lambda naming: (default(naming) or name) if naming else default(naming)
    if inner and item.get("nullable"):
        return lambda naming: None
    return lambda naming: replace(scope, naming=naming).unknown(name)


def _copies(item: Mapping[str, Any], scope: Scope) -> Iterator[Scope]:
    """One scope for every time the resource is deployed; a single one where that number is not known."""
    loop = item.get("copy")
    if not isinstance(loop, Mapping):
        yield scope
        return
    count = resolved(loop.get("count"), scope)
    if not isinstance(count, int):
        yield scope
        return
    for at in range(count):
        yield replace(scope, copies={**scope.copies, str(loop["name"]).lower(): at})


def _plain(value: Any) -> Any:
    """As JSON has it: expressions that stayed are texts again."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Unresolved) else value
