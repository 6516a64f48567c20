"""Every other type of Microsoft.Network: stored as sent, with the habits of the network back end."""

from __future__ import annotations

from allowlist.simulator.arm.message import Reply
from allowlist.simulator.arm.operations import Error
from allowlist.simulator.arm.provider import Call
from allowlist.simulator.arm.store import Body, Resource
from allowlist.simulator.network.backends import NetworkKind, mark


class OtherNetworkResources(NetworkKind):
    """Virtual networks, route tables, private endpoints …: neighbours that are read, and written plainly."""

    def type_in(self, call: Call) -> str:
        return f"Microsoft.Network/{call.address.type_path}"

    def put(self, call: Call) -> Reply:
        found = call.arm.store.find(call.address.path)
        resource = call.arm.store.put(found.id if found else call.address.path, self._stored(call))
        operation = call.begin(
            self.settings.durations.firewall,
            touches=[resource.key],
            succeed=lambda: self._end(call, resource, "Succeeded"),
            fail=lambda error: self._fail(call, resource, error),
        )
        headers = self.operation_headers(call, operation, resource.location)
        return self.reply(200 if found else 201, resource.body, headers=headers)

    def delete(self, call: Call) -> Reply:
        found = call.arm.store.find(call.address.path)
        if found is None:
            return Reply(status=204)
        remove = call.begin(
            self.settings.durations.firewall,
            touches=[found.key],
            succeed=lambda: call.arm.store.remove(found.id),
            fail=lambda error: self._fail(call, found, error),
        )
        return self.accepted(call, remove, found.location)

    def _stored(self, call: Call) -> Body:
        sent = call.document()
        body: Body = {"name": call.address.name, "id": call.address.path, "etag": self.new_etag(call.arm)}
        body |= {"type": self.type_in(call), "location": sent.get("location") or ""}
        body |= {name: value for name, value in sent.items() if name not in (*body, "properties")}
        body["properties"] = {**(sent.get("properties") or {}), "provisioningState": "Updating"}
        return body

    def _end(self, call: Call, resource: Resource, state: str) -> None:
        mark(resource.body, self.new_etag(call.arm), state)
        call.arm.store.touch(resource)

    def _fail(self, call: Call, resource: Resource, error: Error) -> None:
        self._end(call, resource, "Failed")
