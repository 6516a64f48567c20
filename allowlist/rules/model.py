"""Neutral rules, in the words of Azure Firewall but without its JSON.

Every enforcement surface is translated into a :class:`Ruleset`: the rules of one firewall (or managed
network) in the order in which they are evaluated. Rule type is the outermost key: DNAT, then network, then
application; inside a type parent policy before child, group priority, collection priority, position (Azure
Firewall documentation, "rule processing").
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from allowlist.azure.facts import DEFAULT_PORTS
from allowlist.rules.addresses import NOWHERE, AddressSet, Interval

HTTP_PORTS: Final = DEFAULT_PORTS
"""The protocols of application rules and their usual ports."""

ALL_PORTS: Final[Interval] = (1, 65535)


class Action(StrEnum):
    ALLOW = "allow"
    DENY = "deny"


class Stage(StrEnum):
    """Where a flow was decided; the values are those of ``explain --json``."""

    STATEFUL = "stateful"
    THREAT_INTELLIGENCE = "threat-intelligence"
    DNAT = "dnat"
    NETWORK = "network"
    APPLICATION = "application"
    INFRASTRUCTURE = "infrastructure"
    DEFAULT = "default"


class RuleRef(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The full path of a rule; ``order`` is (depth, group priority, collection priority, position)."""

    policy: str
    group: str
    collection: str
    rule: str
    order: tuple[int, ...] = ()
    inherited: bool = False

    def __str__(self) -> str:
        return "/".join(filter(None, (self.policy, self.group, self.collection, self.rule)))


class Sources(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who a rule is for. ``unresolved`` names what could not be read: then a mismatch is not certain."""

    addresses: AddressSet = NOWHERE
    unresolved: tuple[str, ...] = ()


class ApplicationRule(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Allows or denies by name; ``services`` are (protocol, port) with protocol http, https or mssql.

    ``unresolved`` targets may stand for any name; ``unmodelled`` fields may narrow the match.
    """

    ref: RuleRef
    action: Action
    sources: Sources
    services: frozenset[tuple[str, int]]
    patterns: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    fqdn_tags: tuple[str, ...] = ()
    web_categories: tuple[str, ...] = ()
    terminates_tls: bool = False
    unresolved: tuple[str, ...] = ()
    unmodelled: tuple[str, ...] = ()
    misleading: tuple[str, ...] = ()
    """What its author may believe of it and is not so."""
    ignored: tuple[str, ...] = ()
    """Destinations as they are written that match nothing."""
    owner: str = ""
    state: str = ""
    """Why it is not certain to be in force, such as ``group g is Failed``; empty where it is."""


class NetworkRule(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Allows or denies by address and port. ``protocols`` holds tcp, udp, icmp or any.

    ``any`` with explicit ports means TCP and UDP, with all ports every IANA protocol (rule processing page).
    """

    ref: RuleRef
    action: Action
    sources: Sources
    protocols: frozenset[str]
    ports: tuple[Interval, ...]
    destinations: AddressSet = NOWHERE
    service_tags: tuple[str, ...] = ()
    fqdns: tuple[str, ...] = ()
    endpoint: tuple[str, str] | None = None
    """The resource and sub-resource behind a private endpoint rule of a managed network."""
    assumes: str = ""
    """Of a rule that stands for what was not read: the condition under which it is wrong to take it for nothing."""
    unresolved: tuple[str, ...] = ()
    unmodelled: tuple[str, ...] = ()
    misleading: tuple[str, ...] = ()
    """What its author may believe of it and is not so."""
    ignored: tuple[str, ...] = ()
    """Destinations as they are written that match nothing."""
    owner: str = ""
    state: str = ""
    """Why it is not certain to be in force, such as ``group g is Failed``; empty where it is."""


class NatRule(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A DNAT rule: a match translates and allows; no later rule is asked."""

    ref: RuleRef
    sources: Sources
    protocols: frozenset[str]
    ports: tuple[Interval, ...]
    destinations: AddressSet = NOWHERE
    unresolved: tuple[str, ...] = ()
    unmodelled: tuple[str, ...] = ()
    state: str = ""


OPEN = "open"
"""A setting of which it is not known what it is."""
OPEN_THREAT_MODE = "what threat intelligence is set to"


class Settings(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What besides rules decides; the defaults are those of a Standard policy without settings.

    ``is_managed``: rules name no sources, and a service tag counts for the documented names beside it only.
    ``names_only``: a DNS filter. It decides by the name that is asked for, whatever address that has.
    ``threat_intelligence``: off, alert, deny, or :data:`OPEN` where only a deployment knows.
    """

    tier: str = "standard"
    threat_intelligence: str = "off"
    threat_allowed_names: tuple[str, ...] = ()
    threat_allowed_addresses: AddressSet = NOWHERE
    resolves_network_names: bool = True
    explicit_proxy: bool = False
    is_managed: bool = False
    names_only: bool = False

    @property
    def threat_mode(self) -> str:
        """What threat intelligence does: a Basic firewall can only alert (features by SKU)."""
        if self.threat_intelligence not in ("deny", OPEN):
            return self.threat_intelligence
        return {"basic": "alert", "unknown": OPEN}.get(self.tier, self.threat_intelligence)


class Ruleset(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Everything one firewall evaluates, each tuple in evaluation order."""

    name: str
    dnat: tuple[NatRule, ...] = ()
    network: tuple[NetworkRule, ...] = ()
    application: tuple[ApplicationRule, ...] = ()
    settings: Settings = msgspec.field(default_factory=Settings)


FilterRule = ApplicationRule | NetworkRule
"""The rules that let through or deny."""


def doubts_about(rule: FilterRule | NatRule) -> tuple[str, ...]:
    """What would have to be known to be certain that ``rule`` matches what it names."""
    if not rule.unmodelled and not rule.state:
        return ()
    texts = tuple(f"the meaning of '{name}' in rule {rule.ref}" for name in rule.unmodelled)
    return (*texts, f"whether rule {rule.ref} is in force: {rule.state}") if rule.state else texts
