"""What a command printed against its schema, without room for keys that the schema does not name."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema

from allowlist.cli.schema import all_schemas


def fits(name: str, document: Any) -> None:
    """Raises jsonschema.ValidationError where ``document`` is not what ``allowlist schema NAME`` says."""
    _closed_validator(name).validate(json.loads(json.dumps(document, default=str)))


@cache
def _closed_validator(name: str) -> Any:
    return jsonschema.Draft202012Validator(closed(all_schemas()[name]()))


def closed(schema: Any) -> Any:
    """``schema`` without room for keys that it does not name."""
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(value) for key, value in schema.items()}
    return {"additionalProperties": False, **found} if "properties" in schema and "type" in schema else found
