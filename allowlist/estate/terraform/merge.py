"""A plan put over what is there: what is deleted goes, what is changed is written, all else stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from allowlist.estate.bodies import Body
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.estate.terraform.read import PartOf, TerraformReading
from allowlist.estate.terraform.tables import governed
from allowlist.estate.unread import CONTAINERS, NOT_LISTED, UNRESOLVED, is_unread, unread_body

_NOBODY: Body = {"properties": {UNRESOLVED: ""}}


def merged(base: Mapping[str, Body], reading: TerraformReading) -> dict[str, Body]:
    """The bodies afterwards, by normalised id. ``base`` may be empty: then only what Terraform manages is there."""
    found = dict(base)
    for key in reading.removed:
        _remove(found, key)
    for key, body in reading.bodies.items():
        there = found.get(key)
        if key.endswith(f"/{NOT_LISTED}") and not is_unread(base.get(ResourceId(key).parent.text, _NOBODY)):
            continue
        if there is None or is_unread(there):
            found[key] = body
        elif key in reading.changed:
            found[key] = _written(there, body)
    return found


def with_parts(bodies: Mapping[str, Body], reading: TerraformReading) -> dict[str, Body]:
    """``bodies`` with what Terraform manages piece by piece: collections of a classic firewall, ranges of an IP group."""
    found = dict(bodies)
    for part in reading.parts:
        _put_part(found, part)
    return found


def missing_parents(bodies: Mapping[str, Body]) -> Iterator[Body]:
    """What holds rules that Terraform manages, and is not managed there itself."""
    for body in bodies.values():
        parent = ResourceId(str(body["id"])).parent
        if parent.type in CONTAINERS and parent.key not in bodies:
            why = f"which is not in Terraform here: az resource show --ids {parent.text}"
            yield unread_body(parent.text, why)


def _remove(found: dict[str, Body], key: str) -> None:
    for below in [other for other in found if other == key or other.startswith(f"{key}/")]:
        del found[below]
    holder = found.get(ResourceId(key).parent.text)
    if holder is not None:
        found[ResourceId(key).parent.text] = _without_inner(holder, key)


def _without_inner(holder: Body, key: str) -> Body:
    """Without what a holder says of a child that is gone: an outbound rule, a listed group."""
    properties, name = dict(holder["properties"]), key.rpartition("/")[2]
    network = properties.get("managedNetwork")
    if isinstance(network, dict) and isinstance(network.get("outboundRules"), dict):
        kept = {one: rule for one, rule in network["outboundRules"].items() if one.lower() != name}
        properties["managedNetwork"] = {**network, "outboundRules": kept}
    groups = properties.get("ruleCollectionGroups")
    if isinstance(groups, list):
        properties["ruleCollectionGroups"] = [item for item in groups if _id_of(item) != key]
    return {**holder, "properties": properties}


def _id_of(item: Any) -> str:
    return normal_id(str(item.get("id") if isinstance(item, Mapping) else item))


def _written(there: Body, body: Body) -> Body:
    """Members that Terraform writes are its own; others stay, and so does what stands beside in inner objects."""
    written = governed(ResourceId(str(body["id"])).type)
    kept = {key: value for key, value in there["properties"].items() if key not in written}
    properties = {**kept, **body["properties"]}
    for key in kept.keys() & body["properties"].keys():
        if isinstance(kept[key], dict) and isinstance(body["properties"][key], dict):
            properties[key] = {**kept[key], **body["properties"][key]}
    if "ruleCollectionGroups" in there["properties"]:
        properties["ruleCollectionGroups"] = there["properties"]["ruleCollectionGroups"]
    return {**there, **body, "properties": properties}


def _put_part(found: dict[str, Body], part: PartOf) -> None:
    """One item of a list of the holder, by its name; a holder that nobody read is unknown."""
    key = normal_id(part.holder)
    holder = found.get(key)
    if holder is None:
        why = "of which only a part is in Terraform: az resource show --ids " + part.holder
        holder = found[key] = unread_body(part.holder, why)
    if is_unread(holder):
        return
    listed = holder["properties"].get(part.member)
    items = listed if isinstance(listed, list) else [listed] if listed else []
    there = any(_name_of(item) == _name_of(part.item) for item in items)
    if there and not part.changed:
        return
    kept = [item for item in items if _name_of(item) != _name_of(part.item)]
    new = kept if part.removed else [*kept, part.item]
    found[key] = {**holder, "properties": {**holder["properties"], part.member: new}}


def _name_of(item: Any) -> str:
    return str(item.get("name") if isinstance(item, Mapping) else item).lower()
