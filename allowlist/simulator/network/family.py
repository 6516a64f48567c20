"""Policies that share firewalls: a base policy, its children, all their groups and attached firewalls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from allowlist.simulator.arm.address import key_of
from allowlist.simulator.arm.store import Body, Resource, Store

POLICY = "Microsoft.Network/firewallPolicies"
GROUP = "Microsoft.Network/firewallPolicies/ruleCollectionGroups"
IP_GROUP = "Microsoft.Network/ipGroups"
FIREWALL = "Microsoft.Network/azureFirewalls"


def reference(body: Body, name: str) -> str:
    """The key of the resource that ``properties.<name>.id`` points to, or nothing."""
    found = (body.get("properties") or {}).get(name)
    return key_of(str(found["id"])) if isinstance(found, dict) and found.get("id") else ""


def base_of(policy: Resource) -> str:
    return policy.derived("base", lambda body: reference(body, "basePolicy"))


def policy_of(firewall: Resource) -> str:
    return firewall.derived("policy", lambda body: reference(body, "firewallPolicy"))


def children_of(store: Store, policy: Resource) -> list[Resource]:
    return [each for each in store.of_type(POLICY) if base_of(each) == policy.key]


def groups_of(store: Store, policy: Resource) -> list[Resource]:
    return store.children(policy.id, GROUP)


def firewalls_of(store: Store, policy: Resource) -> list[Resource]:
    return [each for each in store.of_type(FIREWALL) if policy_of(each) == policy.key]


def reached_firewalls(store: Store, policy: Resource) -> list[Resource]:
    """Firewalls that run this policy, themselves or through a policy that inherits from it."""
    found = list(firewalls_of(store, policy))
    for child in children_of(store, policy):
        found.extend(reached_firewalls(store, child))
    return found


@dataclass(frozen=True, slots=True)
class Family:
    """Everything that is locked while one of its members updates."""

    members: tuple[Resource, ...]

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(each.key for each in self.members)


def family_of(store: Store, policy: Resource) -> Family:
    root = _root(store, policy)
    members: list[Resource] = []
    _collect(store, root, members)
    return Family(tuple(members))


def _root(store: Store, policy: Resource) -> Resource:
    seen = {policy.key}
    while (base := store.find(base_of(policy))) is not None and base.key not in seen:
        policy = base
        seen.add(policy.key)
    return policy


def _collect(store: Store, policy: Resource, members: list[Resource]) -> None:
    if policy in members:
        return
    members.extend((policy, *groups_of(store, policy), *firewalls_of(store, policy)))
    for child in children_of(store, policy):
        _collect(store, child, members)


def used_ip_groups(resource: Resource) -> frozenset[str]:
    """Keys of the IP groups that a rule collection group or a classic firewall names."""
    return resource.derived("ip_groups", lambda body: frozenset(_ip_groups(body.get("properties"))))


def _ip_groups(value: Any) -> set[str]:
    match value:
        case dict():
            named = {
                key_of(str(each))
                for name in ("sourceIpGroups", "destinationIpGroups")
                for each in value.get(name) or []
            }
            return named.union(*(_ip_groups(item) for item in value.values()))
        case list():
            return set().union(*(_ip_groups(item) for item in value))
        case _:
            return set()


def policies_using(store: Store, ip_group: Resource) -> list[Resource]:
    used = [group for group in store.of_type(GROUP) if ip_group.key in used_ip_groups(group)]
    owners = {key_of(group.id.rsplit("/", 2)[0]) for group in used}
    return [policy for policy in store.of_type(POLICY) if policy.key in owners]


def firewalls_using(store: Store, ip_group: Resource) -> list[Resource]:
    """Classic firewalls that name the group, and firewalls reached through policies that do."""
    found = [each for each in store.of_type(FIREWALL) if ip_group.key in used_ip_groups(each)]
    for policy in policies_using(store, ip_group):
        found.extend(each for each in reached_firewalls(store, policy) if each not in found)
    return found
