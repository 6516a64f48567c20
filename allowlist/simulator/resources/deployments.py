"""``Microsoft.Resources/deployments`` of a resource group: validate, what-if, create in incremental mode.

Resources are written one after the other through their own providers, each after what it depends on, and the
deployment succeeds when the last of them has: https://learn.microsoft.com/azure/azure-resource-manager/templates/deployment-modes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from allowlist.simulator.arm.address import Address, parse_address
from allowlist.simulator.arm.message import Reply, json_reply
from allowlist.simulator.arm.operations import Error
from allowlist.simulator.arm.provider import Call, Kind, Provider
from allowlist.simulator.arm.refusals import Refusal, front_door, not_allowed
from allowlist.simulator.arm.store import TENANT, Body, Resource
from allowlist.simulator.arm.versions import refuse_unknown, sent_with
from allowlist.simulator.resources.expressions import InvalidTemplateError, Scope

TYPE: Final = "Microsoft.Resources/deployments"
_SECONDS: Final = 1.0
"""Between two steps, of real Azure's time."""
_SOON: Final = {"x-ms-retry-after-ms": "200"}
"""Real ARM asks for 15 s; clients that are not told wait 30."""
_ENDED: Final = ("Succeeded", "Failed", "Canceled")


class Deployments(Kind):
    """``providers`` take the writes; it is filled when all providers have met."""

    type_name = TYPE

    def __init__(self) -> None:
        self.providers: Mapping[str, Provider] = {}

    def put(self, call: Call) -> Reply:
        wanted = list(_resources(call))
        properties = _properties(call)
        found = call.arm.store.find(call.address.path)
        body: Body = {
            "id": call.address.path,
            "name": call.address.name,
            "type": TYPE,
            "properties": _shown(call, properties, wanted),
        }
        deployment = call.arm.store.put(call.address.path, body)
        deployment.marks.update(pending=wanted, done=[], template=properties["template"])
        self._go_on(call, deployment)
        where = f"{call.base_url}{call.address.path}/operationStatuses/{call.arm.new_guid()}"
        headers = {"azure-asyncoperation": f"{where}?api-version={call.version}", **_SOON}
        return self.reply(200 if found else 201, deployment.body, headers=headers)

    def delete(self, call: Call) -> Reply:
        if call.arm.store.find(call.address.path) is None:
            return Reply(status=204)
        call.arm.store.remove(call.address.path)
        return Reply(status=204)

    def post(self, call: Call) -> Reply:
        action = call.address.name.lower()
        deployed = replace(call, address=call.address.parent())
        if action == "validate":
            wanted = list(_resources(deployed))
            shown = _shown(deployed, _properties(deployed), wanted) | {"provisioningState": "Succeeded"}
            return self.reply(
                200, {"id": deployed.address.path, "name": deployed.address.name, "properties": shown}
            )
        if action == "whatif":
            changes = [_change(call, item) for item in _resources(deployed)]
            return self.reply(200, {"status": "Succeeded", "properties": {"changes": changes}})
        if action == "exporttemplate":
            return self.reply(200, {"template": self.existing(deployed).marks["template"]})
        raise not_allowed("POST")

    def _go_on(self, call: Call, deployment: Resource) -> None:
        """Take the next step when the last one has ended; called again and again until all are done."""
        current = deployment.marks.get("current")
        state = _state(call, current) if current else "Succeeded"
        if state == "Succeeded":
            if current:
                deployment.marks["done"].append((current, "Succeeded"))
            if not deployment.marks["pending"]:
                self._end(call, deployment, "Succeeded", None)
                return
            if not self._step(call, deployment, deployment.marks["pending"].pop(0)):
                return
        elif state in _ENDED:
            self._end(
                call,
                deployment,
                "Failed",
                {"code": "ResourceDeploymentFailure", "message": f"{current} ended as {state}."},
            )
            return
        call.begin(
            _SECONDS,
            touches=[],
            succeed=lambda: self._go_on(call, deployment),
            fail=lambda error: self._end(call, deployment, "Failed", error),
        )

    def _step(self, call: Call, deployment: Resource, item: _Item) -> bool:
        """Write one resource as its provider would take it from anybody; False where it refused."""
        try:
            address, body, version = item.address, item.body(), item.version
            refuse_unknown(address, version)
            provider = self.providers.get(address.namespace.lower())
            kind = provider.kind(address.type_path) if provider else None
            if kind is None:
                raise front_door(
                    404, "InvalidResourceType", f"The resource type '{address.type_path}' could not be found."
                )
            sent = sent_with(body, address, version)
            reply = kind.handle(replace(call, method="PUT", address=address, version=version, body=sent))
        except (Refusal, InvalidTemplateError) as refusal:
            reply = refusal.reply if isinstance(refusal, Refusal) else _invalid(refusal).reply
        if reply.status >= 400:
            deployment.marks["done"].append((item.address.path, "Failed"))
            message = "At least one resource deployment operation failed. Please list deployment operations for details."
            details = [{"code": str(reply.status), "message": reply.body.decode()}]
            self._end(
                call,
                deployment,
                "Failed",
                {"code": "DeploymentFailed", "message": message, "details": details},
            )
            return False
        deployment.marks["current"] = item.address.path
        return True

    def _end(self, call: Call, deployment: Resource, state: str, error: Error | None) -> None:
        properties = deployment.properties
        properties["provisioningState"] = state
        if error:
            properties["error"] = error
        elif (outputs := deployment.marks["template"].get("outputs")) is not None:
            scope = _scope(call, properties, deployment.marks["template"])
            properties["outputs"] = {
                name: {"type": item["type"], "value": scope.value(item.get("value"))}
                for name, item in outputs.items()
            }
        deployment.marks["current"] = None
        call.arm.store.touch(deployment)


