"""Small helpers for raw ARM JSON: members that may be absent or null, references, addresses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from allowlist.estate.bodies import Body
from allowlist.estate.parts import object_in, objects_in
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.rules.addresses import AddressSet


def properties(body: Body | None) -> Body:
    """``properties`` of a resource or an inner object; the object itself where a tool has flattened them away."""
    found = body.get("properties", body) if isinstance(body, dict) else None
    return found if isinstance(found, dict) else {}


member, objects = object_in, objects_in


def texts(holder: Any, key: str) -> list[str]:
    """The texts of a list; empty where there is none."""
    found = holder.get(key) if isinstance(holder, dict) else None
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


def reference(holder: Body | None, key: str) -> str:
    """The id a member such as ``{"routeTable": {"id": …}}`` refers to, normalised; empty if none."""
    text = member(holder, key).get("id")
    return normal_id(text) if isinstance(text, str) else ""


def references(holder: Body | None, key: str) -> tuple[str, ...]:
    """The ids of a list of references."""
    return tuple(normal_id(str(item["id"])) for item in objects(holder, key) if item.get("id"))


def prefixes(texts: Iterable[Any]) -> AddressSet:
    """IPv4 prefixes as a set; IPv6 and what is no prefix are left out."""
    found: list[str] = []
    for text in texts:
        try:
            AddressSet.parse([text])
        except (ValueError, AttributeError, TypeError):
            continue
        found.append(text)
    return AddressSet.parse(found)


def name_of(resource_id: str) -> str:
    return ResourceId(resource_id).name


def under(resource_id: str, kind: str) -> str:
    """The part of an id up to and with ``/{kind}/{name}``: the network of a subnet, the interface of its address."""
    parts = normal_id(resource_id).split("/")
    wanted = kind.lower()
    if wanted not in parts[:-1]:
        return ""
    return "/".join(parts[: parts.index(wanted) + 2])
