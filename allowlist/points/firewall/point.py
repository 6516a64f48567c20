"""The firewall policy surface: Microsoft.Network through azure-mgmt-network's pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from allowlist.errors import TargetNotFound, TargetUnavailable
from allowlist.estate.bodies import Body, Estate, fingerprint
from allowlist.estate.inheritance import effective_policy
from allowlist.estate.known import FINAL, unsettled
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.plan.drafts import Draft, LimitFinding
from allowlist.plan.findings import Finding, in_bad_state, invalid
from allowlist.plan.model import Operation
from allowlist.points.firewall import compose, deploy, limits
from allowlist.points.firewall.compose import API_VERSION
from allowlist.points.firewall.draft import draft
from allowlist.points.firewall.readback import same_configuration
from allowlist.points.firewall.translate import (
    carriers_of,
    logged_at,
    name_of,
    named_ip_groups,
    not_carried,
    parent_id,
    policy_chain,
    sorted_groups,
    to_ruleset,
)
from allowlist.points.firewall.validate import (
    find_ip_group_faults,
    find_policy_faults,
    group_faults,
)
from allowlist.points.point import ArmReader, ArmWriter, Point, Target, Write, whole
from allowlist.points.unmet import Unmet
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Requirement


class FirewallPolicy(Point):
    """``Microsoft.Network/firewallPolicies`` with their groups, parents, IP groups and attached firewalls."""

    api_version = API_VERSION
    options_type = limits.PolicyOptions

    def read(self, arm: ArmReader) -> list[Body]:
        """One GET and one list per policy of the chain, one IP group list per subscription, attached firewalls."""
        bodies: list[Body] = []
        wanted: str | None = self.target.resource
        while wanted and not any(normal_id(body["id"]) == normal_id(wanted) for body in bodies):
            policy = whole(arm.get(wanted, API_VERSION))
            bodies += [policy, *arm.list(f"{wanted}/ruleCollectionGroups", API_VERSION)]
            wanted = parent_id(policy)
        bodies += self._ip_groups(arm, bodies)
        return bodies + [arm.get(item, API_VERSION) for item in attached_firewalls(bodies)]

    def _ip_groups(self, arm: ArmReader, bodies: list[Body]) -> list[Body]:
        wanted = named_ip_groups(bodies)
        subscriptions = sorted({ResourceId(item).subscription for item in wanted})
        listed = [
            group
            for subscription in subscriptions
            for group in arm.list(
                f"/subscriptions/{subscription}/providers/Microsoft.Network/ipGroups", API_VERSION
            )
        ]
        return [group for group in listed if normal_id(group["id"]) in wanted]

    def ruleset(self, estate: Estate) -> Ruleset:
        return to_ruleset(estate, self.target.resource)

    def draft(self, estate: Estate, needed: Sequence[Requirement], kept: Sequence[Requirement]) -> Draft:
        return draft(estate, self.target, self.ruleset(estate), needed, kept)

    def compose(self, estate: Estate, operations: Sequence[Operation]) -> list[Write]:
        return compose.compose(
            estate,
            operations,
            owns_group=not self.target.collection and not self.target.group,
            through_draft=self.target.options.get("via") == "draft",
        )

    def after(self, estate: Estate, writes: Iterable[Write]) -> Estate:
        return compose.after(estate, list(writes))

    def fingerprint(self, estate: Estate) -> str:
        """Over the policy, its parents, all their groups and the IP groups they name."""
        bodies: list[Body] = []
        for policy in policy_chain(estate, self.target.resource):
            bodies += [policy, *sorted_groups(estate, policy["id"])]
        named = [estate.get(item) for item in named_ip_groups(bodies)]
        parts = {
            normal_id(body["id"]): fingerprint(body) for body in [*bodies, *(item for item in named if item)]
        }
        return fingerprint({"parts": parts})

    def limits(self, estate: Estate) -> list[LimitFinding]:
        return limits.check(estate, self.target)

    def states(self, estate: Estate) -> list[Finding]:
        return list(_states(estate, self.target))

    def faults(self, estate: Estate) -> list[Finding]:
        """What is wrong with the policy, its parents, all their groups and the IP groups they name."""
        return [invalid(self.target.name, *fault) for fault in _faults(estate, self.target)]

    def idle(self, estate: Estate) -> str:
        return not_carried(estate, policy_chain(estate, self.target.resource)[-1])

    def logged_at(self, estate: Estate) -> frozenset[str]:
        return logged_at(estate, policy_chain(estate, self.target.resource)[-1])

    def lock_group(self, estate: Estate) -> str:
        """Base and children share firewalls, so they are written one after the other."""
        return normal_id(policy_chain(estate, self.target.resource)[0]["id"])

    def write(self, arm: ArmWriter, write: Write) -> None:
        if write.body is None:
            arm.delete(write.resource, write.api_version)
        elif write.method == compose.THROUGH_DRAFT:
            deploy.write_through_draft(arm, write.resource, write.body, write.api_version)
        else:
            arm.put(write.resource, write.body, write.api_version)

    def verify(self, arm: ArmReader, write: Write) -> list[Unmet]:
        """Read-back equality, and ``Succeeded`` on groups, policy and every attached firewall."""
        unmet = list(_unmet_by_group(arm, write))
        policy = arm.get(self.target.resource, API_VERSION)
        unmet += _not_succeeded(policy)
        for firewall_id in attached_firewalls([policy]):
            unmet += _not_succeeded(arm.get(firewall_id, API_VERSION))
        return unmet


def _unmet_by_group(arm: ArmReader, write: Write) -> Iterator[Unmet]:
    name = ResourceId(write.resource).name
    try:
        actual = arm.get(write.resource, API_VERSION)
    except TargetNotFound:
        if write.body is not None:
            yield Unmet.absent(name)
        return
    if write.body is None:
        yield Unmet.present(name)
    elif not same_configuration(write.body, actual):
        yield Unmet.different(name)
    yield from _not_succeeded(actual)


def _states(estate: Estate, target: Target) -> Iterator[Finding]:
    """What of the chain is Failed or still changing: the firewalls, the policies, their groups and IP groups."""
    chain = policy_chain(estate, target.resource)
    bodies = [("firewall", body) for body in carriers_of(estate, chain[-1])]
    for policy in chain:
        groups = sorted_groups(estate, policy["id"])
        bodies += [("policy", policy), *(("group", group) for group in groups)]
        bodies += [("IP group", body) for body in filter(None, map(estate.get, named_ip_groups(groups)))]
    for what, body in bodies:
        state = unsettled(body)
        if state:
            because = f"{what} {name_of(body)} is {state}: what it holds is not known to be in force"
            yield in_bad_state(target.name, name_of(body), because, _REMEDIES[state in FINAL])


_REMEDIES = {
    True: "a plan writes our group again where we have rules in it; else its owner has to",
    False: "wait until Azure is done, then check again",
}


def _faults(estate: Estate, target: Target) -> Iterator[tuple[str, str]]:
    parent: Body | None = None
    chain = policy_chain(estate, target.resource)
    effective = effective_policy(chain[::-1])
    for policy in chain:
        name, groups = policy.get("name", ""), sorted_groups(estate, policy["id"])
        yield from ((name, text) for text in find_policy_faults(policy, parent))
        for group in groups:
            yield from (
                (f"{name}/{group.get('name')}", text) for text in group_faults(estate, group, effective)
            )
        for body in filter(None, map(estate.get, named_ip_groups(groups))):
            yield from ((body.get("name", ""), text) for text in find_ip_group_faults(body))
        parent = policy


def _not_succeeded(body: Body) -> list[Unmet]:
    state = unsettled(body)
    return [Unmet.of_state(str(body.get("name")), state)] if state else []


def attached_firewalls(bodies: Iterable[Body]) -> list[str]:
    """Ids of the firewalls that carry any of the policies among ``bodies``."""
    found = (item for body in bodies for item in _references(body))
    return list(dict.fromkeys(item for item in found if "/azurefirewalls/" in item.lower()))


def _references(policy: Body) -> Iterator[str]:
    """Ids of the firewalls that a policy lists. Raises TargetUnavailable where its list is none."""
    found = policy["properties"].get("firewalls", [])
    if not isinstance(found, list) or not all(isinstance(item, dict) and item.get("id") for item in found):
        raise TargetUnavailable(
            f"the policy {policy.get('name')} was answered without a list of its firewalls: that says nothing about what is there",
            status=200,
        )
    yield from (str(item["id"]) for item in found)
