"""The resources a template would deploy: conditions, loops and modules followed as far as they can be worked out.

What cannot be worked out is never left out: a resource that may not be deployed, or not so, is there with nothing
known of it, and what may add rules to others is told (:class:`allowlist.estate.unread.Unread`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from allowlist.estate.template.budget import COPIES, Budget, TooMuch
from allowlist.estate.template.evaluate import as_json, is_count, resolved, shown
from allowlist.estate.template.frames import Given, constant, frame_of
from allowlist.estate.template.scopes import Frame, Lazy, Place, Scope, id_of, name_in_id
from allowlist.estate.template.values import Open, Unknown, hides_members, may_be_absent, nickname
from allowlist.estate.unread import CONTAINERS, UNRESOLVED, Unread, perhaps_deployed, unresolved

_DEPLOYMENT = "microsoft.resources/deployments"
_NOT_OF_THE_RESOURCE = ("apiVersion", "dependsOn", "condition", "copy", "resources", "scope", "name", "type")
_DEEPEST_MODULE = 20
_EXTENSION = "providers/"
"""How the type of an extension begins that stands below its resource, its name then with the namespace of its type."""


@dataclass(slots=True)
class TemplateReading:
    """Bodies by normalised id, and what may add to them or to others."""

    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Parent:
    kind: str = ""
    name: str = ""
    made_up: bool = False


def read_template(
    template: Mapping[str, Any],
    file: str,
    values: Mapping[str, Any] | None = None,
    *,
    cloud: str = "public",
    budget: Budget | None = None,
) -> TemplateReading:
    """The resources of a template; ``values`` are those of its parameter file, where Unknown is a value too.

    Raises TooMuch where the template asks for more work than any template that can be deployed.
    """
    reader = _Reader(file, cloud, budget or Budget())
    given = {name.lower(): constant(value) for name, value in (values or {}).items()}
    frame = reader.frame(template, given, _place_of(template))
    reader.read(template.get("resources"), _Parent(), Scope(frame), frame.place, "")
    reader.tell_orphans()
    return reader.found


def _place_of(template: Mapping[str, Any]) -> Place:
    schema = str(template.get("$schema", "")).lower()
    if "subscriptiondeploymenttemplate" in schema:
        return Place("subscription")
    above = "managementgroupdeploymenttemplate" in schema or "tenantdeploymenttemplate" in schema
    return Place("above") if above else Place()


_LISTS = {
    "microsoft.network/firewallpolicies/rulecollectiongroups": "ruleCollections",
    "microsoft.network/ipgroups": "ipAddresses",
}
"""Lists that a deployment leaves empty where its template leaves them out: what is put replaces what was there."""


def _with_what_is_left_out(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    name = _LISTS.get(kind.lower())
    said = {key.lower() for key in properties}
    if name is None or name.lower() in said or UNRESOLVED in said or not properties:
        return properties
    return {**properties, name: []}


class _Reader:
    def __init__(self, file: str, cloud: str, budget: Budget) -> None:
        self.found = TemplateReading()
        self.budget = budget
        self._file, self._cloud = file, cloud
        self._depth = 0
        self._children: dict[str, _Parent] = {}
        self._doubtful: dict[str, set[str]] = {}
        self._frames: dict[tuple[Any, ...], Frame] = {}

    def frame(
        self, template: Mapping[str, Any], given: Given, place: Place, *, all_given: bool = True
    ) -> Frame:
        """What names mean in ``template``, the outputs of its modules among them."""
        made = frame_of(template, given, place, self.budget, self._cloud, all_given=all_given)
        made.modules.fill(lambda: dict(self._modules_of(template.get("resources"), Scope(made))))
        return made

    def read(self, items: Any, parent: _Parent, scope: Scope, place: Place, unsure: str) -> None:
        """All of ``resources``, a list or by symbolic names; ``unsure`` says what their deployment depends on."""
        if items is None:
            return
        listed = list(items.values()) if isinstance(items, Mapping) else items
        if not isinstance(listed, list):
            self._cannot("resources", items)
            return
        for item in listed:
            if not isinstance(item, Mapping):
                self._cannot("resource", item)
            elif item.get("existing") is not True:
                self._read_or_say_where(item, parent, scope, place, unsure)

    def _read_or_say_where(
        self, item: Mapping[str, Any], parent: _Parent, scope: Scope, place: Place, unsure: str
    ) -> None:
        try:
            self._read_item(item, parent, scope, place, unsure)
        except TooMuch as error:
            error.near = error.near or str(item.get("name", ""))
            raise

    def _cannot(self, what: str, value: Any) -> None:
        self.found.unread.append(Unread(f"{what} {shown(value)}", self._file))

    def _read_item(
        self, item: Mapping[str, Any], parent: _Parent, scope: Scope, place: Place, unsure: str
    ) -> None:
        for turn, turns_unsure in self._turns(item, scope):
            condition = resolved(item.get("condition", True), turn)
            doubt = unsure or turns_unsure
            if not doubt and condition is not True:
                doubt = f"condition {shown(item['condition'])}"
            self._resource(item, parent, turn, place, doubt, deployed=condition is not False)

    def _turns(self, item: Mapping[str, Any], scope: Scope) -> Iterator[tuple[Scope, str]]:
        """One scope for every time a resource is deployed; one in doubt where that number is not known."""
        loop = item.get("copy")
        if loop is None:
            yield scope, ""
            return
        name = loop.get("name") if isinstance(loop, Mapping) else None
        count = resolved(loop.get("count"), scope) if isinstance(loop, Mapping) else loop
        if isinstance(count, int) and count > COPIES:
            text = f"resource '{shown(item.get('name'))}' is copied {count} times; {COPIES} are allowed"
            raise TooMuch(text, str(item.get("name", "")))
        if isinstance(name, str) and is_count(count):
            yield from ((scope.turn(name, at), "") for at in range(count))
            return
        text = shown(loop.get("count") if isinstance(loop, Mapping) else loop)
        yield scope.turn(str(name or "copy"), Unknown("copyIndex()", "copyIndex")), f"copy count {text}"

    def _resource(
        self,
        item: Mapping[str, Any],
        parent: _Parent,
        scope: Scope,
        place: Place,
        unsure: str,
        *,
        deployed: bool,
    ) -> None:
        kind = resolved(item.get("type", ""), scope)
        if not isinstance(kind, str) or not kind:
            self._cannot("resource of type", item.get("type"))
            return
        if kind.lower() == _DEPLOYMENT:
            if deployed:
                self._module(item, scope, place, unsure)
            return
        named = resolved(item.get("name", ""), scope)
        own = self._identity(kind, named, parent)
        if own is None:
            self._cannot(f"{kind} named", item.get("name"))
            return
        if deployed:
            self._keep(self._body(item, own, scope, place, unsure), own, place)
        self.read(item.get("resources"), own, scope, place, unsure)

    def _identity(self, kind: str, named: Any, parent: _Parent) -> _Parent | None:
        """Type and name in full; None where the name has another number of parts than the type."""
        name, made_up = name_in_id(named), isinstance(named, Unknown)
        if not isinstance(named, str | Unknown) or not name:
            return None
        below = "/" not in kind or kind.lower().startswith(_EXTENSION)
        if parent.kind and below:
            kind, name = f"{parent.kind}/{kind}", f"{parent.name}/{name}"
            made_up = made_up or parent.made_up
        if kind.count("/") == 1 and made_up:
            name = name if "/" not in name else nickname(name)
        parts = name.split("/")
        if len(parts) != kind.count("/") or not all(parts):
            return None
        return _Parent(kind, name, made_up)

    def _body(
        self, item: Mapping[str, Any], own: _Parent, scope: Scope, place: Place, unsure: str
    ) -> dict[str, Any]:
        names = own.name.split("/")
        identity = {"id": id_of(self._base(item, scope, place), own.kind, names), "type": own.kind}
        outer = {key: value for key, value in item.items() if key not in _NOT_OF_THE_RESOURCE}
        body = {key: as_json(resolved(value, scope), scope) for key, value in outer.items()}
        if not isinstance(body.get("properties", {}), dict):
            body["properties"] = unresolved(own.kind, str(body["properties"]))
        if "properties" in body:
            body["properties"] = _with_what_is_left_out(own.kind, body["properties"])
        body = {**body, **identity, "name": names[-1]}
        return perhaps_deployed(body, unsure) if unsure else body

    def _base(self, item: Mapping[str, Any], scope: Scope, place: Place) -> str:
        """The id that an extension resource is put on; else where the deployment goes."""
        if "scope" not in item:
            return place.path
        on = name_in_id(resolved(item["scope"], scope))
        return on.rstrip("/") if on.startswith("/") else f"{place.path}/providers/{on}"

    def _keep(self, body: dict[str, Any], own: _Parent, place: Place) -> None:
        key, kind = body["id"].lower(), own.kind.lower()
        if kind.rpartition("/")[0] in CONTAINERS:
            self._children[key] = own
        if kind in CONTAINERS:
            name = "" if own.made_up else own.name.lower() if not place.is_known else None
            if name is not None:
                self._doubtful.setdefault(kind, set()).add(name)
        known = self.found.bodies.get(key)
        identity = {member: body[member] for member in ("id", "name", "type")}
        self.found.bodies[key] = body if known is None else {**_one_of(known, body), **identity}

    def tell_orphans(self) -> None:
        """A child whose parent is not in this template, and one of them named by an expression, may be anybody's."""
        for key, own in self._children.items():
            container = own.kind.lower().rpartition("/")[0]
            if key.rpartition("/")[0].rpartition("/")[0] in self.found.bodies:
                continue
            doubtful = self._doubtful.get(container, set())
            if own.made_up or doubtful & {"", own.name.lower().rpartition("/")[0]}:
                name = self.found.bodies[key]["id"].rpartition("/providers/")[2]
                self.found.unread.append(Unread(name, self._file, container, everywhere=own.made_up))

    # Modules

    def _module(self, item: Mapping[str, Any], scope: Scope, place: Place, unsure: str) -> None:
        """A nested deployment. Where its expressions are evaluated decides which parameters they see."""
        name = shown(item.get("name"))
        properties = resolved_object(item.get("properties"), scope)
        if properties is None:
            self._cannot("deployment", item.get("name"))
            return
        link = properties.get("templateLink")
        template, inner = _template_of(properties, scope)
        if template is None:
            what = f"linked template {_address(link)}" if link else "template that cannot be worked out"
            self.found.unread.append(Unread(f"deployment {name} ({what})", self._file))
            return
        self._depth += 1
        if self._depth > _DEEPEST_MODULE:
            raise TooMuch(f"modules stand more than {_DEEPEST_MODULE} deep in each other")
        self._inside(item, properties, template, scope, place, unsure, inner=inner)
        self._depth -= 1

    def _inside(
        self,
        item: Mapping[str, Any],
        properties: Mapping[str, Any],
        template: Mapping[str, Any],
        scope: Scope,
        place: Place,
        unsure: str,
        *,
        inner: bool,
    ) -> None:
        there = _place_inside(item, scope, place)
        if inner:
            scope = Scope(self._frame_inside(item, properties, template, scope, there))
        self.read(template.get("resources"), _Parent(), scope, there, unsure)

    def _frame_inside(
        self,
        item: Mapping[str, Any],
        properties: Mapping[str, Any],
        template: Mapping[str, Any],
        scope: Scope,
        place: Place,
    ) -> Frame:
        """One for each module and turn, whether its resources or its outputs are asked for first."""
        key = (id(item), id(scope.frame), *scope.copies.items())
        if key not in self._frames:
            given, all_given = _arguments(properties, scope)
            self._frames[key] = self.frame(template, given, place, all_given=all_given)
        return self._frames[key]

    def _modules_of(self, items: Any, scope: Scope) -> Iterator[tuple[str, Lazy]]:
        """Outputs by the id of the deployment, and by its symbolic name; what two of them share is unknown."""
        symbolic = isinstance(items, Mapping)
        listed = items.items() if symbolic else enumerate(items if isinstance(items, list) else ())
        seen: set[str] = set()
        for symbol, item in listed:
            if not isinstance(item, Mapping) or str(item.get("type")).lower() != _DEPLOYMENT:
                continue
            if item.get("existing") is True:
                continue
            for at, (turn, unsure) in enumerate(self._turns(item, scope)):
                outputs = Lazy("outputs", partial(self._outputs, item, turn, scope.frame.place, unsure))
                own = f"{symbol}[{at}]" if "copy" in item else str(symbol)
                for name in (_id_of_module(item, turn, scope.frame.place), *([own.lower()] * symbolic)):
                    twice = name in seen
                    seen.add(name)
                    yield name, constant(Unknown(f"outputs of {name}")) if twice else outputs

    def _outputs(self, item: Mapping[str, Any], scope: Scope, place: Place, unsure: str) -> Any:
        """As ``reference`` answers for a deployment. One that is not certain to happen gives out what nobody knows."""
        unknown = Unknown(f"reference('{shown(item.get('name'))}')")
        properties = resolved_object(item.get("properties"), scope)
        if unsure or properties is None or resolved(item.get("condition", True), scope) is not True:
            return unknown
        template, inner = _template_of(properties, scope)
        if template is None or not inner or not isinstance(template.get("outputs"), Mapping):
            return unknown
        there = _place_inside(item, scope, place)
        within = Scope(self._frame_inside(item, properties, template, scope, there))
        given = {name: _output(name, one, within) for name, one in template["outputs"].items()}
        return Open(outputs=Open(given))


