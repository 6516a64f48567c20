"""One firewall rule's JSON, of a policy or a classic firewall, as a neutral rule. Pure.

Nothing is guessed: what cannot be read (an expression of a template, a rule type or an action this version does
not know) makes every answer that hangs on it unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from allowlist.estate.bodies import Body, Estate
from allowlist.estate.fields import FieldReader, owner_of, ports_of, texts_of, unmodelled_fields
from allowlist.rules.addresses import AddressSet
from allowlist.rules.model import (
    ALL_PORTS,
    Action,
    ApplicationRule,
    NatRule,
    NetworkRule,
    RuleRef,
    Ruleset,
    Settings,
    Sources,
)

APPLICATION, NETWORK, NAT = "ApplicationRule", "NetworkRule", "NatRule"

LOWEST_PRIORITY, UNREAD_PRIORITY = 65000, -1

Rule = ApplicationRule | NetworkRule | NatRule

_COMMON = frozenset({"name", "description", "ruleType", "sourceAddresses", "sourceIpGroups"})
_DESTINATION = frozenset(
    {"destinationAddresses", "destinationIpGroups", "destinationFqdns", "destinationPorts"}
)
_KNOWN = {
    APPLICATION: _COMMON
    | {"protocols", "destinationAddresses", "targetFqdns", "targetUrls", "fqdnTags", "webCategories"}
    | {"terminateTLS", "httpHeadersToInsert"},
    NETWORK: _COMMON | _DESTINATION | {"ipv6Rule"},
    NAT: _COMMON | _DESTINATION | {"ipv6Rule", "translatedAddress", "translatedPort", "translatedFqdn"},
}


class RuleReader:
    """Reads the rules of one estate. ``protocols`` is the key of network rules' protocols, ``echoed`` are fields
    that repeat what the collection says.
    """

    def __init__(self, estate: Estate, *, protocols: str, echoed: frozenset[str] = frozenset()) -> None:
        self._fields = FieldReader(estate)
        self._protocols = protocols
        self._known = {kind: fields | echoed | {protocols} for kind, fields in _KNOWN.items()}

    def read(self, kind: str, ref: RuleRef, action: str, rule: Body) -> list[Rule]:
        """The rule; opaque where it cannot be read, once for each thing it might do."""
        if UNREAD_PRIORITY in ref.order:
            return opaque_rules(ref, action, f"rule {ref}, whose priority cannot be read")
        read = {APPLICATION: self._application, NETWORK: self._network, NAT: self._nat}.get(kind)
        if read is None:
            return opaque_rules(ref, action, f"rule {ref} of type {kind}")
        try:
            return [read(ref, action, rule)]
        except ValueError as error:
            return opaque_rules(ref, action, f"rule {ref}, which cannot be read ({error})")

    def _application(self, ref: RuleRef, action: str, rule: Body) -> Rule:
        patterns, unresolved = self._fields.patterns(rule.get("targetFqdns"))
        sources = self._fields.sources(rule)
        return ApplicationRule(
            ref=ref,
            action=Action(action),
            sources=sources,
            services=services_of(rule.get("protocols")),
            patterns=patterns,
            urls=texts_of(rule.get("targetUrls")),
            fqdn_tags=texts_of(rule.get("fqdnTags")),
            web_categories=texts_of(rule.get("webCategories")),
            terminates_tls=bool(rule.get("terminateTLS")),
            unresolved=unresolved,
            unmodelled=self._unmodelled(rule, APPLICATION),
            misleading=(*_misleading_targets(rule), *_misleading_sources(rule, sources)),
            owner=owner_of(rule.get("description")),
        )

    def _network(self, ref: RuleRef, action: str, rule: Body) -> Rule:
        addresses, tags, unresolved = self._destinations(rule)
        names, unread = self._fields.patterns(rule.get("destinationFqdns"))
        sources = self._fields.sources(rule)
        return NetworkRule(
            ref=ref,
            action=Action(action),
            sources=sources,
            protocols=protocols_of(rule.get(self._protocols)),
            ports=ports_of(rule.get("destinationPorts")),
            destinations=addresses,
            service_tags=tags,
            fqdns=names,
            unresolved=(*unresolved, *unread),
            unmodelled=self._unmodelled(rule, NETWORK),
            misleading=tuple(_misleading_sources(rule, sources)),
            owner=owner_of(rule.get("description")),
        )

    def _nat(self, ref: RuleRef, action: str, rule: Body) -> Rule:
        del action
        addresses, tags, unresolved = self._destinations(rule)
        return NatRule(
            ref=ref,
            sources=self._fields.sources(rule),
            protocols=protocols_of(rule.get(self._protocols)),
            ports=ports_of(rule.get("destinationPorts")),
            destinations=addresses,
            unresolved=(*tags, *unresolved),
            unmodelled=self._unmodelled(rule, NAT),
        )

    def _destinations(self, rule: Body) -> tuple[AddressSet, tuple[str, ...], tuple[str, ...]]:
        return self._fields.addresses(
            texts_of(rule.get("destinationAddresses")), texts_of(rule.get("destinationIpGroups"))
        )

    def _unmodelled(self, rule: Body, kind: str) -> tuple[str, ...]:
        known = self._known[kind]
        return () if rule.keys() <= known else unmodelled_fields(rule, known)


def _misleading_targets(rule: Body) -> Iterator[str]:
    if rule.get("destinationAddresses"):
        yield "destinationAddresses has no effect in an application rule (terraform-provider-azurerm 28668)"
    if rule.get("targetUrls") and rule.get("targetFqdns"):
        yield "targetUrls beside targetFqdns adds to them and does not narrow them"


def _misleading_sources(rule: Body, sources: Sources) -> Iterator[str]:
    if rule.get("sourceIpGroups") and not sources.addresses and not sources.unresolved:
        yield "its IP groups are empty, so the service skips it (IP groups page)"


def ruleset_of(name: str, rules: Iterable[Rule], settings: Settings) -> Ruleset:
    """``rules`` by type, each in evaluation order."""
    ordered = sorted(rules, key=lambda rule: rule.ref.order)
    return Ruleset(
        name=name,
        dnat=tuple(rule for rule in ordered if isinstance(rule, NatRule)),
        network=tuple(rule for rule in ordered if isinstance(rule, NetworkRule)),
        application=tuple(rule for rule in ordered if isinstance(rule, ApplicationRule)),
        settings=settings,
    )


def priority_of(properties: Body) -> int:
    """Of a group or a collection; what cannot be read comes before everything, as it might."""
    try:
        return int(properties.get("priority") or LOWEST_PRIORITY)
    except (TypeError, ValueError):
        return UNREAD_PRIORITY


def bodies_in(value: Any) -> list[Body]:
    """The objects of a list field. An expression in their place is one object nothing is known about."""
    items = value if isinstance(value, list) else [value] if value else []
    return [item if isinstance(item, dict) else _unread(str(item)) for item in items]


def _unread(expression: str) -> Body:
    """As a collection: one rule that cannot be read, in no known place. As a rule: that rule."""
    rule = {"name": expression, "ruleType": expression}
    return {**rule, "priority": expression, "action": {"type": expression}, "rules": [rule]}


def action_of(collection: Body) -> str:
    """``allow``, ``deny`` or ``dnat``, in whatever letter case; a text that is none of them as it stands."""
    action = collection.get("action") or {}
    text = action.get("type") if isinstance(action, Mapping) else action
    return str(text or "Allow").lower()


def opaque_rules(ref: RuleRef, action: str, what: str) -> list[Rule]:
    """Rules that may match anything: every answer they touch is unknown. Both actions, if it is not known which."""
    actions = [Action(action)] if action in ("allow", "deny") else [Action.ALLOW, Action.DENY]
    if action == "dnat":
        actions = [Action.ALLOW]
    return [
        NetworkRule(
            ref=ref,
            action=item,
            sources=Sources(unresolved=(what,)),
            protocols=frozenset({"any"}),
            ports=(ALL_PORTS,),
            unresolved=(what,),
        )
        for item in actions
    ]


def services_of(protocols: Any) -> frozenset[tuple[str, int]]:
    """(protocol, port) of an application rule. Raises ValueError where one cannot be read."""
    items = protocols if isinstance(protocols, list) else [protocols] if protocols else []
    return frozenset(map(_service, items))


def _service(item: Any) -> tuple[str, int]:
    if not isinstance(item, Mapping) or not isinstance(item.get("protocolType"), str):
        raise ValueError(f"protocol {item!r}")
    return item["protocolType"].lower(), int(item.get("port") or 0)


def protocols_of(value: Any) -> frozenset[str]:
    """Names of network protocols in lower case. Raises ValueError for an expression."""
    texts = texts_of(value)
    for text in texts:
        if text.startswith("["):
            raise ValueError(f"protocol {text}")
    return frozenset(text.lower() for text in texts)
