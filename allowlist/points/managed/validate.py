"""What must be refused before it is sent: the service checks almost nothing about a rule. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from allowlist.names import Dialect, InvalidPattern, parse_pattern
from allowlist.points.managed.destinations import is_microsoft_storage, is_storage
from allowlist.points.managed.network import APPROVED, MODES, ManagedNetwork, OutboundRule, lowered
from allowlist.points.verdict import Refusal

RULE_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}")
"""API description of both providers. It holds for writing only: names of the service itself break it."""

NO_STORAGE_BY_NAME = "storage is reached by private endpoint in approved-only mode"
"""Microsoft Learn, workspace managed virtual network isolation: list of outbound rules."""

_LINK = "private endpoint rules are the only ones this mode takes; change the isolation mode first"


def refusals_of_rule(network: ManagedNetwork, rule: OutboundRule) -> Iterator[Refusal]:
    """Every reason not to send ``rule``; none if it may be sent."""
    if rule.is_platform:
        text = f"'{rule.name}' belongs to the service, which refuses writes of it"
        yield Refusal(reason="required_and_system_rules_are_never_written", text=text)
    elif not RULE_NAME.fullmatch(rule.name):
        text = (
            f"'{rule.name}' is no rule name: 3 to 33 letters, digits, '-' or '_', the first a letter or digit"
        )
        yield Refusal(reason="invalid_rule_name", text=text)
    if network.isolation != APPROVED and rule.kind.lower() != "privateendpoint":
        yield Refusal(
            reason="only_private_endpoint_rules_allowed_in_this_mode", text=f"{network.isolation}: {_LINK}"
        )
    yield from _of_destination(rule)
    yield from _of_duplicates(network, rule)


_OF_WRITING = frozenset(
    {"invalid_rule_name", "destination_already_has_a_rule", "required_and_system_rules_are_never_written"}
    | {"not_a_host_name_or_leading_wildcard", "unknown_rule_type", "unknown_protocol"}
)
"""Reasons that hold for a write only, or that a finding of their own tells of a rule that stands there."""


def faults_of_standing(network: ManagedNetwork, rule: OutboundRule) -> Iterator[str]:
    """Why the service would refuse a rule that stands there, or take it and not do what it says."""
    for refusal in refusals_of_rule(network, rule):
        if refusal.reason not in _OF_WRITING:
            yield refusal.text


def _of_destination(rule: OutboundRule) -> Iterator[Refusal]:
    match rule.kind.lower():
        case "fqdn":
            if not rule.names:
                yield Refusal(reason="destination_is_empty", text="the rule names no host")
            for part in str(rule.destination or "").split(","):
                yield from _of_name(part.strip())
        case "servicetag":
            yield from _of_tag(rule.target)
        case "privateendpoint":
            if not all(rule.endpoint or ("",)):
                text = "a private endpoint rule needs serviceResourceId and subresourceTarget"
                yield Refusal(reason="endpoint_is_incomplete", text=text)
        case _:
            yield Refusal(reason="unknown_rule_type", text=f"'{rule.kind}' is no known rule type")


def _of_name(text: str) -> Iterator[Refusal]:
    if not text:
        return
    try:
        pattern = parse_pattern(text, Dialect.MANAGED_NETWORK).text
    except InvalidPattern as error:
        yield Refusal(reason="not_a_host_name_or_leading_wildcard", text=str(error))
        return
    if _names_accounts(pattern):
        risk = "_and_exfiltration_risk" if pattern.startswith("*") else ""
        yield Refusal(reason=f"storage_by_fqdn_not_supported{risk}", text=f"{pattern}: {NO_STORAGE_BY_NAME}")


def _names_accounts(pattern: str) -> bool:
    return is_storage(pattern) and not is_microsoft_storage(pattern)


def names_without_effect(network: ManagedNetwork, rule: OutboundRule) -> Iterator[str]:
    """Names of an FQDN rule that the network is documented not to let through by name."""
    if network.isolation == APPROVED:
        yield from filter(_names_accounts, rule.documented_names)


def _of_tag(target: Mapping[str, Any]) -> Iterator[Refusal]:
    if not target.get("servicetag") and not target.get("addressprefixes"):
        yield Refusal(
            reason="destination_is_empty", text="the rule names neither a service tag nor addresses"
        )
    if str(target.get("protocol") or "*").upper() not in ("TCP", "UDP", "ICMP", "*"):
        text = f"'{target.get('protocol')}' is no protocol; TCP, UDP, ICMP or *"
        yield Refusal(reason="unknown_protocol", text=text)


def _of_duplicates(network: ManagedNetwork, rule: OutboundRule) -> Iterator[Refusal]:
    """A second private endpoint to a target is refused by the service; a second rule for a host is pointless."""
    for other in network.rules:
        if other.name.lower() == rule.name.lower():
            continue
        same_endpoint = rule.endpoint is not None and other.endpoint == rule.endpoint
        same_names = bool(rule.names) and set(rule.names) <= set(other.names)
        if same_endpoint or same_names:
            text = f"rule '{other.name}' has that destination already"
            yield Refusal(reason="destination_already_has_a_rule", text=text)


def refusals_of_settings(network: ManagedNetwork, wanted: Mapping[str, Any]) -> Iterator[Refusal]:
    """Reasons not to send new settings (``isolationMode``, ``firewallSku``, ``managedNetworkKind``)."""
    asked = lowered(wanted)
    mode = asked.get("isolationmode")
    if mode is not None and mode not in MODES:
        yield Refusal(
            reason="unknown_isolation_mode", text=f"'{mode}' is no isolation mode; {', '.join(MODES)}"
        )
    elif mode is not None and MODES.index(mode) < MODES.index(network.isolation):
        text = f"{network.isolation} cannot be loosened to {mode}; only deleting the resource undoes it"
        yield Refusal(reason="isolation_mode_is_one_way", text=text)
    sku = asked.get("firewallsku")
    if sku is not None and sku not in ("Standard", "Basic"):
        yield Refusal(reason="unknown_firewall_sku", text=f"'{sku}' is no SKU; Standard or Basic")
    elif sku and network.platform == "account" and network.sku and sku != network.sku:
        text = f"the firewall of an account stays {network.sku}; only a hub's can be changed"
        yield Refusal(reason="account_firewall_sku_fixed_after_deployment", text=text)
    if asked.get("managednetworkkind") == "V1" and network.kind == "V2":
        yield Refusal(reason="managed_network_kind_is_one_way", text="V2 cannot go back to V1")


def gates_of_rule(network: ManagedNetwork, rule: OutboundRule) -> tuple[str, ...]:
    """What somebody has to accept by name before an allowed rule is sent."""
    return ("creates_billed_firewall",) if rule.kind.lower() == "fqdn" and not network.fqdn_rules else ()
