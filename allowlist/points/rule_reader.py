"""One firewall rule's JSON, of a policy or a classic firewall, as a neutral rule. Pure.

Nothing is guessed: what cannot be read (an expression of a template, a rule type or an action this version does
not know) makes every answer that depends on it unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from allowlist.azure.facts import is_fqdn_tag
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.fields import NOTHING, FieldReader, owner_of, ports_of, texts_of
from allowlist.estate.known import (
    KnownObject,
    UnknownValue,
    holds,
    is_expression,
    known_flag,
    known_value,
    shown,
    spelled,
    unmodelled_keys,
    unsettled,
)
from allowlist.estate.parts import whole_number
from allowlist.names import Dialect
from allowlist.points.ties import in_doubt_of_order
from allowlist.rules.addresses import AddressSet
from allowlist.rules.model import (
    ALL_PORTS,
    HTTP_PORTS,
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

UNREAD_PRIORITY = -1

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


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What stands around a rule and bears on it.

    ``action`` is ``allow``, ``deny`` or ``dnat``, anything else is not known. ``doubts`` are values and keys of what
    holds the rule that nobody models, ``of_names`` settings not known here that decide whether names in network rules,
    target URLs and web categories count, ``state`` why it may not be in force.
    """

    action: str
    doubts: tuple[str, ...] = ()
    of_names: tuple[str, ...] = ()
    state: str = ""


