"""Sources of Terraform as the plan they would at least be: what is plain text is known, every reference is unknown.

``@cdktf/hcl2json`` reads the language; nothing is worked out here. A plan (``terraform show -json``) says more, and says
it for certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_META: Final = frozenset(
    {"lifecycle", "depends_on", "provider", "provisioner", "connection", "timeouts", "dynamic"}
)
_REPEATED: Final = ("count", "for_each")
_REFERENCE: Final = re.compile(r'\$\{([A-Za-z][\w-]*(?:\.[\w-]+|\[(?:"[^"\\]*"|\d+)\])+)\}')


def plan_of_sources(files: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """What the files of one folder say, in the shape of a plan; then what of them may add rules and is not read."""
    changes: list[dict[str, Any]] = []
    resources: list[dict[str, Any]] = []
    deferred: list[dict[str, Any]] = []
    for kind, name, body in _resources(files):
        address = f"{kind}.{name}"
        if any(key in body for key in _REPEATED):
            deferred.append({"resource_change": {"type": kind, "address": address}})
            continue
        values, unknown = _split(body)
        change = {
            "actions": ["update"],
            "before": None,
            "after": values,
            "after_unknown": {**unknown, "id": True},
        }
        changes.append({"address": address, "mode": "managed", "type": kind, "name": name, "change": change})
        resources.append({"address": address, "expressions": _expressions(body)})
    plan: dict[str, Any] = {
        "format_version": "1.2",
        "planned_values": {},
        "resource_changes": changes,
        "deferred_changes": deferred,
        "configuration": {"root_module": {"resources": resources}},
    }
    return plan, [f"module.{name}" for data in files.values() for name in data.get("module") or ()]


def _resources(files: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for data in files.values():
        for kind, named in (data.get("resource") or {}).items():
            for name, bodies in named.items():
                for body in bodies if isinstance(bodies, list) else [bodies]:
                    if isinstance(body, Mapping):
                        yield kind, name, body


def _is_known(value: Any) -> bool:
    return not (isinstance(value, str) and ("${" in value or "%{" in value))


def _split(body: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is known of a block, then what is not, as the two sides of a change are."""
    values: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    for key, value in body.items():
        if key not in _META:
            values[key], unknown[key] = _split_value(value)
    for name in body.get("dynamic") or {}:
        # Which blocks there will be beside those that stand there is not known either.
        values.pop(name, None)
        unknown[name] = True
    return values, unknown


def _split_value(value: Any) -> tuple[Any, Any]:
    if isinstance(value, Mapping):
        return _split(value)
    if isinstance(value, list):
        pairs = [_split_value(item) for item in value]
        return [known for known, _ in pairs], [unknown for _, unknown in pairs]
    return (value, False) if _is_known(value) else (None, True)


def _expressions(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _expression(value) for key, value in body.items() if key not in _META}


def _expression(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _expressions(value)
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        return [_expression(item) for item in value]
    items = value if isinstance(value, list) else [value]
    if all(_is_known(item) for item in items):
        return {"constant_value": value}
    found = [_REFERENCE.fullmatch(item) for item in items if isinstance(item, str) and not _is_known(item)]
    # What is computed from a reference is not what it refers to.
    return {"references": [item[1] for item in found if item]} if all(found) else {}
