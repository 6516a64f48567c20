"""Firewall policy JSON into neutral rules, in the order Azure Firewall evaluates them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from allowlist.errors import InvalidInput
from allowlist.estate.bodies import Body, Estate, names_of_others
from allowlist.estate.fields import TIERS, object_of, readable_addresses, texts_of, threat_mode_of, tier_of
from allowlist.estate.inheritance import effective_policy, resolves_network_names
from allowlist.estate.known import (
    KnownObject,
    as_flag,
    holds,
    is_expression,
    spelled,
    unmodelled_keys,
    unsettled,
)
from allowlist.estate.resource_id import normal_id
from allowlist.estate.unread import UNRESOLVED
from allowlist.points.rule_reader import (
    UNREAD_PRIORITY,
    Frame,
    Rule,
    RuleReader,
    bodies_in,
    frame_of,
    opaque_rules,
    priority_of,
    ruleset_of,
    without_expressions,
)
from allowlist.rules.model import OPEN, RuleRef, Ruleset, Settings

POLICY_TYPE = "Microsoft.Network/firewallPolicies"
FIREWALL_TYPE = "Microsoft.Network/azureFirewalls"
GROUP_TYPE = "ruleCollectionGroups"
OLD_GROUP_TYPE = "ruleGroups"

_STRICTEST_FIRST = ("deny", OPEN, "alert", "off")


def to_ruleset(estate: Estate, policy_id: str) -> Ruleset:
    """The rules a firewall with this policy evaluates, parents' rules first inside each rule type; read once."""
    key = ("ruleset", policy_id)
    found: Ruleset | None = estate.whole.get(key)
    if found is None:
        found = estate.whole[key] = _ruleset(estate, policy_id)
    return found


def _ruleset(estate: Estate, policy_id: str) -> Ruleset:
    chain = policy_chain(estate, policy_id)
    around = Frame(
        action="",
        doubts=tuple(policy_doubts(chain)),
        of_names=tuple(doubts_of_names(chain)),
        state=state_of(estate, chain),
    )
    rules: list[Rule] = []
    for depth, policy in enumerate(chain):
        rules += _rules_of_an_unread_parent(policy, around)
        for group in sorted_groups(estate, policy["id"]):
            rules += _group_rules(estate, policy, group, around, depth, inherited=depth < len(chain) - 1)
        for group in estate.children(policy["id"], OLD_GROUP_TYPE):
            ref = RuleRef(policy=name_of(policy), group=name_of(group), collection="", rule="")
            rules += opaque_rules(
                ref, around, f"rule group {ref}, which has the form of API versions before 2020"
            )
    return ruleset_of(name_of(chain[-1]), rules, _settings(chain))


def _rules_of_an_unread_parent(policy: Body, around: Frame) -> list[Rule]:
    """What a parent may let through or deny whose id is not said; without a parent the member is left out."""
    properties = spelled(policy["properties"], _POLICY)
    if "basePolicy" not in properties or parent_id(policy):
        return []
    ref = RuleRef(policy=name_of(policy), group="", collection="", rule="", order=(-1,), inherited=True)
    return opaque_rules(ref, around, f"the parent of policy {name_of(policy)}, which is not said")


def state_of(estate: Estate, chain: Sequence[Body]) -> str:
    """Why nothing of the policy is certain to be in force: a firewall that carries it, the policy itself or a parent
    is not in the state Succeeded. Empty where all are.
    """
    for what, body in (
        *(("firewall", body) for body in carriers_of(estate, chain[-1])),
        *(("policy", body) for body in reversed(chain)),
    ):
        state = unsettled(body)
        if state:
            return f"{what} {name_of(body)} is {state}"
    return ""


def not_carried(estate: Estate, policy: Body) -> str:
    """Why no firewall carries the rules of ``policy``; empty where one does, or where nobody says what carries it.

    Azure lists the firewalls of a policy and its children, also where there are none; a template or a body to be
    written lists neither. One that was stopped keeps its policy and has no address configuration any more
    (learn.microsoft.com/azure/firewall/firewall-faq, "How can I stop and start Azure Firewall?").
    """
    carriers = carriers_of(estate, policy)
    if carriers and all(map(is_stopped, carriers)):
        return f"firewall {name_of(carriers[0])} is stopped (deallocated)"
    properties = spelled(policy["properties"], _CARRIERS)
    said = "firewalls" in properties and not holds(properties["firewalls"])
    if said and not carriers and not holds(properties.get("childPolicies")):
        return f"policy {name_of(policy)} is attached to no firewall"
    return ""


