"""A managed network as values: isolation mode, firewall SKU and outbound rules by name. Pure, never validating.

Names that break the documented pattern (``__SYS_ST_…``), null members and unknown kinds occur on the wire and are
read as they come (live listings; recorded exchanges of 2026-04-07).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from allowlist.estate.bodies import Body
from allowlist.names import normalise

Platform = Literal["hub", "account"]

DISABLED = "Disabled"
INTERNET = "AllowInternetOutbound"
APPROVED = "AllowOnlyApprovedOutbound"
MODES = (DISABLED, INTERNET, APPROVED)
"""Isolation modes in the one direction they can be changed in."""

_PLATFORM_PREFIXES = ("__sys_", "connection_")
_PLATFORM_CATEGORIES = ("required", "recommended", "dependency")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundRule:
    """One outbound rule: ``kind`` is FQDN, PrivateEndpoint or ServiceTag, ``destination`` as Azure returned it."""

    name: str
    kind: str
    destination: Any
    category: str = "UserDefined"
    status: str = "Active"
    error: str = ""
    fqdns: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, body: Mapping[str, Any]) -> OutboundRule:
        found = lowered(body)
        return cls(
            name=name,
            kind=str(found.get("type") or ""),
            destination=found.get("destination"),
            category=str(found.get("category") or "UserDefined"),
            status=str(found.get("status") or "Active"),
            error=str(found.get("errorinformation") or ""),
            fqdns=tuple(found.get("fqdns") or ()),
        )

    @property
    def is_platform(self) -> bool:
        """Made by the service: never written by us. ``Connection_*`` rules are, although they say UserDefined."""
        return (
            self.name.lower().startswith(_PLATFORM_PREFIXES) or self.category.lower() in _PLATFORM_CATEGORIES
        )

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
        return tuple(sorted({_normal(part) for part in self.destination.split(",") if part.strip()}))

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
        """Equal for rules that let the same through, however they are written."""
        kind = self.kind.lower()
        if kind == "fqdn":
            return {"kind": kind, "names": list(self.names)}
        if kind == "privateendpoint":
            spark = bool(self.target.get("sparkenabled"))
            return {
                "kind": kind,
                "endpoint": list(self.endpoint or ()),
                "spark": spark,
                "fqdns": sorted(self.fqdns),
            }
        if kind == "servicetag":
            return {"kind": kind, **_tag_meaning(self.target)}
        return {"kind": kind, "destination": self.destination}


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedNetwork:
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
    absent: str = ""
    """Why there is no managed network at all, with the next step; empty where there is one."""

    @classmethod
    def of(cls, name: str, platform: Platform, body: Mapping[str, Any] | None) -> ManagedNetwork:
        """From the ``managedNetwork`` object; without one, isolation was never enabled."""
        found = lowered(body or {})
        status = lowered(found.get("status") or {}).get("status") or "Active"
        rules = found.get("outboundrules") or {}
        return cls(
            name=name,
            platform=platform,
            isolation=_mode(found.get("isolationmode")),
            rules=tuple(OutboundRule.of(key, value) for key, value in sorted(rules.items())),
            provisioned=status != "Inactive" and _mode(found.get("isolationmode")) != DISABLED,
            sku=str(found.get("firewallsku") or ""),
            kind=str(found.get("managednetworkkind") or ""),
            state=str(found.get("provisioningstate") or "Succeeded"),
        )

    @property
    def is_open(self) -> bool:
        """Does nothing restrict egress?"""
        return self.isolation != APPROVED

    @property
    def is_settled(self) -> bool:
        """Is no change of the network itself under way? The operation may end before this does."""
        return self.state in ("Succeeded", "Deferred", "")

    def rule(self, name: str) -> OutboundRule | None:
        return next((rule for rule in self.rules if rule.name.lower() == name.lower()), None)

    @property
    def fqdn_rules(self) -> tuple[OutboundRule, ...]:
        return tuple(rule for rule in self.rules if rule.kind.lower() == "fqdn")

    def with_rules(self, rules: Iterable[OutboundRule]) -> ManagedNetwork:
        """With ``rules`` added; they replace those of the same name."""
        mine = {rule.name.lower(): rule for rule in self.rules} | {rule.name.lower(): rule for rule in rules}
        return replace(self, rules=tuple(mine[key] for key in sorted(mine)))


def lowered(body: Mapping[str, Any]) -> dict[str, Any]:
    """Member names in lower case: ARM matches them without case, and samples send ``IsolationMode``."""
    return {key.lower(): value for key, value in body.items()}


def _mode(text: Any) -> str:
    return next((mode for mode in MODES if mode.lower() == str(text or "").lower()), DISABLED)


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