class RuleReader:
    """Reads the rules of one estate. ``protocols`` is the key of network rules' protocols, ``echoed`` are fields
    that repeat what the collection says.
    """

    def __init__(self, estate: Estate, *, protocols: str, echoed: frozenset[str] = frozenset()) -> None:
        self._fields = FieldReader(estate)
        self._protocols = protocols
        self._known_services: dict[str, tuple[frozenset[tuple[str, int]], tuple[str, ...]]] = {}
        self._known = {kind: fields | echoed | {protocols} for kind, fields in _KNOWN.items()}

    def read(self, kind: Any, ref: RuleRef, frame: Frame, rule: Body) -> list[Rule]:
        """The rule; opaque where it cannot be read, once for each thing it might do."""
        if UNREAD_PRIORITY in ref.order:
            return opaque_rules(ref, frame, f"rule {ref}, whose priority cannot be read")
        if frame.action not in _ACTIONS:
            return opaque_rules(ref, frame, f"rule {ref}, whose {frame.action} this version does not know")
        try:
            if kind == APPLICATION and (usual := self._usual(ref, frame, rule)):
                return [usual]
            known = kind if type(kind) is str and kind in _KNOWN else known_value("ruleType", kind, _KNOWN)
            if (known == NAT) != (frame.action == "dnat"):
                return opaque_rules(
                    ref, frame, f"rule {ref} of type {known}, whose action is '{frame.action}'"
                )
            return [self._read(known, ref, frame, spelled(rule, self._known[known]))]
        except (ValueError, TypeError, AttributeError) as error:
            return opaque_rules(ref, frame, f"rule {ref}, which cannot be read ({error})")

    def _usual(self, ref: RuleRef, frame: Frame, rule: Body) -> ApplicationRule | None:
        """A rule of plain names from addresses over protocols that says nothing else: most rules are, and nothing about
        them but IP groups has to be looked up. None for any other, and where something around it is in doubt.
        """
        names = rule.get("targetFqdns")
        addresses, groups = rule.get("sourceAddresses", []), rule.get("sourceIpGroups", [])
        if not (type(names) is list and names and type(addresses) is list and type(groups) is list):
            return None
        if frame.action == "dnat" or frame.doubts or frame.state or "protocols" not in rule:
            return None
        for key in rule.keys() - _USUAL:
            if key not in _LISTS or rule[key] != []:
                return None
        written = (*addresses, *groups)
        if rule.get("terminateTLS", False) is not False or set(map(type, written)) != {str}:
            return None
        found = self._fields.plain_names(names) or self._fields.matching_names(names)
        services, portless = self._services(rule["protocols"])
        if found is None or portless or not all(written):
            return None
        sources = self._fields.sources_at(tuple(addresses), tuple(groups))
        if groups and (sources.unresolved or not sources.addresses):
            return None
        return ApplicationRule(
            ref=ref,
            action=Action(frame.action),
            sources=sources,
            services=services,
            patterns=found,
            owner=owner_of(rule.get("description")),
        )

    def _read(self, kind: str, ref: RuleRef, frame: Frame, rule: Body) -> Rule:
        unknown = unmodelled_keys(rule, self._known[kind])
        read = {APPLICATION: self._application, NETWORK: self._network, NAT: self._nat}[kind]
        for key in (self._protocols, "destinationPorts") if kind != APPLICATION else ("protocols",):
            if key not in rule:
                raise UnknownValue(f"{key} left out")
        found: Rule = _completed(read(ref, frame, rule), kind, rule)
        if frame.of_names and _hangs_on_settings(found):
            frame = msgspec.structs.replace(frame, doubts=(*frame.doubts, *frame.of_names))
        if not (unknown or frame.doubts or frame.state):
            return found
        return _doubted(found, unknown, frame)

    def _application(self, ref: RuleRef, frame: Frame, rule: Body) -> Rule:
        names = self._fields.names(rule.get("targetFqdns", []))
        tags = texts_of(rule.get("fqdnTags", []))
        no_tags = tuple(tag for tag in tags if is_host_in_tags(tag)) if tags else ()
        sources = self._fields.sources(rule)
        services, portless = self._services(rule.get("protocols", []))
        inspects, unclear = _flag("terminateTLS", rule)
        return ApplicationRule(
            ref=ref,
            action=Action(frame.action),
            sources=sources,
            services=services,
            patterns=names.patterns,
            urls=texts_of(rule.get("targetUrls", [])),
            fqdn_tags=tuple(tag for tag in tags if tag not in no_tags) if no_tags else tags,
            web_categories=texts_of(rule.get("webCategories", [])),
            terminates_tls=inspects,
            unresolved=names.opaque,
            unmodelled=(*portless, *unclear),
            misleading=_misleading(rule, sources),
            ignored=(*names.ignored, *no_tags),
            owner=owner_of(rule.get("description")),
        )

    def _services(self, protocols: Any) -> tuple[frozenset[tuple[str, int]], tuple[str, ...]]:
        """What ``services_of`` says, asked once for what is written alike: most rules of a policy are."""
        written = repr(protocols)
        found = self._known_services.get(written)
        if found is None:
            found = self._known_services[written] = services_of(protocols)
        return found

    def _network(self, ref: RuleRef, frame: Frame, rule: Body) -> Rule:
        addresses, tags, unresolved = self._destinations(rule)
        names = self._fields.names(rule.get("destinationFqdns", []), Dialect.NETWORK_RULE)
        # That a deny matches nothing is not relied on: what it was meant to stop would be called allowed.
        wild = tuple(name for name in names.ignored if "*" in name and frame.action == "deny")
        sources = self._fields.sources(rule)
        return NetworkRule(
            ref=ref,
            action=Action(frame.action),
            sources=sources,
            protocols=protocols_of(rule.get(self._protocols, [])),
            ports=ports_of(rule.get("destinationPorts", [])),
            destinations=addresses,
            service_tags=tags,
            fqdns=names.patterns,
            unresolved=(*unresolved, *names.opaque, *wild),
            ignored=names.ignored,
            misleading=tuple(_misleading_sources(rule, sources)),
            owner=owner_of(rule.get("description")),
        )

    def _nat(self, ref: RuleRef, frame: Frame, rule: Body) -> Rule:
        del frame
        addresses, tags, unresolved = self._destinations(rule)
        return NatRule(
            ref=ref,
            sources=self._fields.sources(rule),
            protocols=protocols_of(rule.get(self._protocols, [])),
            ports=ports_of(rule.get("destinationPorts", [])),
            destinations=addresses,
            unresolved=(*tags, *unresolved),
        )

    def _destinations(self, rule: Body) -> tuple[AddressSet, tuple[str, ...], tuple[str, ...]]:
        return self._fields.addresses(
            texts_of(rule.get("destinationAddresses", [])), texts_of(rule.get("destinationIpGroups", []))
        )


_USUAL = frozenset(
    {"ruleType", "name", "description", "sourceAddresses", "sourceIpGroups", "targetFqdns", "protocols"}
    | {"terminateTLS"}
)
_LISTS = frozenset(
    {
        "fqdnTags",
        "webCategories",
        "targetUrls",
        "destinationAddresses",
        "httpHeadersToInsert",
    }
)
"""What an application rule may hold besides and says nothing while it is empty."""

_SOURCES = ("sourceAddresses", "sourceIpGroups")
_TARGETS = {
    APPLICATION: ("targetFqdns", "targetUrls", "fqdnTags", "webCategories"),
    NETWORK: ("destinationAddresses", "destinationIpGroups", "destinationFqdns"),
    NAT: ("destinationAddresses", "destinationIpGroups"),
}