def _template_of(properties: Mapping[str, Any], scope: Scope) -> tuple[Mapping[str, Any] | None, bool]:
    """The template of a nested deployment, None where it is not to be had; is it evaluated in a scope of its own?"""
    template = properties.get("template")
    if isinstance(template, str):
        template = resolved(template, scope)
    options = properties.get("expressionEvaluationOptions") or {}
    inner = options.get("scope", "outer") if isinstance(options, Mapping) else options
    if (
        not isinstance(template, Mapping)
        or hides_members(template)
        or str(inner).lower() not in ("inner", "outer", "notspecified")
    ):
        return None, False
    return template, str(inner).lower() == "inner"


def _id_of_module(item: Mapping[str, Any], scope: Scope, place: Place) -> str:
    name = name_in_id(resolved(item.get("name", ""), scope))
    return id_of(_place_inside(item, scope, place).path, _DEPLOYMENT, [name]).lower()


def _output(name: str, declared: Any, scope: Scope) -> Any:
    """An output with its value; unknown where it is secret, perhaps not given, or one of a loop."""
    unknown = Unknown(f"outputs.{name}")
    if not isinstance(declared, Mapping) or str(declared.get("type")).lower().startswith("secure"):
        return unknown
    if "value" not in declared or resolved(declared.get("condition", True), scope) is not True:
        return unknown
    return {"type": declared.get("type"), "value": resolved(declared["value"], scope)}


