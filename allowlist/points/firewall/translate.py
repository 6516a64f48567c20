"""Firewall policy JSON into neutral rules, in the order Azure Firewall evaluates them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from allowlist.errors import InvalidInput
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.fields import object_of, readable_addresses, texts_of, tier_of
from allowlist.estate.inheritance import effective_policy, resolves_network_names
from allowlist.estate.resource_id import normal_id
from allowlist.estate.unread import UNRESOLVED
from allowlist.points.rule_reader import (
    UNREAD_PRIORITY,
    Rule,
    RuleReader,
    action_of,
    bodies_in,
    opaque_rules,
    priority_of,
    ruleset_of,
)
from allowlist.rules.model import RuleRef, Ruleset, Settings

POLICY_TYPE = "Microsoft.Network/firewallPolicies"
GROUP_TYPE = "ruleCollectionGroups"
OLD_GROUP_TYPE = "ruleGroups"

_STRICTNESS = ("off", "alert", "deny")


def to_ruleset(estate: Estate, policy_id: str) -> Ruleset:
    """The rules a firewall with this policy evaluates, parents' rules first inside each rule type."""
    chain = policy_chain(estate, policy_id)
    rules: list[Rule] = []
    for depth, policy in enumerate(chain):
        for group in sorted_groups(estate, policy["id"]):
            rules += _group_rules(estate, policy, group, depth, inherited=depth < len(chain) - 1)
        for group in estate.children(policy["id"], OLD_GROUP_TYPE):
            ref = RuleRef(policy=policy.get("name", ""), group=group.get("name", ""), collection="", rule="")
            rules += opaque_rules(
                ref, "", f"rule group {ref}, which has the form of API versions before 2020"
            )
    return ruleset_of(chain[-1].get("name", ""), rules, _settings(chain))


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
        wanted = object_of(policy["properties"].get("basePolicy")).get("id")
    return chain


def sorted_groups(estate: Estate, policy_id: str) -> list[Body]:
    """The policy's rule collection groups, highest priority (lowest number) first."""
    return sorted(estate.children(policy_id, GROUP_TYPE), key=lambda group: priority_of(group["properties"]))


def named_ip_groups(groups: Iterable[Body]) -> list[str]:
    """Ids, in one spelling, of the IP groups that rules of ``groups`` name."""
    found = {
        normal_id(item)
        for group in groups
        for collection in bodies_in(group["properties"].get("ruleCollections"))
        for rule in bodies_in(collection.get("rules"))
        for key in ("sourceIpGroups", "destinationIpGroups")
        for item in texts_of(rule.get(key))
    }
    return sorted(found)


def _group_rules(estate: Estate, policy: Body, group: Body, depth: int, *, inherited: bool) -> list[Rule]:
    """The rules of one group; remembered for as long as neither it nor an IP group is another body."""
    key = ("rules", id(group), depth, inherited, policy.get("name"), _ip_group_identity(estate))
    found: tuple[Body, list[Rule]] | None = estate.derived.get(key)
    if found is None:
        found = estate.derived[key] = (group, _read_group(estate, policy, group, depth, inherited=inherited))
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


def _read_group(estate: Estate, policy: Body, group: Body, depth: int, *, inherited: bool) -> list[Rule]:
    reader = RuleReader(estate, protocols="ipProtocols")
    properties = group["properties"]
    rules: list[Rule] = []
    if UNRESOLVED in properties:
        ref = RuleRef(
            policy=policy.get("name", ""), group=group.get("name", ""), collection="", rule="",
            order=(depth, UNREAD_PRIORITY), inherited=inherited,
        )  # fmt: skip
        return opaque_rules(ref, "", f"group {ref}, {str(properties[UNRESOLVED])[1:-1]}")
    for collection in bodies_in(properties.get("ruleCollections")):
        order = (depth, priority_of(properties), priority_of(collection))
        action = action_of(collection)
        for position, rule in enumerate(bodies_in(collection.get("rules"))):
            ref = RuleRef(
                policy=policy.get("name", ""),
                group=group.get("name", ""),
                collection=collection.get("name", ""),
                rule=rule.get("name", ""),
                order=(*order, position),
                inherited=inherited,
            )
            rules += reader.read(str(rule.get("ruleType")), ref, action, rule)
    return rules


def _settings(chain: list[Body]) -> Settings:
    """A child may be stricter than its parent, never laxer; allowlists add up (firewall manager overview)."""
    properties = [policy["properties"] for policy in chain]
    modes = [str(item.get("threatIntelMode") or "Off").lower() for item in properties]
    whitelists = [object_of(item.get("threatIntelWhitelist")) for item in properties]
    names = tuple(name.lower() for item in whitelists for name in texts_of(item.get("fqdns")))
    addresses = readable_addresses(text for item in whitelists for text in texts_of(item.get("ipAddresses")))
    return Settings(
        tier=tier_of(properties[-1]),
        threat_intelligence=max(
            modes, key=lambda mode: _STRICTNESS.index(mode) if mode in _STRICTNESS else 1
        ),
        threat_allowed_names=names,
        threat_allowed_addresses=addresses,
        resolves_network_names=resolves_network_names(effective_policy(chain[::-1])),
        explicit_proxy=any(
            object_of(item.get("explicitProxy")).get("enableExplicitProxy") for item in properties
        ),
    )
