"""``properties.egressPolicy`` of ``Microsoft.CognitiveServices/accounts/raiPolicies``, preview 2026-05-15-preview.

No generally available SDK carries it, so it is spoken to over httpx with an azure-identity token. A PUT carries the
content filters of the policy too, so the whole policy is read, changed in one place and written back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import replace

from allowlist.azure.facts import api_version
from allowlist.documents import digest_of
from allowlist.errors import InvalidInput, PlanRefused
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.known import unsettled
from allowlist.estate.resource_id import ResourceId, normal_id
from allowlist.plan.drafts import Draft, LimitFinding
from allowlist.plan.findings import Finding
from allowlist.plan.model import Operation
from allowlist.points.accounts import ACCOUNTS
from allowlist.points.agent_egress.draft import PolicyOptions, draft, options_of
from allowlist.points.agent_egress.judge import PolicyJudge, posture
from allowlist.points.agent_egress.place import API_VERSION
from allowlist.points.agent_egress.translate import (
    COLLECTION,
    MAX_RULES,
    MODE,
    UNSET,
    EgressPolicy,
    to_ruleset,
)
from allowlist.points.point import ArmReader, ArmWriter, Point, Write
from allowlist.points.unmet import Unmet
from allowlist.points.verdict import refined
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Requirement

_NEAR = 0.9
_READ_ONLY = ("type", "provisioningState")


class AgentEgress(Point):
    """One egress policy of hosted agents."""

    api_version = API_VERSION
    options_type = PolicyOptions

    def read(self, arm: ArmReader) -> list[Body]:
        policy = arm.get(self.target.resource, API_VERSION)
        account = arm.get(self._account, api_version(ACCOUNTS))
        return [
            {**policy, "id": policy.get("id") or self.target.resource},
            {**account, "id": account.get("id") or self._account},
        ]

    @property
    def _account(self) -> str:
        """The account the policy belongs to."""
        return str(ResourceId(self.target.resource).parent)

    def policy(self, estate: Estate) -> EgressPolicy:
        body = estate.get(self.target.resource)
        if body is None:
            raise InvalidInput.of(estate.origin or "estate", f"lacks the RAI policy {self.target.resource}")
        name = self.target.resource.rpartition("/")[2]
        properties = body["properties"]
        found = properties.get(COLLECTION, UNSET) if properties else properties
        account = estate.get(self._account)
        state = unsettled(account) if account else ""
        policy = EgressPolicy.of(name, found, options_of(self.target).attached)
        return replace(policy, state=f"the account is {state}" if state else "")

    def ruleset(self, estate: Estate) -> Ruleset:
        return to_ruleset(self.policy(estate))

    def refine(self, estate: Estate, findings: Sequence[tuple[Requirement, Finding]]) -> list[Finding]:
        judge = PolicyJudge(self.policy(estate), [item for item, _ in findings])
        return [refined(finding, judge.judge(item)) for item, finding in findings]

    def states(self, estate: Estate) -> list[Finding]:
        return list(posture(self.policy(estate), self.target.name))

    def draft(self, estate: Estate, needed: Sequence[Requirement], kept: Sequence[Requirement]) -> Draft:
        return draft(self.policy(estate), self.target, needed, kept)

    def compose(self, estate: Estate, operations: Sequence[Operation]) -> list[Write]:
        """One PUT of the whole policy; what is not ours goes back as it came."""
        if not operations:
            return []
        policy = estate.get(self.target.resource) or {"properties": {}}
        if str(policy["properties"].get("type") or "").lower() == "systemmanaged":
            raise PlanRefused(
                f"{self.target.resource.rpartition('/')[2]} is a policy of the service, which cannot be changed",
                hint="make a policy of your own that names it as basePolicyName, and write that under 'resource:'",
            )
        body = {
            "properties": {
                key: deepcopy(value) for key, value in policy["properties"].items() if key not in _READ_ONLY
            }
        }
        edited = body["properties"].get(COLLECTION) or {"mode": "Enforced", "defaultAction": "Deny"}
        body["properties"][COLLECTION] = _edited(edited, operations)
        return [
            Write(
                resource=self.target.resource,
                method="PUT",
                body=body,
                api_version=API_VERSION,
                operations=tuple(operations),
            )
        ]

    def after(self, estate: Estate, writes: Iterable[Write]) -> Estate:
        for write in writes:
            old = estate.get(write.resource) or {"id": write.resource}
            estate = estate.with_resources([{**old, **(write.body or {})}])
        return estate

    def fingerprint(self, estate: Estate) -> str:
        return digest_of(self.policy(estate).meaning)

    def digest(self, estate: Estate, resource: str) -> str:
        del resource
        return self.fingerprint(estate)

    def limits(self, estate: Estate) -> list[LimitFinding]:
        count = len(self.policy(estate).rules)
        if count <= MAX_RULES * _NEAR:
            return []
        text = f"the policy would have {count} rules of {MAX_RULES}"
        return [LimitFinding(code="maximum-480-rules", exceeded=count > MAX_RULES, text=text)]

    def lock_group(self, estate: Estate) -> str:
        """One write at a time per account."""
        del estate
        return normal_id(self.target.resource.partition("/raiPolicies/")[0])

    def write(self, arm: ArmWriter, write: Write) -> None:
        arm.put(write.resource, write.body or {}, write.api_version)

    def verify(self, arm: ArmReader, write: Write) -> list[Unmet]:
        """Read-back equality by meaning: header values are never answered and do not count."""
        actual = self.policy(Estate.of(self.read(arm)))
        wanted = EgressPolicy.of(actual.name, (write.body or {})["properties"][COLLECTION])
        return [] if wanted.meaning == actual.meaning else [Unmet.different(actual.name)]


def _edited(policy: Body, operations: Sequence[Operation]) -> Body:
    rules = list(policy.get("rules") or ())
    for operation in operations:
        name = operation.path[1]
        if name == MODE:
            policy = {**policy, **(operation.after or {})}
            continue
        places = [index for index, rule in enumerate(rules) if rule.get("name") == name]
        if operation.after is None:
            rules = [rule for rule in rules if rule.get("name") != name]
        elif places:
            rules[places[0]] = operation.after
        else:
            rules.append(operation.after)
    return {**policy, "rules": rules}
