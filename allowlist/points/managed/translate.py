"""A managed network as neutral rules. Pure.

FQDN rules are application rules for ports 80 and 443; service tags and private endpoints open addresses, so they
are evaluated first. A deny comes before every allow: how it ranks is not documented, and this way coverage is never
claimed too early.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from allowlist.azure.facts import base_tag, tag_hosts
from allowlist.estate.fields import ports_of
from allowlist.points.managed.destinations import endpoint_hosts
from allowlist.points.managed.network import KINDS, STATUSES, ManagedNetwork, OutboundRule
from allowlist.points.managed.service_rules import service_rules
from allowlist.points.managed.validate import NO_STORAGE_BY_NAME, names_without_effect
from allowlist.rules.addresses import EVERYWHERE, AddressSet, Interval
from allowlist.rules.model import (
    ALL_PORTS,
    Action,
    ApplicationRule,
    NetworkRule,
    RuleRef,
    Ruleset,
    Settings,
    Sources,
)

COLLECTION = "outboundRules"
SETTINGS = "managedNetwork"
WEB = frozenset({("http", 80), ("https", 443)})
IN_FORCE = frozenset({"Active"})
COMING = IN_FORCE | {"Inactive", "Provisioning"}
ANY_STATUS = frozenset(STATUSES)

_ANYONE = Sources(addresses=EVERYWHERE)
_SETTINGS = Settings(is_managed=True)


def to_ruleset(
    network: ManagedNetwork, statuses: frozenset[str] = COMING, doubtful: frozenset[str] = frozenset()
) -> Ruleset:
    """The rules of ``network`` that are in one of ``statuses``; a network that is open lets everything through.

    Rules in a ``doubtful`` status, or in one that nobody knows, may or may not let their flows through yet, so they
    make answers unknown; so does everything of a network that is itself in doubt.
    """
    counted = [
        rule
        for rule in (*network.rules, *service_rules(network))
        if rule.status in statuses | doubtful or rule.status not in ANY_STATUS
    ]
    if network.is_open and not network.doubts:
        opened = open_ruleset(network.name, "isolationMode")
        endpoints = [
            rule for item in counted for rule in _address_rules(network, item, doubtful) if rule.endpoint
        ]
        return replace(opened, network=(*opened.network, *endpoints))
    rules = [rule for item in counted for rule in _address_rules(network, item, doubtful)]
    rules.sort(key=lambda rule: rule.action is Action.ALLOW)
    named = () if network.spark else tuple(item for item in counted if item.kind == "FQDN")
    names = [rule for item in named for rule in _name_rules(network, item, doubtful)]
    before = _unknown_rules(network) if network.doubts else []
    return Ruleset(name=network.name, network=(*before, *rules), application=tuple(names), settings=_SETTINGS)


def _unknown_rules(network: ManagedNetwork) -> list[NetworkRule]:
    """What a network does of which something is not known: it may deny and may let through anything."""
    ref = RuleRef(policy=network.name, group="", collection=SETTINGS, rule="")
    return opaque(ref, network.doubts)


def opaque(
    ref: RuleRef, doubts: tuple[str, ...], actions: tuple[Action, ...] = (Action.DENY, Action.ALLOW)
) -> list[NetworkRule]:
    """Rules that may match everything, each with one of ``actions``: every answer after them is unknown."""
    return [replace(_everything(ref), action=action, unmodelled=doubts) for action in actions]


def _state_of(network: ManagedNetwork, item: OutboundRule, doubtful: frozenset[str]) -> str:
    if not network.is_settled:
        return f"the network is {network.state}"
    known = item.status in ANY_STATUS
    return f"its status is {item.status}" if item.status in doubtful or not known else ""


def open_ruleset(name: str, why: str, collection: str = SETTINGS) -> Ruleset:
    """Everything is let through, because of the setting ``why``."""
    ref = RuleRef(policy=name, group="", collection=collection, rule=why)
    return Ruleset(name=name, network=(_everything(ref),), settings=_SETTINGS)


def _everything(ref: RuleRef) -> NetworkRule:
    return NetworkRule(
        ref=ref,
        action=Action.ALLOW,
        sources=_ANYONE,
        protocols=frozenset({"any"}),
        ports=(ALL_PORTS,),
        destinations=EVERYWHERE,
    )


def _ref(network: ManagedNetwork, rule: OutboundRule) -> RuleRef:
    return RuleRef(policy=network.name, group="", collection=COLLECTION, rule=rule.name)


def _name_rules(
    network: ManagedNetwork, item: OutboundRule, doubtful: frozenset[str]
) -> Iterator[ApplicationRule]:
    """The names of an FQDN rule; wildcards no page speaks of may stand for any name, other texts for none.

    Names of storage accounts stand apart: such a rule is documented not to reach them, so it is no cover.
    """
    idle = frozenset(names_without_effect(network, item))
    rule = ApplicationRule(
        ref=_ref(network, item),
        action=Action.ALLOW,
        sources=_ANYONE,
        services=WEB,
        patterns=tuple(name for name in item.documented_names if name not in idle),
        unresolved=tuple(name for name in item.odd_names if "*" in name),
        unmodelled=item.doubts,
        state=_state_of(network, item, doubtful),
    )
    if item.doubts and not rule.patterns:
        rule = replace(rule, unresolved=(*rule.unresolved, *item.doubts))
    if rule.patterns or rule.unresolved:
        yield rule
    if idle:
        names = tuple(name for name in item.documented_names if name in idle)
        yield replace(rule, patterns=names, unresolved=(), state=NO_STORAGE_BY_NAME)


def _address_rules(
    network: ManagedNetwork, item: OutboundRule, doubtful: frozenset[str]
) -> Iterator[NetworkRule]:
    state = _state_of(network, item, doubtful)
    if item.kind not in KINDS or (item.doubts and item.kind != "FQDN"):
        doubts = item.doubts or (f"type {item.kind}",)
        may_deny = item.kind != "PrivateEndpoint"
        actions = (Action.DENY, Action.ALLOW) if may_deny else (Action.ALLOW,)
        assumes = _UNLISTED if item.is_unlisted else ""
        opaque_ones = opaque(_ref(network, item), doubts, actions)
        yield from (replace(rule, assumes=assumes) for rule in opaque_ones)
    elif item.kind == "ServiceTag":
        yield replace(_tag_rule(network, item), state=state)
    elif item.kind == "PrivateEndpoint":
        resource, sub_resource = item.endpoint or ("", "")
        hosts = (
            *endpoint_hosts(resource, sub_resource, network.cloud),
            *(name.lower() for name in item.fqdns),
        )
        if not network.spark or item.target.get("sparkenabled"):
            yield replace(_endpoint_rule(network, item, hosts), state=state)


_UNLISTED = "an outbound rule of the network that was not read says otherwise"


def _endpoint_rule(network: ManagedNetwork, rule: OutboundRule, hosts: tuple[str, ...]) -> NetworkRule:
    return NetworkRule(
        ref=_ref(network, rule),
        action=Action.ALLOW,
        sources=_ANYONE,
        protocols=frozenset({"tcp"}),
        ports=(ALL_PORTS,),
        fqdns=hosts,
        endpoint=rule.endpoint,
    )


def _tag_rule(network: ManagedNetwork, rule: OutboundRule) -> NetworkRule:
    target = rule.target
    addresses, unresolved = _prefixes(target.get("addressprefixes") or ())
    tag = "" if target.get("addressprefixes") else str(target.get("servicetag") or "")
    # The platform names the region it needs; a request for the whole tag means that same service.
    tags = dict.fromkeys((tag, base_tag(tag)) if rule.is_platform else (tag,))
    return NetworkRule(
        ref=_ref(network, rule),
        action=Action.DENY if str(target.get("action") or "").lower() == "deny" else Action.ALLOW,
        sources=_ANYONE,
        protocols=_protocols(str(target.get("protocol") or "*")),
        ports=_ports(str(target.get("portranges") or "*")),
        destinations=addresses,
        service_tags=tuple(text for text in tags if text),
        fqdns=tag_hosts(tag, network.cloud) if tag else (),
        unresolved=unresolved,
    )


def _prefixes(texts: Iterable[str]) -> tuple[AddressSet, tuple[str, ...]]:
    """The IPv4 prefixes, then texts that are none: what they open is not known. IPv6 is not carried."""
    read: list[str] = []
    unread: list[str] = []
    for text in texts:
        try:
            AddressSet.parse([text])
        except ValueError:
            unread += [] if ":" in text else [text]
        else:
            read.append(text)
    return AddressSet.parse(read), tuple(unread)


def _protocols(text: str) -> frozenset[str]:
    return frozenset({"any"}) if text in ("*", "") else frozenset({text.lower()})


def _ports(text: str) -> tuple[Interval, ...]:
    """``80, 8080-8089`` or ``*``. Raises ValueError for a text that is neither."""
    return ports_of([part.strip() for part in text.split(",") if part.strip()])
