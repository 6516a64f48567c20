"""Providers that matter only as neighbours: any type is taken as it comes, stored, and answered at once."""

from __future__ import annotations

from allowlist.simulator.arm.address import parse_address
from allowlist.simulator.arm.message import Reply
from allowlist.simulator.arm.provider import Arm, Call, Kind, Provider
from allowlist.simulator.arm.store import Body, Resource

_NAMESPACES = (
    "Microsoft.ApiManagement",
    "Microsoft.App",
    "Microsoft.Cache",
    "Microsoft.Cdn",
    "Microsoft.Compute",
    "Microsoft.ContainerRegistry",
    "Microsoft.DocumentDB",
    "Microsoft.EventHub",
    "Microsoft.KeyVault",
    "Microsoft.ManagedIdentity",
    "Microsoft.OperationalInsights",
    "Microsoft.Search",
    "Microsoft.Sql",
    "Microsoft.Storage",
    "Microsoft.Web",
)
_SET_BY_THE_SERVICE = ("id", "name", "type", "etag")


class PlainKind(Kind):
    """Any type of a namespace that is not modelled."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace

    def type_in(self, call: Call) -> str:
        return f"{self.namespace}/{call.address.type_path}"

    def put(self, call: Call) -> Reply:
        found = call.arm.store.find(call.address.path)
        resource = call.arm.store.put(call.address.path, self.stored(call))
        headers = {} if found else {"location": call.address.path}
        return self.reply(200 if found else 201, resource.body, headers=headers)

    def delete(self, call: Call) -> Reply:
        if call.arm.store.find(call.address.path) is None:
            return Reply(status=204)
        call.arm.store.remove(call.address.path)
        return Reply(status=200)

    def seeded(self, resource: Resource, arm: Arm) -> None:
        resource.body.setdefault("name", resource.name)
        resource.body.setdefault("type", f"{self.namespace}/{parse_address(resource.id).type_path}")

    def stored(self, call: Call) -> Body:
        sent = {name: value for name, value in call.document().items() if name not in _SET_BY_THE_SERVICE}
        return {"id": call.address.path, "name": call.address.name, "type": self.type_in(call), **sent}


def neighbour_providers() -> list[Provider]:
    """The namespaces an estate usually holds besides the modelled ones."""
    return [plain_provider(namespace) for namespace in _NAMESPACES]


def plain_provider(namespace: str) -> Provider:
    provider = Provider({}, fallback=PlainKind(namespace))
    provider.namespace = namespace
    return provider
