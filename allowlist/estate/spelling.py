"""One spelling for property names: Resource Manager takes them in any letter case, and tools print them in theirs.

PowerShell's ``ConvertTo-Json`` writes ``RuleCollections``, ``az ml`` writes ``isolation_mode``; both mean what ARM
calls ``ruleCollections`` and ``isolationMode``. Names that are not in the table stay as they are.
"""

from __future__ import annotations

from typing import Any

from allowlist.estate.members import MEMBERS, TEXT_LISTS, as_meant

DEEPEST = 100
"""Levels of a resource: the deepest published ones have under 20."""

_WORDS = """
    id name type location kind tags properties etag sku tier zones identity plan managedBy systemData resourceGroup
    access accessRules action actionType actions additionalProperties addressPrefix addressPrefixes addressSpace
    allowSqlRedirect allowVirtualNetworkAccess allowedFqdnList applicationRuleCollections aRecords associatedRouteTable
    basePolicy bypass caller category changes childPolicies configurations customDnsConfigs customSubDomainName
    defaultAction defaultOutboundAccess defaultSecurityRules delegations description destination destinationAddressPrefix
    destinationAddressPrefixes destinationAddresses destinationFqdns destinationIpGroups destinationPortRange
    destinationPortRanges destinationPorts destinations dhcpOptions direction disableBgpRoutePropagation dnsServers
    dnsSettings egressPolicy enableExplicitProxy enableInternetSecurity enableProxy enabled enabledState errorInformation
    explicitProxy extendedLocation firewallMode firewallPolicy firewallSku firewalls fqdn fqdnTags fqdns
    frontendIPConfigurations fullyQualifiedDomainNames gatewayIPConfigurations groupIds hostName hostnames httpHeadersToInsert
    httpPort httpsPort hubIPAddresses hubResourceId hubRouteTables hubVirtualNetworkConnections inboundEndpoints
    ipAddressOrRange ipAddresses ipConfiguration ipConfigurations ipProtocols ipRules ipv6Rule isolationMode
    isVirtualNetworkFilterEnabled links managedNetwork managedNetworkKind manualPrivateLinkServiceConnections
    mode natGateway natRuleCollections networkAcls networkInjections networkInterfaces networkRuleCollections
    networkRuleSet networkSecurityGroup nextHop nextHopIpAddress nextHopType outboundRules outputResources parameters path
    peeringState policySettings port portRanges priority privateDnsZoneConfigs privateDnsZoneGroups privateDnsZoneId
    privateEndpoint privateEndpointConnections privateIPAddress privateLinkServiceConnectionState
    privateLinkServiceConnections privateLinkServiceId protocol protocolType protocols provisioningState
    publicIPAddress publicNetworkAccess recordSets remoteVirtualNetwork requireProxyForNetworkRules
    restrictOutboundNetworkAccess routeTable routes routingConfiguration routingIntent routingPolicies
    ruleCollectionGroups ruleCollectionType ruleCollections ruleGroups ruleType rules scenario securityRules servers
    serviceEndpoints serviceResourceId serviceTag sharedPrivateLinkResource size snat sourceAddressPrefix
    sourceAddressPrefixes sourceAddresses sourceIpGroups sourcePortRange sourcePortRanges sparkEnabled sparkReady sparkStatus
    sql state status subnet subnetArmId subnets subresourceTarget targetFqdns targetUrls terminateTLS threatIntelMode
    threatIntelWhitelist translatedAddress translatedFqdn translatedPort transportSecurity useMicrosoftManagedNetwork
    useRemoteGateways userAssignedIdentities value virtualHub virtualNetwork virtualNetworkConfiguration
    virtualNetworkLinkState virtualNetworkLinks virtualNetworkPeerings virtualNetworks webCategories
"""
_NAMES = frozenset(_WORDS.split())
_FOLDED = {name.lower(): name for name in _NAMES}
_MAPS = frozenset({"tags", "outboundRules", "additionalProperties", "userAssignedIdentities"})
"""Members whose own members have names that people chose."""


_TEXTS_ALONE = frozenset({str})


class TooDeep(ValueError):
    """A body is nested more deeply than any resource."""


def spelled(name: str) -> str:
    """A property name as ARM writes it."""
    return _FOLDED.get(name.lower().replace("_", ""), name)


def as_arm_spells(value: Any, depth: int = DEEPEST, *, names: bool = True) -> Any:
    """``value`` with property names in ARM's spelling; unchanged, not copied, where they are already.

    Where two names of an object mean the same property, it is not known which counts: its value becomes unknown, and so
    does one of another kind than its property has (:mod:`allowlist.estate.members`).
    """
    if isinstance(value, list):
        return _list(value, depth)
    if not isinstance(value, dict):
        return value
    if depth <= 0:
        raise TooDeep(f"is nested more than {DEEPEST} levels deep")
    return _plain(value, depth, names=names) if value.keys() <= _NAMES else _object(value, depth, names=names)


def _plain(value: dict[str, Any], depth: int, *, names: bool) -> dict[str, Any]:
    """An object whose names are ARM's already: only what stands in it may change. Most objects are like this."""
    changes: dict[str, Any] = {}
    for key, item in value.items():
        kind = type(item)
        if kind is str or (kind is list and key in TEXT_LISTS and _TEXTS_ALONE.issuperset(map(type, item))):
            continue
        inner = item
        if kind is dict or kind is list:
            inner = as_arm_spells(item, depth - 1, names=key not in _MAPS)
        if names and key in MEMBERS:
            inner = as_meant(key, inner)
        if inner is not item:
            changes[key] = inner
    return {**value, **changes} if changes else value


def _object(value: dict[str, Any], depth: int, *, names: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    changed = False
    for key, item in value.items():
        name = spelled(key) if names else key
        inner = item
        if isinstance(item, dict | list):
            inner = as_arm_spells(item, depth - 1, names=name not in _MAPS)
        if names:
            inner = as_meant(name, inner)
        changed = changed or inner is not item or name != key
        found[name] = f"[{name} stands here twice]" if name in found else inner
    return found if changed else value


def _list(items: list[Any], depth: int) -> list[Any]:
    if depth <= 0:
        raise TooDeep(f"is nested more than {DEEPEST} levels deep")
    if not items or set(map(type, items)) == {str}:
        return items
    found = [as_arm_spells(item, depth - 1) for item in items]
    return found if any(a is not b for a, b in zip(found, items, strict=True)) else items
