"""The forms in which tools print resources, told apart and unwrapped.

A resource, a list, ``{"value": […]}``, our own snapshot; Resource Graph (``data``), what-if results (``changes``),
what ``az group export``, ``az deployment … export`` and template specs wrap around a template.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from allowlist.errors import InvalidInput
from allowlist.estate.foreign import refuse_foreign
from allowlist.estate.json_files import JsonFile
from allowlist.estate.parents import parts_of
from allowlist.estate.powershell import as_resource, is_powershell
from allowlist.estate.spelling import spelled
from allowlist.estate.template.form import is_parameter_file, is_template
from allowlist.estate.terraform.form import is_terraform
from allowlist.estate.unread import Unread, unread_body

FILTERS: Final = "/filters/"
"""How the ids of filters begin, whose files a snapshot of ours keeps beside resources of Azure."""

_SNAPSHOT: Final = "write it again: allowlist snapshot -o DIR"
SCHEMA = "allowlist/snapshot/v1"


class Template(msgspec.Struct, frozen=True):
    """A template, with values that came in the same document."""

    data: Mapping[str, Any]
    values: Mapping[str, Any]


class Parameters(msgspec.Struct, frozen=True):
    data: Mapping[str, Any]


class Terraform(msgspec.Struct, frozen=True):
    """A plan or a state, as ``terraform show -json`` prints it."""

    data: Mapping[str, Any]


Item = dict[str, Any] | Template | Parameters | Terraform | Unread


def items_in(file: JsonFile, parent: str = "") -> Iterator[Item]:
    """What a file holds. Raises InvalidInput, with advice that fits, where it holds something else.

    ``parent`` is the id of the resource that parts without an id belong to: rule collections, outbound rules.
    """
    given = parts_of(file.data, parent) if parent else None
    yield from _items(file.data if given is None else given, str(file))


def _items(data: Any, file: str) -> Iterator[Item]:
    if isinstance(data, list):
        for item in data:
            yield from _items(item, file)
        return
    if not isinstance(data, dict):
        refuse_foreign(data, file)
        raise InvalidInput.of(file, _NO_RESOURCE, hint=_advice(data))
    if is_template(data):
        yield Template(data, {})
    elif is_parameter_file(data):
        yield Parameters(data)
    elif is_terraform(data):
        yield Terraform(data)
    else:
        yield from _of_object(data, file)


def _of_object(data: dict[str, Any], file: str) -> Iterator[Item]:
    keys = {spelled(key).lower().replace("$", ""): key for key in data}
    if isinstance(data.get("schema"), str):
        yield from _of_snapshot(data, file)
    elif is_powershell(data) and is_id((body := as_resource(data)).get("Id")):
        yield body
    elif is_id(data.get(keys.get("id", ""))):
        yield data
    elif "value" in keys and isinstance(data[keys["value"]], list):
        refuse_half_list(data, keys, file)
        yield from _items(data[keys["value"]], file)
    elif "data" in keys and isinstance(data[keys["data"]], list | dict):
        yield from _of_graph(data, keys, file)
    elif _changes_of(data) is not None:
        yield from _of_what_if(data, file)
    else:
        yield from _of_wrapper(data, keys, file)


def is_id(value: Any) -> bool:
    return isinstance(value, str) and value.lower().startswith(("/subscriptions/", FILTERS))


def _of_snapshot(data: dict[str, Any], file: str) -> Iterator[Item]:
    if data["schema"] != SCHEMA:
        raise InvalidInput.of(
            file, f"says schema '{data['schema']}', expected '{SCHEMA}'", line=1, column=1, hint=_SNAPSHOT
        )
    if not isinstance(data.get("resources"), list):
        raise InvalidInput.of(
            file, "is a snapshot without an array 'resources'", line=1, column=1, hint=_SNAPSHOT
        )
    yield from _items(data["resources"], file)


def refuse_half_list(data: Mapping[str, Any], keys: Mapping[str, str], file: str) -> None:
    if data.get(keys.get("nextlink", "")):
        raise InvalidInput.of(
            file,
            "is one page of a longer list (it has a nextLink); save all pages",
            hint="az … list follows it",
        )


def _of_graph(data: dict[str, Any], keys: Mapping[str, str], file: str) -> Iterator[Item]:
    """An answer of Resource Graph: ``az graph query``, ``Search-AzGraph`` or the REST interface."""
    token = next((data[keys[key]] for key in ("skip_token", "skiptoken") if key in keys), None)
    cut = str(data.get(keys.get("resulttruncated", ""), "")).lower() == "true"
    total = data.get(keys.get("total_records", keys.get("totalrecords", "")))
    rows = data[keys["data"]]
    rows = _table(rows, file) if isinstance(rows, dict) else rows
    if token or cut or (isinstance(total, int) and total > len(rows)):
        raise InvalidInput.of(
            file,
            "is a part of a longer answer of Resource Graph",
            hint="ask again with --first 1000 and --skip-token until nothing is left, or query less",
        )
    for row in rows:
        if not isinstance(row, dict) or not is_id(_folded(row, "id")):
            raise InvalidInput.of(
                file, "is an answer of Resource Graph without whole resources", hint="query without 'project'"
            )
        yield row


def _table(found: dict[str, Any], file: str) -> list[Any]:
    columns, rows = found.get("columns"), found.get("rows")
    if not isinstance(columns, list) or not isinstance(rows, list):
        raise InvalidInput.of(file, _NO_RESOURCE, hint=_advice(found))
    names = [str(column.get("name")) if isinstance(column, dict) else str(column) for column in columns]
    return [dict(zip(names, row, strict=False)) if isinstance(row, list) else row for row in rows]


def _folded(data: Mapping[str, Any], name: str) -> Any:
    return next((item for key, item in data.items() if key.lower() == name), None)


def _changes_of(data: Mapping[str, Any]) -> list[Any] | None:
    """The changes of a what-if result."""
    return _listed_in(data, "changes")


def _listed_in(data: Mapping[str, Any], name: str) -> list[Any] | None:
    """A list of objects of a what-if result, as the CLI prints it or as REST answers."""
    inner = _folded(data, "properties")
    for holder in (data, inner if isinstance(inner, dict) else {}):
        found = _folded(holder, name)
        if isinstance(found, list) and all(isinstance(item, dict) for item in found):
            return found
    return None


def _of_what_if(data: dict[str, Any], file: str) -> Iterator[Item]:
    """The resources as they would be afterwards; what is deleted is gone, what is not shown, not supported or changed only
    perhaps (``potentialChanges``) is unknown.
    """
    if _folded(data, "error") or str(_folded(data, "status") or "Succeeded").lower() != "succeeded":
        raise InvalidInput.of(
            file, "is a what-if that did not succeed", hint="run it again; it says what it lacks"
        )
    yield from _left_out(data, file)
    perhaps = [_folded(change, "resourceid") for change in _listed_in(data, "potentialchanges") or ()]
    perhaps = list(filter(is_id, perhaps))
    yield from (unread_body(named, "a potential change of a what-if") for named in perhaps)
    for change in _changes_of(data) or ():
        named, kind = _folded(change, "resourceid"), str(_folded(change, "changetype") or "").lower()
        if not is_id(named) or kind == "delete" or named in perhaps:
            continue
        after = _folded(change, "after") or (
            _folded(change, "before") if kind in ("ignore", "nochange") else None
        )
        is_whole = isinstance(after, dict) and "properties" in map(str.lower, after)
        if isinstance(after, dict) and is_whole and kind != "unsupported":
            yield {**after, "id": named}
        else:
            reason = _folded(change, "unsupportedreason") or "use --result-format FullResourcePayloads"
            yield unread_body(named, f"{kind} in a what-if without its content: {reason}")


_DEPLOYMENTS: Final = "/microsoft.resources/deployments/"


def _left_out(data: dict[str, Any], file: str) -> Iterator[Unread]:
    """Nested deployments that a what-if did not go into; it says so in ``diagnostics``."""
    for one in _listed_in(data, "diagnostics") or ():
        target, code = str(_folded(one, "target") or ""), str(_folded(one, "code") or "")
        if _DEPLOYMENTS in target.lower() and str(_folded(one, "level")).lower() != "info":
            yield Unread(f"deployment {target.rpartition('/')[2]} ({code})", file, everywhere=True)


def _of_wrapper(data: dict[str, Any], keys: Mapping[str, str], file: str) -> Iterator[Item]:
    """What is written around a template: ``template``, ``mainTemplate``, ``properties`` of a deployment request."""
    for key in ("template", "maintemplate"):
        inner = data.get(keys.get(key, ""))
        if isinstance(inner, dict) and is_template(inner):
            yield Template(inner, _values(data.get(keys.get("parameters", ""))))
            return
    properties = data.get(keys.get("properties", ""))
    if isinstance(properties, dict) and is_template(properties.get("template")):
        yield Template(properties["template"], _values(properties.get("parameters")))
        return
    refuse_foreign(data, file)
    raise InvalidInput.of(file, _NO_RESOURCE, hint=_advice(data))


def _values(parameters: Any) -> dict[str, Any]:
    items = parameters.items() if isinstance(parameters, dict) else ()
    return {name: item["value"] for name, item in items if isinstance(item, dict) and "value" in item}


_NO_RESOURCE = "holds something that is no ARM resource: an object with an 'id' was expected"


_GROUPS = "az network firewall policy rule-collection-group list --policy-name POLICY -g GROUP"


def _names_in(data: Any) -> set[str]:
    """The names of an object's members and of its ``properties``, in small letters; underscores as Terraform has them."""
    if not isinstance(data, dict):
        return set()
    inner = _folded(data, "properties")
    named = {str(key).lower() for holder in (data, inner) if isinstance(holder, dict) for key in holder}
    return named | {spelled(name).lower() for name in named}