def _completed(found: Rule, kind: str, rule: Body) -> Rule:
    """``found``; what every rule has and this one leaves out may be anything. An empty list is no omission: it is how
    Azure says that there is none, and how a template that takes none of its names reads.
    """
    if rule.keys().isdisjoint(_SOURCES):
        unresolved = (*found.sources.unresolved, f"rule {found.ref}, which says nothing of sources")
        found = msgspec.structs.replace(
            found, sources=msgspec.structs.replace(found.sources, unresolved=unresolved)
        )
    if rule.keys().isdisjoint(_TARGETS[kind]):
        what = f"rule {found.ref}, which says nothing of targets"
        found = msgspec.structs.replace(found, unresolved=(*found.unresolved, what))
    return found


def _hangs_on_settings(rule: Rule) -> bool:
    if isinstance(rule, ApplicationRule):
        return bool(rule.urls or rule.web_categories)
    return isinstance(rule, NetworkRule) and bool(rule.fqdns)


_MORE_TARGETS = ("target", "destination", "fqdn", "url", "web")


def _doubted(rule: Rule, unknown: tuple[str, ...], frame: Frame) -> Rule:
    """``rule`` with keys nobody models. Each may narrow the match; one that reads like a further kind of source or
    target, or that stands where there is no known one, may also widen it: kinds of sources and targets add up.
    """
    found = msgspec.structs.replace(
        rule, unmodelled=(*rule.unmodelled, *unknown, *frame.doubts), state=frame.state
    )
    sources = tuple(key for key in unknown if key.lower().startswith("source"))
    targets = tuple(key for key in unknown if key.lower().startswith(_MORE_TARGETS))
    neither = tuple(key for key in unknown if key not in sources and key not in targets)
    if not (rule.sources.addresses or rule.sources.unresolved):
        sources += neither
    if not _names_target(rule):
        targets += neither
    if sources:
        unresolved = (*rule.sources.unresolved, *(f"'{key}' in rule {rule.ref}" for key in sources))
        found = msgspec.structs.replace(
            found, sources=msgspec.structs.replace(rule.sources, unresolved=unresolved)
        )
    more = tuple(f"'{key}' in rule {rule.ref}" for key in targets)
    return msgspec.structs.replace(found, unresolved=(*rule.unresolved, *more)) if more else found


def is_host_in_tags(tag: str) -> bool:
    """Is it a host where a tag belongs? ``Office365.…`` are the tags with dots (FQDN tags page)."""
    return "." in tag and not is_fqdn_tag(tag) and not tag.lower().startswith("office365.")


def _names_target(rule: Rule) -> bool:
    if isinstance(rule, ApplicationRule):
        return bool(rule.patterns or rule.urls or rule.fqdn_tags or rule.web_categories or rule.unresolved)
    named = isinstance(rule, NetworkRule) and (rule.fqdns or rule.service_tags)
    return bool(named or rule.destinations or rule.unresolved)


def _flag(key: str, rule: Body) -> tuple[bool, tuple[str, ...]]:
    """A switch that lets a rule match more; what is no boolean may be on, and is a doubt."""
    try:
        return known_flag(key, rule.get(key)), ()
    except UnknownValue as error:
        return True, (str(error),)


_MISLEADING = ("destinationAddresses", "targetUrls", "sourceIpGroups")


def _misleading(rule: Body, sources: Sources) -> tuple[str, ...]:
    if rule.keys().isdisjoint(_MISLEADING):
        return ()
    return (*_misleading_targets(rule), *_misleading_sources(rule, sources))


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
        network=in_doubt_of_order([rule for rule in ordered if isinstance(rule, NetworkRule)]),
        application=in_doubt_of_order([rule for rule in ordered if isinstance(rule, ApplicationRule)]),
        settings=settings,
    )


def priority_of(properties: Body) -> int:
    """Of a group or a collection; what cannot be read, or is left out, comes before everything, as it might."""
    try:
        return whole_number(properties["priority"])
    except (KeyError, TypeError, ValueError):
        return UNREAD_PRIORITY


def bodies_in(value: Any) -> list[Body]:
    """The objects of a list field. Whatever stands in their place is one object nothing is known about: an
    expression, and nothing too. Azure answers an empty list where there are none (recorded traffic)."""
    items = value if isinstance(value, list) else [value]
    return [item if isinstance(item, dict) and item else _unread(item) for item in items]


def _unread(found: Any) -> Body:
    """As a collection: one rule that cannot be read, in no known place. As a rule: that rule."""
    expression = (
        found if is_expression(found) else f"[{found!r} in place of an object]" if holds(found) else NOTHING
    )
    rule = {"name": expression, "ruleType": expression}
    return {**rule, "priority": expression, "action": {"type": expression}, "rules": [rule]}


