"""Short names for managed networks: ids, rules, and accounts and hubs to seed."""

from __future__ import annotations

from typing import Any

from tests.helpers.arm import GROUP, Client

ACCOUNT = f"{GROUP}/providers/Microsoft.CognitiveServices/accounts/ai"
NETWORK = f"{ACCOUNT}/managedNetworks/default"
HUB = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/hub"
HUB_V2 = f"{HUB}/managedNetworks/default"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/data"
VERSION = "2026-03-01"


def fqdn_rule(destination: str = "*.example.com", **more: Any) -> dict[str, Any]:
    return {"properties": {"type": "FQDN", "category": "UserDefined", "destination": destination, **more}}


def tag_rule(tag: str = "Storage", **more: Any) -> dict[str, Any]:
    target = {"serviceTag": tag, "protocol": "TCP", "portRanges": "443", **more}
    return {"properties": {"type": "ServiceTag", "category": "UserDefined", "destination": target}}


def endpoint_rule(resource: str = STORAGE, part: str = "blob") -> dict[str, Any]:
    target = {"serviceResourceId": resource, "subresourceTarget": part}
    return {"properties": {"type": "PrivateEndpoint", "category": "UserDefined", "destination": target}}


def settings(mode: str = "AllowOnlyApprovedOutbound", **more: Any) -> dict[str, Any]:
    return {"properties": {"managedNetwork": {"isolationMode": mode, **more}}}


def account(**properties: Any) -> dict[str, Any]:
    return {
        "id": ACCOUNT,
        "type": "Microsoft.CognitiveServices/accounts",
        "location": "eastus",
        "kind": "AIServices",
        "sku": {"name": "S0"},
        "properties": {"customSubDomainName": "ai", **properties},
    }


def hub(mode: str = "AllowOnlyApprovedOutbound", **network: Any) -> dict[str, Any]:
    return {
        "id": HUB,
        "type": "Microsoft.MachineLearningServices/workspaces",
        "kind": "Hub",
        "location": "westeurope",
        "properties": {
            "storageAccount": STORAGE,
            "managedNetwork": {"isolationMode": mode, "status": {"status": "Active"}, **network},
        },
    }


def with_account(client: Client, mode: str = "AllowOnlyApprovedOutbound", **properties: Any) -> Client:
    """An account whose network is built."""
    client.simulator.seed(account(**properties))
    assert client.send("PUT", NETWORK, settings(mode)).status == 202
    client.wait()
    return client


def with_hub(client: Client, mode: str = "AllowOnlyApprovedOutbound", **network: Any) -> Client:
    client.simulator.seed(hub(mode, **network))
    return client


def accept(client: Client, method: str, url: str, body: Any = None) -> Any:
    """Send a write that must be taken, and let it come to its end; the reply."""
    reply = client.send(method, url, body)
    assert reply.status == 202, reply.body
    client.wait()
    return reply
