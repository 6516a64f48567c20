"""A plan or a state of Terraform as bodies of ARM, with what it deletes and what is not known yet.

Ids of new resources are built from what is known: subscription, resource group and name, or the resource that the
configuration refers to. What cannot be placed may add rules to any container, and is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from allowlist.estate.bodies import Body
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.estate.template.scopes import GROUP, SUBSCRIPTION, id_of, name_in_id
from allowlist.estate.template.values import Unknown
from allowlist.estate.terraform.azapi import AZAPI, azapi_body, azapi_kind
from allowlist.estate.terraform.form import is_plan, refuse_unusable
from allowlist.estate.terraform.instances import Instance, instances_in
from allowlist.estate.terraform.references import References, Unresolved
from allowlist.estate.terraform.tables import KINDS, MAY_HOLD_MORE, PARTS, Kind, Part, may_stand_at, plain
from allowlist.estate.terraform.values import in_body
from allowlist.estate.unread import CONTAINERS, NOT_LISTED, Unread, is_unread, unread_body

_RESOURCE_GROUP = "azurerm_resource_group"
_GROUP_ID_PARTS = 5


@dataclass(frozen=True, slots=True)
class PartOf:
    """An item for the list ``member`` of the resource ``holder``."""

    holder: str
    member: str
    item: Any
    removed: bool = False
    changed: bool = False


@dataclass(slots=True)
class TerraformReading:
    """Bodies by normalised id; which of them the plan writes, and which it deletes. A state changes nothing."""

    is_plan: bool = False
    bodies: dict[str, Body] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    parts: list[PartOf] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_terraform(data: Mapping[str, Any], file: str, subscription: str = "") -> TerraformReading:
    """What ``terraform show -json`` printed. ``subscription`` is where it goes if the plan does not say.

    Raises InvalidInput for a plan that failed, a state file, and versions of the format that are not known.
    """
    refuse_unusable(data, file)
    instances = list(instances_in(data))
    reader = _Reader(data, file, instances, _subscription(data, instances) or subscription or SUBSCRIPTION)
    for instance in sorted(instances, key=lambda item: item.managed):
        reader.read(instance)
    reader.finish(data)
    return reader.found


def _subscription(data: Mapping[str, Any], instances: Iterable[Instance]) -> str:
    """The one that the provider is configured for, else the only one that ids of the plan name."""
    configured = dict.fromkeys(_configured(data))
    if len(configured) == 1:
        return next(iter(configured))
    named = {
        str(item.values.get("subscription_id"))
        for item in instances
        if item.type in ("azurerm_client_config", "azurerm_subscription")
        and isinstance(item.values.get("subscription_id"), str)
    }
    named = named or {
        ResourceId(str(item.values.get("id"))).subscription
        for item in instances
        if str(item.values.get("id")).startswith("/subscriptions/")
    }
    return named.pop() if len(named) == 1 else ""


def _configured(data: Mapping[str, Any]) -> Iterator[str]:
    configuration = data.get("configuration")
    providers = configuration.get("provider_config") if isinstance(configuration, Mapping) else None
    for provider in providers.values() if isinstance(providers, Mapping) else ():
        expressions = provider.get("expressions") if isinstance(provider, Mapping) else None
        found = expressions.get("subscription_id") if isinstance(expressions, Mapping) else None
        if not isinstance(found, Mapping):
            continue
        if isinstance(found.get("constant_value"), str):
            yield found["constant_value"]
        for text in found.get("references") or ():
            name = str(text).removeprefix("var.")
            value = ((data.get("variables") or {}).get(name) or {}).get("value")
            if str(text).startswith("var.") and isinstance(value, str) and value:
                yield value


class _Reader:
    def __init__(
        self, data: Mapping[str, Any], file: str, instances: list[Instance], subscription: str
    ) -> None:
        self.found = TerraformReading(is_plan(data))
        self._file, self._subscription = file, subscription
        self._references = References.of(data, instances)
        self._ids: dict[str, str | None] = {}
        self._fresh: set[str] = set()

    def read(self, instance: Instance) -> None:
        kind, part = _kind_of(instance), PARTS.get(instance.type)
        if kind is not None:
            self._resource(instance, kind)
        elif part is not None:
            self._part(instance, part)
        elif instance.type == "azapi_update_resource" and not instance.deleted:
            self._update(instance)

    # Resources

    def _resource(self, instance: Instance, kind: Kind) -> None:
        found = self.id_of(instance)
        if found is None:
            self._cannot_place(instance, kind.type)
            return
        key = normal_id(found)
        if instance.deleted or instance.replaced:
            self.found.removed.add(normal_id(instance.before or found))
        if instance.deleted:
            return
        if instance.changed:
            self.found.changed.add(key)
        if instance.created:
            self._fresh.add(key)
        body = self._body(instance, kind, found)
        self.found.bodies[key] = body

    def _body(self, instance: Instance, kind: Kind, resource_id: str) -> Body:
        identity = {"id": resource_id, "name": ResourceId(resource_id).name, "type": kind.type}
        if instance.type in AZAPI:
            hidden = self._references.expression(instance, ("sensitive_body",)) is not None
            return {**in_body(azapi_body(instance.values, resource_id, hidden=hidden)), **identity}
        values = self._with_ids(instance, instance.values, ())
        outer = in_body(kind.outer.made(values))
        return {**outer, **identity, "properties": in_body(kind.properties.made(values))}

    def _with_ids(self, instance: Instance, value: Any, path: tuple[str | int, ...]) -> Any:
        """``value`` with ids that are known after apply as the ids of what the configuration refers to."""
        last = next((step for step in reversed(path) if isinstance(step, str)), "")
        if isinstance(value, Mapping):
            return {key: self._with_ids(instance, item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list) and last.endswith(("_ip_groups", "_ids")):
            return self._listed_ids(instance, value, path)
        if isinstance(value, list):
            return [self._with_ids(instance, item, (*path, at)) for at, item in enumerate(value)]
        if isinstance(value, Unknown) and last.endswith(("_id", "_ip_groups", "_ids")):
            ids = self._referred(instance, path)
            if last.endswith("_id"):
                return ids[0] if len(ids) == 1 else value
            return value
        return value

    def _listed_ids(self, instance: Instance, value: list[Any], path: tuple[str | int, ...]) -> list[Any]:
        """A list of ids: as many as are unknown, if the configuration refers to so many others."""
        known = [item for item in value if not isinstance(item, Unknown)]
        lost = len(value) - len(known)
        others = [item for item in self._referred(instance, path) if item not in known] if lost else []
        return [*known, *others] if len(others) == lost else value

    def _referred(self, instance: Instance, path: tuple[str | int, ...]) -> list[str]:
        """The ids at ``path``; none where one is not known, or is of something that cannot stand there.

        A plan lists ``a.id`` for ``"${a.id}/subnets/x"`` too: what is below what is referred to has no place here.
        """
        try:
            found = [self.id_of(item) for item in self._references.resources(instance, path)]
        except Unresolved:
            return []
        known = [item for item in found if item]
        last = next(step for step in reversed(path) if isinstance(step, str))
        kind = _kind_of(instance)
        fits = all(may_stand_at(last, ResourceId(item).type, kind) for item in known)
        return known if fits and all(found) else []

    def _cannot_place(self, instance: Instance, kind: str) -> None:
        container = kind.lower().rpartition("/")[0]
        if container in CONTAINERS and not instance.deleted:
            self.found.unread.append(Unread(instance.address, self._file, container, everywhere=True))

    # Ids

    def id_of(self, instance: Instance) -> str | None:
        """The id that a resource has or will have; None where what it belongs to is not known."""
        if instance.address not in self._ids:
            self._ids[instance.address] = None
            self._ids[instance.address] = self._id(instance)
        return self._ids[instance.address]

    def _id(self, instance: Instance) -> str | None:
        if instance.id:
            return instance.id
        name = name_in_id(instance.values.get("name") or "default")
        if instance.type == _RESOURCE_GROUP:
            return f"/subscriptions/{self._subscription}/resourceGroups/{name}"
        kind = _kind_of(instance)
        if kind is None:
            return None
        if kind.parent:
            return self._below(instance, kind, name)
        return id_of(self._group_of(instance), kind.type, [name])

    def _below(self, instance: Instance, kind: Kind, name: str) -> str | None:
        parent = self._id_at(instance, kind.parent)
        if parent is None:
            return None
        if len(parent.strip("/").split("/")) < _GROUP_ID_PARTS:
            return id_of(parent.rstrip("/"), kind.type, [name])
        return f"{parent.rstrip('/')}/{kind.type.rpartition('/')[2]}/{name}"

    def _id_at(self, instance: Instance, attribute: str) -> str | None:
        value = instance.values.get(attribute)
        if isinstance(value, str) and value:
            return value
        found = self._referred(instance, (attribute,)) if isinstance(value, Unknown) else []
        return found[0] if len(found) == 1 else None

    def _group_of(self, instance: Instance) -> str:
        group = instance.values.get("resource_group_name") or Unknown(GROUP, GROUP)
        return f"/subscriptions/{self._subscription}/resourceGroups/{name_in_id(group)}"

    # Parts

    def _part(self, instance: Instance, part: Part) -> None:
        holder = self._holder(instance, part)
        if holder is None:
            self.found.notes.append(f"{instance.address}: what it is a part of is known after apply")
            return
        if instance.replaced:
            self.found.parts.append(self._replaced_part(instance, part, holder))
        item = plain(in_body(part.item.made(self._with_ids(instance, instance.values, ()))))
        self.found.parts.append(
            PartOf(holder, part.member, item, removed=instance.deleted, changed=instance.changed)
        )

    @staticmethod
    def _replaced_part(instance: Instance, part: Part, holder: str) -> PartOf:
        """What a part was called, and where it stood, before another takes its place."""
        above = instance.old.get(part.parent) if part.parent else ResourceId(instance.before).parent.text
        old = plain(in_body(part.item.made(instance.old)))
        there = above if isinstance(above, str) and above else holder
        return PartOf(there, part.member, old, removed=True, changed=True)

    def _holder(self, instance: Instance, part: Part) -> str | None:
        if part.parent:
            return self._id_at(instance, part.parent)
        if part.member.lower() in instance.id.lower():
            return ResourceId(instance.id).parent.text
        return id_of(self._group_of(instance), part.holder, [name_in_id(instance.values.get(part.named))])

    def _update(self, instance: Instance) -> None:
        """``azapi_update_resource`` writes over members of a resource; which ones win is not worked out."""
        named = self._id_at(instance, "resource_id") or self._id_at(instance, "parent_id")
        if named is None or not instance.changed:
            return
        key = normal_id(named)
        if self._id_at(instance, "resource_id"):
            self.found.bodies[key] = unread_body(named, f"which {instance.address} writes over")
            self.found.changed.add(key)

    # What is around

    def finish(self, data: Mapping[str, Any]) -> None:
        """Groups that go are not listed any more; what a plan defers may add rules."""
        for key, body in list(self.found.bodies.items()):
            self._forget_removed(key, body)
            self._tell_limits(key, body)
        for item in data.get("deferred_changes") or ():
            change = item.get("resource_change") if isinstance(item, Mapping) else None
            if isinstance(change, Mapping):
                self._deferred(change)

    def _forget_removed(self, key: str, body: Body) -> None:
        listed = body["properties"].get("ruleCollectionGroups")
        if listed is None:
            return
        properties = {name: one for name, one in body["properties"].items() if name != "ruleCollectionGroups"}
        if isinstance(listed, list):
            properties["ruleCollectionGroups"] = [
                item for item in listed if normal_id(_listed_id(item)) not in self.found.removed
            ]
        elif key not in self._fresh:
            child = f"{body['id']}/ruleCollectionGroups/not-read"
            self.found.bodies[normal_id(child)] = unread_body(child, "groups known after apply")
        self.found.bodies[key] = {**body, "properties": properties}

    def _tell_limits(self, key: str, body: Body) -> None:
        kind = ResourceId(key).type
        if key in self._fresh or is_unread(body):
            return
        if CONTAINERS.get(kind) == "outboundRules":
            child = f"{body['id']}/outboundRules/{NOT_LISTED}"
            why = f"outbound rules of {body['name']} that Terraform does not manage are not in {self._file}"
            self.found.bodies[normal_id(child)] = unread_body(child, why)
        if kind in MAY_HOLD_MORE:
            self.found.notes.append(
                f"parts of {body['name']} that Terraform does not manage are not in {self._file}"
            )

    def _deferred(self, change: Mapping[str, Any]) -> None:
        kind = KINDS.get(str(change.get("type")))
        container = kind.type.lower().rpartition("/")[0] if kind else ""
        if container in CONTAINERS:
            what = f"{change.get('address')}, which Terraform defers"
            self.found.unread.append(Unread(what, self._file, container, everywhere=True))


def _listed_id(item: Any) -> str:
    return str(item.get("id") if isinstance(item, Mapping) else item)


def _kind_of(instance: Instance) -> Kind | None:
    if instance.type in AZAPI:
        return azapi_kind(instance.values)
    return KINDS.get(instance.type)
