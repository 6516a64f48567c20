"""The resources of a plan or a state, one by one, with what is known of each afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from allowlist.estate.terraform.form import is_plan
from allowlist.estate.terraform.values import combined

_DELETED = {("delete",)}
_FORGOTTEN = {("forget",)}
_UNCHANGED = {("no-op",), ("read",), ()}


@dataclass(frozen=True, slots=True)
class Instance:
    """One resource. ``values`` are those it has afterwards, unknown ones as Unknown.

    ``module`` is the address of the module it stands in, empty for the root. ``before`` is its id until then, and
    ``old`` are the values that it had: those of a resource that is replaced say what goes.
    """

    address: str
    module: str
    type: str
    name: str
    index: Any
    values: Mapping[str, Any]
    managed: bool = True
    deleted: bool = False
    changed: bool = False
    replaced: bool = False
    created: bool = False
    before: str = ""
    old: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The id it has and keeps, empty where that is not known: one that is replaced may get another."""
        known = self.values.get("id")
        found = known if isinstance(known, str) else "" if self.replaced else self.before
        return found if found.lower().startswith("/subscriptions/") else ""

    @property
    def config(self) -> str:
        """What the configuration calls it, inside of its module."""
        return f"{'' if self.managed else 'data.'}{self.type}.{self.name}"


def instances_in(data: Mapping[str, Any]) -> Iterator[Instance]:
    """All of them, data sources that were read among them; what a plan does not touch is as it was."""
    if not is_plan(data):
        yield from _of_values(data.get("values"))
        return
    changes = [item for item in data.get("resource_changes") or () if isinstance(item, Mapping)]
    touched = {str(item.get("address")) for item in changes if not item.get("deposed")}
    prior = data.get("prior_state")
    for instance in _of_values(prior.get("values") if isinstance(prior, Mapping) else None):
        if instance.address not in touched:
            yield instance
    for change in changes:
        if not change.get("deposed"):
            yield _changed(change)


def _of_values(values: Any) -> Iterator[Instance]:
    root = values.get("root_module") if isinstance(values, Mapping) else None
    if isinstance(root, Mapping):
        yield from _of_module(root)


def _of_module(module: Mapping[str, Any]) -> Iterator[Instance]:
    for item in module.get("resources") or ():
        if isinstance(item, Mapping):
            values = combined(
                item.get("values") or {}, None, item.get("sensitive_values"), str(item.get("address"))
            )
            yield _instance(item, str(module.get("address") or ""), values)
    for child in module.get("child_modules") or ():
        if isinstance(child, Mapping):
            yield from _of_module(child)


def _changed(item: Mapping[str, Any]) -> Instance:
    change = item.get("change")
    change = change if isinstance(change, Mapping) else {}
    actions = tuple(change.get("actions") or ())
    before, address = change.get("before"), str(item.get("address"))
    kept = actions in _DELETED | _FORGOTTEN
    if kept:
        values = combined(before or {}, None, change.get("before_sensitive"), address)
    else:
        values = combined(
            change.get("after") or {}, change.get("after_unknown"), change.get("after_sensitive"), address
        )
    known = before.get("id") if isinstance(before, Mapping) else None
    return _instance(
        item,
        str(item.get("module_address") or ""),
        values if isinstance(values, Mapping) else {"id": values},
        deleted=actions in _DELETED,
        changed=actions not in _UNCHANGED | _FORGOTTEN,
        replaced="delete" in actions and "create" in actions,
        created="create" in actions,
        before=known if isinstance(known, str) else "",
        old=before if isinstance(before, Mapping) else {},
    )


def _instance(item: Mapping[str, Any], module: str, values: Any, **marks: Any) -> Instance:
    return Instance(
        address=str(item.get("address")),
        module=module,
        type=str(item.get("type")),
        name=str(item.get("name")),
        index=item.get("index"),
        values=values,
        managed=item.get("mode", "managed") != "data",
        **marks,
    )