def resolved_object(value: Any, scope: Scope) -> Mapping[str, Any] | None:
    found = resolved(value, scope) if isinstance(value, str) else value
    return found if isinstance(found, Mapping) else None


def _address(link: Any) -> str:
    """The address of a linked template, as it is written."""
    found = (
        (link.get("uri") or link.get("relativePath") or link.get("id")) if isinstance(link, Mapping) else link
    )
    return shown(found)


def _arguments(properties: Mapping[str, Any], scope: Scope) -> tuple[dict[str, Lazy], bool]:
    """What a module is given; False where more may be given than can be seen."""
    listed = properties.get("parameters")
    found = resolved_object(listed, scope)
    seen = listed is None or (found is not None and not hides_members(found))
    whole = "parametersLink" not in properties and seen
    return {name.lower(): _argument(name, item, scope) for name, item in (found or {}).items()}, whole


def _argument(name: str, item: Any, scope: Scope) -> Lazy:
    if isinstance(item, Mapping) and "value" in item:
        return Lazy(name, lambda: resolved(item["value"], scope))
    unknown = Unknown(f"parameters('{name}')", name)
    return Lazy(name, lambda: _value_in(item, unknown, scope)) if isinstance(item, str) else constant(unknown)


def _value_in(item: str, unknown: Unknown, scope: Scope) -> Any:
    """What an expression gives that stands for a whole argument, as Bicep writes a conditional one."""
    found = resolved_object(item, scope)
    value = found["value"] if found is not None and "value" in found else unknown
    return unknown if may_be_absent(value) else value


