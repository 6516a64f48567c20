"""Outbound rules of a workspace: the GA path, and the preview (V2) paths that show the same network.

Writes answer 202 with Location alone; it answers 202 until the rule can be shown. There is no
Azure-AsyncOperation and no etag (TypeSpec of the provider, 2026).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allowlist.simulator.arm.address import Address
from allowlist.simulator.arm.message import Reply
from allowlist.simulator.arm.operations import Operation
from allowlist.simulator.arm.provider import Arm, Call, Kind
from allowlist.simulator.arm.refusals import not_allowed, not_found
from allowlist.simulator.arm.store import Body, Resource
from allowlist.simulator.managed import ManagedSettings
from allowlist.simulator.managed.answers import accepted, documented_rule, done, result_url
from allowlist.simulator.managed.network import ManagedNetwork
from allowlist.simulator.managed.rules import bad_request, point_elsewhere
from allowlist.simulator.managed.spelling import canonical
from allowlist.simulator.managed.writes import Writes

WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
RULE = f"{WORKSPACE}/outboundRules"
_SHORT = "workspace/outboundRules"


def is_project(workspace: Resource) -> bool:
    kind = str(workspace.body.get("kind", "")).lower()
    return kind == "project" or bool(workspace.properties.get("hubResourceId"))


def has_network(workspace: Resource) -> bool:
    return "managedNetwork" in workspace.properties and not is_project(workspace)


def network_of(arm: Arm, workspace: Resource, settings: ManagedSettings) -> ManagedNetwork:
    """The network of a hub or workspace; a project has none of its own, it lives in its hub's."""
    if is_project(workspace):
        raise bad_request(f"The project '{workspace.name}' uses the managed network of its hub.")
    return ManagedNetwork(
        arm=arm,
        holder=workspace,
        rules_id=workspace.id,
        rule_type=RULE,
        settings=settings,
        location=workspace.location,
    )


def own_endpoints(workspace: Resource) -> tuple[tuple[str, str], ...]:
    """What always gets a private endpoint: key vault, storage, registry and the workspace itself (documented)."""
    wanted = (("keyVault", "vault"), ("storageAccount", "blob"), ("storageAccount", "file"))
    listed = [*wanted, ("containerRegistry", "registry")]
    found = [
        (str(workspace.properties[member]), part)
        for member, part in listed
        if workspace.properties.get(member)
    ]
    return (*found, (workspace.id, "amlworkspace"))


class WorkspaceNetworkKind(Kind):
    """What all views of one workspace's network share."""

    def __init__(self, settings: ManagedSettings) -> None:
        self.settings = settings

    def writes(self, call: Call) -> Writes:
        workspace = self.workspace(call)
        network = network_of(call.arm, workspace, self.settings)
        return Writes(call=call, network=network, endpoints=own_endpoints(workspace))

    def workspace(self, call: Call) -> Resource:
        owner = _owner(call.address)
        found = call.arm.store.find(owner.path)
        if found is None:
            raise not_found(owner)
        return found

    def accepted(self, call: Call, writes: Writes, operation: Operation, value: Callable[[], Any]) -> Reply:
        url = result_url(call, writes.network, operation, done(value))
        return accepted(call, operation, {"location": url})

    def shown_rule(self, resource: Resource, call: Call) -> Body:
        """As a user saw it (azure-rest-api-specs issue 28982): a malformed id, null members, sorted properties."""
        if self.settings.shape == "documented":
            return documented_rule(resource.id, _SHORT, resource.properties)
        workspace = resource.id.rsplit("/", 3)[1]
        return {
            "id": f"{workspace}/outboundRules/{resource.name}",
            "location": None,
            "name": resource.name,
            "properties": dict(sorted(resource.properties.items())),
            "systemData": None,
            "tags": None,
            "type": RULE,
        }


class WorkspaceRules(WorkspaceNetworkKind):
    type_name = RULE

    def home(self, address: Address) -> str:
        return f"{_owner(address).path}/outboundRules/{address.name}"

    def existing(self, call: Call) -> Resource:
        found = call.arm.store.find(self.home(call.address))
        if found is None:
            raise not_found(call.address)
        return found

    def members(self, call: Call) -> list[Resource]:
        return list(self.writes(call).network.rules().values())

    def put(self, call: Call) -> Reply:
        writes, name = self.writes(call), call.address.name
        operation = writes.put_rule(name, canonical(call.document()).get("properties"))
        return self.accepted(call, writes, operation, lambda: self.shown(self.existing(call), call))

    def delete(self, call: Call) -> Reply:
        writes = self.writes(call)
        operation = writes.delete_rule(call.address.name)
        if operation is None:
            return Reply(status=204)
        url = result_url(call, writes.network, operation, lambda: Reply(status=204))
        return accepted(call, operation, {"location": url})

    def shown(self, resource: Resource, call: Call) -> Body:
        return self.shown_rule(resource, call)

    def seeded(self, resource: Resource, arm: Arm) -> None:
        resource.body = {"properties": {"status": "Active", **resource.properties}}

    def foreign_edit(self, resource: Resource, arm: Arm) -> None:
        point_elsewhere(resource, arm)


class RulesV2(WorkspaceRules):
    """The same rules below ``managedNetworks/default``."""

    type_name = f"{WORKSPACE}/managedNetworks/outboundRules"


class NetworksV2(WorkspaceNetworkKind):
    """``managedNetworks/default``: another view of ``properties.managedNetwork``."""

    type_name = f"{WORKSPACE}/managedNetworks"

    def home(self, address: Address) -> str:
        return _owner(address).path

    def existing(self, call: Call) -> Resource:
        workspace = self.workspace(call)
        if call.address.name.lower() != "default" or not has_network(workspace):
            raise not_found(call.address)
        return workspace

    def members(self, call: Call) -> list[Resource]:
        workspace = self.workspace(call)
        return [workspace] if has_network(workspace) else []

    def put(self, call: Call) -> Reply:
        writes = self.writes(call)
        operation = writes.change((canonical(call.document()).get("properties") or {}).get("managedNetwork"))
        return self.accepted(call, writes, operation, lambda: self.shown(writes.network.holder, call))

    def patch(self, call: Call) -> Reply:
        return self.put(call)

    def delete(self, call: Call) -> Reply:
        raise not_allowed("DELETE")

    def post(self, call: Call) -> Reply:
        if call.address.name.lower() != "batchoutboundrules":
            raise not_allowed("POST")
        writes, sent = self.writes(call), canonical(call.document()).get("properties") or {}
        operation = writes.change(sent)
        names = list(sent.get("outboundRules") or {})
        return self.accepted(call, writes, operation, lambda: self._batch(writes.network, names))

    def shown(self, resource: Resource, call: Call) -> Body:
        network = network_of(call.arm, resource, self.settings)
        head = {"id": f"{resource.id}/managedNetworks/default", "name": "default", "type": self.type_name}
        properties = {"managedNetwork": network.shown(), "provisioningState": network.state}
        return {**head, "properties": properties}

    def foreign_edit(self, resource: Resource, arm: Arm) -> None:
        network_of(arm, resource, self.settings).add_foreign_rule()

    def _batch(self, network: ManagedNetwork, names: list[str]) -> Body:
        found = [each for name in names if (each := network.rule(name))]
        return {"value": [documented_rule(each.id, _SHORT, each.properties) for each in found]}


def _owner(address: Address) -> Address:
    """The workspace above any of its children and actions."""
    return Address(
        subscription=address.subscription,
        group=address.group,
        namespace=address.namespace,
        segments=address.segments[:2],
    )