def is_stopped(firewall: Body) -> bool:
    """Does Azure say of a firewall of a virtual network that it has no address configuration?"""
    properties = spelled(firewall["properties"], _CONFIGURED)
    return (
        "ipConfigurations" in properties
        and not holds(properties["ipConfigurations"])
        and not holds(properties.get("virtualHub"))
    )


_CARRIERS = frozenset({"firewalls", "childPolicies"})
_CONFIGURED = frozenset({"ipConfigurations", "virtualHub"})


def carriers_of(estate: Estate, policy: Body) -> list[Body]:
    """The firewalls of the estate that run ``policy``."""
    named = {normal_id(str(item)) for item in _referenced(policy["properties"].get("firewalls"))}
    wanted = normal_id(policy["id"])
    return [
        body
        for body in estate.of_type(FIREWALL_TYPE)
        if normal_id(body["id"]) in named
        or any(
            normal_id(str(item)) == wanted for item in _referenced(body["properties"].get("firewallPolicy"))
        )
    ]


def logged_at(estate: Estate, policy: Body) -> frozenset[str]:
    """Ids, normalised, of the firewalls that run ``policy`` or a child of it; empty where a child was not read."""
    properties = spelled(policy["properties"], _CARRIERS)
    named = {normal_id(item) for item in _referenced(properties.get("firewalls"))}
    found = named | {normal_id(body["id"]) for body in carriers_of(estate, policy)}
    for child in _referenced(properties.get("childPolicies")):
        body = estate.get(child)
        inside = logged_at(estate, body) if body else frozenset()
        if not inside:
            return frozenset()
        found |= inside
    return frozenset(found)


def _referenced(value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict) and item.get("id"):
            yield item["id"]


_POLICY = frozenset(
    {"size", "ruleCollectionGroups", "kubeSelectorGroups", "provisioningState", "basePolicy", "firewalls"}
    | {"childPolicies", "threatIntelMode", "threatIntelWhitelist", "insights", "snat", "sql", "dnsSettings"}
    | {"explicitProxy", "intrusionDetection", "transportSecurity", "sku", "afcManaged", UNRESOLVED}
)
"""Members of a policy (API description of Microsoft.Network, 2025-09-01)."""

_NESTED: Mapping[str, frozenset[str]] = {
    "sku": frozenset({"tier", "name"}),
    "dnsSettings": frozenset({"servers", "enableProxy", "requireProxyForNetworkRules"}),
    "threatIntelWhitelist": frozenset({"ipAddresses", "fqdns"}),
    "explicitProxy": frozenset(
        {"enableExplicitProxy", "httpPort", "httpsPort", "enablePacFile", "pacFilePort", "pacFile"}
    ),
    "intrusionDetection": frozenset({"mode", "configuration", "profile"}),
    "sql": frozenset({"allowSqlRedirect"}),
}
_FLAGS = (("dnsSettings", "enableProxy"), ("explicitProxy", "enableExplicitProxy"))
MODES = ("Off", "Alert", "Deny")


_OF_NAMES = {"sku": ("tier",), "dnsSettings": ("enableProxy", "requireProxyForNetworkRules")}
"""What decides, besides, whether names in network rules, target URLs and web categories count."""
_OF_NO_RULE = {
    "intrusionDetection": ("mode",),
    "sql": ("allowSqlRedirect",),
    "explicitProxy": ("enableExplicitProxy",),
    "threatIntelMode": (),
    "threatIntelWhitelist": ("fqdns", "ipAddresses"),
}
"""What decides about no rule, whichever of its documented values it has: a client that speaks to the explicit proxy
does so by its own setting, and threat intelligence comes before the rules (:func:`_threat_mode`)."""


