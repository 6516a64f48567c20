"""Functions whose value depends on where they stand: parameters, loops, ids, scopes, what only a deployment knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from allowlist.azure.facts import clouds
from allowlist.estate.template.grammar import Call
from allowlist.estate.template.scopes import Place, Scope, id_of, name_in_id
from allowlist.estate.template.values import Open, Refused, Unknown, called, nickname

Contextual = Callable[..., Any]


def _parameter(scope: Scope, node: Call, name: Any) -> Any:
    return _looked_up(scope.frame.parameters, name)


def _variable(scope: Scope, node: Call, name: Any) -> Any:
    return _looked_up(scope.frame.variables, name)


def _looked_up(among: Mapping[str, Any], name: Any) -> Any:
    found = among.get(str(name).lower()) if isinstance(name, str) else None
    if found is None:
        raise Refused(f"there is no '{name}'")
    return found.get()


def _bound(scope: Scope, node: Call, name: Any) -> Any:
    if not isinstance(name, str) or name.lower() not in scope.bound:
        raise Refused(f"no lambda binds '{name}'")
    return scope.bound[name.lower()]


def _copy_index(scope: Scope, node: Call, *parts: Any) -> Any:
    name = parts[0].lower() if parts and isinstance(parts[0], str) else ""
    offset = parts[-1] if parts and not isinstance(parts[-1], str) else 0
    if len(parts) > 2 or isinstance(offset, bool) or not isinstance(offset, int):
        raise Refused("an offset that is no number")
    if not scope.copies or (name and name not in scope.copies):
        raise Refused("there is no such loop")
    at = scope.copies[name] if name else list(scope.copies.values())[-1]
    return Unknown(node.text, nickname(node.text)) if isinstance(at, Unknown) else at + offset


def _resource_id(scope: Scope, node: Call, *values: Any) -> Any:
    """Subscription and resource group may come first; at the level of a subscription, the subscription."""
    at = _type_at(values)
    lead, place = values[:at], scope.frame.place
    if len(lead) > 2 or (len(lead) == 2 and place.level == "above"):
        raise Refused("more than subscription and resource group")
    if len(lead) == 2:
        place = Place("group", *map(_part, lead))
    elif len(lead) == 1 and place.level == "group":
        place = Place("group", place.subscription, _part(lead[0]))
    elif len(lead) == 1:
        place = Place("subscription", _part(lead[0]))
    return _id(node, place, values[at:])


def _subscription_id(scope: Scope, node: Call, *values: Any) -> Any:
    at = _type_at(values)
    if at > 1:
        raise Refused("more than a subscription")
    subscription = _part(values[0]) if at else scope.frame.place.subscription
    return _id(node, Place("subscription", subscription), values[at:])


def _tenant_id(scope: Scope, node: Call, *values: Any) -> Any:
    return _id(node, Place("above"), values)


def _management_group_id(scope: Scope, node: Call, *values: Any) -> Any:
    raise Refused("the management group is not known")


def _extension_id(scope: Scope, node: Call, parent: Any, *values: Any) -> Any:
    tail = _id(node, Place("above"), values)
    known = isinstance(parent, str) and isinstance(tail, str)
    text = f"{name_in_id(parent)}{name_in_id(tail)}"
    return text if known else Unknown(node.text, text, is_id=True)


def _part(value: Any) -> str | Unknown:
    if isinstance(value, Unknown) or (isinstance(value, str) and value and "/" not in value):
        return value
    raise Refused("no subscription or resource group")


def _type_at(values: tuple[Any, ...]) -> int:
    """Where the type stands among the arguments: it is the first with a slash."""
    for at, value in enumerate(values):
        if isinstance(value, str) and "/" in value.strip("/"):
            return at
    raise Refused("no resource type")


def _id(node: Call, place: Place, values: tuple[Any, ...]) -> Any:
    kind, *names = values
    if not isinstance(kind, str) or len(names) != kind.count("/"):
        raise Refused("as many names as the type has parts")
    if not all(isinstance(name, str | Unknown) and name != "" for name in names):
        raise Refused("a name that is no text")
    text = id_of(place.path, kind, [name_in_id(name) for name in names])
    known = place.is_known and not any(isinstance(name, Unknown) for name in names)
    return text if known else Unknown(node.text, text, is_id=True)


def _only_deployed(scope: Scope, node: Call, *values: Any) -> Unknown:
    return Unknown(node.text, nickname(node.text))


def _reference(scope: Scope, node: Call, target: Any, *more: Any) -> Any:
    """What a module of the same template gives out; all else that is referred to is known to Azure only."""
    named = isinstance(target, str) or (isinstance(target, Unknown) and target.is_id)
    module = scope.frame.modules.get(name_in_id(target)) if named and len(more) < 2 else None
    return _only_deployed(scope, node) if module is None else module.get()


def _unique(scope: Scope, node: Call, *values: Any) -> Unknown:
    """Equal parts give equal texts, as in Azure; which text is not known here."""
    parts = "|".join(str(called(value, scope.budget)) for value in values)
    return Unknown(node.text, sha256(parts.encode()).hexdigest()[:13])


def _resource_group(scope: Scope, node: Call) -> Open:
    place = scope.frame.place
    if place.level != "group":
        raise Refused("the deployment is not one of a resource group")
    return Open(
        id=place.path if place.is_known else Unknown(f"{node.text}.id", place.path, is_id=True),
        name=place.group,
        type="Microsoft.Resources/resourceGroups",
        location=_unknown_member(node, "location", name_in_id(place.group)),
    )


def _subscription(scope: Scope, node: Call) -> Open:
    subscription = scope.frame.place.subscription
    path = f"/subscriptions/{name_in_id(subscription)}"
    known = isinstance(subscription, str)
    return Open(
        id=path if known else Unknown(f"{node.text}.id", path, is_id=True), subscriptionId=subscription
    )


def _unknown_member(node: Call, name: str, called_so: str) -> Unknown:
    return Unknown(f"{node.text}.{name}", called_so)


def _nothing_known(scope: Scope, node: Call) -> Open:
    return Open()


def _environment(scope: Scope, node: Call) -> Open:
    """What the page on deployment functions prints for the public cloud; of the others it shows nothing, so only what
    every tool spells alike is taken, and all else of them is unknown."""
    found = clouds().get(scope.frame.cloud)
    if found is None:
        raise Refused("another cloud")
    is_public = found.cloud == "public"
    suffixes = found.suffixes if is_public else {"storage": found.storage}
    known = Open(name=found.name, resourceManager=f"{found.resource_manager}/", suffixes=Open(suffixes))
    if is_public:
        known["portal"] = "https://portal.azure.com"
        known["authentication"] = Open(loginEndpoint=f"https://{found.authority}/")
    return known


CONTEXTUAL: dict[str, tuple[Contextual, int, int]] = {
    "parameters": (_parameter, 1, 1),
    "variables": (_variable, 1, 1),
    "lambdavariables": (_bound, 1, 1),
    "copyindex": (_copy_index, 0, 2),
    "resourceid": (_resource_id, 2, 20),
    "subscriptionresourceid": (_subscription_id, 2, 20),
    "tenantresourceid": (_tenant_id, 2, 20),
    "managementgroupresourceid": (_management_group_id, 2, 20),
    "extensionresourceid": (_extension_id, 3, 20),
    "resourcegroup": (_resource_group, 0, 0),
    "subscription": (_subscription, 0, 0),
    "deployment": (_nothing_known, 0, 0),
    "tenant": (_nothing_known, 0, 0),
    "managementgroup": (_nothing_known, 0, 0),
    "deployer": (_nothing_known, 0, 0),
    "environment": (_environment, 0, 0),
    "uniquestring": (_unique, 1, 50),
    "guid": (_unique, 1, 50),
    "newguid": (_only_deployed, 0, 0),
    "utcnow": (_only_deployed, 0, 1),
    "reference": (_reference, 1, 3),
    "references": (_only_deployed, 1, 2),
    "pickzones": (_only_deployed, 3, 5),
    "providers": (_only_deployed, 1, 2),
}
"""Each with the fewest and the most arguments. They get scope and call, then values, of which any may be unknown."""


def contextual_of(name: str) -> tuple[Contextual, int, int] | None:
    """Also every ``list…`` function: a request to the deployed resource."""
    if name.startswith("list") and name.isalpha():
        return _only_deployed, 1, 3
    return CONTEXTUAL.get(name)