def _advice(data: Any) -> str:
    """What to do with what was found instead."""
    keys = _names_in(data)
    if keys & {"terraform_version", "planned_values", "resource_changes"}:
        return "this is a part of Terraform's JSON; save all of it: terraform show -json PLAN > plan.json"
    if keys & {"rulecollections", "rulecollection"}:
        return (
            "a rule collection group that does not say of which policy; name it: check, explain or plan --parent ID of the policy, "
            f"or save the groups with their ids: {_GROUPS}"
        )
    if keys & {"rulecollectiontype", "ruletype"}:
        return (
            "rule collections without the group they stand in; name it: check, explain or plan --parent ID of the group, "
            f"or save the groups: {_GROUPS}"
        )
    if "rules" in keys and keys & {"priority", "action"}:
        return (
            "rule collections that do not say where they stand; name it: check, explain or plan --parent ID of the group or firewall, "
            f"or save what they stand in: az network firewall show --ids ID, {_GROUPS}"
        )
    if keys & {"isolationmode", "outboundrules"} or {"type", "destination"} <= keys:
        return (
            "outbound rules without the network they belong to; name it: check, explain or plan --parent ID of the workspace or account, "
            "or save that: az ml workspace show -n NAME -g GROUP"
        )
    if "format_version" in keys:
        return (
            "Terraform's state is empty here: run terraform show -json where it was applied, or show a plan"
        )
    return (
        "save resources with their ids: az resource show --ids ID, az network firewall policy show, "
        "or all of them with allowlist snapshot -o DIR"
    )
