"""Private endpoints as a client makes them: the service adds connection state, network interface and DNS names.

Shape of the answers: azure-rest-api-specs, Microsoft.Network privateEndpoint.json; names by sub-resource:
https://learn.microsoft.com/azure/private-link/private-endpoint-dns (public cloud).
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Final

from allowlist.simulator.arm.provider import Call
from allowlist.simulator.arm.store import Body, Resource
from allowlist.simulator.network.others import OtherNetworkResources

_INTERFACES: Final = "Microsoft.Network/networkInterfaces"
_FIRST_HOST: Final = 4
"""Azure keeps the first four addresses of a subnet."""
_SUFFIXES: Final[dict[str, tuple[str, ...]]] = {
    "account": ("cognitiveservices.azure.com", "openai.azure.com", "services.ai.azure.com"),
    "blob": ("blob.core.windows.net",),
    "file": ("file.core.windows.net",),
    "queue": ("queue.core.windows.net",),
    "table": ("table.core.windows.net",),
    "dfs": ("dfs.core.windows.net",),
    "vault": ("vault.azure.net",),
    "registry": ("azurecr.io",),
    "searchservice": ("search.windows.net",),
    "sql": ("documents.azure.com",),
    "amlworkspace": ("api.azureml.ms", "notebooks.azure.net"),
}


class PrivateEndpoints(OtherNetworkResources):
    """Connections of one's own are approved at once, manual ones wait for the other side."""

    type_name = "Microsoft.Network/privateEndpoints"

    def _stored(self, call: Call) -> Body:
        body = super()._stored(call)
        properties: Body = body["properties"]
        fqdns: list[str] = []
        for key, state in (
            ("privateLinkServiceConnections", "Approved"),
            ("manualPrivateLinkServiceConnections", "Pending"),
        ):
            listed = properties.setdefault(key, [])
            for connection in listed:
                fqdns += _complete(connection, body["id"], state)
        found = call.arm.store.find(body["id"])
        interface = _interface(call, body, found)
        properties["networkInterfaces"] = [{"id": interface["id"]}]
        address = interface["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"]
        properties["customDnsConfigs"] = [{"fqdn": name, "ipAddresses": [address]} for name in fqdns]
        return body


def _complete(connection: Body, endpoint: str, state: str) -> list[str]:
    """Fill in one connection; the host names it is for."""
    inner: Body = connection.setdefault("properties", {})
    connection.setdefault("id", f"{endpoint}/privateLinkServiceConnections/{connection.get('name', '')}")
    inner["provisioningState"] = "Succeeded"
    inner.setdefault(
        "privateLinkServiceConnectionState", {"status": state, "description": "", "actionsRequired": "None"}
    )
    target = str(inner.get("privateLinkServiceId") or "").rpartition("/")[2]
    groups = [str(group).lower() for group in inner.get("groupIds") or ()]
    return [f"{target}.{suffix}" for group in groups for suffix in _SUFFIXES.get(group, ())]


def _interface(call: Call, endpoint: Body, found: Resource | None) -> Body:
    """The network interface of an endpoint; a second PUT keeps the first one's."""
    known = (found.properties.get("networkInterfaces") or [None])[0] if found else None
    kept = call.arm.store.find(known["id"]) if known else None
    if kept is not None:
        return kept.body
    name = f"{endpoint['name']}.nic.{call.arm.new_guid()}"
    subnet = str((endpoint["properties"].get("subnet") or {}).get("id") or "")
    configuration = {
        "name": "privateEndpointIpConfig",
        "properties": {"privateIPAddress": _free_address(call, subnet), "subnet": {"id": subnet}},
    }
    body: Body = {
        "id": f"{endpoint['id'].partition('/providers/')[0]}/providers/{_INTERFACES}/{name}",
        "name": name,
        "type": _INTERFACES,
        "location": endpoint.get("location", ""),
        "properties": {
            "provisioningState": "Succeeded",
            "ipConfigurations": [configuration],
            "privateEndpoint": {"id": endpoint["id"]},
        },
    }
    call.arm.store.put(body["id"], body)
    return body


def _free_address(call: Call, subnet: str) -> str:
    """The next address of the subnet that no interface has."""
    found = call.arm.store.find(subnet)
    own: Body = found.properties if found else {}
    prefixes = [own.get("addressPrefix"), *(own.get("addressPrefixes") or ())]
    prefix = next((str(item) for item in prefixes if item), "10.0.0.0/24")
    taken = {
        configuration["properties"].get("privateIPAddress")
        for each in call.arm.store.of_type(_INTERFACES)
        for configuration in each.properties.get("ipConfigurations") or ()
    }
    hosts = (str(address) for index, address in enumerate(ip_network(prefix)) if index >= _FIRST_HOST)
    return next((address for address in hosts if address not in taken), "")
