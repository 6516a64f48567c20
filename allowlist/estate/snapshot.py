"""Read actual state from disk: any folder or file of raw ARM JSON.

A resource, a list, ``{"value": […]}``, an exported ARM template, our own ``allowlist/snapshot/v1``; in ARM's
own shape or flattened as ``az … show`` prints it. A file that is not whole is refused, never read as empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from allowlist.documents.source import parse_json_source
from allowlist.errors import InvalidInput, Problem
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.template import is_parameter_file, is_template, parse_commented, read_template

SCHEMA = "allowlist/snapshot/v1"
UNREADABLE = "unreadable.json"
"""The file of a snapshot that says what could not be read."""

_ENVELOPE = {"id", "name", "type", "location", "tags", "etag", "zones", "identity", "extendedLocation"}
_ENVELOPE |= {"resourceGroup", "systemData", "kind", "plan", "managedBy"}


def read_snapshot(path: Path) -> Estate:
    """Read all ``*.json`` under ``path`` (or the one file). Raises InvalidInput with every file's mistake."""
    bodies: list[Body] = []
    problems: list[Problem] = []
    unreadable: list[str] = []
    for file in _files(path):
        try:
            bodies += read_resources(file)
            unreadable += _unreadable_in(file)
        except InvalidInput as error:
            problems += error.problems
    if problems:
        raise InvalidInput(problems, hint="save the whole answer again; nothing was read from this snapshot")
    return Estate.of(bodies, origin=str(path), unreadable=unreadable)


def _unreadable_in(file: Path) -> list[str]:
    """What a snapshot of ours says it could not read."""
    if file.name != UNREADABLE:
        return []
    data = _decoded(file.read_bytes(), file)
    found = data.get("unreadable") if isinstance(data, dict) else None
    return [str(item) for item in found or ()]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InvalidInput.of(path, "does not exist", hint="write one with: allowlist snapshot -o DIR")
    files = sorted(path.rglob("*.json"))
    if not files:
        raise InvalidInput.of(path, "holds no *.json file", hint="write one with: allowlist snapshot -o DIR")
    return files


def read_resources(file: Path) -> list[Body]:
    """All resources of one JSON file."""
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise InvalidInput.of(file, f"cannot be read: {error.strerror}") from None
    data = _decoded(raw, file)
    return [_in_arm_shape(body, file) for body in _resources_in(data, file)]


def _decoded(raw: bytes, file: Path) -> Any:
    """JSON; with comments if it is a template. Raises InvalidInput with the place of the first mistake."""
    try:
        return msgspec.json.decode(raw.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        text = raw.decode("utf-8-sig", "replace")
        template = _commented_template(text)
        if template is not None:
            return template
        parse_json_source(text, str(file))
        raise InvalidInput.of(file, f"is not JSON: {error}") from None


def _commented_template(text: str) -> Any:
    try:
        data = parse_commented(text)
    except (ValueError, RecursionError):
        return None
    return data if is_template(data) or is_parameter_file(data) else None


def _resources_in(data: Any, file: Path) -> Iterator[Body]:
    match data:
        case list():
            for item in data:
                yield from _resources_in(item, file)
        case {"schema": str(schema), **rest}:
            if schema != SCHEMA:
                raise InvalidInput.of(file, f"says schema '{schema}', expected '{SCHEMA}'", line=1, column=1)
            yield from _resources_in(rest.get("resources", []), file)
        case {"value": list(items)} if "id" not in data:
            _refuse_half_list(data, file)
            yield from _resources_in(items, file)
        case dict() if is_template(data):
            yield from read_template(data, file, _parameters_beside(file))
        case dict() if is_parameter_file(data):
            return
        case {"id": str(resource_id)} if resource_id.startswith("/subscriptions/"):
            yield data
        case _:
            raise InvalidInput.of(
                file, "holds something that is no ARM resource: an object with an 'id' was expected"
            )


def _parameters_beside(template: Path) -> dict[str, Any]:
    """The values in ``azuredeploy.parameters.json`` beside ``azuredeploy.json``, if it is there."""
    file = template.with_name(f"{template.stem}.parameters.json")
    data = _decoded(file.read_bytes(), file) if file.is_file() else {}
    values = data.get("parameters") if is_parameter_file(data) else None
    return {
        name: item["value"]
        for name, item in (values or {}).items()
        if isinstance(item, dict) and "value" in item
    }


def _refuse_half_list(data: Body, file: Path) -> None:
    if data.get("nextLink"):
        raise InvalidInput.of(file, "is one page of a longer list (it has a nextLink); save all pages")


def _in_arm_shape(body: Body, file: Path) -> Body:
    if "properties" in body:
        if not isinstance(body["properties"], dict):
            raise InvalidInput.of(file, f"{body['id']}: 'properties' is not an object")
        return body
    outer = {key: value for key, value in body.items() if key in _ENVELOPE}
    inner = {key: value for key, value in body.items() if key not in _ENVELOPE}
    return {**outer, "properties": inner}
