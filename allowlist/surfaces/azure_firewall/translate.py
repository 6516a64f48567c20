"""Classic rule collections into neutral rules: no groups, no inheritance, sorted per type by priority. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from allowlist.rules.addresses import AddressSet
from allowlist.rules.model import Action, ApplicationRule, NatRule, NetworkRule, RuleRef, Ruleset, Settings
from allowlist.surfaces.estate import Body, Estate
from allowlist.surfaces.fields import FieldReader, owner_of, ports_of, unmodelled_fields
from allowlist.surfaces.firewall_policy.translate import services_of

FIREWALL_TYPE = "Microsoft.Network/azureFirewalls"

_COMMON = {"name", "description", "sourceAddresses", "sourceIpGroups", "protocols"}
# Classic bodies echo fields of older api-versions: priority, direction and actions repeat the collection's.
_APPLICATION = frozenset(_COMMON | {"targetFqdns", "fqdnTags", "priority", "direction", "actions"})
_NETWORK = frozenset(
    _COMMON | {"destinationAddresses", "destinationIpGroups", "destinationFqdns", "destinationPorts"}
)
_NAT = _NETWORK | {"translatedAddress", "translatedPort", "translatedFqdn"}


def to_ruleset(estate: Estate, firewall: Body) -> Ruleset:
    """The rules of a classic firewall in evaluation order."""
    reader = FieldReader(estate)
    properties = firewall["properties"]
    name = firewall.get("name", "")
    return Ruleset(
        name=name,
        dnat=tuple(_nat(reader, *item) for item in _rules(name, properties, "natRuleCollections")),
        network=tuple(_network(reader, *item) for item in _rules(name, properties, "networkRuleCollections")),
        application=tuple(
            _application(reader, *item) for item in _rules(name, properties, "applicationRuleCollections")
        ),
        settings=_settings(properties),
    )


def _rules(firewall: str, properties: Body, key: str) -> Iterator[tuple[RuleRef, str, Body]]:
    collections = [(item, item.get("properties", item)) for item in properties.get(key) or ()]
    for item, collection in sorted(collections, key=lambda pair: int(pair[1].get("priority") or 65000)):
        action = (collection.get("action") or {}).get("type", "Allow").lower()
        for position, rule in enumerate(collection.get("rules") or ()):
            order = (0, 0, int(collection.get("priority") or 65000), position)
            ref = RuleRef(
                policy=firewall,
                group="",
                collection=item.get("name", ""),
                rule=rule.get("name", ""),
                order=order,
            )
            yield ref, action, rule


def _application(reader: FieldReader, ref: RuleRef, action: str, rule: Body) -> ApplicationRule:
    return ApplicationRule(
        ref=ref,
        action=Action(action),
        sources=reader.sources(rule),
        services=services_of(rule.get("protocols")),
        patterns=reader.patterns(rule.get("targetFqdns")),
        fqdn_tags=tuple(rule.get("fqdnTags") or ()),
        unmodelled=unmodelled_fields(rule, _APPLICATION),
        owner=owner_of(rule.get("description")),
    )


def _network(reader: FieldReader, ref: RuleRef, action: str, rule: Body) -> NetworkRule:
    addresses, tags, unresolved = _destinations(reader, rule)
    return NetworkRule(
        ref=ref,
        action=Action(action),
        sources=reader.sources(rule),
        protocols=frozenset(text.lower() for text in rule.get("protocols") or ()),
        ports=ports_of(rule.get("destinationPorts")),
        destinations=addresses,
        service_tags=tags,
        fqdns=reader.patterns(rule.get("destinationFqdns")),
        unresolved=unresolved,
        unmodelled=unmodelled_fields(rule, _NETWORK),
        owner=owner_of(rule.get("description")),
    )


def _nat(reader: FieldReader, ref: RuleRef, action: str, rule: Body) -> NatRule:
    addresses, tags, unresolved = _destinations(reader, rule)
    return NatRule(
        ref=ref,
        sources=reader.sources(rule),
        protocols=frozenset(text.lower() for text in rule.get("protocols") or ()),
        ports=ports_of(rule.get("destinationPorts")),
        destinations=addresses,
        unresolved=(*tags, *unresolved),
        unmodelled=unmodelled_fields(rule, _NAT),
    )


def _destinations(reader: FieldReader, rule: Body) -> tuple[AddressSet, tuple[str, ...], tuple[str, ...]]:
    return reader.addresses(rule.get("destinationAddresses") or (), rule.get("destinationIpGroups") or ())


def _settings(properties: Body) -> Settings:
    """Settings of a classic firewall stand in ``additionalProperties`` as texts (read off recorded traffic)."""
    extra = {key.lower(): str(value) for key, value in (properties.get("additionalProperties") or {}).items()}
    names = _listed(extra.get("threatintel.whitelist.fqdns"))
    proxy = extra.get("network.dns.enableproxy", "").lower() == "true"
    waived = extra.get("network.dns.requireproxyfornetworkrules", "").lower() == "false"
    return Settings(
        tier=str((properties.get("sku") or {}).get("tier") or "Standard").lower(),
        threat_intelligence=str(properties.get("threatIntelMode") or "Off").lower(),
        threat_allowed_names=tuple(name.lower() for name in names),
        threat_allowed_addresses=AddressSet.parse(_listed(extra.get("threatintel.whitelist.ipaddresses"))),
        resolves_network_names=proxy or waived,
    )


def _listed(text: str | None) -> list[str]:
    return [item.strip() for item in (text or "").split(",") if item.strip()]