def _place_inside(item: Mapping[str, Any], scope: Scope, place: Place) -> Place:
    """Where a nested deployment goes: as its parent, or where ``resourceGroup``, ``subscriptionId``, ``scope`` say."""
    if "scope" in item:
        return _place_named(resolved(item["scope"], scope), place)
    group = _part(item.get("resourceGroup"), scope)
    subscription = _part(item.get("subscriptionId"), scope)
    if group is not None:
        return Place("group", subscription or place.subscription, group)
    if subscription is not None:
        return Place("subscription", subscription)
    return place


def _part(value: Any, scope: Scope) -> str | Unknown | None:
    found = resolved(value, scope) if value is not None else None
    return found if isinstance(found, str | Unknown) and found != "" else None


def _place_named(named: Any, place: Place) -> Place:
    words = name_in_id(named).strip("/").split("/")
    lowered = [word.lower() for word in words]
    if lowered[:1] != ["subscriptions"] or len(words) < 2:
        return Place("above")
    if "resourcegroups" in lowered[:-1]:
        return Place("group", words[1], words[lowered.index("resourcegroups") + 1])
    return Place("subscription", words[1])


def _one_of(one: Any, other: Any) -> Any:
    """Of two resources of one name either may come last: what they do not share is unknown."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = {**one, **other}
        return {
            key: _one_of(one[key], other[key])
            if key in one and key in other
            else f"[{key} of one of two resources]"
            for key in keys
        }
    return one if type(one) is type(other) and one == other else "[one of two values]"
