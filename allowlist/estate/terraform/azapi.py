"""Resources of the azapi provider: ARM bodies as they are, in an object (2.x) or in a JSON text (1.x)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from allowlist.estate.template.values import Unknown
from allowlist.estate.terraform.blocks import Block
from allowlist.estate.terraform.tables import Kind
from allowlist.estate.unread import unread_body

AZAPI = frozenset({"azapi_resource"})


def azapi_kind(values: Mapping[str, Any]) -> Kind | None:
    """The ARM type in front of its version."""
    kind = values.get("type")
    named = isinstance(kind, str) and "/" in kind
    return Kind(str(kind).partition("@")[0], Block({}), parent="parent_id") if named else None


def azapi_body(values: Mapping[str, Any], resource_id: str, *, hidden: bool) -> Any:
    """The body, or a resource of which nothing is known; ``hidden``: a write-only body is merged into it."""
    body = values.get("body")
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            body = None
    if hidden or isinstance(body, Unknown) or not isinstance(body, Mapping):
        why = "whose body has sensitive members" if hidden else "whose body is known after apply"
        return unread_body(resource_id, why) if body is not None or hidden else {"properties": {}}
    outer = {key: values[key] for key in ("location", "tags") if values.get(key) is not None}
    properties = body.get("properties")
    if isinstance(properties, Unknown):
        return unread_body(resource_id, f"whose properties are {properties.text}")
    return {**outer, **body, "properties": properties if isinstance(properties, Mapping) else {}}