class OperationStatuses(Kind):
    """What a client polls: the state of the deployment."""

    type_name = f"{TYPE}/operationStatuses"

    def get(self, call: Call) -> Reply:
        deployment = call.arm.store.find(call.address.parent().path)
        properties = deployment.properties if deployment else {"provisioningState": "Failed"}
        state = properties["provisioningState"]
        body = {"status": state if state in _ENDED else "Running"}
        if "error" in properties:
            body["error"] = properties["error"]
        return self.reply(200, body, headers={} if state in _ENDED else _SOON)


class DeploymentOperations(Kind):
    """One row for each resource that was written."""

    type_name = f"{TYPE}/operations"

    def list_all(self, call: Call) -> Reply:
        deployment = call.arm.store.find(call.address.parent().path)
        marks = deployment.marks if deployment else {"done": []}
        running = [(marks["current"], "Running")] if marks.get("current") else []
        rows = [_row(call, *each) for each in (*marks["done"], *running)]
        return json_reply(200, {"value": rows})


class _Item:
    """One resource of a template with the scope that its expressions see."""

    def __init__(self, scope: Scope, raw: Body, kind: str, name: str) -> None:
        self._scope = scope
        self._raw = raw
        self.version = str(scope.value(raw.get("apiVersion") or ""))
        group = str(scope.value(raw.get("resourceGroup") or scope.group))
        subscription = str(scope.value(raw.get("subscriptionId") or scope.subscription))
        namespace, *types = kind.split("/")
        names = name.split("/")
        if len(types) != len(names):
            raise InvalidTemplateError(
                f"The template resource '{name}' for type '{kind}' has incorrect segment lengths."
            )
        segments = tuple(part for pair in zip(types, names, strict=True) for part in pair)
        self.address = Address(subscription=subscription, group=group, namespace=namespace, segments=segments)
        self.needs = [_last(str(scope.value(item))) for item in raw.get("dependsOn") or ()]

    def body(self) -> Body:
        left_out = ("condition", "type", "apiVersion", "name", "dependsOn", "resources", "copy", "resourceGroup",
                    "subscriptionId", "comments", "scope")  # fmt: skip
        raw = {name: item for name, item in self._raw.items() if name not in left_out}
        if _is_inner(raw):
            template = raw["properties"]["template"]
            rest = {name: item for name, item in raw["properties"].items() if name != "template"}
            return {"properties": {**self._scope.value(rest), "template": template}}
        found: Body = self._scope.value(raw)
        return found


def _is_inner(raw: Body) -> bool:
    options = (raw.get("properties") or {}).get("expressionEvaluationOptions") or {}
    return str(options.get("scope", "")).lower() == "inner"


def _resources(call: Call) -> Iterator[_Item]:
    """The resources to write, each after those it names in ``dependsOn``. Refuses a template as ARM does."""
    properties = _properties(call)
    scope = _scope(call, properties, properties["template"])
    try:
        items = list(_items(call, scope, properties["template"].get("resources") or [], "", ""))
    except InvalidTemplateError as error:
        raise _invalid(error) from None
    waiting = {_last(item.address.path): item for item in items}
    while waiting:
        ready = [key for key, item in waiting.items() if not any(need in waiting for need in item.needs)]
        if not ready:
            raise _invalid(InvalidTemplateError("Circular dependency detected."))
        for key in ready:
            yield waiting.pop(key)


