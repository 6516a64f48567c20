"""What an account's outbound list says about a requirement, and which entries must not be sent. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from allowlist.estate.known import shown
from allowlist.names import Dialect, InvalidPattern, parse_pattern
from allowlist.plan.findings import Finding, Status, in_bad_state, invalid, not_modelled
from allowlist.points.allow_list.translate import (
    COLLECTION,
    DOCUMENTED_KINDS,
    UNCLEAR_KINDS,
    AllowList,
    to_ruleset,
)
from allowlist.points.verdict import Judgement, Refusal, Word, undecided
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.requirement import Requirement

MAX_ENTRIES = 1000
"""Data loss prevention article of Azure AI services."""
WILDCARDS = "wildcards_not_documented"


class ListJudge:
    """Judges ``requirements`` against the list of one account."""

    def __init__(
        self, allowed: AllowList, requirements: Iterable[Requirement], *, wildcards: bool = False
    ) -> None:
        self.allowed = allowed
        self.refused = judge_kind(allowed)
        self._wildcards = wildcards
        self._engine = CoverageEngine.of(to_ruleset(allowed), tuple(requirements))

    def judge(self, requirement: Requirement) -> Judgement:
        if self.refused:
            return self.refused
        if not self.allowed.restricted and not self.allowed.doubts:
            return _unrestricted(self.allowed)
        coverage = self._engine.cover(requirement)
        if coverage.is_covered:
            by = next((entry.rule.ref.rule for entry in coverage.rules("allowing")), "")
            return Judgement(word=Word.COVERED, by=by, warnings=_doubts(self.allowed))
        refusal = why_inexpressible(requirement)
        unknown = undecided(
            coverage, refusal or self.allowed.doubts or not self.allowed.is_settled, op="patch_account"
        )
        if unknown:
            return unknown
        if refusal and not (self._wildcards and refusal.reason == WILDCARDS):
            return Judgement(word=Word.BLOCKED, reason=refusal.reason, text=refusal.text)
        merged = [*self.allowed.entries, requirement.pattern]
        action = (("op", "patch_account"), ("allowedFqdnList", merged))
        return Judgement(word=Word.MISSING, action=action, warnings=_doubts(self.allowed))


def judge_kind(allowed: AllowList) -> Judgement | None:
    """The verdict on an account whose kind no document says to honour the list; None for the others."""
    if allowed.kind in DOCUMENTED_KINDS | UNCLEAR_KINDS:
        return None
    return Judgement(
        word=Word.BLOCKED,
        reason="kind_not_among_services_documented_to_support_dlp",
        warnings=("property_may_be_accepted_but_not_enforced",),
        text=f"no document says that accounts of kind {allowed.kind} honour an outbound list",
    )


def _doubts(allowed: AllowList) -> tuple[str, ...]:
    return ("enforcement_not_documented_for_this_kind",) if allowed.kind in UNCLEAR_KINDS else ()


def _unrestricted(allowed: AllowList) -> Judgement:
    finding = "allowlist_present_but_not_enforced" if allowed.entries else "outbound_access_not_restricted"
    text = "restrictOutboundNetworkAccess is off, so the list decides nothing"
    return Judgement(word=Word.UNRESTRICTED, finding=finding, text=text)


def why_inexpressible(requirement: Requirement) -> Refusal | None:
    """Why no list entry can carry ``requirement``; None if one can."""
    if not requirement.pattern:
        return Refusal(reason="names_and_addresses_only", text="an account's list holds host names only")
    if not requirement.is_by_name:
        text = f"the list governs web calls of the service, not {requirement.protocol}"
        return Refusal(reason="web_calls_only", text=text)
    return next(refusals_of_entry(requirement.pattern), None)


def refusals_of_entry(entry: str) -> Iterator[Refusal]:
    address = _address(entry)
    if isinstance(address, ipaddress.IPv6Address):
        yield Refusal(reason="ipv4_only", text=f"'{entry}' is an IPv6 address; the list takes IPv4 only")
    elif address is None:
        try:
            parse_pattern(entry, Dialect.ACCOUNT_ALLOW_LIST)
        except InvalidPattern as error:
            reason = WILDCARDS if "*" in entry else "host_names_only"
            yield Refusal(reason=reason, text=str(error))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def posture(allowed: AllowList, target: str) -> Iterator[Finding]:
    """What the account itself shows, whatever is required of it."""
    refused = judge_kind(allowed)
    if refused:
        yield Finding(
            status=Status.BLOCKED,
            target=target,
            severity="error",
            rule=allowed.name,
            because=refused.text,
            remedy="put the workload behind a managed network or a firewall instead",
            code=refused.reason,
        )
    if not allowed.is_settled:
        yield in_bad_state(
            target, allowed.name, f"the account is {allowed.state}: its list is not known to be in force"
        )
    for text in allowed.doubts:
        yield not_modelled(target, allowed.name, text)
    for entry in allowed.entries:
        if "*" in entry:
            because = (
                f"no page says what '{shown(entry)}' matches: wildcards are not documented for this list"
            )
            yield invalid(target, COLLECTION, because)
    if not allowed.restricted and not allowed.doubts:
        judgement = _unrestricted(allowed)
        yield Finding(
            status=Status.WIDENS,
            target=target,
            severity="warning",
            rule="restrictOutboundNetworkAccess",
            because=judgement.text,
            remedy="set options.restrict: true on the target; the plan turns the switch on",
            code=judgement.finding,
        )
