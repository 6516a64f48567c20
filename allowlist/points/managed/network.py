"""A managed network as values: isolation mode, firewall SKU and outbound rules by name. Pure, never validating.

Names that break the documented pattern (``__SYS_ST_…``), null members and unknown kinds occur on the wire and are
read as they come (live listings; recorded exchanges of 2026-04-07). What is not known of a network or a rule stands
in its ``doubts``: then what it lets through is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from allowlist.estate.bodies import Body
from allowlist.estate.fields import ports_of
from allowlist.estate.known import KnownObject, holds, is_expression, spelling, state_in, unsettled
from allowlist.estate.unread import NOT_LISTED
from allowlist.names import Dialect, InvalidPattern, normalise, parse_pattern

Platform = Literal["hub", "account"]

DISABLED = "Disabled"
INTERNET = "AllowInternetOutbound"
APPROVED = "AllowOnlyApprovedOutbound"
MODES = (DISABLED, INTERNET, APPROVED)
"""Isolation modes in the one direction they can be changed in."""

KINDS = ("FQDN", "PrivateEndpoint", "ServiceTag")
STATUSES = ("Active", "Inactive", "Provisioning", "Failed", "Deleting")
_NETWORK = frozenset(
    {"changeableIsolationModes", "isolationMode", "networkId", "outboundRules", "status", "firewallSku"}
    | {"managedNetworkKind", "firewallPublicIpAddress", "provisioningState", "enableNetworkMonitor"}
    | {"enableFirewallLog", "provisionNetworkNow"}
)
_RULE = frozenset(
    {"type", "category", "status", "destination", "errorInformation", "fqdns", "parentRuleNames"}
)
_ENDPOINT = frozenset({"serviceResourceId", "subresourceTarget", "sparkEnabled", "sparkStatus"})
_TAG = frozenset({"serviceTag", "protocol", "portRanges", "addressPrefixes", "action"})
"""Members of a network, a rule and its destination (API descriptions of both providers up to 2026-07-01)."""

SETTLED_STATES = ("Succeeded", "Deferred")

_PLATFORM_PREFIXES = ("__sys_", "connection_")
_PLATFORM_CATEGORIES = ("required", "recommended", "dependency")


class OutboundRule(msgspec.Struct, frozen=True, kw_only=True):
    """One outbound rule: ``kind`` is FQDN, PrivateEndpoint or ServiceTag, ``destination`` as Azure returned it."""

    name: str
    kind: str
    destination: Any
    category: str = "UserDefined"
    status: str = "Active"
    error: str = ""
    fqdns: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    """Members and values of it that nobody models."""
    has_status: bool = False
    """Was it read from Azure, which adds a status to each rule? A template has none."""

    @classmethod
    def of(cls, name: str, body: Any) -> OutboundRule:
        found = KnownObject(body, _RULE)
        kind = found.choice("type", KINDS)
        rule = cls(
            name=name,
            kind=kind or str(found.get("type") or ""),
            destination=found.get("destination"),
            category=found.text("category") or "UserDefined",
            status=spelling(state_in(found.body, "status", STATUSES[0]), STATUSES),
            error=str(found.get("errorInformation") or ""),
            fqdns=() if found.get("fqdns") is None else found.texts("fqdns"),
            has_status=holds(found.get("status")),
        )
        _read_destination(kind, found)
        return replace(rule, doubts=tuple(found.doubts))

    @property
    def is_platform(self) -> bool:
        """Made by the service: never written by us. ``Connection_*`` rules are, although they say UserDefined."""
        return (
            self.name.lower().startswith(_PLATFORM_PREFIXES) or self.category.lower() in _PLATFORM_CATEGORIES
        )

    @property
    def is_required(self) -> bool:
        """One of those every network that approves each destination has, made by the service."""
        return self.name.lower().startswith("__sys_") or self.category.lower() == "required"

    @property
    def is_unlisted(self) -> bool:
        """Does it stand for the rules of a network that was shown without them?"""
        return self.name == NOT_LISTED

    @property
    def is_failed(self) -> bool:
        return self.status == "Failed"

    @property
    def is_active(self) -> bool:
        return self.status == "Active"

    @property
    def names(self) -> tuple[str, ...]:
        """The host names and wildcards of an FQDN rule: one text may hold several, separated by commas."""
        if self.kind.lower() != "fqdn" or not isinstance(self.destination, str):
            return ()
        if is_expression(self.destination):
            return ()
        return tuple(sorted({_normal(part) for part in self.destination.split(",") if part.strip()}))

    @property
    def documented_names(self) -> tuple[str, ...]:
        """Those of ``names`` of which a page says what they match."""
        return tuple(name for name in self.names if _is_documented(name))

    @property
    def odd_names(self) -> tuple[str, ...]:
        """Those of ``names`` of which no page says what they match: ``*``, ``*foo.com``, a URL, a name with a port."""
        return tuple(name for name in self.names if not _is_documented(name))

    @property
    def target(self) -> dict[str, Any]:
        """The destination object of a service tag or private endpoint rule, member names in lower case."""
        return lowered(self.destination) if isinstance(self.destination, Mapping) else {}

    @property
    def endpoint(self) -> tuple[str, str] | None:
        """(resource id, sub-resource) of a private endpoint rule, in lower case: both are compared without case."""
        if self.kind.lower() != "privateendpoint":
            return None
        resource = str(self.target.get("serviceresourceid") or "").lower().rstrip("/")
        return resource, str(self.target.get("subresourcetarget") or "").lower()

    @property
    def body(self) -> Body:
        """What is written to have this rule: nothing that the service adds itself."""
        extra = {"fqdns": list(self.fqdns)} if self.fqdns else {}
        return {"type": self.kind, "category": self.category, "destination": self.destination, **extra}

    @property
    def meaning(self) -> Body:
        """Equal for rules that let the same through, however they are written; what nobody models counts as it is."""
        kind = self.kind.lower()
        found: Body = {"kind": kind, **({"not modelled": list(self.doubts)} if self.doubts else {})}
        if kind == "fqdn":
            return {**found, "names": list(self.names)}
        if kind == "privateendpoint":
            spark = bool(self.target.get("sparkenabled"))
            return {
                **found,
                "endpoint": list(self.endpoint or ()),
                "spark": spark,
                "fqdns": sorted(self.fqdns),
            }
        if kind == "servicetag":
            return {**found, **_tag_meaning(self.target)}
        return {**found, "destination": self.destination}


class ManagedNetwork(msgspec.Struct, frozen=True, kw_only=True):
    """One managed network. ``spark`` looks at it as serverless Spark does, which honours no FQDN rules."""

    name: str
    platform: Platform
    isolation: str
    rules: tuple[OutboundRule, ...] = ()
    provisioned: bool = True
    sku: str = ""
    kind: str = ""
    state: str = "Succeeded"
    spark: bool = False
    cloud: str = "public"
    """Whose names its private endpoints and service tags stand for."""
    own_resources: tuple[tuple[str, str], ...] = ()
    """The resources (id and sub-resource) that a workspace is made of: the service makes endpoints to them itself."""
    absent: str = ""
    """Why there is no managed network at all, with the next step; empty where there is one."""
    doubts: tuple[str, ...] = ()
    """Members and values of it that nobody models: then nothing of what it lets through is known."""

    @classmethod
    def of(
        cls, name: str, platform: Platform, body: Any, listed: Sequence[OutboundRule] = ()
    ) -> ManagedNetwork:
        """From the ``managedNetwork`` object and the rules that were ``listed`` by themselves, which come first."""
        found = KnownObject(body, _NETWORK)
        mode = found.choice("isolationMode", MODES)
        provisioning = found.nested("status", ("status", "sparkReady"))
        status = provisioning.choice("status", ("Active", "Inactive"), "Active")
        provisioning.flag("sparkReady")
        rules = found.get("outboundRules")
        if not isinstance(rules, Mapping):
            if holds(rules) or (mode == APPROVED and not listed):
                found.doubts.append("outboundRules, which are not shown")
            rules = {}
        own = tuple(OutboundRule.of(key, value) for key, value in sorted(rules.items()))
        network = cls(
            name=name,
            platform=platform,
            isolation=mode or APPROVED,
            rules=own,
            provisioned=status != "Inactive" and mode != DISABLED,
            sku=str(found.get("firewallSku") or ""),
            kind=str(found.get("managedNetworkKind") or ""),
            state=state_in(found.body, "provisioningState", SETTLED_STATES[0]),
            doubts=tuple(found.doubts),
        )
        return network.with_rules(listed) if listed else network

    @property
    def is_open(self) -> bool:
        """Does nothing restrict egress?"""
        return self.isolation != APPROVED

    @property
    def is_settled(self) -> bool:
        """Is no change of the network itself under way, and did the last one succeed? An operation may end earlier."""
        return self.state.lower() in (state.lower() for state in SETTLED_STATES)

    def held_by(self, body: Body) -> ManagedNetwork:
        """In the state of the resource around it, where that is not settled: then the network is not either."""
        state = unsettled(body)
        if not state or state.lower() == SETTLED_STATES[1].lower() or not self.is_settled:
            return self
        return replace(self, state=state)

    def rule(self, name: str) -> OutboundRule | None:
        return next((rule for rule in self.rules if rule.name.lower() == name.lower()), None)

    @property
    def fqdn_rules(self) -> tuple[OutboundRule, ...]:
        return tuple(rule for rule in self.rules if rule.kind.lower() == "fqdn")

    def with_rules(self, rules: Iterable[OutboundRule]) -> ManagedNetwork:
        """With ``rules`` added; they replace those of the same name."""
        mine = {rule.name.lower(): rule for rule in self.rules} | {rule.name.lower(): rule for rule in rules}
        return replace(self, rules=tuple(mine[key] for key in sorted(mine)))


def settings_in(properties: Mapping[str, Any], left_out: Mapping[str, Any]) -> Any:
    """The ``managedNetwork`` object of a resource; ``left_out`` says what it means that there is none.

    Properties without any member are none.
    """
    return lowered(properties).get("managednetwork", left_out) if properties else properties


NEVER_ISOLATED = {"isolationMode": DISABLED}
"""What a workspace without the object has."""


def lowered(body: Mapping[str, Any]) -> dict[str, Any]:
    """Member names in lower case: ARM matches them without case, and samples send ``IsolationMode``."""
    return {key.lower(): value for key, value in body.items()}


def _read_destination(kind: str, rule: KnownObject) -> None:
    """Add to the doubts of ``rule`` what its destination holds that nobody models."""
    if kind == "FQDN":
        if not rule.text("destination") and not rule.doubts:
            rule.doubts.append("no destination")
    elif kind == "PrivateEndpoint":
        endpoint = rule.nested("destination", _ENDPOINT)
        endpoint.flag("sparkEnabled")
        if not endpoint.text("serviceResourceId") and not rule.doubts:
            rule.doubts.append("no destination.serviceResourceId")
        endpoint.text("subresourceTarget")
    elif kind == "ServiceTag":
        tag = rule.nested("destination", _TAG)
        tag.choice("action", ("Allow", "Deny"), "Allow")
        tag.choice("protocol", ("TCP", "UDP", "ICMP", "*"), "*")
        named, prefixes = tag.text("serviceTag"), tag.texts("addressPrefixes")
        if not (named or prefixes or rule.doubts):
            rule.doubts.append("no destination.serviceTag")
        tag.doubts += [f"addressPrefixes {text}" for text in prefixes if is_expression(text)]
        _read_ports(tag)


def _read_ports(tag: KnownObject) -> None:
    ports = tag.get("portRanges")
    parts = str(ports).split(",") if not tag.is_blank("portRanges") and holds(ports) else []
    try:
        ports_of([part.strip() for part in parts])
    except ValueError:
        tag.doubts.append(f"portRanges {ports}")


def _is_documented(name: str) -> bool:
    try:
        parse_pattern(name, Dialect.MANAGED_NETWORK)
    except InvalidPattern:
        return False
    return True


def _normal(text: str) -> str:
    try:
        return normalise(text)
    except UnicodeError:
        return text.strip().lower()


def _tag_meaning(target: Mapping[str, Any]) -> Body:
    """A non-empty address list makes the tag irrelevant; ``action`` is Allow unless it says otherwise."""
    prefixes = sorted(str(item) for item in target.get("addressprefixes") or ())
    ports = sorted(part.strip() for part in str(target.get("portranges") or "*").split(","))
    return {
        "tag": "" if prefixes else str(target.get("servicetag") or "").lower(),
        "prefixes": prefixes,
        "protocol": str(target.get("protocol") or "*").lower(),
        "ports": ports,
        "action": str(target.get("action") or "Allow").lower(),
    }
