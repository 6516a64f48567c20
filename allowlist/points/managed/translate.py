"""A managed network as neutral rules. Pure.

FQDN rules are application rules for ports 80 and 443; service tags and private endpoints open addresses, so they
are asked first. A deny comes before every allow: how it ranks is not documented, and this way coverage is never
claimed too early.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

from allowlist.azure.facts import base_tag, tag_hosts
from allowlist.estate.fields import ports_of
from allowlist.points.managed.destinations import endpoint_hosts
from allowlist.points.managed.network import ManagedNetwork, OutboundRule
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
ANY_STATUS = COMING | {"Failed", "Deleting"}

AnyRule = TypeVar("AnyRule", NetworkRule, ApplicationRule)

_ANYONE = Sources(addresses=EVERYWHERE)
_SETTINGS = Settings(is_managed=True)


def to_ruleset(
    network: ManagedNetwork, statuses: frozenset[str] = COMING, doubtful: frozenset[str] = frozenset()
) -> Ruleset:
    """The rules of ``network`` that are in one of ``statuses``; a network that is open lets everything through.

    Rules in a ``doubtful`` status may or may not let their flows through yet, so they make answers unknown.
    """
    if network.is_open:
        return open_ruleset(network.name, "isolationMode")
    counted = [rule for rule in network.rules if rule.status in statuses | doubtful]
    rules = [_doubted(rule, item, doubtful) for item in counted for rule in _address_rules(network, item)]
    rules.sort(key=lambda rule: rule.action is Action.ALLOW)
    named = () if network.spark else tuple(item for item in counted if item.names)
    names = (_doubted(_name_rule(network, item), item, doubtful) for item in named)
    return Ruleset(name=network.name, network=tuple(rules), application=tuple(names), settings=_SETTINGS)


def _doubted(rule: AnyRule, item: OutboundRule, doubtful: frozenset[str]) -> AnyRule:
    if item.status not in doubtful:
        return rule
    return replace(rule, unmodelled=(f"status {item.status}",))


def open_ruleset(name: str, why: str, collection: str = SETTINGS) -> Ruleset:
    """Everything is let through, because of the setting ``why``."""
    ref = RuleRef(policy=name, group="", collection=collection, rule=why)
    rule = NetworkRule(
        ref=ref,
        action=Action.ALLOW,
        sources=_ANYONE,
        protocols=frozenset({"any"}),
        ports=(ALL_PORTS,),
        destinations=EVERYWHERE,
    )
    return Ruleset(name=name, network=(rule,), settings=_SETTINGS)


def _ref(network: ManagedNetwork, rule: OutboundRule) -> RuleRef:
    return RuleRef(policy=network.name, group="", collection=COLLECTION, rule=rule.name)


def _name_rule(network: ManagedNetwork, rule: OutboundRule) -> ApplicationRule:
    return ApplicationRule(
        ref=_ref(network, rule), action=Action.ALLOW, sources=_ANYONE, services=WEB, patterns=rule.names
    )


def _address_rules(network: ManagedNetwork, rule: OutboundRule) -> Iterator[NetworkRule]:
    match rule.kind.lower():
        case "servicetag":
            yield _tag_rule(network, rule)
        case "privateendpoint":
            resource, sub_resource = rule.endpoint or ("", "")
            hosts = (
                *endpoint_hosts(resource, sub_resource, network.cloud),
                *(name.lower() for name in rule.fqdns),
            )
            if hosts and (not network.spark or rule.target.get("sparkenabled")):
                yield _endpoint_rule(network, rule, hosts)


def _endpoint_rule(network: ManagedNetwork, rule: OutboundRule, hosts: tuple[str, ...]) -> NetworkRule:
    return NetworkRule(
        ref=_ref(network, rule),
        action=Action.ALLOW,
        sources=_ANYONE,
        protocols=frozenset({"tcp"}),
        ports=(ALL_PORTS,),
        fqdns=hosts,
    )


def _tag_rule(network: ManagedNetwork, rule: OutboundRule) -> NetworkRule:
    target = rule.target
    prefixes = [text for text in target.get("addressprefixes") or () if ":" not in text]
    tag = "" if target.get("addressprefixes") else str(target.get("servicetag") or "")
    # The platform names the region it needs; a request for the whole tag means that same service.
    tags = dict.fromkeys((tag, base_tag(tag)) if rule.is_platform else (tag,))
    return NetworkRule(
        ref=_ref(network, rule),
        action=Action.DENY if str(target.get("action") or "").lower() == "deny" else Action.ALLOW,
        sources=_ANYONE,
        protocols=_protocols(str(target.get("protocol") or "*")),
        ports=_ports(str(target.get("portranges") or "*")),
        destinations=AddressSet.parse(prefixes),
        service_tags=tuple(text for text in tags if text),
        fqdns=tag_hosts(tag, network.cloud) if tag else (),
    )


def _protocols(text: str) -> frozenset[str]:
    return frozenset({"any"}) if text in ("*", "") else frozenset({text.lower()})


def _ports(text: str) -> tuple[Interval, ...]:
    """``80, 8080-8089`` or ``*``; a text that is neither opens nothing."""
    try:
        return ports_of([part.strip() for part in text.split(",") if part.strip()])
    except ValueError:
        return ()