def policy_doubts(chain: Sequence[Body]) -> Iterator[str]:
    """What of the settings of a policy or its parents nobody models."""
    for policy in chain:
        properties = spelled(policy["properties"], _POLICY)
        _, settled = without_expressions(properties, {**_OF_NAMES, **_OF_NO_RULE})
        found = KnownObject(settled, _POLICY)
        found.choice("threatIntelMode", MODES, "Off")
        parts = {key: found.nested(key, known) for key, known in _NESTED.items() if key in found.body}
        for key, flag in _FLAGS:
            if key in parts:
                parts[key].flag(flag, as_text=True)
        if "sku" in parts:
            parts["sku"].choice("tier", TIERS, "Standard")
        if "intrusionDetection" in parts:
            parts["intrusionDetection"].choice("mode", MODES, "Off")
        yield from (f"{text} of policy {name_of(policy)}" for text in found.doubts)


def doubts_of_names(chain: Sequence[Body]) -> Iterator[str]:
    """Settings that only a deployment knows, and that bear on some kinds of targets alone."""
    for policy in chain:
        open_ones, _ = without_expressions(spelled(policy["properties"], _POLICY), _OF_NAMES)
        yield from (f"{text} of policy {name_of(policy)}" for text in open_ones)


def name_of(body: Body) -> str:
    """The name of a resource, collection or rule; empty where it has none."""
    return str(body.get("name") or "")


def policy_chain(estate: Estate, policy_id: str) -> list[Body]:
    """The policy's ancestors and itself, the topmost parent first. Raises InvalidInput if one is missing."""
    chain: list[Body] = []
    wanted: str | None = policy_id
    while wanted:
        policy = estate.get(wanted)
        if policy is None:
            known = names_of_others(estate.of_type(POLICY_TYPE), wanted)
            what = "parent policy" if chain else "firewall policy"
            raise InvalidInput.of(
                estate.origin or "estate", f"lacks the {what} {wanted}", hint=f"policies found: {known}"
            )
        if policy in chain:
            raise InvalidInput.of(estate.origin or "estate", f"policy {wanted} is its own ancestor")
        chain.insert(0, policy)
        wanted = parent_id(policy)
    return chain


def parent_id(policy: Body) -> str | None:
    """The id of the policy whose rules come first; None where there is none, or none can be read."""
    found = object_of(spelled(policy["properties"], _POLICY).get("basePolicy")).get("id")
    return found if isinstance(found, str) and found else None


def sorted_groups(estate: Estate, policy_id: str) -> list[Body]:
    """The policy's rule collection groups, highest priority (lowest number) first."""
    return sorted(estate.children(policy_id, GROUP_TYPE), key=lambda group: priority_of(group["properties"]))


def named_ip_groups(groups: Iterable[Body]) -> list[str]:
    """Ids, in one spelling, of the IP groups that rules of ``groups`` name."""
    found = {
        item
        for group in groups
        for collection in bodies_in(group["properties"].get("ruleCollections"))
        for rule in bodies_in(collection.get("rules"))
        for key in ("sourceIpGroups", "destinationIpGroups")
        if (named := rule.get(key))
        for item in texts_of(named)
    }
    return sorted({normal_id(item) for item in found if item.startswith("/")})


def _group_rules(
    estate: Estate, policy: Body, group: Body, around: Frame, depth: int, *, inherited: bool
) -> list[Rule]:
    """The rules of one group; remembered for as long as neither it, what is around it nor an IP group is another."""
    key = ("rules", id(group), around, depth, inherited, policy.get("name"), _ip_group_identity(estate))
    found: tuple[Body, list[Rule]] | None = estate.derived.get(key)
    if found is None:
        rules = _read_group(estate, policy, group, around, depth, inherited=inherited)
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


_GROUP = frozenset({"size", "priority", "ruleCollections", "rules", "provisioningState", UNRESOLVED})


def _read_group(
    estate: Estate, policy: Body, group: Body, around: Frame, depth: int, *, inherited: bool
) -> list[Rule]:
    reader = RuleReader(estate, protocols="ipProtocols")
    properties = spelled(group["properties"], _GROUP)
    unknown = unmodelled_keys(properties, _GROUP)
    doubts = (*around.doubts, *(f"{key} of group {name_of(group)}" for key in unknown))
    state = around.state or group_state(group)
    rules: list[Rule] = []
    if UNRESOLVED in properties:
        ref = RuleRef(
            policy=name_of(policy), group=name_of(group), collection="", rule="",
            order=(depth, UNREAD_PRIORITY), inherited=inherited,
        )  # fmt: skip
        return opaque_rules(ref, around, f"group {ref}, {str(properties[UNRESOLVED])[1:-1]}")
    for collection in bodies_in(properties.get("ruleCollections")):
        place = _Place(
            policy=name_of(policy),
            group=name_of(group),
            collection=name_of(collection),
            order=(depth, priority_of(properties), priority_of(collection)),
            inherited=inherited,
            frame=frame_of(
                collection, name_of(collection), msgspec.structs.replace(around, doubts=doubts, state=state)
            ),
            ip_groups=_ip_group_identity(estate),
        )
        rules += _read_collection(estate, reader, place, bodies_in(collection.get("rules")))
    return rules


