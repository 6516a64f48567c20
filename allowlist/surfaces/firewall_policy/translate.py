"""Firewall policy JSON into neutral rules, in the order Azure Firewall evaluates them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from allowlist.errors import InvalidInput
from allowlist.rules.addresses import NOWHERE, AddressSet
from allowlist.rules.model import (
    Action,
    ApplicationRule,
    NatRule,
    NetworkRule,
    RuleRef,
    Ruleset,
    Settings,
    Sources,
)
from allowlist.surfaces.estate import Body, Estate
from allowlist.surfaces.fields import FieldReader, owner_of, ports_of, unmodelled_fields

POLICY_TYPE = "Microsoft.Network/firewallPolicies"
GROUP_TYPE = "ruleCollectionGroups"

_COMMON = {"name", "description", "ruleType", "sourceAddresses", "sourceIpGroups"}
_APPLICATION = frozenset(
    _COMMON
    | {"protocols", "destinationAddresses", "targetFqdns", "targetUrls", "fqdnTags", "webCategories"}
    | {"terminateTLS", "httpHeadersToInsert"}
)
_NETWORK = frozenset(
    _COMMON
    | {"ipProtocols", "destinationAddresses", "destinationIpGroups", "destinationFqdns", "destinationPorts"}
    | {"ipv6Rule"}
)
_NAT = _NETWORK | {"translatedAddress", "translatedPort", "translatedFqdn"}

_STRICTNESS = ("off", "alert", "deny")


def to_ruleset(estate: Estate, policy_id: str) -> Ruleset:
    """The rules a firewall with this policy evaluates, parents' rules first inside each rule type."""
    chain = policy_chain(estate, policy_id)
    rules = _Collected()
    for depth, policy in enumerate(chain):
        for group in sorted_groups(estate, policy["id"]):
            rules.extend(_group_rules(estate, policy, group, depth, inherited=depth < len(chain) - 1))
    rules.sort()
    return Ruleset(
        name=chain[-1].get("name", ""),
        dnat=tuple(rules.dnat),
        network=tuple(rules.network),
        application=tuple(rules.application),
        settings=_settings(chain),
    )


def policy_chain(estate: Estate, policy_id: str) -> list[Body]:
    """The policy's ancestors and itself, the topmost parent first. Raises InvalidInput if one is missing."""
    chain: list[Body] = []
    wanted: str | None = policy_id
    while wanted:
        policy = estate.get(wanted)
        if policy is None:
            known = ", ".join(sorted(body["name"] for body in estate.of_type(POLICY_TYPE))) or "none"
            what = "parent policy" if chain else "firewall policy"
            raise InvalidInput.of(
                estate.origin or "estate", f"lacks the {what} {wanted}", hint=f"policies found: {known}"
            )
        if policy in chain:
            raise InvalidInput.of(estate.origin or "estate", f"policy {wanted} is its own ancestor")
        chain.insert(0, policy)
        wanted = (policy["properties"].get("basePolicy") or {}).get("id")
    return chain


def sorted_groups(estate: Estate, policy_id: str) -> list[Body]:
    """The policy's rule collection groups, highest priority (lowest number) first."""
    return sorted(estate.children(policy_id, GROUP_TYPE), key=lambda group: _priority(group["properties"]))


def _priority(properties: Body) -> int:
    return int(properties.get("priority") or 65000)


def _group_rules(estate: Estate, policy: Body, group: Body, depth: int, *, inherited: bool) -> _Collected:
    """The rules of one group; remembered for as long as neither it nor an IP group is another body."""
    key = ("rules", id(group), depth, inherited, policy.get("name"), _ip_group_identity(estate))
    found: tuple[Body, _Collected] | None = estate.derived.get(key)
    if found is None:
        rules = _Collected()
        rules.add_group(FieldReader(estate), policy, group, depth, inherited=inherited)
        found = estate.derived[key] = (group, rules)
    return found[1]


def _ip_group_identity(estate: Estate) -> tuple[int, ...]:
    key = ("ip-groups", id(estate))
    if key not in estate.derived:
        estate.derived[key] = (
            estate,
            tuple(id(body) for body in estate.of_type("Microsoft.Network/ipGroups")),
        )
    identity: tuple[int, ...] = estate.derived[key][1]
    return identity


