"""Property names as the service spells them: ARM does not mind the case a client sends."""

from __future__ import annotations

from typing import Any

_NAMES = """
    action addressPrefixes category destination enableFirewallLog enableNetworkMonitor errorInformation
    firewallSku fqdns includeSpark isolationMode managedNetwork managedNetworkKind networkId outboundRules
    parentRuleNames portRanges properties protocol provisionNetworkNow serviceResourceId serviceTag
    sparkEnabled sparkStatus status subresourceTarget type restrictOutboundNetworkAccess allowedFqdnList
    publicNetworkAccess networkAcls networkInjections useMicrosoftManagedNetwork subnetArmId scenario
    customSubDomainName allowProjectManagement kind sku location tags identity
"""
_CANONICAL = {name.lower(): name for name in _NAMES.split()}
_KEYED_BY_NAMES = ("outboundRules", "tags")
"""Objects whose own keys are names a person chose."""


def canonical(value: Any) -> Any:
    """The same JSON with every known property name in the service's spelling."""
    match value:
        case dict():
            return {_spelled(name): _member(_spelled(name), item) for name, item in value.items()}
        case list():
            return [canonical(each) for each in value]
        case _:
            return value


def _spelled(name: str) -> str:
    return _CANONICAL.get(name.lower(), name)


def _member(name: str, value: Any) -> Any:
    if name in _KEYED_BY_NAMES and isinstance(value, dict):
        return {chosen: canonical(item) for chosen, item in value.items()}
    return canonical(value)
