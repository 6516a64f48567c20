"""What clients find when they make private endpoints or delete accounts, and who may ask at all."""

from __future__ import annotations

import httpx
import pytest

from allowlist.simulator import Simulator, serve
from tests.helpers.arm import GROUP, NETWORK, Client, error_code

ACCOUNT = f"{GROUP}/providers/Microsoft.CognitiveServices/accounts/ai"
BODY = {
    "location": "westeurope",
    "kind": "AIServices",
    "sku": {"name": "S0"},
    "properties": {"customSubDomainName": "ai"},
}
DELETED = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.CognitiveServices/locations/westeurope/"
    "resourceGroups/hub/deletedAccounts/ai"
)
VNET = f"{NETWORK}/virtualNetworks/net"
ENDPOINT = f"{NETWORK}/privateEndpoints/pe"


def test_an_account_is_deleted_softly_and_comes_back_or_is_purged() -> None:
    client = Client(version="2025-12-01")
    client.put(ACCOUNT, BODY)
    assert client.send("DELETE", ACCOUNT).status == 200
    assert client.send("GET", ACCOUNT).status == 404
    listed = client.get(f"{DELETED.partition('/locations')[0]}/deletedAccounts")["value"]
    assert [item["name"] for item in listed] == ["ai"]
    assert error_code(client.send("PUT", ACCOUNT, BODY)) == "FlagMustBeSetForRestore"
    client.put(ACCOUNT, {"location": "westeurope", "properties": {"restore": True}})
    assert client.get(ACCOUNT)["properties"]["customSubDomainName"] == "ai"
    assert client.send("GET", DELETED).status == 404

    client.send("DELETE", ACCOUNT)
    assert client.send("DELETE", DELETED).status == 200
    client.put(ACCOUNT, BODY)


@pytest.mark.parametrize(
    ("key", "state"),
    [("privateLinkServiceConnections", "Approved"), ("manualPrivateLinkServiceConnections", "Pending")],
)
def test_a_private_endpoint_gets_state_interface_and_names(key: str, state: str) -> None:
    client = Client()
    subnet = {"name": "endpoints", "properties": {"addressPrefix": "10.9.1.0/24"}}
    client.put(VNET, {"location": "westeurope", "properties": {"subnets": [subnet]}})
    connection = {"name": "c", "properties": {"privateLinkServiceId": ACCOUNT, "groupIds": ["account"]}}
    body = {
        "location": "westeurope",
        "properties": {"subnet": {"id": f"{VNET}/subnets/endpoints"}, key: [connection]},
    }
    client.put(ENDPOINT, body)
    client.put(ENDPOINT, body)
    shown = client.get(ENDPOINT)["properties"]
    assert shown[key][0]["properties"]["privateLinkServiceConnectionState"]["status"] == state
    assert [item["fqdn"] for item in shown["customDnsConfigs"]] == [
        "ai.cognitiveservices.azure.com", "ai.openai.azure.com", "ai.services.ai.azure.com",
    ]  # fmt: skip
    (interface,) = shown["networkInterfaces"]
    configuration = client.get(interface["id"])["properties"]["ipConfigurations"][0]["properties"]
    assert configuration["privateIPAddress"] == "10.9.1.4"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Host": "rebound.example"}, 403),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_only_this_machine_is_answered(headers: dict[str, str], status: int) -> None:
    with serve(Simulator(require_token=False)) as running:
        url = f"{running.url}/subscriptions?api-version=2022-12-01"
        assert httpx.get(url, headers=headers, trust_env=False).status_code == status
