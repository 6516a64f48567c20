"""Network security groups: what they decide for a flow, and where that depends on what the ARM API does not expose.

Rules in priority order, then the default rules every group has. A service tag's addresses are not in ARM, so a
match against one is certain only for the tag itself, for ``Internet`` and for private addresses.
``VirtualNetwork`` also holds the prefixes of user-defined routes (Azure documentation "service tags"), so with a
default route to a firewall it may hold everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from allowlist.estate.bodies import Body
from allowlist.network.observation import Evidence, evidence
from allowlist.network.read import objects, prefixes, properties, texts
from allowlist.rules.addresses import INTERNET, NOWHERE, AddressSet

OUTBOUND = "Outbound"
INBOUND = "Inbound"

_DEFAULTS = (
    ("AllowVnetInBound", INBOUND, 65000, "Allow", "VirtualNetwork", "VirtualNetwork"),
    ("AllowAzureLoadBalancerInBound", INBOUND, 65001, "Allow", "AzureLoadBalancer", "*"),
    ("DenyAllInBound", INBOUND, 65500, "Deny", "*", "*"),
    ("AllowVnetOutBound", OUTBOUND, 65000, "Allow", "VirtualNetwork", "VirtualNetwork"),
    ("AllowInternetOutBound", OUTBOUND, 65001, "Allow", "*", "Internet"),
    ("DenyAllOutBound", OUTBOUND, 65500, "Deny", "*", "*"),
)
"""Network security group overview, "default security rules"."""


class Match(Enum):
    NO = 0
    PERHAPS = 1
    YES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One end of a flow: addresses, or a service tag (``Internet`` for a public address nobody knows)."""

    addresses: AddressSet = NOWHERE
    tag: str = ""


