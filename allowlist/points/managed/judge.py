"""What a managed network says about a requirement: covered, and in force? If not, can a rule carry it? Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from msgspec.structs import replace

from allowlist.estate.known import shown
from allowlist.plan.findings import Finding, Status, in_bad_state, invalid, not_modelled, not_read
from allowlist.points.managed.destinations import is_microsoft_storage, is_storage
from allowlist.points.managed.network import DISABLED, ManagedNetwork, OutboundRule
from allowlist.points.managed.translate import ANY_STATUS, COMING, IN_FORCE, to_ruleset
from allowlist.points.managed.validate import faults_of_standing
from allowlist.points.verdict import Judgement, Refusal, Word, undecided
from allowlist.rules.coverage import Coverage, CoverageEngine
from allowlist.rules.requirement import Requirement

WEB_PORTS = (80, 443)
STORAGE_WARNING = "storage_fqdn_rule_may_not_work_documentation_conflict"


class NetworkJudge:
    """Judges ``requirements`` of one network; each question about the rules is answered once."""

    def __init__(self, network: ManagedNetwork, requirements: Iterable[Requirement]) -> None:
        self.network = network
        self._requirements = tuple(requirements)

    @cached_property
    def _in_force(self) -> CoverageEngine:
        return self._engine(IN_FORCE)

    @cached_property
    def _coming(self) -> CoverageEngine:
        return self._engine(COMING)

    @cached_property
    def _written(self) -> CoverageEngine:
        return self._engine(ANY_STATUS)

    def _engine(self, statuses: frozenset[str]) -> CoverageEngine:
        return CoverageEngine.of(to_ruleset(self.network, statuses), self._requirements, presumes=True)

    def judge(self, requirement: Requirement, *, ours: bool | None = None) -> Judgement:
        """The verdict on ``requirement``; ``ours`` says whether its storage account is the customer's, if known."""
        if (
            self.network.is_open
            and not self.network.doubts
            and not (requirement.endpoint and not self.network.absent)
        ):
            return _unrestricted(self.network)
        coverage = self._in_force.cover(requirement)
        if coverage.is_covered:
            return self._covered(requirement, coverage)
        if coverage.mask("denied"):
            return _denied(coverage)
        coming = self._coming.cover(requirement)
        if coming.is_covered:
            return self._pending(coming)
        written = self._written.cover(requirement)
        if written.is_covered:
            return self._failed(written)
        if not self.network.is_settled and coverage.mask("unknown"):
            return self._pending(coverage)
        refusal = why_inexpressible(self.network, requirement, ours=ours)
        unknown = undecided(coverage, refusal or self.network.doubts, op="put_rule")
        if unknown:
            return replace(unknown, alternatives=_ALTERNATIVES.get(refusal.reason, ()) if refusal else ())
        if refusal:
            return _blocked(refusal, requirement)
        return replace(_missing(requirement), assumptions=coverage.assumptions)

    def _covered(self, requirement: Requirement, coverage: Coverage) -> Judgement:
        by = _first(coverage)
        rule = self.network.rule(by)
        if not self.network.provisioned:
            return self._pending(coverage)
        via = "service_tag" if rule and rule.kind.lower() == "servicetag" else ""
        also = tuple(self._adding_nothing(requirement, by))
        return Judgement(word=Word.COVERED, by=by, via=via, also=also, assumptions=coverage.assumptions)

    def _adding_nothing(self, requirement: Requirement, by: str) -> Iterator[str]:
        """FQDN rules for the same names that decide nothing, because ``by`` is evaluated first."""
        for rule in self.network.fqdn_rules:
            if rule.name != by and rule.is_active and requirement.pattern in rule.names:
                yield rule.name

    def _pending(self, coverage: Coverage) -> Judgement:
        by = _first(coverage) or next((item.rule.ref.rule for item in coverage.rules("doubts")), "")
        rule = self.network.rule(by)
        if not self.network.is_settled:
            text = f"rule '{by}' is not known to be in force: the network is {self.network.state}"
        elif not self.network.provisioned:
            text = f"depends on the network being provisioned; rule '{by}' is approved and not in force yet"
        else:
            text = f"depends on rule '{by}' coming into force; it is {rule.status if rule else 'Inactive'}"
        return Judgement(word=Word.PENDING, by=by, finding="approved_not_in_force", text=text)

    def _failed(self, coverage: Coverage) -> Judgement:
        by = _first(coverage)
        rule = self.network.rule(by)
        error = rule.error if rule and rule.error else "no reason given"
        return Judgement(
            word=Word.FAILED,
            by=by,
            reason="rule_failed",
            text=f"rule '{by}' allows it and is Failed: {error}",
        )


