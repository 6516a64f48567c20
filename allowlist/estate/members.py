"""What kind of value a member has, wherever it stands; anything else in its place is unknown.

Values that a person typed, an expression that was not worked out, what an older tool printed: after this a member is of
its kind, absent, or a text in the form of an expression, which everybody takes for unknown.
"""

from __future__ import annotations

from typing import Any

_OBJECTS = frozenset(
    {"sku", "dnsSettings", "explicitProxy", "threatIntelWhitelist", "sql", "snat", "transportSecurity"}
    | {
        "additionalProperties",
        "firewallPolicy",
        "virtualHub",
        "managedNetwork",
        "networkAcls",
        "egressPolicy",
    }
)
_OBJECT_LISTS = frozenset(
    {"rules", "ruleCollections", "ruleCollectionGroups", "firewalls", "childPolicies", "networkInjections"}
    | {"applicationRuleCollections", "networkRuleCollections", "natRuleCollections", "protocols"}
)
TEXT_LISTS = frozenset(
    {"sourceAddresses", "sourceIpGroups", "destinationAddresses", "destinationIpGroups", "destinationFqdns"}
    | {"destinationPorts", "targetFqdns", "targetUrls", "fqdnTags", "webCategories", "ipProtocols", "fqdns"}
    | {"ipAddresses", "allowedFqdnList", "fullyQualifiedDomainNames"}
)
_TEXTS = frozenset(
    {"name", "type", "kind", "ruleType", "ruleCollectionType", "protocolType", "isolationMode", "category"}
    | {"threatIntelMode", "scenario", "description", "provisioningState", "firewallSku", "managedNetworkKind"}
)
_NUMBERS = frozenset({"priority", "port"})
MEMBERS = _OBJECTS | _OBJECT_LISTS | TEXT_LISTS | _TEXTS | _NUMBERS
"""Names of which the kind is known."""


def as_meant(name: str, value: Any) -> Any:
    """The value of the member ``name``; the same object where it is of its kind."""
    if value is None:
        return value
    if name in _TEXTS:
        return value if isinstance(value, str) else unknown(value)
    if name in TEXT_LISTS or name in _OBJECT_LISTS:
        return _list(value, dict if name in _OBJECT_LISTS else str)
    if name in _OBJECTS:
        return value if isinstance(value, dict | str) else unknown(value)
    if name in _NUMBERS:
        plain = isinstance(value, str | int) and not isinstance(value, bool)
        return value if plain else unknown(value)
    return value


def _list(value: Any, kind: type) -> Any:
    """Texts stay among objects: the protocols of network rules are texts, and so is an expression."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return unknown(value)
    if {kind, str}.issuperset(map(type, value)):
        return value
    return [item if isinstance(item, kind | str) else _item(item, kind) for item in value]


def _item(value: Any, kind: type) -> str:
    number = kind is str and isinstance(value, int) and not isinstance(value, bool)
    return str(value) if number else unknown(value)


def unknown(value: Any) -> str:
    """A value that cannot be what it stands for, in the form of an expression that was not worked out."""
    text = str(value)
    return text if isinstance(value, str) and text.startswith("[") else f"[{text[:80]}]"
