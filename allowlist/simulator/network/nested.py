"""Resources that show their children inside themselves: virtual networks, route tables, security groups.

A child is a resource of its own; the parent's list is put together when it is read. So both ways of asking
tell the same, whoever wrote last and however a seed brought them.
"""

from __future__ import annotations

from allowlist.simulator.arm.message import Reply
from allowlist.simulator.arm.provider import Arm, Call
from allowlist.simulator.arm.store import Body, Resource, Store
from allowlist.simulator.network.backends import parent_resource
from allowlist.simulator.network.others import OtherNetworkResources
from allowlist.simulator.network.settings import NetworkSettings

_CHILDREN = {
    "virtualNetworks": ("subnets", "virtualNetworkPeerings"),
    "routeTables": ("routes",),
    "networkSecurityGroups": ("securityRules",),
}
_USED_BY_SUBNETS = {
    "routeTables": "routeTable",
    "networkSecurityGroups": "networkSecurityGroup",
    "natGateways": "natGateway",
}
"""Types whose ``subnets`` say which subnets point to them."""
_SUBNET = "Microsoft.Network/virtualNetworks/subnets"


class Nesting(OtherNetworkResources):
    """A parent: ``members`` are its lists of children, ``pointer`` what a subnet calls it."""

    def __init__(self, settings: NetworkSettings, name: str) -> None:
        super().__init__(settings)
        self.type_name = f"Microsoft.Network/{name}"
        self.members_inside = _CHILDREN.get(name, ())
        self.pointer = _USED_BY_SUBNETS.get(name, "")

    def shown(self, resource: Resource, call: Call) -> Body:
        store, properties = call.arm.store, dict(resource.properties)
        for member in self.members_inside:
            children = store.children(resource.id, f"{self.type_name}/{member}")
            properties[member] = [each.body for each in children]
        if self.pointer:
            properties |= _pointing_here(store, resource, self.pointer)
        return {**resource.body, "properties": properties}

    def put(self, call: Call) -> Reply:
        """Replaces the children too: one that the body leaves out is gone."""
        reply = super().put(call)
        resource = self.existing(call)
        for member in self.members_inside:
            self._replace(call.arm, resource, member, resource.properties.pop(member, None) or [])
        self._add_default_rules(resource)
        return self.reply(reply.status, self.shown(resource, call), headers=reply.headers)

    def seeded(self, resource: Resource, arm: Arm) -> None:
        super().seeded(resource, arm)
        for member in self.members_inside:
            for child in resource.properties.pop(member, None) or []:
                self._keep(arm, resource, member, child)
        self._add_default_rules(resource)

    def _add_default_rules(self, resource: Resource) -> None:
        if "securityRules" in self.members_inside:
            resource.properties.setdefault("defaultSecurityRules", default_security_rules(resource.id))

    def _replace(self, arm: Arm, resource: Resource, member: str, children: list[Body]) -> None:
        names = {str(each.get("name")).lower() for each in children}
        for old in arm.store.children(resource.id, f"{self.type_name}/{member}"):
            if old.name.lower() not in names:
                arm.store.remove(old.id)
        for child in children:
            self._keep(arm, resource, member, child)

    def _keep(self, arm: Arm, resource: Resource, member: str, child: Body) -> None:
        path = f"{resource.id}/{member}/{child.get('name')}"
        body: Body = {"name": child.get("name"), "id": path, "etag": child.get("etag") or self.new_etag(arm)}
        properties = {"provisioningState": "Succeeded", **(child.get("properties") or {})}
        arm.store.put(path, {**body, "properties": properties, "type": f"{self.type_name}/{member}"})


class NestedChild(OtherNetworkResources):
    """A child, read and written by its own id; its parent must be there."""

    def __init__(self, settings: NetworkSettings, type_path: str) -> None:
        super().__init__(settings)
        self.type_name = f"Microsoft.Network/{type_path}"

    def put(self, call: Call) -> Reply:
        parent_resource(call, call.address.parent())
        return super().put(call)

    def type_in(self, call: Call) -> str:
        return self.type_name


def nested_kinds(settings: NetworkSettings) -> list[OtherNetworkResources]:
    """Kinds for every parent and child that shows inside another."""
    parents: list[OtherNetworkResources] = [
        Nesting(settings, name) for name in sorted({*_CHILDREN, *_USED_BY_SUBNETS})
    ]
    children = [
        NestedChild(settings, f"{name}/{member}") for name, members in _CHILDREN.items() for member in members
    ]
    return [*parents, *children]


def _pointing_here(store: Store, resource: Resource, pointer: str) -> Body:
    """``subnets`` of a route table, security group or NAT gateway; what a seed said stays where none is known."""
    found = [
        {"id": each.id}
        for each in store.of_type(_SUBNET)
        if str((each.properties.get(pointer) or {}).get("id", "")).lower() == resource.key
    ]
    return {"subnets": found} if found else {}


_DEFAULT_RULES = (
    ("AllowVnetInBound", 65_000, "Inbound", "Allow", "VirtualNetwork", "VirtualNetwork"),
    ("AllowAzureLoadBalancerInBound", 65_001, "Inbound", "Allow", "AzureLoadBalancer", "*"),
    ("DenyAllInBound", 65_500, "Inbound", "Deny", "*", "*"),
    ("AllowVnetOutBound", 65_000, "Outbound", "Allow", "VirtualNetwork", "VirtualNetwork"),
    ("AllowInternetOutBound", 65_001, "Outbound", "Allow", "*", "Internet"),
    ("DenyAllOutBound", 65_500, "Outbound", "Deny", "*", "*"),
)
"""Documented default security rules of every group."""


def default_security_rules(owner: str) -> list[Body]:
    return [
        {
            "name": name,
            "id": f"{owner}/defaultSecurityRules/{name}",
            "type": "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
            "properties": {
                "provisioningState": "Succeeded",
                "protocol": "*",
                "sourcePortRange": "*",
                "destinationPortRange": "*",
                "sourceAddressPrefix": source,
                "destinationAddressPrefix": target,
                "access": access,
                "priority": priority,
                "direction": direction,
            },
        }
        for name, priority, direction, access, source, target in _DEFAULT_RULES
    ]