def _first(coverage: Coverage) -> str:
    return next((entry.rule.ref.rule for entry in coverage.rules("allowing")), "")


def _unrestricted(network: ManagedNetwork) -> Judgement:
    if network.absent:
        return Judgement(word=Word.BLOCKED, reason="no_managed_network", text=network.absent)
    if network.isolation == DISABLED:
        finding = "managed_network_off_check_customer_vnet_and_azure_firewall"
        text = "isolation is disabled: egress is open, or a network of yours decides"
    else:
        finding, text = "egress_not_restricted", f"{network.isolation} restricts no egress"
    return Judgement(word=Word.UNRESTRICTED, finding=finding, text=text)


def _denied(coverage: Coverage) -> Judgement:
    by = next(entry.rule.ref.rule for entry in coverage.rules("denying"))
    text = f"denied by service tag rule '{by}'; how it ranks against required rules is not documented"
    warnings = ("precedence_against_required_allow_rules_unknown",)
    return Judgement(word=Word.BLOCKED, by=by, reason="", warnings=warnings, text=text)


_ALTERNATIVES = {
    "fqdn_rules_only_80_443": ("private_endpoint_rule", "service_tag_rule_with_addressPrefixes"),
    "fqdn_rules_do_not_propagate_to_spark": ("wheel in storage behind a sparkEnabled private endpoint",),
    "storage_by_fqdn_not_supported": ("private_endpoint_rule",),
    "storage_by_fqdn_not_supported_and_exfiltration_risk": ("private_endpoint_rule",),
    "addresses_need_a_service_tag_rule": (
        "service_tag_rule_with_addressPrefixes",
        "private_endpoint_rule",
    ),
}


def _blocked(refusal: Refusal, requirement: Requirement) -> Judgement:
    del requirement
    alternatives = _ALTERNATIVES.get(refusal.reason, ())
    return Judgement(word=Word.BLOCKED, reason=refusal.reason, text=refusal.text, alternatives=alternatives)


def _missing(requirement: Requirement) -> Judgement:
    if requirement.endpoint:
        return Judgement(word=Word.MISSING, action=(("op", "put_rule"), ("type", "PrivateEndpoint")))
    if requirement.service_tag:
        action: tuple[tuple[str, str], ...] = (("op", "put_rule"), ("type", "ServiceTag"))
        return Judgement(word=Word.MISSING, action=action)
    action = (("op", "put_rule"), ("type", "FQDN"), ("destination", requirement.pattern))
    warnings = (STORAGE_WARNING,) if is_storage(requirement.pattern) else ()
    return Judgement(word=Word.MISSING, action=action, warnings=warnings)


def why_inexpressible(
    network: ManagedNetwork, requirement: Requirement, *, ours: bool | None = None
) -> Refusal | None:
    """Why no rule we may write can carry ``requirement``; None if one can."""
    if requirement.fqdn_tag:
        return Refusal(reason="no_fqdn_tags", text="managed networks know no FQDN tags; name the hosts")
    if requirement.service_tag or requirement.endpoint:
        return None
    if requirement.addresses:
        text = (
            "addresses are reached by a service tag rule with addressPrefixes, which this version counts and does"
            " not write; add one, or reach the resource by private endpoint"
        )
        return Refusal(reason="addresses_need_a_service_tag_rule", text=text)
    if network.spark:
        text = "serverless Spark does not honour FQDN rules"
        return Refusal(reason="fqdn_rules_do_not_propagate_to_spark", text=text)
    low, high = requirement.ports
    if low != high or low not in WEB_PORTS or not requirement.is_by_name:
        text = f"FQDN rules open https:443 and http:80 only, not {requirement.protocol}:{low}"
        return Refusal(reason="fqdn_rules_only_80_443", text=text)
    if is_storage(requirement.pattern):
        return _why_no_storage(requirement, ours)
    return None


