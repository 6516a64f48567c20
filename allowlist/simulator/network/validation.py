"""What Microsoft.Network refuses before it starts, with the codes and texts users reported.

Where no report shows the answer the code is marked as invented: the real service refuses, too, but
nobody knows with which words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError
from typing import Any

from allowlist.simulator.arm.refusals import Refusal, front_door, model_state, model_state_crash
from allowlist.simulator.arm.store import Body
from allowlist.simulator.network.rules import RULE_SHAPES
from allowlist.simulator.network.settings import NetworkSettings

_PRIORITIES = range(100, 65_001)
_COLLECTION_NAME = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9_.\-]{0,78}[A-Za-z0-9_])?$")
_LABEL = re.compile(r"^[A-Za-z0-9_]([A-Za-z0-9_\-]{0,61}[A-Za-z0-9_])?$")
_SERVICE_TAG = re.compile(r"^[A-Za-z][A-Za-z0-9.]*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTraits:
    """What a policy allows its rules: its tier, and whether network rules may name FQDNs."""

    tier: str = "Standard"
    names_in_network_rules: bool = False


def check_group(properties: Body, *, policy: PolicyTraits, settings: NetworkSettings) -> None:
    """Refuse a rule collection group the service would refuse."""
    _check_priority(properties.get("priority"), "Rule Collection Group")
    collections = properties.get("ruleCollections") or []
    for index, collection in enumerate(collections):
        _check_discriminators(collection, index)
    for collection in collections:
        _check_collection(collection, policy)
    _check_unique(collections)
    _check_count(collections, settings)


def check_size(size: int, settings: NetworkSettings) -> None:
    """Refuse a group larger than the limit (code invented: no report keeps the real one)."""
    if size > settings.group_bytes:
        text = f"Rule Collection Group size {size} bytes exceeds the limit of {settings.group_bytes} bytes"
        raise model_state("FirewallPolicyRuleCollectionGroupSizeExceeded", text)


def _check_priority(value: Any, noun: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value not in _PRIORITIES:
        raise model_state(
            "FirewallPolicyRuleCollectionInvalidPriority", f"{noun} priority must be 100 to 65000"
        )


def _check_discriminators(collection: Any, index: int) -> None:
    path = f"resource.properties.ruleCollections[{index}]"
    if not isinstance(collection, dict) or not collection.get("ruleCollectionType"):
        raise model_state_crash(path)
    for position, rule in enumerate(collection.get("rules") or []):
        if not isinstance(rule, dict) or str(rule.get("ruleType", "")).lower() not in RULE_SHAPES:
            raise model_state_crash(f"{path}.rules[{position}]")


def _check_collection(collection: Body, policy: PolicyTraits) -> None:
    name = str(collection.get("name") or "")
    if not _COLLECTION_NAME.match(name):
        raise model_state(
            "FirewallPolicyRuleCollectionInvalidName", f"Rule Collection name '{name}' is invalid"
        )
    _check_priority(collection.get("priority"), f"Rule Collection {name}")
    rules = collection.get("rules") or []
    if len({str(rule["ruleType"]).lower() for rule in rules}) > 1:
        raise model_state(
            "FirewallPolicyRuleCollectionMixedRuleTypes", f"Rule Collection {name} mixes rule types"
        )
    for rule in rules:
        _check_rule(rule, policy)


def _check_rule(rule: Body, policy: PolicyTraits) -> None:
    match str(rule["ruleType"]).lower():
        case "applicationrule":
            _check_application_rule(rule, policy)
        case "networkrule":
            _check_network_rule(rule, policy)
        case _:
            _check_nat_rule(rule)
    for address in _addresses(rule):
        _check_address(rule, address)


def _check_application_rule(rule: Body, policy: PolicyTraits) -> None:
    """``protocols`` may be empty (recorded) unless the rule names FQDN tags (reported as a crash)."""
    if rule.get("fqdnTags") and not rule.get("protocols"):
        raise model_state("InternalServerError", "An error occurred.")
    targets = ("targetFqdns", "targetUrls", "fqdnTags", "webCategories")
    if not _any(rule, "sourceAddresses", "sourceIpGroups") or not _any(rule, *targets):
        raise _unspecified(rule)
    for target in rule.get("targetFqdns") or []:
        if not is_target_fqdn(str(target)):
            raise _invalid_target(rule, "target FQDN", target)
    for url in rule.get("targetUrls") or []:
        if not is_target_url(str(url)):
            raise _invalid_target(rule, "target URL", url)
    _check_tier(rule, policy.tier)


def _check_tier(rule: Body, tier: str) -> None:
    """Documented by tier: URLs need Premium, web categories Standard (codes invented)."""
    wanting = "targetUrls" if rule.get("targetUrls") and tier != "Premium" else ""
    wanting = wanting or ("webCategories" if rule.get("webCategories") and tier == "Basic" else "")
    if wanting:
        text = f"Firewall Policy Application Rule {rule.get('name')} uses {wanting}, not supported in tier {tier}"
        raise model_state("FirewallPolicyRuleNotSupportedInTier", text)


def _invalid_target(rule: Body, noun: str, target: object) -> Refusal:
    text = f"Firewall Policy Rule {rule.get('name')} has an invalid {noun} {target}"
    return model_state("FirewallPolicyRuleInvalidTarget", text)


def _check_network_rule(rule: Body, policy: PolicyTraits) -> None:
    if not _any(rule, "destinationAddresses", "destinationIpGroups", "destinationFqdns"):
        text = (
            f"Firewall Policy Network Rule {rule.get('name')} must have one of destinationAddresses, "
            "destinationIpGroups or destinationFqdns specified"
        )
        raise model_state("FirewallPolicyNetworkRuleDestinationMustBeSpecified", text)
    if not _any(rule, "sourceAddresses", "sourceIpGroups") or not rule.get("destinationPorts"):
        raise _unspecified(rule)
    _check_destination_fqdns(rule, policy)


def _check_destination_fqdns(rule: Body, policy: PolicyTraits) -> None:
    for name in rule.get("destinationFqdns") or []:
        if "*" in str(name) or not is_target_fqdn(str(name)):
            raise _invalid_target(rule, "destination FQDN", name)
    if rule.get("destinationFqdns") and not policy.names_in_network_rules:
        text = (
            "In order to use DestinationFqdns in Network Rules, DNS Proxy must be enabled, or "
            f"RequireProxyForNetworkRules must be false. Rule: {rule.get('name')}"
        )
        raise front_door(400, "FirewallPolicyNetworkRuleFqdnRequiresDnsProxy", text)


def _check_nat_rule(rule: Body) -> None:
    if not _any(rule, "sourceAddresses", "sourceIpGroups") or not _any(rule, "destinationAddresses"):
        raise _unspecified(rule)


def _unspecified(rule: Body) -> Refusal:
    text = f"Firewall Policy Rule {rule.get('name')} must have addresses and ports specified"
    return model_state("FirewallPolicyRuleIpAddressesAndPortsMustBeSpecified", text)


def _any(rule: Body, *names: str) -> bool:
    return any(rule.get(name) for name in names)


def _addresses(rule: Body) -> Iterator[str]:
    yield from (str(each) for each in rule.get("sourceAddresses") or [])
    if str(rule["ruleType"]).lower() == "networkrule":
        yield from (str(each) for each in rule.get("destinationAddresses") or [])


def _check_address(rule: Body, text: str) -> None:
    if not is_address(text) and not _SERVICE_TAG.match(text):
        message = (
            f"AzureFirewallRule {rule.get('name')}: Invalid IP address value or range or Service Tag {text}."
        )
        raise front_door(400, "AzureFirewallRuleInvalidIpAddressOrRangeFormat", message)


def is_address(text: str) -> bool:
    """An IPv4 address, prefix or range, or ``*``; IPv6 is not supported in rules."""
    if text == "*":
        return True
    try:
        first, dash, last = text.partition("-")
        if dash:
            return IPv4Address(first.strip()) <= IPv4Address(last.strip())
        IPv4Network(text, strict=False)
    except (AddressValueError, NetmaskValueError, ValueError):
        return False
    return True


def is_target_url(text: str) -> bool:
    """Host and path without port or query; an asterisk stands first or last, never inside the host."""
    host, _, path = text.partition("/")
    middle = path.removesuffix("*")
    return ":" not in host and "?" not in text and "*" not in middle and is_target_fqdn(host)


def is_target_fqdn(text: str) -> bool:
    """At most one asterisk, and it comes first; the rest is a plain name."""
    rest = text.removeprefix("*").removeprefix(".")
    if text == "*":
        return True
    return len(text) <= 255 and bool(rest) and all(_LABEL.match(label) for label in rest.split("."))


def _check_unique(collections: list[Body]) -> None:
    """Names are unique inside a group; so are priorities (code invented for both)."""
    for name in ("name", "priority"):
        values = [str(each.get(name)).lower() for each in collections]
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            text = f"Rule Collections must have a unique {name}; '{twice}' is used twice"
            raise model_state("FirewallPolicyRuleCollectionDuplicate", text)


def _check_count(collections: list[Body], settings: NetworkSettings) -> None:
    if len(collections) > settings.collections_per_type:
        text = f"A group may hold {settings.collections_per_type} Rule Collections"
        raise model_state("FirewallPolicyRuleCollectionLimitExceeded", text)