class _Place(NamedTuple):
    """Everything besides itself that a rule is read by."""

    policy: str
    group: str
    collection: str
    order: tuple[int, int, int]
    inherited: bool
    frame: Frame
    ip_groups: tuple[int, ...]

    def ref(self, rule: Body, position: int) -> RuleRef:
        return RuleRef(
            policy=self.policy,
            group=self.group,
            collection=self.collection,
            rule=name_of(rule),
            order=(*self.order, position),
            inherited=self.inherited,
        )


class _ReadRule(NamedTuple):
    """What was read of one body, which is kept so that no other object is ever taken for it."""

    body: Body
    position: int
    rules: list[Rule]

    def at(self, position: int) -> _ReadRule:
        """The same where other rules before it came or went: it says the same in another place of the order."""
        if position == self.position:
            return self
        rules = [
            msgspec.structs.replace(
                rule, ref=msgspec.structs.replace(rule.ref, order=(*rule.ref.order[:-1], position))
            )
            for rule in self.rules
        ]
        return _ReadRule(self.body, position, rules)


def _read_collection(estate: Estate, reader: RuleReader, place: _Place, bodies: list[Body]) -> Iterator[Rule]:
    """The rules of a collection. Where it was read before and edited since, what stood there already is not read again."""
    known: dict[int, _ReadRule] = estate.derived.get(("read", place), {})
    found: dict[int, _ReadRule] = {}
    for position, body in enumerate(bodies):
        read = known.get(id(body))
        if read is None:
            rules = reader.read(body.get("ruleType"), place.ref(body, position), place.frame, body)
            read = _ReadRule(body, position, rules)
        found[id(body)] = read = read.at(position)
        yield from read.rules
    estate.derived["read", place] = found


def group_state(group: Body) -> str:
    """Why the rules of ``group`` are not certain to be in force; empty where they are."""
    state = unsettled(group)
    return f"group {name_of(group)} is {state}" if state else ""


def _threat_mode(properties: Sequence[Body]) -> str:
    """The strictest of a policy and its parents; open where that, or what it spares, is not known."""
    modes = {threat_mode_of(item) for item in properties}
    spares_unknown = any(_spares_unknown(item.get("threatIntelWhitelist", {})) for item in properties)
    strictest = next(mode for mode in _STRICTEST_FIRST if mode in modes)
    return OPEN if strictest == "deny" and spares_unknown else strictest


def _spares_unknown(allowlist: Any) -> bool:
    """May threat intelligence spare more than is listed?"""
    listed = object_of(allowlist)
    texts = [text for key in ("fqdns", "ipAddresses") for text in texts_of(listed.get(key, []))]
    return is_expression(allowlist) or any(map(is_expression, texts))


def _settings(chain: list[Body]) -> Settings:
    """A child may be stricter than its parent, never laxer; allowlists add up (firewall manager overview)."""
    properties = [policy["properties"] for policy in chain]
    whitelists = [object_of(item.get("threatIntelWhitelist")) for item in properties]
    listed = (name for item in whitelists for name in texts_of(item.get("fqdns", [])))
    names = tuple(name.lower() for name in listed if not is_expression(name))
    addresses = readable_addresses(
        text for item in whitelists for text in texts_of(item.get("ipAddresses", []))
    )
    return Settings(
        tier=tier_of(properties[-1]),
        threat_intelligence=_threat_mode(properties),
        threat_allowed_names=names,
        threat_allowed_addresses=addresses,
        resolves_network_names=resolves_network_names(effective_policy(chain[::-1])),
        explicit_proxy=any(
            as_flag(object_of(item.get("explicitProxy")).get("enableExplicitProxy")) for item in properties
        ),
    )