_COLLECTION = frozenset({"name", "priority", "action", "rules", "ruleCollectionType", "provisioningState"})
_REFERENCE = frozenset({"id", "etag", "type"})
_KINDS = {
    "FirewallPolicyFilterRuleCollection": ("allow", "deny"),
    "FirewallPolicyNatRuleCollection": ("dnat",),
}


def without_expressions(
    properties: Body, settings: Mapping[str, tuple[str, ...]]
) -> tuple[tuple[str, ...], Body]:
    """Those of ``settings``, members of members, that are expressions, and ``properties`` without them."""
    found: list[str] = []
    left = dict(properties)
    for key in settings.keys() & properties.keys():
        value = properties[key]
        if is_expression(value):
            found.append(f"{key} {shown(value)}")
            del left[key]
        elif isinstance(value, dict):
            names = {name.lower() for name in settings[key]}
            is_open = {name for name in value if name.lower() in names and is_expression(value[name])}
            found += [f"{key}.{name} {shown(value[name])}" for name in sorted(is_open)]
            left[key] = {name: item for name, item in value.items() if name not in is_open}
    return tuple(sorted(found)), left


def frame_of(collection: Body, where: str, around: Frame) -> Frame:
    """What a collection says about its rules, besides what is said ``around`` it."""
    found = KnownObject(collection, _COLLECTION | _REFERENCE)
    try:
        action = _action(found)
    except UnknownValue as error:
        action = str(error)
    own = tuple(f"{text} in collection {where}" for text in found.doubts)
    unsettled_here = unsettled({"properties": collection})
    in_state = around.state or (f"collection {where} is {unsettled_here}" if unsettled_here else "")
    return msgspec.structs.replace(around, action=action, doubts=(*around.doubts, *own), state=in_state)


def _action(collection: KnownObject) -> str:
    """``allow``, ``deny`` or ``dnat``. Raises UnknownValue for any other, and for one of another kind of collection."""
    action = collection.get("action")
    text = action.get("type") if isinstance(action, Mapping) else action
    found = known_value("action", text, _ACTIONS)
    kind = collection.get("ruleCollectionType")
    if kind is not None and found not in _KINDS[known_value("ruleCollectionType", kind, _KINDS)]:
        raise UnknownValue(f"action {found} in a {kind}")
    if isinstance(action, Mapping):
        collection.doubts += [f"action.{key}" for key in unmodelled_keys(action, frozenset({"type"}))]
    return found


_ACTIONS = ("allow", "deny", "dnat")


def opaque_rules(ref: RuleRef, frame: Frame, what: str) -> list[Rule]:
    """Rules that may match anything: every answer they touch is unknown. Both actions, if it is not known which."""
    actions = {"allow": [Action.ALLOW], "dnat": [Action.ALLOW], "deny": [Action.DENY]}
    return [
        NetworkRule(
            ref=ref,
            action=item,
            sources=Sources(unresolved=(what,)),
            protocols=frozenset({"any"}),
            ports=(ALL_PORTS,),
            unresolved=(what,),
        )
        for item in actions.get(frame.action, [Action.ALLOW, Action.DENY])
    ]


def services_of(protocols: Any) -> tuple[frozenset[tuple[str, int]], tuple[str, ...]]:
    """(protocol, port) of an application rule, then what is not certain of them.

    A protocol without a port may mean the usual one; no page says so. Raises ValueError where one cannot be read.
    """
    items = protocols if isinstance(protocols, list) else [protocols]
    portless = tuple(f"{item.get('protocolType')} without a port" for item in items if _is_portless(item))
    return frozenset(map(_service, items)), portless


def _is_portless(item: Any) -> bool:
    return isinstance(item, Mapping) and item.get("port") in (None, "", 0) and item.get("port") is not False


def _service(item: Any) -> tuple[str, int]:
    if not isinstance(item, Mapping) or not isinstance(item.get("protocolType"), str):
        raise ValueError(f"protocol {shown(item)}")
    if unknown := unmodelled_keys(item, _SERVICE):
        raise ValueError(f"the meaning of '{unknown[0]}' in a protocol")
    name = known_value("protocolType", item["protocolType"], HTTP_PORTS)
    return name, HTTP_PORTS[name] if _is_portless(item) else whole_number(item["port"])


_SERVICE = frozenset({"protocolType", "port"})
_PROTOCOLS = ("tcp", "udp", "icmp", "any")


def protocols_of(value: Any) -> frozenset[str]:
    """Names of network protocols in lower case. Raises ValueError for any that is not known, an expression included."""
    return frozenset(known_value("protocol", text, _PROTOCOLS) for text in texts_of(value))
