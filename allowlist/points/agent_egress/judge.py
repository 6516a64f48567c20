"""What an egress policy says about a requirement, and which policies must not be sent. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from allowlist.estate.known import shown
from allowlist.names import Dialect, InvalidPattern, parse_pattern
from allowlist.plan.findings import Finding, Status, in_bad_state, invalid, not_modelled
from allowlist.points.agent_egress.translate import EgressPolicy, to_ruleset
from allowlist.points.verdict import Judgement, Refusal, Word, undecided
from allowlist.rules.coverage import Coverage, CoverageEngine
from allowlist.rules.requirement import Requirement


class PolicyJudge:
    """Judges ``requirements`` against one egress policy."""

    def __init__(self, policy: EgressPolicy, requirements: Iterable[Requirement]) -> None:
        self.policy = policy
        self._engine = CoverageEngine.of(to_ruleset(policy), tuple(requirements))

    def judge(self, requirement: Requirement) -> Judgement:
        if self.policy.is_open:
            return _unrestricted(self.policy)
        coverage = self._engine.cover(requirement)
        if coverage.is_covered:
            return Judgement(word=Word.COVERED, by=_first(coverage, "allowing"))
        if coverage.mask("denied"):
            by = _first(coverage, "denying")
            return Judgement(
                word=Word.BLOCKED, by=by, reason="", text=f"denied by rule '{by}', which comes first"
            )
        refusal = why_inexpressible(requirement)
        unknown = undecided(
            coverage, refusal or self.policy.troubles, op="add_rule", host=requirement.pattern
        )
        if unknown:
            return unknown
        if refusal:
            return Judgement(word=Word.BLOCKED, reason=refusal.reason, text=refusal.text)
        action = (("op", "add_rule"), ("host", requirement.pattern))
        return Judgement(word=Word.MISSING, action=action)


def _first(coverage: Coverage, kind: str) -> str:
    return next((entry.rule.ref.rule for entry in coverage.rules(kind)), "")


def _unrestricted(policy: EgressPolicy) -> Judgement:
    if policy.missing:
        text = "the policy has no egressPolicy, so it restricts no egress"
        return Judgement(word=Word.UNRESTRICTED, finding="no_egress_policy", text=text)
    if policy.mode != "Enforced":
        text = f"the policy is in {policy.mode} mode: what it would deny is logged and let through"
        return Judgement(word=Word.UNRESTRICTED, finding="policy_in_audit_mode", text=text)
    text = "no agent version names the policy, so it decides nothing"
    return Judgement(word=Word.UNRESTRICTED, finding="policy_not_attached", text=text)


def why_inexpressible(requirement: Requirement) -> Refusal | None:
    """Why no rule of the policy can carry ``requirement``; None if one can."""
    if not requirement.pattern or not requirement.is_by_name:
        text = (
            f"egress policies see web calls by host, not {requirement.protocol} to {requirement.destination}"
        )
        return Refusal(reason="hosts_of_web_calls_only", text=text)
    try:
        parse_pattern(requirement.pattern, Dialect.AGENT_EGRESS)
    except InvalidPattern as error:
        return Refusal(reason="not_a_host_name_or_leading_wildcard", text=str(error))
    return None


def posture(policy: EgressPolicy, target: str) -> Iterator[Finding]:
    """What the policy itself shows, whatever is required of it."""
    if policy.state:
        yield in_bad_state(
            target, policy.name, f"{policy.state}: its policies are not known to be in force", _WAIT
        )
    for text in policy.doubts:
        yield not_modelled(target, policy.name, text)
    for rule in policy.rules:
        yield from (not_modelled(target, rule.name, text) for text in rule.doubts)
        if not rule.has_documented_host:
            yield invalid(target, rule.name, f"no page says what host '{shown(rule.host)}' matches")
    if policy.is_open:
        judgement = _unrestricted(policy)
        yield Finding(
            status=Status.WIDENS,
            target=target,
            severity="warning",
            rule=f"mode {policy.mode}",
            because=judgement.text,
            remedy=_REMEDIES[judgement.finding],
            code=judgement.finding,
        )
    elif policy.attached is None:
        yield Finding(
            status=Status.UNKNOWN,
            target=target,
            severity="info",
            rule=policy.name,
            because="depends on whether an agent version names the policy; the ARM API does not expose it",
            remedy="write options.attached: true (or false) on the target",
            code="attachment_not_known",
        )


_WAIT = "wait until Azure is done, or mend the account; then check again"
_ENFORCE = "set options.mode: Enforced on the target once the log shows no call that is needed"
_REMEDIES = {
    "no_egress_policy": _ENFORCE,
    "policy_in_audit_mode": _ENFORCE,
    "policy_not_attached": "name the policy in the agent version (definition.rai_config.rai_policy_name)",
}
