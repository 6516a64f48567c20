"""``outboundNetworkDependenciesEndpoints``: the hosts and ports a workspace says it needs, by category."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from allowlist.simulator.arm.message import Reply, compact
from allowlist.simulator.arm.provider import Call, Kind
from allowlist.simulator.arm.refusals import not_allowed, not_found
from allowlist.simulator.arm.store import Resource

_FIXED = {
    "Azure Active Directory": ("login.microsoftonline.com",),
    "Azure portal": ("management.azure.com",),
    "Azure Machine Learning": ("ml.azure.com", "*.azureml.ms", "*.azureml.net", "*.notebooks.azure.net"),
    "Docker images": ("mcr.microsoft.com", "*.data.mcr.microsoft.com"),
}
"""The first two as in the published example (2024-10-01-preview), the others from the documentation's host lists."""
_OWN = {
    "storageAccount": ("Azure Storage", "{name}.blob.core.windows.net", "{name}.file.core.windows.net"),
    "keyVault": ("Azure Key Vault", "{name}.vault.azure.net"),
    "containerRegistry": ("Azure Container Registry", "{name}.azurecr.io"),
}


class OutboundDependencies(Kind):
    type_name = "Microsoft.MachineLearningServices/workspaces/outboundNetworkDependenciesEndpoints"

    def list_all(self, call: Call) -> Reply:
        if call.method != "GET":
            raise not_allowed(call.method)
        workspace = call.arm.store.find(call.address.parent().path)
        if workspace is None:
            raise not_found(call.address.parent())
        return call.arm.pages.answer(call, list(_needs(workspace)), lambda need: need, compact)


def _needs(workspace: Resource) -> Iterator[dict[str, Any]]:
    for category, hosts in _FIXED.items():
        yield _need(category, hosts)
    for member, (category, *patterns) in _OWN.items():
        if resource_id := workspace.properties.get(member):
            name = str(resource_id).rsplit("/", 1)[-1]
            yield _need(category, [pattern.format(name=name) for pattern in patterns])


def _need(category: str, hosts: Any) -> dict[str, Any]:
    endpoints = [{"domainName": host, "endpointDetails": [{"port": 443}]} for host in hosts]
    return {"properties": {"category": category, "endpoints": endpoints}}