SOMEWHERE = End(tag="Internet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A flow as a group sees it. ``local`` is the address space of the network, for ``VirtualNetwork``."""

    direction: str
    source: End
    destination: End
    protocol: str
    port: int
    local: AddressSet = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A rule that may decide otherwise. ``narrow`` means: only for some addresses, which the rule names.

    ``any_source`` says that the rule is for every source the question is about.
    """

    rule: str
    allows: bool
    narrow: bool
    any_source: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """``allows`` None means unknown."""

    allows: bool | None
    rule: str
    doubts: tuple[Doubt, ...]
    evidence: tuple[Evidence, ...]


def decide(group: Body, question: Question) -> Decision:
    """What the group does with a flow."""
    doubts: list[Doubt] = []
    for rule, shown in _rules(group, question.direction):
        inner = properties(rule)
        found, source = _match(inner, question)
        allows = str(inner.get("access", "")).lower() == "allow"
        name = str(rule.get("name", ""))
        if found is Match.PERHAPS:
            doubts.append(
                Doubt(
                    rule=name,
                    allows=allows,
                    narrow=_is_narrow(inner, question),
                    any_source=source is Match.YES,
                )
            )
        if found is Match.YES:
            other = tuple(item for item in doubts if item.allows != allows)
            certain = not any(not item.narrow for item in other)
            return Decision(allows=allows if certain else None, rule=name, doubts=other, evidence=(shown,))
    return Decision(allows=False, rule="", doubts=tuple(doubts), evidence=(evidence(group),))


def _rules(group: Body, direction: str) -> Iterator[tuple[Body, Evidence]]:
    inner = properties(group)
    found: list[tuple[int, Body, Evidence]] = []
    for key in ("securityRules", "defaultSecurityRules"):
        for index, rule in enumerate(objects(inner, key)):
            place = evidence(group, f"properties.{key}[{index}].properties")
            found.append((_priority(rule), rule, place))
    if not inner.get("defaultSecurityRules"):
        found += [(_priority(rule), rule, evidence(group)) for rule in _default_rules()]
    for _, rule, shown in sorted(found, key=lambda item: item[0]):
        if str(properties(rule).get("direction", "")).lower() == direction.lower():
            yield rule, shown


def _priority(rule: Body) -> int:
    """Lower numbers come first; what is no number comes last."""
    text = str(properties(rule).get("priority"))
    return int(text) if text.isdigit() else 65535


def _default_rules() -> Iterator[Body]:
    for name, direction, priority, access, source, destination in _DEFAULTS:
        yield {
            "name": name,
            "properties": {
                "direction": direction,
                "priority": priority,
                "access": access,
                "protocol": "*",
                "sourceAddressPrefix": source,
                "destinationAddressPrefix": destination,
                "destinationPortRange": "*",
            },
        }


def _match(rule: Body, question: Question) -> tuple[Match, Match]:
    """How well the whole rule fits, and how well its source does."""
    if not _protocol_fits(str(rule.get("protocol") or "*"), question.protocol):
        return Match.NO, Match.NO
    if not any(_port_fits(text, question.port) for text in _listed(rule, "destinationPortRange")):
        return Match.NO, Match.NO
    ends = (
        _end(rule, "source", question.source, question.local),
        _end(rule, "destination", question.destination, question.local),
    )
    return min(ends, key=lambda match: match.value), ends[0]


def _protocol_fits(written: str, protocol: str) -> bool:
    return written.lower() in ("*", "any", protocol)


def _port_fits(text: str, port: int) -> bool:
    low, _, high = text.partition("-")
    if text == "*":
        return True
    high = high or low
    return low.isdigit() and high.isdigit() and int(low) <= port <= int(high)


def _listed(rule: Body, key: str) -> list[str]:
    plural = f"{key}es" if key.endswith("Prefix") else f"{key}s"
    single = [str(rule[key])] if rule.get(key) else []
    return [*single, *texts(rule, plural)]


def _end(rule: Body, side: str, end: End, local: AddressSet) -> Match:
    matches = [_prefix(text, end, local, side) for text in _listed(rule, f"{side}AddressPrefix")]
    if rule.get(f"{side}ApplicationSecurityGroups"):
        matches.append(Match.PERHAPS)
    return max(matches, key=lambda match: match.value, default=Match.NO)


def _prefix(text: str, end: End, local: AddressSet, side: str) -> Match:
    if text in ("*", "0.0.0.0/0", "Any"):
        return Match.YES
    addresses = prefixes([text])
    if addresses:
        return _addresses(addresses, end)
    if end.tag and text.lower() == "virtualnetwork" and side == "source":
        return Match.YES if end.tag.lower() == "virtualnetwork" else Match.NO
    return _tag(text.lower(), end, local)


def _addresses(addresses: AddressSet, end: End) -> Match:
    if end.addresses:
        if end.addresses.is_subset(addresses):
            return Match.YES
        return Match.PERHAPS if addresses & end.addresses else Match.NO
    private = not addresses & INTERNET
    is_local = end.tag.lower() == "virtualnetwork"
    return Match.PERHAPS if private == is_local else Match.NO


def _tag(tag: str, end: End, local: AddressSet) -> Match:
    if end.tag:
        return _tag_of_tag(tag, end.tag.lower())
    public = bool(end.addresses & INTERNET)
    if tag == "virtualnetwork":
        return Match.YES if end.addresses.is_subset(local) else Match.PERHAPS
    if tag == "internet":
        return Match.YES if end.addresses.is_subset(INTERNET) else Match.PERHAPS if public else Match.NO
    return Match.PERHAPS if public else Match.NO


_NOT_PUBLIC = ("virtualnetwork", "azureloadbalancer")
_PLATFORM = ("gatewaymanager", "apimanagement")
"""The platform's own callers: their services ask for a rule with the tag itself, ``Internet`` does not do."""


def _tag_of_tag(tag: str, wanted: str) -> Match:
    if wanted == tag or wanted.startswith(f"{tag}."):
        return Match.YES
    if wanted in _NOT_PUBLIC or tag == "azureloadbalancer":
        return Match.NO
    if tag == "internet":
        return Match.NO if wanted in _PLATFORM else Match.YES
    return Match.PERHAPS


def _is_narrow(rule: Body, question: Question) -> bool:
    """Does the rule name addresses (not tags or groups) where the question has no address?"""
    texts: Iterable[str] = _listed(
        rule, "destinationAddressPrefix" if question.direction == OUTBOUND else "sourceAddressPrefix"
    )
    end = question.destination if question.direction == OUTBOUND else question.source
    return bool(end.tag) and all(prefixes([text]) for text in texts)
