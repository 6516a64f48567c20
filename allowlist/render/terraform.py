"""What a plan would write as Terraform, in its JSON syntax, so that it is read back without an interpreter of ours.

Resources of the azurerm provider where it has one (attributes as in its schema, version 4), else azapi's. What exists
is imported by an ``import`` block; what stands elsewhere in somebody's configuration keeps its address by a ``moved``
block from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from allowlist.estate.terraform.blocks import Block, Each, Field
from allowlist.estate.terraform.tables import KINDS, Kind
from allowlist.render.declared import Declared, label_of

__all__ = ["address_of", "plan_json", "terraform_json"]

_AZURERM: Final = (
    "azurerm_firewall_policy_rule_collection_group",
    "azurerm_machine_learning_workspace_network_outbound_rule_fqdn",
    "azurerm_machine_learning_workspace_network_outbound_rule_service_tag",
    "azurerm_machine_learning_workspace_network_outbound_rule_private_endpoint",
)
_PROVIDERS: Final = {"azurerm": {"source": "hashicorp/azurerm", "version": ">= 4.0, < 5.0"}}
_AZAPI: Final = {"azapi": {"source": "Azure/azapi", "version": ">= 2.0"}}
_IMPORTS_SINCE: Final = ">= 1.5"
"""Terraform's version with ``import`` blocks (release notes of 1.5)."""


def _resource(item: Declared) -> tuple[str, dict[str, Any]]:
    """Type and attributes."""
    for name in _AZURERM:
        kind = KINDS[name]
        if kind.type.lower() == item.type.lower() and _says(kind, item):
            return name, {
                "name": item.name,
                kind.parent: item.parent,
                **kind.properties.unmade(item.properties),
            }
    body = {"properties": item.properties}
    return "azapi_resource", {
        "type": f"{item.type}@{item.api_version}",
        "name": item.name,
        "parent_id": item.parent,
        "body": body,
        "schema_validation_enabled": False,
    }


def _says(kind: Kind, item: Declared) -> bool:
    """Is all of the resource in the attributes? Otherwise the provider would take the rest away."""
    again: object = kind.properties.made(kind.properties.unmade(item.properties))
    return again == _ordered(kind.properties, item.properties)


def _ordered(block: Block, found: Mapping[str, Any]) -> dict[str, Any]:
    """``found`` without what is unset, its collections by kind as the provider writes them."""
    kept = {key: value for key, value in found.items() if value not in (None, [], "")}
    for path in dict.fromkeys(field.path for field in _lists(block)):
        if path in kept:
            fields = [field for field in _lists(block) if field.path == path]
            kept[path] = [
                _ordered(field.made.block, value)
                for field in fields
                if isinstance(field.made, Each)
                for value in kept[path]
                if field.made.block.fits(value)
            ] + [value for value in kept[path] if not any(_fits(field, value) for field in fields)]
    return kept


def _lists(block: Block) -> list[Field]:
    return [
        field for field in block.fields.values() if isinstance(field, Field) and isinstance(field.made, Each)
    ]


def _fits(field: Field, value: Any) -> bool:
    return isinstance(field.made, Each) and field.made.block.fits(value)


def address_of(item: Declared) -> str:
    return f"{_resource(item)[0]}.{label_of(item)}"


def terraform_json(title: str, items: Sequence[Declared], moved: Mapping[str, str]) -> str:
    """One file. ``moved`` are addresses that resources have in a configuration by their id."""
    resources: dict[str, dict[str, Any]] = {}
    for item in items:
        name, values = _resource(item)
        comment = {"//": ", ".join(item.who)} if item.who else {}
        resources.setdefault(name, {})[label_of(item)] = comment | _escaped(values)
    providers = {**_PROVIDERS, **(_AZAPI if "azapi_resource" in resources else {})}
    imports = [
        {"to": address_of(item), "id": item.id} for item in items if item.exists and item.id not in moved
    ]
    body: dict[str, Any] = {
        "//": f"{title}. Written by allowlist export; change the workload or its catalogs, not this file.",
        "terraform": {"required_version": _IMPORTS_SINCE, "required_providers": providers},
        "resource": resources,
    }
    body |= {"import": imports} if imports else {}
    moves = [{"from": moved[item.id], "to": address_of(item)} for item in items if item.id in moved]
    body |= {"moved": moves} if moves else {}
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode() + "\n"


def _escaped(value: Any) -> Any:
    """Texts are templates in Terraform's JSON syntax: ``${`` and ``%{`` begin an expression unless they are doubled."""
    return _in_texts(value, lambda text: text.replace("${", "$${").replace("%{", "%%{"))


def _evaluated(value: Any) -> Any:
    return _in_texts(value, lambda text: text.replace("$${", "${").replace("%%{", "%{"))


def _in_texts(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _in_texts(item, change) for key, item in value.items()}
    return [_in_texts(item, change) for item in value] if isinstance(value, list | tuple) else value


def plan_json(text: str, items: Sequence[Declared]) -> dict[str, Any]:
    """What ``terraform show -json`` says of a plan of the file ``text``: all of it is constants, so nothing is unknown."""
    resources = msgspec.json.decode(text)["resource"]
    ids = {(address_of(item)): item for item in items}
    changes = []
    for name, instances in resources.items():
        for label, values in instances.items():
            item = ids[f"{name}.{label}"]
            after = {key: _evaluated(value) for key, value in values.items() if key != "//"}
            changes.append(
                {
                    "address": f"{name}.{label}",
                    "mode": "managed",
                    "type": name,
                    "name": label,
                    "change": {
                        "actions": ["update"] if item.exists else ["create"],
                        "before": {"id": item.id} if item.exists else None,
                        "after": after,
                        "after_unknown": {},
                        "after_sensitive": {},
                    },
                }
            )
    return {"format_version": "1.2", "terraform_version": "1.5.0", "resource_changes": changes}
