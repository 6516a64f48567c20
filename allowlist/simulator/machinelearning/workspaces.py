"""Workspaces of every kind (Default, Hub, Project, FeatureStore) with the network inside their properties."""

from __future__ import annotations

from allowlist.simulator.arm.message import Reply
from allowlist.simulator.arm.provider import Arm, Call
from allowlist.simulator.arm.refusals import GATEWAY, front_door, not_allowed
from allowlist.simulator.arm.store import Body, Resource
from allowlist.simulator.machinelearning.networks import (
    WORKSPACE,
    WorkspaceNetworkKind,
    has_network,
    network_of,
)
from allowlist.simulator.managed.spelling import canonical

_READ_ONLY = ("provisioningState", "workspaceId", "discoveryUrl", "managedNetwork")


class Workspaces(WorkspaceNetworkKind):
    type_name = WORKSPACE

    def put(self, call: Call) -> Reply:
        """Merge: what becomes of members that are left out is not known; the network changes as it may."""
        found = call.arm.store.find(call.address.path)
        sent = canonical(call.document())
        if found is None and not sent.get("location"):
            raise front_door(400, "LocationRequired", "The location property is required.", headers=GATEWAY)
        status = 200 if found else 201
        workspace = found or call.arm.store.put(call.address.path, self._new_body(call, sent))
        return self._update(call, workspace, sent, status)

    def patch(self, call: Call) -> Reply:
        found, sent = self.existing(call), canonical(call.document())
        return self._update(call, found, sent, 200)

    def delete(self, call: Call) -> Reply:
        found = call.arm.store.find(call.address.path)
        if found is None:
            return Reply(status=204)
        call.arm.store.remove(found.id)
        return Reply(status=200)

    def post(self, call: Call) -> Reply:
        if call.address.name.lower() != "provisionmanagednetwork":
            raise not_allowed("POST")
        spark = bool((canonical(call.body) or {}).get("includeSpark"))
        writes = self.writes(call)
        operation = writes.provision(include_spark=spark)
        status = {"status": "Active", "sparkReady": spark}
        return self.accepted(call, writes, operation, lambda: status)

    def shown(self, resource: Resource, call: Call) -> Body:
        if not has_network(resource):
            return resource.body
        network = network_of(call.arm, resource, self.settings)
        return {**resource.body, "properties": {**resource.properties, "managedNetwork": network.shown()}}

    def seeded(self, resource: Resource, arm: Arm) -> None:
        """Rules that came inside the workspace become rules of their own."""
        resource.body.setdefault("name", resource.name)
        resource.body.setdefault("type", self.type_name)
        resource.properties.setdefault("provisioningState", "Succeeded")
        if not has_network(resource):
            return
        given = canonical(resource.properties["managedNetwork"])
        rules = given.pop("outboundRules", None) or {}
        resource.properties["managedNetwork"] = {**_new_network(arm), **given}
        network_of(arm, resource, self.settings).seed_rules(rules)

    def foreign_edit(self, resource: Resource, arm: Arm) -> None:
        if has_network(resource):
            network_of(arm, resource, self.settings).add_foreign_rule()

    def _update(self, call: Call, workspace: Resource, sent: Body, status: int) -> Reply:
        properties = sent.get("properties") or {}
        if "managedNetwork" in properties:
            return self._change_network(call, workspace, sent)
        self._merge(call.arm, workspace, sent)
        return self.reply(status, self.shown(workspace, call))

    def _change_network(self, call: Call, workspace: Resource, sent: Body) -> Reply:
        fresh = not has_network(workspace)
        writes, given = self.writes(call), sent["properties"]["managedNetwork"] or {}
        if fresh:
            workspace.properties["managedNetwork"] = _new_network(call.arm)
        operation = writes.change(given, provisions=fresh and bool(given.get("provisionNetworkNow")))
        self._merge(call.arm, workspace, sent)
        return self.accepted(call, writes, operation, lambda: self.shown(workspace, call))

    def _merge(self, arm: Arm, workspace: Resource, sent: Body) -> None:
        given = sent.get("properties") or {}
        workspace.properties.update(
            {name: value for name, value in given.items() if name not in _READ_ONLY and value is not None}
        )
        workspace.body.update({name: sent[name] for name in ("tags", "sku", "identity") if sent.get(name)})
        arm.store.touch(workspace)

    def _new_body(self, call: Call, sent: Body) -> Body:
        body: Body = {"id": call.address.path, "name": call.address.name, "type": self.type_name}
        body |= {name: sent[name] for name in ("location", "kind") if sent.get(name)}
        return {**body, "properties": {"workspaceId": call.arm.new_guid(), "provisioningState": "Succeeded"}}


def _new_network(arm: Arm) -> Body:
    """Nothing is in force before it is provisioned."""
    status = {"status": "Inactive", "sparkReady": False}
    return {"isolationMode": "Disabled", "networkId": arm.new_guid(), "status": status}
