"""How templates and parameter files are told apart from other JSON."""

from __future__ import annotations

from typing import Any


def is_template(data: Any) -> bool:
    return isinstance(data, dict) and "deploymenttemplate.json" in _schema(data) and "resources" in data


def is_parameter_file(data: Any) -> bool:
    return isinstance(data, dict) and "deploymentparameters.json" in _schema(data)


def is_expression(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("[") and value.endswith("]") and value[1:2] != "["


def _schema(data: dict[str, Any]) -> str:
    return str(data.get("$schema", "")).lower()
