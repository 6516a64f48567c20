"""The two back ends of Microsoft.Network and their habits (recordings of 2020 to 2025).

``NfvKind``: policies, groups, drafts, IP groups. Indented text, bare etags, ``nfvOperations``.
``NetworkKind``: firewalls and everything older. Compact text, weak etags, ``operations``,
``azure-asyncnotification``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from allowlist.simulator.arm.address import Address, key_of
from allowlist.simulator.arm.message import Reply, compact, indented
from allowlist.simulator.arm.operations import Operation
from allowlist.simulator.arm.provider import Arm, Call, Kind
from allowlist.simulator.arm.refusals import GATEWAY, front_door
from allowlist.simulator.arm.store import Body, Resource, Store
from allowlist.simulator.network.settings import NetworkSettings

_OUTSIDE = "outside"


class BackendKind(Kind):
    """What both back ends share."""

    wire_type = ""
    """The ``type`` shown in bodies, whose case differs from the one in ids."""
    operation_path = ""
    result_path = ""

    def __init__(self, settings: NetworkSettings) -> None:
        self.settings = settings

    def check_if_match(self, call: Call, found: Resource | None) -> None:
        """412 for a stale If-Match, where the back end honours it."""
        wanted = call.headers.get("if-match", "")
        type_path = self.type_in(call).split("/", 1)[1].lower()
        if not wanted or wanted == "*" or found is None or type_path not in self.settings.honour_if_match:
            return
        current = str(found.body.get("etag", ""))
        if _plain(wanted) != _plain(current):
            detail = f"Etag provided in if-match header {wanted} does not match etag {current} of resource {found.id}."
            raise front_door(
                412,
                "PreconditionFailed",
                "Precondition failed.",
                details=[("PreconditionFailedEtagMismatch", detail)],
            )

    def operation_headers(self, call: Call, operation: Operation, location: str) -> dict[str, str]:
        url = call.arm.operations.link(
            operation, call.base_url, self._path(call, operation, location), call.version
        )
        return {"azure-asyncoperation": url}

    def result_header(self, call: Call, operation: Operation, location: str) -> dict[str, str]:
        path = self._path(call, operation, location, self.result_path)
        return {
            "location": call.arm.operations.link(operation, call.base_url, path, call.version, result=True)
        }

    def _path(self, call: Call, operation: Operation, location: str, last: str = "") -> str:
        subscription, name = call.address.subscription, last or self.operation_path
        where = location.replace(" ", "").lower() or "global"
        return f"/subscriptions/{subscription}/providers/Microsoft.Network/locations/{where}/{name}/{operation.id}"

    def accepted(self, call: Call, operation: Operation, location: str, body: bytes = b"") -> Reply:
        """202 with both URLs, as DELETE and deploy answer."""
        headers = {
            **self.operation_headers(call, operation, location),
            **self.result_header(call, operation, location),
        }
        return Reply(status=202, body=body, headers=headers)


class NfvKind(BackendKind):
    operation_path = "nfvOperations"
    result_path = "nfvOperationResults"

    def encode(self, value: Any) -> bytes:
        return indented(value)

    def envelope(self, resource_id: str, sent: Body, properties: Body, *, etag: str, location: str) -> Body:
        """A body in nfv's key order, properties first."""
        body: Body = {"properties": properties, "id": resource_id, "name": resource_id.rsplit("/", 1)[-1]}
        body |= {"type": self.wire_type, "etag": etag, "location": location}
        body |= {name: sent[name] for name in ("tags", "identity") if sent.get(name) is not None}
        return body

    def seeded(self, resource: Resource, arm: Arm) -> None:
        body = resource.body
        body.setdefault("name", resource.name)
        body["type"] = self.wire_type
        body["etag"] = _plain(str(body.get("etag") or arm.new_guid()))
        resource.properties.setdefault("provisioningState", "Succeeded")


class NetworkKind(BackendKind):
    operation_path = "operations"
    result_path = "operationResults"

    def encode(self, value: Any) -> bytes:
        return compact(value)

    def operation_headers(self, call: Call, operation: Operation, location: str) -> dict[str, str]:
        headers = super().operation_headers(call, operation, location)
        return {
            **headers,
            "azure-asyncnotification": "Enabled",
            "x-ms-arm-service-request-id": call.arm.new_guid(),
        }

    def new_etag(self, arm: Arm) -> str:
        return f'W/"{arm.new_guid()}"'

    def renew_etag(self, resource: Resource, arm: Arm) -> None:
        mark(resource.body, self.new_etag(arm))

    def seeded(self, resource: Resource, arm: Arm) -> None:
        body = resource.body
        body.setdefault("name", resource.name)
        body.setdefault(
            "type", self.wire_type or "/".join(("Microsoft.Network", resource.id.rsplit("/", 2)[-2]))
        )
        body.setdefault("etag", self.new_etag(arm))
        resource.properties.setdefault("provisioningState", "Succeeded")


def mark(body: Body, etag: str, state: str = "") -> None:
    """Give a body, and every child inside it that carries one, a new etag and state."""
    if "etag" in body:
        body["etag"] = etag
    properties = body.get("properties")
    if not isinstance(properties, dict):
        return
    if state and "provisioningState" in properties:
        properties["provisioningState"] = state
    for value in properties.values():
        for child in value if isinstance(value, list) else ():
            if isinstance(child, dict) and "etag" in child:
                mark(child, etag, state)


def set_state(store: Store, resources: Iterable[Resource], state: str) -> None:
    for resource in resources:
        resource.properties["provisioningState"] = state
        store.touch(resource)


def require(store: Store, resource_id: str, owner: str) -> Resource:
    """A referenced resource, or the network provider's refusal of a dangling reference."""
    found = store.find(resource_id)
    if found is None:
        message = (
            f"Resource {resource_id} referenced by resource {owner} was not found. Please make sure that the "
            "referenced resource exists, and that both resources are in the same region."
        )
        raise front_door(400, "InvalidResourceReference", message)
    return found


def parent_resource(call: Call, address: Address) -> Resource:
    """What a child resource belongs to; a missing parent is ARM's own refusal."""
    found = call.arm.store.find(address.path)
    if found is None:
        message = f"Can not perform requested operation on nested resource. Parent resource '{address.name}' not found."
        raise front_door(404, "ParentResourceNotFound", message, headers=GATEWAY)
    return found


def put_outside_references_aside(resource: Resource, *names: str) -> None:
    """Keep what a seed says points to a resource; read-only lists are computed, not stored."""
    resource.marks[_OUTSIDE] = {name: resource.properties.pop(name, None) or [] for name in names}


def back_references(
    resource: Resource, current: Mapping[str, Iterable[Resource]], store: Store
) -> dict[str, list[Body]]:
    """Lists of ``{"id"}``: what a seed named without bringing it along, and what points here now."""
    aside = resource.marks.get(_OUTSIDE, {})
    return {
        name: [
            *(each for each in aside.get(name, ()) if store.find(str(each.get("id"))) is None),
            *({"id": each.id} for each in found),
        ]
        for name, found in current.items()
    }


def same(first: str, second: str) -> bool:
    return key_of(first) == key_of(second)


def _plain(etag: str) -> str:
    return etag.removeprefix("W/").strip('"')
