"""What exists: subscriptions, resource groups and resources, found without regard to case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from allowlist.simulator.arm.address import Address, key_of, parse_address, scope_path

T = TypeVar("T")
Body = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Resource:
    """One resource: ``body`` is what a GET shows, ``marks`` what only its provider knows about it."""

    id: str
    body: Body
    marks: dict[str, Any] = field(default_factory=dict)
    _derived: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return key_of(self.id)

    @property
    def name(self) -> str:
        return self.id.rsplit("/", 1)[-1]

    @property
    def properties(self) -> Body:
        found = self.body.setdefault("properties", {})
        return found if isinstance(found, dict) else {}

    @property
    def state(self) -> str:
        return str(self.properties.get("provisioningState", ""))

    @property
    def location(self) -> str:
        return str(self.body.get("location") or "")

    def derived(self, name: str, compute: Callable[[Body], T]) -> T:
        """Something computed from the body once and kept until the body changes."""
        if name not in self._derived:
            self._derived[name] = compute(self.body)
        found: T = self._derived[name]
        return found

    def forget_derived(self) -> None:
        self._derived.clear()


class Store:
    """All state of one simulated Azure. ``generation`` grows with every change."""

    def __init__(self) -> None:
        self.generation = 0
        self.subscriptions: dict[str, Body] = {}
        self.groups: dict[str, Body] = {}
        self._resources: dict[str, Resource] = {}
        self._by_type: defaultdict[str, dict[str, Resource]] = defaultdict(dict)

    def __iter__(self) -> Iterator[Resource]:
        return iter(list(self._resources.values()))

    def __len__(self) -> int:
        return len(self._resources)

    def find(self, resource_id: str) -> Resource | None:
        return self._resources.get(key_of(resource_id))

    def of_type(self, type_name: str) -> list[Resource]:
        """Every resource of one full type, such as ``Microsoft.Network/ipGroups``, in order of creation."""
        return list(self._by_type[type_name.lower()].values())

    def children(self, parent_id: str, type_name: str) -> list[Resource]:
        start = key_of(parent_id) + "/"
        return [found for key, found in self._by_type[type_name.lower()].items() if key.startswith(start)]

    def put(self, resource_id: str, body: Body) -> Resource:
        """Store a body under an id; the spelling of an id that exists already is kept."""
        found = self.find(resource_id)
        if found is None:
            return self.add(Resource(id=resource_id, body=body))
        found.body = body
        self.touch(found)
        return found

    def add(self, resource: Resource) -> Resource:
        """Store a resource that does not exist yet."""
        self._resources[resource.key] = resource
        self._by_type[full_type(resource.id)][resource.key] = resource
        self.touch(resource)
        return resource

    def touch(self, resource: Resource) -> None:
        """Tell the store that a body was changed in place."""
        resource.forget_derived()
        self.generation += 1

    def remove(self, resource_id: str) -> None:
        """Remove a resource and everything below it."""
        start = key_of(resource_id)
        gone = [key for key in self._resources if key == start or key.startswith(start + "/")]
        for key in gone:
            del self._by_type[full_type(self._resources[key].id)][key]
            del self._resources[key]
        self.generation += 1

    def add_subscription(self, subscription: str, name: str = "", tenant: str = "") -> None:
        if subscription.lower() not in self.subscriptions:
            self.subscriptions[subscription.lower()] = _subscription_body(subscription, name, tenant)
            self.generation += 1

    def describe_subscription(self, subscription: str, body: Body) -> None:
        """Take a subscription's name and tenant from a seed."""
        self.subscriptions.pop(subscription.lower(), None)
        name, tenant = str(body.get("displayName") or ""), str(body.get("tenantId") or "")
        self.add_subscription(subscription, name, tenant)

    def tenants(self) -> list[str]:
        """The home tenant and every other one that owns a subscription."""
        return list(dict.fromkeys((TENANT, *(str(each["tenantId"]) for each in self.subscriptions.values()))))

    def opens(self, tenant: str, subscription: Body) -> bool:
        """Whether a token of ``tenant`` is good for a subscription; an unknown tenant's is good for all."""
        if tenant == str(subscription["tenantId"]).lower():
            return True
        return tenant not in {each.lower() for each in self.tenants()}

    def add_group(self, subscription: str, group: str, body: Body) -> Body:
        """Create or replace a resource group, and its subscription if need be."""
        self.add_subscription(subscription)
        resource_id = scope_path(subscription, group)
        stored = {
            "id": resource_id,
            "name": group,
            "type": "Microsoft.Resources/resourceGroups",
            "location": body.get("location") or "westeurope",
            **({"tags": body["tags"]} if body.get("tags") else {}),
            "properties": {"provisioningState": "Succeeded"},
        }
        self.groups[key_of(resource_id)] = stored
        self.generation += 1
        return stored

    def find_group(self, address: Address) -> Body | None:
        return self.groups.get(key_of(scope_path(address.subscription, address.group)))


def full_type(resource_id: str) -> str:
    """The lower-case full type of an id; for extension resources the type after the last provider."""
    tail = resource_id.lower().rsplit("/providers/", 1)[-1]
    address = parse_address("/providers/" + tail)
    return f"{address.namespace}/{address.type_path}".lower()


def _subscription_body(subscription: str, name: str, tenant: str) -> Body:
    return {
        "id": f"/subscriptions/{subscription}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": subscription,
        "tenantId": tenant or TENANT,
        "displayName": name or "Simulated subscription",
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Internal_2014-09-01",
            "quotaId": "Internal_2014-09-01",
            "spendingLimit": "Off",
        },
    }


TENANT = "11111111-1111-1111-1111-111111111111"
"""The tenant of every subscription that names no other."""
