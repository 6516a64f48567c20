"""A secured hub: the policy of its firewall decides, as far as the hub's routes lead there.

Rules are read, drafted and written as those of the policy; what is added is the way to it. Where the Internet is not
routed to the firewall its rules say nothing about a flow, so nothing they cover is called covered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec.structs import replace

from allowlist.documents import digest_of
from allowlist.errors import InvalidInput, TargetNotFound
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.parts import object_in
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.plan.drafts import Draft, LimitFinding
from allowlist.plan.findings import Finding, Status
from allowlist.plan.model import Operation
from allowlist.points.firewall.point import FirewallPolicy
from allowlist.points.point import ArmReader, ArmWriter, Point, Write
from allowlist.points.secured_hub.place import (
    API_VERSION,
    INTENT,
    TABLES,
    doubt_about_way,
    firewall_of,
    internet_next_hop,
    policy_of,
)
from allowlist.points.unmet import Unmet
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Requirement

NOT_ROUTED = "internet-not-routed-to-firewall"
NOT_IN_FORCE = "way-to-firewall-in-doubt"


class SecuredHub(Point):
    """One virtual hub, by its id; writes go to the policy of its firewall."""

    api_version = API_VERSION
    options_type = FirewallPolicy.options_type

    def read(self, arm: ArmReader) -> list[Body]:
        """The hub with its routes, its firewall, and all that decides in the firewall's policy."""
        hub = arm.get(self.target.resource, API_VERSION)
        bodies = [{**hub, "id": hub.get("id") or self.target.resource}]
        for name in (INTENT, TABLES):
            bodies += _listed(arm, f"{self.target.resource}/{name}")
        named = object_in(hub["properties"], "azureFirewall").get("id")
        if not named:
            return bodies
        firewall = arm.get(named, API_VERSION)
        bodies.append(firewall)
        policy = policy_of(firewall)
        return bodies + (self._at(policy).read(arm) if policy else [])

    def _at(self, policy: str) -> FirewallPolicy:
        return FirewallPolicy(replace(self.target, resource=policy))

    def _policy(self, estate: Estate) -> FirewallPolicy:
        """The policy that decides. Raises InvalidInput where the hub has no firewall, or the firewall no policy."""
        hub = self.target.resource
        firewall = firewall_of(estate, hub)
        if firewall is None or not policy_of(firewall):
            lacking = "a firewall" if firewall is None else "a policy on its firewall"
            raise InvalidInput.of(
                estate.origin or "estate",
                f"{'the hub' if estate.get(hub) else 'lacks the hub'} {hub}, or it lacks {lacking}",
                hint="a secured hub has an Azure Firewall with a policy; or the estate was saved without them",
            )
        return self._at(policy_of(firewall))

    def decider(self, estate: Estate) -> str:
        return policy_of(firewall_of(estate, self.target.resource)) or self.target.resource

    def _is_routed(self, estate: Estate) -> bool:
        firewall = firewall_of(estate, self.target.resource) or {"id": "/"}
        return internet_next_hop(estate, self.target.resource) == normal_id(firewall["id"])

    def ruleset(self, estate: Estate) -> Ruleset:
        return self._policy(estate).ruleset(estate)

    def logged_at(self, estate: Estate) -> frozenset[str]:
        return self._policy(estate).logged_at(estate)

    def refine(self, estate: Estate, findings: Sequence[tuple[Requirement, Finding]]) -> list[Finding]:
        found = self._policy(estate).refine(estate, findings)
        doubt = doubt_about_way(estate, self.target.resource)
        if self._is_routed(estate) and not doubt:
            return found
        return [self._doubted(item, doubt) if item.status is Status.COVERED else item for item in found]

    def _doubted(self, finding: Finding, doubt: str) -> Finding:
        if doubt:
            return msgspec.structs.replace(
                finding,
                status=Status.UNKNOWN,
                severity="warning",
                because=f"a rule lets it through, but not on a way that is certain: {doubt}",
                code=NOT_IN_FORCE,
            )
        return msgspec.structs.replace(
            finding,
            status=Status.UNKNOWN,
            severity="warning",
            because=f"a rule lets it through, but {ResourceId(self.target.resource).name} does not send the "
            "Internet to its firewall",
            remedy="add a routing policy for Internet with the firewall as next hop (routing intent)",
            code=NOT_ROUTED,
        )

    def states(self, estate: Estate) -> list[Finding]:
        return self._policy(estate).states(estate)

    def faults(self, estate: Estate) -> list[Finding]:
        """Of the policy, and of the way to its firewall."""
        found = self._policy(estate).faults(estate)
        if doubt := doubt_about_way(estate, self.target.resource):
            found.append(self._uncertain(doubt))
        return found if self._is_routed(estate) else [*found, self._unrouted(estate)]

    def _uncertain(self, doubt: str) -> Finding:
        return Finding(
            status=Status.INVALID,
            target=self.target.name,
            severity="warning",
            rule=ResourceId(self.target.resource).name,
            because=f"{doubt}, so it is not certain that the Internet is sent to the firewall",
            remedy="look at the hub in Azure, and at its routing intent",
            code=NOT_IN_FORCE,
        )

    def _unrouted(self, estate: Estate) -> Finding:
        hop = internet_next_hop(estate, self.target.resource)
        where = f"sends the Internet to {ResourceId(hop).name}" if hop else "shows no route for the Internet"
        return Finding(
            status=Status.INVALID,
            target=self.target.name,
            severity="warning",
            rule=f"{ResourceId(self.target.resource).name}/{INTENT}",
            because=f"the hub {where}, so the rules of its firewall decide nothing about egress",
            remedy="add a routing policy for Internet with the firewall as next hop (routing intent)",
            code=NOT_ROUTED,
        )

    def draft(self, estate: Estate, needed: Sequence[Requirement], kept: Sequence[Requirement]) -> Draft:
        """No rule mends a route: what the rules let through already, and after the draft, needs none."""
        policy = self._policy(estate)
        allowed = _let_through(policy.ruleset(estate), needed)
        while True:
            missing = [item for item in needed if item not in allowed]
            found = policy.draft(estate, missing, [*kept, *allowed])
            writes = policy.compose(estate, [item.operation for item in found.changes])
            still = _let_through(policy.ruleset(policy.after(estate, writes)), allowed)
            if still == allowed:
                return found
            allowed = still

    def compose(self, estate: Estate, operations: Sequence[Operation]) -> list[Write]:
        return self._policy(estate).compose(estate, operations)

    def after(self, estate: Estate, writes: Iterable[Write]) -> Estate:
        return self._policy(estate).after(estate, writes)

    def fingerprint(self, estate: Estate) -> str:
        """Over the policy, and the way to it: another policy or another route is another state."""
        policy = self._policy(estate)
        hop = internet_next_hop(estate, self.target.resource)
        doubt = doubt_about_way(estate, self.target.resource)
        way = [hop, doubt] if doubt else [hop]
        return digest_of([policy.fingerprint(estate), normal_id(policy.target.resource), *way])

    def limits(self, estate: Estate) -> list[LimitFinding]:
        return self._policy(estate).limits(estate)

    def lock_group(self, estate: Estate) -> str:
        return self._policy(estate).lock_group(estate)

    def write(self, arm: ArmWriter, write: Write) -> None:
        self._at(_policy_in(write)).write(arm, write)

    def verify(self, arm: ArmReader, write: Write) -> list[Unmet]:
        return self._at(_policy_in(write)).verify(arm, write)


def _let_through(rules: Ruleset, asked: Sequence[Requirement]) -> list[Requirement]:
    engine = CoverageEngine.of(rules, tuple(asked))
    return [item for item in asked if engine.cover(item).is_covered]


def _policy_in(write: Write) -> str:
    """The policy that a write of a rule collection group belongs to."""
    return write.resource.partition("/ruleCollectionGroups/")[0]


def _listed(arm: ArmReader, path: str) -> Iterator[Body]:
    try:
        yield from arm.list(path, API_VERSION)
    except TargetNotFound:
        return
