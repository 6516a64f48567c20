"""Classic rule collections into neutral rules: no groups, no inheritance, sorted per type by priority. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from allowlist.estate.bodies import Body, Estate
from allowlist.estate.fields import TIERS, object_of, readable_addresses, threat_mode_of, tier_of
from allowlist.estate.known import KnownObject, is_expression, spelled, unmodelled_keys, unsettled
from allowlist.estate.unread import UNRESOLVED
from allowlist.points.rule_reader import (
    APPLICATION,
    NAT,
    NETWORK,
    Frame,
    RuleReader,
    bodies_in,
    frame_of,
    priority_of,
    ruleset_of,
    without_expressions,
)
from allowlist.rules.model import OPEN, RuleRef, Ruleset, Settings

FIREWALL_TYPE = "Microsoft.Network/azureFirewalls"

# Classic bodies echo fields of older api-versions, which repeat the collection's.
_ECHOED = frozenset({"priority", "direction", "actions"})
_KINDS = (
    (NAT, "natRuleCollections"),
    (NETWORK, "networkRuleCollections"),
    (APPLICATION, "applicationRuleCollections"),
)


def to_ruleset(estate: Estate, firewall: Body) -> Ruleset:
    """The rules of a classic firewall in evaluation order."""
    reader = RuleReader(estate, protocols="protocols", echoed=_ECHOED)
    name, properties = str(firewall.get("name") or ""), spelled(firewall["properties"], _FIREWALL)
    of_names, settled = without_expressions(properties, _OF_NAMES)
    around = Frame(
        action="",
        doubts=tuple(_doubts(settled)),
        of_names=tuple(f"{text} of the firewall" for text in of_names),
        state=firewall_state(firewall),
    )
    rules = [
        item
        for kind, key in _KINDS
        for ref, frame, rule in _rules(name, properties, key, around)
        for item in reader.read(_kind_of(rule, kind), ref, frame, rule)
    ]
    return ruleset_of(name, rules, _settings(properties))


def _kind_of(rule: Body, kind: str) -> str:
    """The list a rule stands in decides; one that is an expression may be anything of that list."""
    unread = rule.get("ruleType")
    return str(unread) if is_expression(unread) else kind


def firewall_state(firewall: Body) -> str:
    """Why the rules of ``firewall`` are not certain to be in force; empty where they are."""
    state = unsettled(firewall)
    return f"firewall {firewall.get('name')} is {state}" if state else ""


_FIREWALL = frozenset(
    {"applicationRuleCollections", "natRuleCollections", "networkRuleCollections", "ipConfigurations"}
    | {"managementIpConfiguration", "provisioningState", "threatIntelMode", "virtualHub", "firewallPolicy"}
    | {"hubIPAddresses", "ipGroups", "sku", "additionalProperties", "autoscaleConfiguration"}
    | {"afcConfiguration", UNRESOLVED}
)
"""Members of a firewall (API description of Microsoft.Network, 2025-09-01)."""


_OF_NAMES = {"sku": ("tier",)}


def _doubts(properties: Body) -> Iterator[str]:
    found = KnownObject(properties, _FIREWALL)
    if not is_expression(found.get("threatIntelMode")):
        found.choice("threatIntelMode", ("Off", "Alert", "Deny"), "Off")
    if "sku" in found.body:
        found.nested("sku", ("name", "tier")).choice("tier", TIERS, "Standard")
    found.doubts += [
        f"{key} {value}"
        for key, value in object_of(found.get("additionalProperties")).items()
        if is_expression(value) and not key.lower().startswith("threatintel.")
    ]
    yield from (f"{text} of the firewall" for text in found.doubts)


_WRAPPER = frozenset({"name", "properties", "id", "etag", "type"})


def _rules(firewall: str, properties: Body, key: str, around: Frame) -> Iterator[tuple[RuleRef, Frame, Body]]:
    nothing: list[Body] | None = [] if properties else None
    for item in bodies_in(properties.get(key, properties.get(UNRESOLVED, nothing))):
        collection = object_of(item.get("properties", item))
        name = str(item.get("name") or "")
        beside = unmodelled_keys(item, _WRAPPER) if collection is not item else ()
        doubts = (*around.doubts, *(f"{key} of collection {name}" for key in beside))
        frame = frame_of(collection, name, replace(around, doubts=doubts))
        for position, rule in enumerate(bodies_in(collection.get("rules"))):
            ref = RuleRef(
                policy=firewall,
                group="",
                collection=name,
                rule=str(rule.get("name") or ""),
                order=(0, 0, priority_of(collection), position),
            )
            yield ref, frame, rule


def _settings(properties: Body) -> Settings:
    """Settings of a classic firewall stand in ``additionalProperties`` as texts (read off recorded traffic)."""
    extra = {
        key.lower(): str(value) for key, value in object_of(properties.get("additionalProperties")).items()
    }
    names = _listed(extra.get("threatintel.whitelist.fqdns"))
    mode = threat_mode_of(properties)
    spares_unknown = any(
        is_expression(value) for key, value in extra.items() if key.startswith("threatintel.")
    )
    switch = extra.get("network.dns.enableproxy", "")
    proxy = switch.lower() == "true" or is_expression(switch)
    waived = extra.get("network.dns.requireproxyfornetworkrules", "").lower() == "false"
    return Settings(
        tier=tier_of(properties),
        threat_intelligence=OPEN if mode == "deny" and spares_unknown else mode,
        threat_allowed_names=tuple(name.lower() for name in names if not is_expression(name)),
        threat_allowed_addresses=readable_addresses(_listed(extra.get("threatintel.whitelist.ipaddresses"))),
        resolves_network_names=proxy or waived,
    )


def _listed(text: str | None) -> list[str]:
    return [item.strip() for item in (text or "").split(",") if item.strip()]