@dataclass(slots=True)
class _Collected:
    dnat: list[NatRule] = field(default_factory=list)
    network: list[NetworkRule] = field(default_factory=list)
    application: list[ApplicationRule] = field(default_factory=list)
    reader: FieldReader = field(init=False)

    def extend(self, other: _Collected) -> None:
        self.dnat += other.dnat
        self.network += other.network
        self.application += other.application

    def add_group(
        self, reader: FieldReader, policy: Body, group: Body, depth: int, *, inherited: bool
    ) -> None:
        self.reader = reader
        properties = group["properties"]
        for collection in properties.get("ruleCollections") or ():
            order = (depth, _priority(properties), _priority(collection))
            action = (collection.get("action") or {}).get("type", "Allow").lower()
            for position, rule in enumerate(collection.get("rules") or ()):
                ref = RuleRef(
                    policy=policy.get("name", ""),
                    group=group.get("name", ""),
                    collection=collection.get("name", ""),
                    rule=rule.get("name", ""),
                    order=(*order, position),
                    inherited=inherited,
                )
                self._add_rule(ref, action, rule)

    def _add_rule(self, ref: RuleRef, action: str, rule: Body) -> None:
        kind = rule.get("ruleType")
        if kind == "ApplicationRule":
            self.application.append(self._application_rule(ref, Action(action), rule))
        elif kind == "NatRule":
            self.dnat.append(self._nat_rule(ref, rule))
        elif kind == "NetworkRule":
            self.network.append(self._network_rule(ref, Action(action), rule))
        else:
            self.network.append(_opaque_rule(ref, action, str(kind)))

    def _application_rule(self, ref: RuleRef, action: Action, rule: Body) -> ApplicationRule:
        return ApplicationRule(
            ref=ref,
            action=action,
            sources=self.reader.sources(rule),
            services=services_of(rule.get("protocols")),
            patterns=self.reader.patterns(rule.get("targetFqdns")),
            urls=tuple(rule.get("targetUrls") or ()),
            fqdn_tags=tuple(rule.get("fqdnTags") or ()),
            web_categories=tuple(rule.get("webCategories") or ()),
            terminates_tls=bool(rule.get("terminateTLS")),
            unmodelled=unmodelled_fields(rule, _APPLICATION) if len(rule) > 4 else (),
            owner=owner_of(rule.get("description")),
        )

    def _network_rule(self, ref: RuleRef, action: Action, rule: Body) -> NetworkRule:
        addresses, tags, unresolved = self._destinations(rule)
        return NetworkRule(
            ref=ref,
            action=action,
            sources=self.reader.sources(rule),
            protocols=frozenset(text.lower() for text in rule.get("ipProtocols") or ()),
            ports=ports_of(rule.get("destinationPorts")),
            destinations=addresses,
            service_tags=tags,
            fqdns=self.reader.patterns(rule.get("destinationFqdns")),
            unresolved=unresolved,
            unmodelled=unmodelled_fields(rule, _NETWORK),
            owner=owner_of(rule.get("description")),
        )

    def _nat_rule(self, ref: RuleRef, rule: Body) -> NatRule:
        addresses, tags, unresolved = self._destinations(rule)
        return NatRule(
            ref=ref,
            sources=self.reader.sources(rule),
            protocols=frozenset(text.lower() for text in rule.get("ipProtocols") or ()),
            ports=ports_of(rule.get("destinationPorts")),
            destinations=addresses,
            unresolved=(*tags, *unresolved),
            unmodelled=unmodelled_fields(rule, _NAT),
        )

    def _destinations(self, rule: Body) -> tuple[AddressSet, tuple[str, ...], tuple[str, ...]]:
        return self.reader.addresses(
            rule.get("destinationAddresses") or (), rule.get("destinationIpGroups") or ()
        )

    def sort(self) -> None:
        self.dnat.sort(key=lambda rule: rule.ref.order)
        self.network.sort(key=lambda rule: rule.ref.order)
        self.application.sort(key=lambda rule: rule.ref.order)


def services_of(protocols: list[Body] | None) -> frozenset[tuple[str, int]]:
    return frozenset((item["protocolType"].lower(), int(item.get("port") or 0)) for item in protocols or ())


def _opaque_rule(ref: RuleRef, action: str, kind: str) -> NetworkRule:
    """A rule of a type this version does not know may match anything: every answer it touches is unknown."""
    return NetworkRule(
        ref=ref,
        action=Action.DENY if action == "deny" else Action.ALLOW,
        sources=Sources(addresses=NOWHERE, unresolved=(f"rule {ref} of type {kind}",)),
        protocols=frozenset({"any"}),
        ports=((1, 65535),),
        unresolved=(f"rule {ref} of type {kind}",),
    )


def _settings(chain: list[Body]) -> Settings:
    """A child may be stricter than its parent, never laxer; allowlists add up (firewall manager overview)."""
    properties = [policy["properties"] for policy in chain]
    modes = [str(item.get("threatIntelMode") or "Off").lower() for item in properties]
    whitelists = [item.get("threatIntelWhitelist") or {} for item in properties]
    names = tuple(name.lower() for item in whitelists for name in item.get("fqdns") or ())
    addresses = AddressSet.parse(text for item in whitelists for text in item.get("ipAddresses") or ())
    return Settings(
        tier=str((properties[-1].get("sku") or {}).get("tier") or "Standard").lower(),
        threat_intelligence=max(
            modes, key=lambda mode: _STRICTNESS.index(mode) if mode in _STRICTNESS else 1
        ),
        threat_allowed_names=names,
        threat_allowed_addresses=addresses,
        resolves_network_names=_resolves_names(properties),
        explicit_proxy=any(
            (item.get("explicitProxy") or {}).get("enableExplicitProxy") for item in properties
        ),
    )


def _resolves_names(properties: list[dict[str, Any]]) -> bool:
    """Names in network rules need the DNS proxy, or the deprecated switch that waives it."""
    dns: dict[str, Any] = next(
        (item["dnsSettings"] for item in reversed(properties) if item.get("dnsSettings")), {}
    )
    return bool(dns.get("enableProxy")) or dns.get("requireProxyForNetworkRules") is False
