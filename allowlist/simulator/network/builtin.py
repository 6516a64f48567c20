"""What the network provider lists by itself: FQDN tags, web categories, service tags."""

from __future__ import annotations

from typing import Any

from allowlist.simulator.arm.message import Reply, compact, json_reply
from allowlist.simulator.arm.provider import Call, Kind
from allowlist.simulator.arm.refusals import not_found

Body = dict[str, Any]

_OFFICE = {
    "Exchange": ("Optimize", "Default.Required", "Allow.Required"),
    "Skype": ("Allow.Required", "Allow.NotRequired", "Default.Required", "Default.NotRequired"),
    "SharePoint": ("Optimize", "Default.Required", "Default.NotRequired"),
    "Common": ("Allow.Required", "Default.Required", "Default.NotRequired"),
}
FQDN_TAGS = (
    "AppServiceEnvironment",
    "AzureBackup",
    "AzureKubernetesService",
    "HDInsight",
    "MicrosoftActiveProtectionService",
    "MicrosoftIntune",
    "Windows365",
    "WindowsDiagnostics",
    "WindowsUpdate",
    "WindowsVirtualDesktop",
    "citrixHdxPlusForWindows365",
    *(f"Office365.{product}.{part}" for product, parts in _OFFICE.items() for part in parts),
)
"""As ``az network firewall list-fqdn-tags`` prints them in the documentation; none for Azure AI exists."""

WEB_CATEGORIES = {
    "ArtificialIntelligence": "General Surfing",
    "ComputersAndTechnology": "General Surfing",
    "Education": "General Surfing",
    "Gambling": "Liability",
    "Hacking": "Liability",
    "News": "General Surfing",
    "SearchEnginesAndPortals": "General Surfing",
    "SocialNetworking": "Productivity Loss",
}
"""A few of the service's categories; membership of a site is nothing ARM can tell."""

SERVICE_TAGS = {
    "AzureActiveDirectory": "203.0.113.0/26",
    "AzureContainerRegistry": "203.0.113.64/26",
    "AzureFrontDoor.FirstParty": "203.0.113.128/26",
    "AzureMachineLearning": "203.0.113.192/26",
    "AzureMonitor": "198.51.100.0/26",
    "AzureResourceManager": "198.51.100.64/26",
    "CognitiveServicesManagement": "198.51.100.128/26",
    "MicrosoftContainerRegistry": "198.51.100.192/26",
    "Storage": "192.0.2.0/24",
}
"""Names are real, prefixes come from the ranges reserved for documentation."""


class FqdnTags(Kind):
    type_name = "Microsoft.Network/azureFirewallFqdnTags"

    def list_all(self, call: Call) -> Reply:
        return call.arm.pages.answer(call, FQDN_TAGS, lambda name: _fqdn_tag(call, name), compact)


class WebCategories(Kind):
    type_name = "Microsoft.Network/azureWebCategories"

    def list_all(self, call: Call) -> Reply:
        return call.arm.pages.answer(
            call, list(WEB_CATEGORIES), lambda name: _web_category(call, name), compact
        )

    def get(self, call: Call) -> Reply:
        name = next((each for each in WEB_CATEGORIES if each.lower() == call.address.name.lower()), None)
        if name is None:
            raise not_found(call.address)
        return json_reply(200, _web_category(call, name))


def _fqdn_tag(call: Call, name: str) -> Body:
    kind = "Microsoft.Network/azureFirewallFqdnTags"
    resource_id = f"/subscriptions/{call.address.subscription}/providers/{kind}/{name}"
    properties = {"provisioningState": "Succeeded", "fqdnTagName": name}
    return {"name": name, "id": resource_id, "type": kind, "etag": 'W/"1"', "properties": properties}


def _web_category(call: Call, name: str) -> Body:
    kind = "Microsoft.Network/azureWebCategories"
    resource_id = f"/subscriptions/{call.address.subscription}/providers/{kind}/{name}"
    return {
        "name": name,
        "id": resource_id,
        "type": kind,
        "etag": 'W/"1"',
        "properties": {"group": WEB_CATEGORIES[name]},
    }


def service_tags(call: Call) -> Reply:
    """``locations/{location}/serviceTags``: the one listing of this provider that belongs to no resource."""
    location = call.address.segments[1]
    base = f"/subscriptions/{call.address.subscription}/providers/Microsoft.Network/serviceTags"
    values = [_service_tag(name, prefix) for name, prefix in SERVICE_TAGS.items()]
    body = {"name": "Public", "id": f"{base}/Public", "type": "Microsoft.Network/serviceTags"}
    return json_reply(
        200, {**body, "changeNumber": "1", "cloud": "Public", "values": values, "location": location}
    )


def _service_tag(name: str, prefix: str) -> Body:
    properties = {
        "changeNumber": "1",
        "region": "",
        "state": "GA",
        "systemService": name,
        "addressPrefixes": [prefix],
    }
    return {
        "name": name,
        "id": name,
        "properties": {**properties, "networkFeatures": ["API", "NSG", "UDR", "FW"]},
    }
