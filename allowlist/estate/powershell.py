"""What Az PowerShell's objects look like through ``ConvertTo-Json``, put the way Resource Manager answers.

Their names differ from ARM's in more than letter case: a rule collection group keeps its id inside ``Properties`` and its
collections in ``RuleCollection``, network rules have ``protocols``, settings of a classic firewall are members of their own.
(Az.Network's ``PSAzureFirewall…`` models and what they print, read 2026-11-28; Az.MachineLearningServices' ``Workspace``.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from allowlist.estate.parts import without_nulls

_TOOL: Final = frozenset(
    [
        "resourcegroupname",
        "resourceguid",
        "tagstable",
        "tag",
        "subscriptionid",
        "resourcename",
        "parentresource",
        "extensionresourcename",
        "extensionresourcetype",
        "createdtime",
        "changedtime",
        "resourceid",
        "resourcetype",
        "learnedipprefixes",
    ]
)
"""Members that say where the object comes from, and nothing of the resource."""

_FIREWALL: Final = {
    "dnsenableproxy": "Network.DNS.EnableProxy",
    "dnsserver": "Network.DNS.Servers",
    "dnsservers": "Network.DNS.Servers",
    "dnsrequireproxyfornetworkrules": "Network.DNS.RequireProxyForNetworkRules",
    "privaterange": "Network.SNAT.PrivateRanges",
    "allowactiveftp": "Network.FTP.AllowActiveFTP",
    "enablefatflowlogging": "Network.AdditionalLogs.EnableFatFlowLogging",
    "enableudplogoptimization": "Network.AdditionalLogs.EnableUDPLogOptimization",
    "enablednstaplogging": "Network.AdditionalLogs.EnableDnstapLogging",
    "routeserverid": "Network.RouteServerInfo.RouteServerID",
}
"""Members of a classic firewall, with the additional property that holds them in ARM."""

_RENAMED: Final = {"rulecollection": "RuleCollections", "sqlsetting": "Sql"}
_BY_ADDRESS: Final = ("networkrule", "natrule")
"""Kinds of rules of a policy whose protocols ARM calls ``ipProtocols``."""


def is_powershell(data: Mapping[str, Any]) -> bool:
    """Resources of Az carry their resource group by name; a rule collection group its collections in the singular."""
    found = _folded(data)
    inner = found.get("properties")
    return "resourcegroupname" in found or (isinstance(inner, Mapping) and "rulecollection" in _folded(inner))


def as_resource(data: Mapping[str, Any]) -> dict[str, Any]:
    """The same resource with ARM's members, in whatever letter case."""
    body: dict[str, Any] = _renamed(data)
    found = _folded(body)
    inner = found.get("properties")
    inner = _folded(inner) if isinstance(inner, Mapping) else {}
    named = {
        "Id": found.get("id") or found.get("resourceid") or inner.get("id"),
        "Type": found.get("resourcetype") or found.get("type"),
        "Tags": found.get("tags") or found.get("tag"),
    }
    body = {key: item for key, item in body.items() if key.lower() not in {*_TOOL, "id", "type", "tags"}}
    body |= {key: item for key, item in named.items() if item is not None}
    if "rulecollections" in inner:
        body["Properties"] = {key: inner[key] for key in inner if key not in ("id", "name", "etag", "type")}
    kind = str(named["Type"] or named["Id"]).lower()
    if "azurefirewalls" in kind:
        return _firewall(body)
    if "firewallpolicies" in kind:
        return _policy(body)
    return _workspace(body) if "machinelearningservices" in kind else body


def _folded(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key.lower(): item for key, item in data.items()}


def _renamed(value: Any) -> Any:
    """Without members that repeat others as text, and with ARM's names for those that have a name of their own.

    Of a rule, null is what was not set: its object has every member there is.
    """
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    names = {key.lower() for key in value}
    is_rule = "ruletype" in names
    return {
        _name(key, item, value): _renamed(item)
        for key, item in value.items()
        if not _repeats(key, names) and not (is_rule and item is None)
    }


def _repeats(key: str, names: set[str]) -> bool:
    """``RulesText`` beside ``Rules``; ``DNSServersText`` beside ``DNSServer``."""
    stem = key.lower().removesuffix("text")
    return stem != key.lower() and bool({stem, stem.removesuffix("s")} & names)


def _name(key: str, item: Any, holder: Mapping[str, Any]) -> str:
    lowered = key.lower()
    if lowered == "addressprefix" and isinstance(item, list):
        return "AddressPrefixes"
    if lowered == "protocols" and str(_folded(holder).get("ruletype")).lower() in _BY_ADDRESS:
        return "IpProtocols"
    return _RENAMED.get(lowered, key)


def _firewall(body: dict[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    kept: dict[str, Any] = {}
    for key, item in body.items():
        if key.lower() in _FIREWALL:
            settings[_FIREWALL[key.lower()]] = _joined(item)
        elif key.lower() == "threatintelwhitelist":
            for name, texts in _folded(item).items() if isinstance(item, Mapping) else ():
                settings[f"ThreatIntel.Whitelist.{'FQDNs' if name == 'fqdns' else 'IpAddresses'}"] = _joined(
                    texts
                )
        else:
            kept[key] = item
    settings = without_nulls(settings)
    return {**kept, "AdditionalProperties": settings} if settings else kept


def _joined(value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, list) else value


def _policy(body: dict[str, Any]) -> dict[str, Any]:
    ranges = next((key for key in body if key.lower() == "privaterange"), None)
    if ranges is None:
        return body
    found = {key: item for key, item in body.items() if key != ranges}
    snat = {key: item for key, item in body.items() if key.lower() == "snat" and item is not None}
    if body[ranges] is not None and not snat:
        found["Snat"] = {"PrivateRanges": body[ranges]}
    return found


_NETWORK: Final = {
    "managednetworkisolationmode": "isolationMode",
    "managednetworknetworkid": "networkId",
    "managednetworkoutboundrule": "outboundRules",
    "managednetworkkind": "managedNetworkKind",
    "managednetworkfirewallsku": "firewallSku",
    "managednetworkstatus": "status",
    "status": "status",
}


def _workspace(body: dict[str, Any]) -> dict[str, Any]:
    """A workspace whose managed network was taken apart, down to the status of the network."""
    network = {
        _NETWORK[key.lower()]: item
        for key, item in body.items()
        if key.lower() in _NETWORK and item is not None
    }
    kept = {
        key: item for key, item in body.items() if key.lower() not in _NETWORK and key.lower() != "sparkready"
    }
    return {**kept, "ManagedNetwork": network} if network else kept
