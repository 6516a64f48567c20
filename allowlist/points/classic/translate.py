"""Classic rule collections into neutral rules: no groups, no inheritance, sorted per type by priority. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from allowlist.estate.bodies import Body, Estate
from allowlist.estate.fields import object_of, readable_addresses, tier_of
from allowlist.estate.unread import UNRESOLVED
from allowlist.points.rule_reader import (
    APPLICATION,
    NAT,
    NETWORK,
    RuleReader,
    action_of,
    bodies_in,
    priority_of,
    ruleset_of,
)
from allowlist.rules.model import RuleRef, Ruleset, Settings

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
    properties = firewall["properties"]
    rules = [
        item
        for kind, key in _KINDS
        for ref, action, rule in _rules(firewall.get("name", ""), properties, key)
        for item in reader.read(kind, ref, action, rule)
    ]
    return ruleset_of(firewall.get("name", ""), rules, _settings(properties))


def _rules(firewall: str, properties: Body, key: str) -> Iterator[tuple[RuleRef, str, Body]]:
    for item in bodies_in(properties.get(key, properties.get(UNRESOLVED))):
        collection = object_of(item.get("properties")) or item
        action = action_of(collection)
        for position, rule in enumerate(bodies_in(collection.get("rules"))):
            ref = RuleRef(
                policy=firewall,
                group="",
                collection=item.get("name", ""),
                rule=rule.get("name", ""),
                order=(0, 0, priority_of(collection), position),
            )
            yield ref, action, rule


def _settings(properties: Body) -> Settings:
    """Settings of a classic firewall stand in ``additionalProperties`` as texts (read off recorded traffic)."""
    extra = {
        key.lower(): str(value) for key, value in object_of(properties.get("additionalProperties")).items()
    }
    names = _listed(extra.get("threatintel.whitelist.fqdns"))
    proxy = extra.get("network.dns.enableproxy", "").lower() == "true"
    waived = extra.get("network.dns.requireproxyfornetworkrules", "").lower() == "false"
    return Settings(
        tier=tier_of(properties),
        threat_intelligence=str(properties.get("threatIntelMode") or "Off").lower(),
        threat_allowed_names=tuple(name.lower() for name in names),
        threat_allowed_addresses=readable_addresses(_listed(extra.get("threatintel.whitelist.ipaddresses"))),
        resolves_network_names=proxy or waived,
    )


def _listed(text: str | None) -> list[str]:
    return [item.strip() for item in (text or "").split(",") if item.strip()]