def _items(call: Call, scope: Scope, resources: Any, parent: str, above: str) -> Iterator[_Item]:
    listed = list(resources.values()) if isinstance(resources, dict) else resources
    for raw in listed:
        if raw.get("existing"):
            continue
        count = int(scope.value(raw["copy"]["count"])) if raw.get("copy") else 1
        for index in range(count):
            own = replace(scope, index=index)
            if own.value(raw.get("condition", True)) is False:
                continue
            kind = f"{parent}/{raw['type']}" if parent else raw["type"]
            name = str(own.value(raw["name"]))
            name = f"{above}/{name}" if above else name
            item = _Item(own, raw, kind, name)
            if above:
                item.needs.append(_last(item.address.parent().path))
            yield item
            yield from _items(call, own, raw.get("resources") or [], kind, name)


def _last(text: str) -> str:
    """A dependency by id or by name: its last segment pair is enough to tell, in lower case."""
    return (
        text.rpartition("/")[2].lower()
        if "/providers/" not in text
        else text.rpartition("/providers/")[2].lower()
    )


def _properties(call: Call) -> Body:
    properties = call.document().get("properties")
    if not isinstance(properties, dict) or not isinstance(properties.get("template"), dict):
        raise front_door(400, "InvalidRequestContent", "The request content has no template.")
    if str(properties.get("mode", "")).lower() != "incremental":
        raise front_door(400, "InvalidDeploymentMode", "The simulator deploys in mode 'Incremental' only.")
    return properties


def _scope(call: Call, properties: Body, template: Body) -> Scope:
    group = call.arm.store.find_group(call.address) or {}
    subscription = call.arm.store.subscriptions.get(call.address.subscription.lower()) or {}
    scope = Scope(
        subscription=call.address.subscription,
        group=call.address.group,
        location=str(group.get("location", "")),
        tenant=str(subscription.get("tenantId", TENANT)),
        deployment=call.address.name,
        reference=lambda resource: _reference(call, resource),
        variables=template.get("variables") or {},
    )
    sent = {name.lower(): item for name, item in (properties.get("parameters") or {}).items()}
    for name, declared in (template.get("parameters") or {}).items():
        if name.lower() in sent and "value" in sent[name.lower()]:
            scope.parameters[name] = sent[name.lower()]["value"]
        elif "defaultValue" in declared:
            scope.parameters[name] = scope.value(declared["defaultValue"])
        else:
            raise _invalid(
                InvalidTemplateError(f"The value for the template parameter '{name}' is not provided.")
            )
    return scope


def _reference(call: Call, resource: str) -> Any:
    found = call.arm.store.find(resource)
    if found is None:
        raise InvalidTemplateError(f"The resource '{resource}' is not defined in the template.")
    return found.properties


def _invalid(error: InvalidTemplateError) -> Refusal:
    return front_door(400, "InvalidTemplate", f"Deployment template validation failed: '{error}'.")


def _state(call: Call, resource_id: str) -> str:
    found = call.arm.store.find(resource_id)
    return (found.state or "Succeeded") if found else "Failed"


def _shown(call: Call, properties: Body, wanted: list[_Item]) -> Body:
    return {
        "mode": "Incremental",
        "parameters": properties.get("parameters") or {},
        "provisioningState": "Accepted",
        "timestamp": "2026-01-01T00:00:00Z",
        "duration": "PT0S",
        "correlationId": call.arm.new_guid(),
        "providers": [],
        "dependencies": [],
        "outputResources": [{"id": item.address.path} for item in wanted],
    }


def _change(call: Call, item: _Item) -> Body:
    found = call.arm.store.find(item.address.path)
    after = {"id": item.address.path, "name": item.address.name, "apiVersion": item.version, **item.body()}
    change: Body = {"resourceId": item.address.path, "changeType": "Create", "after": after}
    if found is not None:
        changed = any(found.body.get(name) != value for name, value in item.body().items())
        change |= {"changeType": "Modify" if changed else "NoChange", "before": found.body}
    return change


def _row(call: Call, resource_id: str, state: str) -> Body:
    address = parse_address(resource_id)
    target = {
        "id": resource_id,
        "resourceType": f"{address.namespace}/{address.type_path}",
        "resourceName": address.name,
    }
    operation = call.arm.new_guid()
    properties = {
        "provisioningOperation": "Create",
        "provisioningState": state,
        "timestamp": "2026-01-01T00:00:00Z",
        "duration": "PT0S",
        "serviceRequestId": operation,
        "statusCode": "OK",
        "targetResource": target,
    }
    return {"id": f"{resource_id}/operations/{operation}", "operationId": operation, "properties": properties}
