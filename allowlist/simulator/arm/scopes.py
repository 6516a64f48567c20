"""What ARM answers itself: tenants, subscriptions, resource groups, resource lists, providers, locations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from allowlist.simulator.arm.address import Address, key_of, scope_path
from allowlist.simulator.arm.message import Reply, compact, json_reply
from allowlist.simulator.arm.provider import Call, Provider
from allowlist.simulator.arm.refusals import GATEWAY, front_door, not_allowed, resource_group_not_found
from allowlist.simulator.arm.store import TENANT, Resource
from allowlist.simulator.arm.versions import versions_of

LOCATIONS = (
    "eastus",
    "eastus2",
    "centralus",
    "westus2",
    "westus3",
    "westeurope",
    "northeurope",
    "swedencentral",
)
_SUMMARY = ("id", "name", "type", "location", "tags", "kind", "sku", "identity", "zones", "managedBy")


class Scopes:
    """Answers for every path that belongs to no resource provider."""

    def __init__(self, providers: Mapping[str, Provider]) -> None:
        self._providers = providers

    def answer(self, call: Call) -> Reply:
        """Refuses a path nobody knows with 404."""
        address = call.address
        level = "group" if address.group else "subscription" if address.subscription else "root"
        route = (level, address.rest[0].lower() if address.rest else "")
        answer = _ROUTES.get(route)
        if answer is None:
            raise front_door(404, "NotFound", "The requested resource was not found.", headers=GATEWAY)
        return answer(self, call)

    def tenants(self, call: Call) -> Reply:
        return json_reply(200, {"value": [_tenant(each) for each in call.arm.store.tenants()]})

    def subscriptions(self, call: Call) -> Reply:
        """Those that the caller's tenant owns."""
        store = call.arm.store
        found = [each for each in store.subscriptions.values() if store.opens(call.caller.tenant, each)]
        return json_reply(200, {"value": found, "count": {"type": "Total", "value": len(found)}})

    def subscription(self, call: Call) -> Reply:
        return json_reply(200, call.arm.store.subscriptions[call.address.subscription.lower()])

    def locations(self, call: Call) -> Reply:
        return json_reply(200, {"value": [_location(call.address.subscription, name) for name in LOCATIONS]})

    def groups(self, call: Call) -> Reply:
        start = key_of(scope_path(call.address.subscription)) + "/"
        groups = [body for key, body in call.arm.store.groups.items() if key.startswith(start)]
        return call.arm.pages.answer(call, groups, lambda body: body, compact)

    def group(self, call: Call) -> Reply:
        found = call.arm.store.find_group(call.address)
        if call.method == "PUT":
            body = call.arm.store.add_group(call.address.subscription, call.address.group, call.document())
            return json_reply(200 if found else 201, body)
        if found is None:
            raise resource_group_not_found(call.address.group)
        if call.method == "HEAD":
            return Reply(status=204)
        if call.method != "GET":
            raise not_allowed(call.method)
        return json_reply(200, found)

    def deployments(self, call: Call) -> Reply:
        """Deployment operations have a path without their provider, as in the days of its first version."""
        address = replace(call.address, namespace="Microsoft.Resources", segments=call.address.rest, rest=())
        provider = self._providers.get("microsoft.resources")
        kind = provider.kind(address.type_path) if provider else None
        if kind is None:
            raise front_door(404, "NotFound", "The requested resource was not found.", headers=GATEWAY)
        return kind.handle(replace(call, address=address))

    def resources(self, call: Call) -> Reply:
        start = key_of(scope_path(call.address.subscription, call.address.group)) + "/"
        wanted = _type_filter(call.parameters.get("$filter", ""))
        found = [each for each in call.arm.store if each.key.startswith(start) and _is_listed(each, wanted)]
        return call.arm.pages.answer(call, found, _summary, compact)

    def providers(self, call: Call) -> Reply:
        described = [_describe(call, provider) for provider in self._providers.values()]
        return json_reply(200, {"value": described})

    def provider(self, call: Call) -> Reply:
        """One provider; registering it (POST) changes nothing, it is registered."""
        found = self._providers.get(call.address.namespace.lower())
        if found is None:
            message = f"The resource namespace '{call.address.namespace}' is invalid."
            raise front_door(404, "InvalidResourceNamespace", message, headers=GATEWAY)
        return json_reply(200, _describe(call, found))


_ROUTES: dict[tuple[str, str], Callable[[Scopes, Call], Reply]] = {
    ("root", "tenants"): Scopes.tenants,
    ("root", "subscriptions"): Scopes.subscriptions,
    ("root", "providers"): Scopes.providers,
    ("subscription", ""): Scopes.subscription,
    ("subscription", "locations"): Scopes.locations,
    ("subscription", "resourcegroups"): Scopes.groups,
    ("subscription", "resources"): Scopes.resources,
    ("subscription", "providers"): Scopes.providers,
    ("group", ""): Scopes.group,
    ("group", "resources"): Scopes.resources,
    ("group", "deployments"): Scopes.deployments,
}


def _tenant(tenant: str) -> dict[str, Any]:
    home = tenant == TENANT
    return {
        "id": f"/tenants/{tenant}",
        "tenantId": tenant,
        "displayName": "Simulated tenant" if home else f"Simulated tenant {tenant[:8]}",
        "countryCode": "CH",
        "tenantCategory": "Home" if home else "ProjectedBy",
        "domains": ["example.com"],
    }


def _location(subscription: str, name: str) -> dict[str, Any]:
    resource_id = f"/subscriptions/{subscription}/locations/{name}"
    return {
        "id": resource_id,
        "name": name,
        "type": "Region",
        "displayName": name,
        "regionalDisplayName": name,
    }


def _type_filter(text: str) -> str:
    """The type asked for in ``resourceType eq '…'``; other filters are not modelled and match everything."""
    word, _, value = text.partition(" eq ")
    return value.strip().strip("'").lower() if word.strip().lower() == "resourcetype" else ""


def _is_listed(resource: Resource, wanted: str) -> bool:
    tail = resource.key.rsplit("/providers/", 1)[-1]
    top_level = tail.count("/") == 2
    return top_level and (not wanted or str(resource.body.get("type", "")).lower() == wanted)


def _summary(resource: Resource) -> dict[str, Any]:
    return {name: resource.body[name] for name in _SUMMARY if resource.body.get(name) is not None}


def _describe(call: Call, provider: Provider) -> dict[str, Any]:
    subscription = call.address.subscription
    scope = f"/subscriptions/{subscription}" if subscription else ""
    types = [
        {
            "resourceType": path,
            "locations": list(LOCATIONS),
            "apiVersions": list(
                reversed(versions_of(Address(namespace=provider.namespace, segments=(path,))))
            ),
            "capabilities": "CrossResourceGroupResourceMove, SupportsTags, SupportsLocation",
        }
        for path in provider.type_paths()
    ]
    return {
        "id": f"{scope}/providers/{provider.namespace}",
        "namespace": provider.namespace,
        "registrationState": "Registered",
        "registrationPolicy": "RegistrationRequired",
        "resourceTypes": types,
    }