def _why_no_storage(requirement: Requirement, ours: bool | None) -> Refusal | None:
    if requirement.pattern.startswith("*"):
        text = f"{requirement.pattern} opens storage accounts of anybody; approved-only networks reach storage by private endpoint"
        return Refusal(reason="storage_by_fqdn_not_supported_and_exfiltration_risk", text=text)
    if ours is False or (ours is None and is_microsoft_storage(requirement.pattern)):
        return None
    text = (
        "storage accounts cannot be reached by FQDN rule in approved-only mode; add a private endpoint rule"
    )
    return Refusal(reason="storage_by_fqdn_not_supported", text=text)


def posture(network: ManagedNetwork, target: str) -> Iterator[Finding]:
    """What the network itself shows, whatever is required of it."""
    if network.absent:
        yield Finding(
            status=Status.INVALID,
            target=target,
            severity="error",
            rule=network.name,
            because=network.absent,
            remedy="write another resource or another surface under the target",
            code="no_managed_network",
        )
        return
    yield from _network_state(network, target)
    if network.is_open and not network.doubts:
        judgement = _unrestricted(network)
        yield Finding(
            status=Status.WIDENS,
            target=target,
            severity="warning",
            rule=f"isolationMode {network.isolation}",
            because=judgement.text,
            remedy=_TIGHTEN,
            code=judgement.finding,
        )
    elif not network.provisioned:
        yield Finding(
            status=Status.UNKNOWN,
            target=target,
            severity="warning",
            rule=network.name,
            because="the network is not provisioned: no rule is in force yet",
            remedy=_PROVISION[network.platform],
            code="network_not_provisioned",
        )
    for rule in network.rules:
        yield from _rule_state(rule, network, target)


_TIGHTEN = (
    "set options.isolation_mode: AllowOnlyApprovedOutbound on the target; the plan shows the one-way gate"
)
_PROVISION = {
    "hub": "a plan provisions it (about 30 minutes), and so does a first compute",
    "account": "a plan provisions it (about 30 minutes)",
}


def _network_state(network: ManagedNetwork, target: str) -> Iterator[Finding]:
    if not network.is_settled:
        because = f"the network is {network.state}: none of its rules is known to be in force"
        yield in_bad_state(target, network.name, because)
    for text in network.doubts:
        yield not_modelled(target, network.name, text)


def _rule_state(rule: OutboundRule, network: ManagedNetwork, target: str) -> Iterator[Finding]:
    if rule.is_unlisted:
        yield not_read(target, f"the outbound rules of {network.name}: allowlist snapshot -o DIR")
        return
    for name in rule.odd_names:
        yield invalid(target, rule.name, f"no page says what '{shown(name)}' matches in a managed network")
    if not (rule.is_platform or rule.doubts):
        yield from (invalid(target, rule.name, text) for text in faults_of_standing(network, rule))
    for text in rule.doubts:
        yield not_modelled(target, rule.name, text)
    if rule.is_failed:
        yield Finding(
            status=Status.INVALID,
            target=target,
            severity="error",
            rule=rule.name,
            because=f"the rule is Failed: {rule.error or 'no reason given'}",
            remedy=_failed_remedy(rule),
            code="rule_failed",
        )
    elif not rule.is_active and network.provisioned and not network.is_open:
        yield Finding(
            status=Status.UNKNOWN,
            target=target,
            severity="warning",
            rule=rule.name,
            because=f"the rule is {rule.status} and not in force",
            code="approved_not_in_force",
        )


def _failed_remedy(rule: OutboundRule) -> str:
    if rule.kind.lower() == "privateendpoint":
        return "give the identity of the network the role Azure AI Enterprise Network Connection Approver on the target resource, then write the rule again"
    return "write the rule again; rules of allowlist are written again by the next plan"
