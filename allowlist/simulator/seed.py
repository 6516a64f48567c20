"""Raw ARM JSON from disk or memory: a resource, a list, ``{"value": […]}`` or an exported template."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from allowlist.documents.source import refuse_pipes_and_devices
from allowlist.errors import InvalidInput, Problem
from allowlist.simulator.arm.address import key_of, parse_address, scope_path

Body = dict[str, Any]

_DEFAULT_SCOPE = ("00000000-0000-0000-0000-000000000000", "exported")
_PARAMETER = re.compile(r"^\[parameters\('([^']+)'\)\]$")
_QUOTED = re.compile(r"'([^']*)'|parameters\('([^']+)'\)")


@dataclass(slots=True)
class Seed:
    """What was found, by key so that the last description counts: bodies, resource groups, subscriptions."""

    resources: dict[str, Body] = field(default_factory=dict)
    groups: dict[str, Body] = field(default_factory=dict)
    subscriptions: dict[str, Body] = field(default_factory=dict)

    def add(self, body: Body) -> None:
        address = parse_address(str(body["id"]))
        if address.namespace:
            self.resources.pop(address.key, None)
            self.resources[address.key] = body
        if address.subscription:
            described = not (address.namespace or address.group or address.rest)
            known = self.subscriptions.get(address.subscription, {})
            self.subscriptions[address.subscription] = body if described else known
        if address.subscription and address.group:
            self._add_group(
                scope_path(address.subscription, address.group), body, described=not address.namespace
            )

    def _add_group(self, resource_id: str, body: Body, *, described: bool) -> None:
        """A group that is only named by its resources gets the location of the first."""
        if described:
            self.groups[key_of(resource_id)] = {**body, "id": resource_id}
        else:
            self.groups.setdefault(key_of(resource_id), {"id": resource_id, "location": body.get("location")})


def read_seed(source: Path | str | Body | list[Any]) -> Seed:
    """Read everything below ``source``. Raises InvalidInput with one problem per file that is not ARM JSON."""
    seed, problems = Seed(), list[Problem]()
    for name, value in _documents(source, problems):
        found = list(_bodies(value))
        if not found:
            problems.append(
                Problem(name, 0, 0, "holds no ARM resource: expected 'id' and 'type', a list or a template")
            )
        for body in found:
            seed.add(body)
    if problems:
        raise InvalidInput(problems)
    return seed


def _documents(source: Path | str | Body | list[Any], problems: list[Problem]) -> Iterator[tuple[str, Any]]:
    if isinstance(source, dict | list):
        yield "seed", msgspec.json.decode(msgspec.json.encode(source))  # a copy, faster than deepcopy
        return
    path = Path(source)
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    if not files:
        problems.append(Problem(str(path), 0, 0, "holds no .json file"))
    for file in files:
        try:
            refuse_pipes_and_devices(file)
            yield str(file), msgspec.json.decode(file.read_bytes())
        except OSError as error:
            problems.append(Problem(str(file), 0, 0, f"cannot be read: {error.strerror}"))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            problems.append(Problem(str(file), 0, 0, f"is no JSON: {error}"))


def _bodies(value: Any) -> Iterator[Body]:
    """Every resource in one document, however it was exported."""
    match value:
        case list():
            for item in value:
                yield from _bodies(item)
        case {"$schema": str(schema), "resources": list(resources)} if "deploymentTemplate" in schema:
            yield from _template(value, resources)
        case {"value": list(items)}:
            yield from _bodies(items)
        case {"id": str(resource_id)} if "/" in resource_id:
            yield value
        case {"resources": list(items)}:
            yield from _bodies(items)
        case _:
            return


def _template(template: Body, resources: list[Any]) -> Iterator[Body]:
    """Resources of an exported template get the ids they would be deployed under."""
    defaults = {name: spec.get("defaultValue") for name, spec in (template.get("parameters") or {}).items()}
    for resource in resources:
        if isinstance(resource, dict) and "/" in str(resource.get("type", "")):
            body = _resolved(resource, defaults)
            for name in ("apiVersion", "dependsOn"):
                body.pop(name, None)
            namespace, *types = str(body["type"]).split("/")
            names = _plain_name(str(resource["name"]), defaults).split("/")
            segments = "/".join(part for pair in zip(types, names, strict=False) for part in pair)
            body["id"] = f"{scope_path(*_DEFAULT_SCOPE)}/providers/{namespace}/{segments}"
            body["name"] = names[-1]
            yield body


def _plain_name(text: str, defaults: Body) -> str:
    """``[concat(parameters('p'), '/group')]`` with the parameters' default values put in."""
    if not text.startswith("["):
        return text
    return "".join(quoted or str(defaults.get(name) or name) for quoted, name in _QUOTED.findall(text))


def _resolved(value: Any, defaults: Body) -> Any:
    match value:
        case dict():
            return {name: _resolved(item, defaults) for name, item in value.items()}
        case list():
            return [_resolved(item, defaults) for item in value]
        case str() if found := _PARAMETER.match(value):
            return defaults.get(found[1], value)
        case str() if value.startswith("[resourceId("):
            return _referenced(value, defaults)
        case _:
            return value


def _referenced(text: str, defaults: Body) -> str:
    type_name, *names = [quoted or str(defaults.get(name) or name) for quoted, name in _QUOTED.findall(text)]
    namespace, *types = type_name.split("/")
    segments = "/".join(part for pair in zip(types, names, strict=False) for part in pair)
    return f"{scope_path(*_DEFAULT_SCOPE)}/providers/{namespace}/{segments}"
