"""A perimeter profile as neutral rules, and what may stand in one. Pure.

``Microsoft.Network/networkSecurityPerimeters/profiles/accessRules`` (2024-10-01). An association says for which
resource the profile counts and how: Learning (once called Transition) and Audit only log, Enforced denies what no
outbound rule names. Wildcards in names are not documented. A rule whose own write has not ended is not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from allowlist.estate.known import holds, shown, spelling, unmodelled_keys, unsettled
from allowlist.estate.parts import is_unread, texts_in
from allowlist.names import Dialect, InvalidPattern, parse_pattern
from allowlist.points.allow_list.translate import normal_entry
from allowlist.points.managed.translate import WEB, opaque, open_ruleset
from allowlist.points.verdict import Judgement, Refusal, Word, undecided
from allowlist.rules.addresses import EVERYWHERE
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.model import Action, ApplicationRule, RuleRef, Ruleset, Settings, Sources
from allowlist.rules.requirement import Requirement

COLLECTION = "accessRules"
NAMES = "fullyQualifiedDomainNames"
ASSOCIATIONS = "resourceAssociations"
ENFORCED = "Enforced"
UNASSOCIATED = "unset: no resource is associated"
MAX_ELEMENTS = 200
"""Rule elements per profile (network security perimeter limits)."""
WILDCARDS = "wildcards_not_documented"

_LISTS = ("addressPrefixes", "fullyQualifiedDomainNames", "subscriptions", "emailAddresses", "phoneNumbers")
MEMBERS = frozenset({"direction", "provisioningState", "serviceTags", "networkSecurityPerimeters", *_LISTS})
"""Members of an access rule (API description of Microsoft.Network, 2024-10-01)."""
MODES = ("Enforced", "Learning", "Audit", "Transition")
"""Transition is what Learning was called before."""

_GONE = ("Failed", "Deleting")


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """A resource behind a profile: ``mode`` is its access mode, ``resource`` its ARM id."""

    name: str
    resource: str
    mode: str
    has_issues: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessProfile:
    """The rules of one profile by name, and how they are enforced.

    ``links`` are the perimeters whose resources may be reached without a rule.
    """

    mode: str
    rules: Mapping[str, Mapping[str, Any]]
    name: str = "perimeter"
    associations: tuple[Association, ...] = ()
    links: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """Members and values of the profile and its associations that nobody models."""
    state: str = ""
    """Why nothing of it is certain to be in force: it, its perimeter or an association is not Succeeded."""

    @property
    def outbound(self) -> dict[str, Mapping[str, Any]]:
        """The rules that are not known to be for the other direction."""
        return {
            name: rule
            for name, rule in self.rules.items()
            if str(rule.get("direction") or "").lower() != "inbound"
        }

    @property
    def doubts(self) -> tuple[str, ...]:
        """What nobody models, access modes included: then nothing of what is let through is known."""
        modes = dict.fromkeys(item.mode for item in self.associations if item.mode not in MODES)
        return (*(f"accessMode {mode}" for mode in modes), *self.unknown)

    @property
    def troubles(self) -> tuple[str, ...]:
        """What makes every answer of the profile unknown."""
        return (*self.doubts, *([self.state] if self.state else []))

    @property
    def elements(self) -> int:
        return sum(_length(rule.get(key)) for rule in self.rules.values() for key in _LISTS)


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list | tuple) else 0


def mode_of(associations: Sequence[Association]) -> str:
    """Where any resource is held to the rules, or may be, they count; the others are told of by posture."""
    modes = [item.mode for item in associations]
    if ENFORCED in modes or any(mode not in MODES for mode in modes):
        return ENFORCED
    return modes[0] if modes else UNASSOCIATED


def hosts_of(rule: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of a rule, as far as they can be read."""
    return tuple(map(normal_entry, texts_in(rule, NAMES)))


def odd_names(rule: Mapping[str, Any]) -> tuple[str, ...]:
    """What stands in place of names and is none: an expression, or no text at all. It may be any name."""
    names = rule.get(NAMES)
    items = names if isinstance(names, list) else []
    plain = isinstance(names, list) and all(
        isinstance(item, str) and item and not is_unread(item) for item in items
    )
    return (f"{NAMES} {shown(names)}",) if holds(names) and not plain else ()


def rule_doubts(rule: Mapping[str, Any]) -> tuple[str, ...]:
    """Members and values of a rule that nobody models; a rule about nothing at all may be about any name."""
    names, direction = rule.get(NAMES), rule.get("direction")
    return (
        *unmodelled_keys(rule, MEMBERS),
        *odd_names(rule),
        *([] if any(holds(rule.get(key)) for key in _LISTS) else [f"{NAMES}, which are not said"]),
        *(f"{key} beside names" for key in _LISTS if key != NAMES and holds(names) and holds(rule.get(key))),
        *(
            []
            if str(direction or "").lower() in ("inbound", "outbound")
            else [f"direction {shown(direction)}"]
        ),
    )


def to_ruleset(profile: AccessProfile) -> Ruleset:
    """One rule per outbound access rule; a profile that only logs lets everything through."""
    if profile.mode != ENFORCED:
        return open_ruleset(profile.name, f"accessMode {profile.mode}")
    ref = RuleRef(policy=profile.name, group="", collection=ASSOCIATIONS, rule="")
    before = opaque(ref, profile.troubles) if profile.troubles else ()
    rules = (
        _rule(profile.name, name, rule)
        for name, rule in profile.outbound.items()
        if (hosts_of(rule) or rule_doubts(rule)) and _state(rule) not in _GONE
    )
    return Ruleset(
        name=profile.name,
        network=tuple(before),
        application=tuple(rules),
        settings=Settings(is_managed=True),
    )


def _state(rule: Mapping[str, Any]) -> str:
    return spelling(unsettled({"properties": dict(rule)}), _GONE)


def _rule(profile: str, name: str, rule: Mapping[str, Any]) -> ApplicationRule:
    """One rule; wildcards may stand for any name, for no page says what they match here."""
    coming = _state(rule)
    hosts = hosts_of(rule)
    doubts = rule_doubts(rule)
    return ApplicationRule(
        ref=RuleRef(policy=profile, group="", collection=COLLECTION, rule=name),
        action=Action.ALLOW,
        sources=Sources(addresses=EVERYWHERE),
        services=WEB,
        patterns=tuple(host for host in hosts if "*" not in host),
        unresolved=(
            *(host for host in hosts if "*" in host),
            *(odd_names(rule) if hosts else doubts),
        ),
        unmodelled=doubts,
        state=f"its state is {coming}" if coming else "",
    )


class PerimeterJudge:
    """Judges ``requirements`` against one profile."""

    def __init__(
        self, profile: AccessProfile, requirements: Iterable[Requirement], *, wildcards: bool = False
    ) -> None:
        self.profile = profile
        self._wildcards = wildcards
        self._engine = CoverageEngine.of(to_ruleset(profile), tuple(requirements))

    def judge(self, requirement: Requirement) -> Judgement:
        if self.profile.mode != ENFORCED:
            text = f"access mode {self.profile.mode}: nothing is denied, calls are only logged"
            return Judgement(word=Word.UNRESTRICTED, finding="perimeter_not_enforced", text=text)
        coverage = self._engine.cover(requirement)
        if coverage.is_covered:
            return Judgement(word=Word.COVERED, by=coverage.rules("allowing")[0].rule.ref.rule)
        refusal = why_inexpressible(requirement)
        unknown = undecided(coverage, refusal or self.profile.troubles, op="put_rule")
        if unknown:
            return unknown
        if refusal and not (self._wildcards and refusal.reason == WILDCARDS):
            return Judgement(word=Word.BLOCKED, reason=refusal.reason, text=refusal.text)
        return Judgement(word=Word.MISSING, text=self._because())

    def _because(self) -> str:
        if not self.profile.links:
            return ""
        return (
            f"no outbound rule names it; only what is a resource of {', '.join(self.profile.links)} "
            "is reached over a link without a rule"
        )


def why_inexpressible(requirement: Requirement) -> Refusal | None:
    """Why no access rule can carry ``requirement``; None if one can."""
    if not requirement.pattern:
        return Refusal(reason="names_only", text="an outbound access rule holds host names only")
    if not requirement.is_by_name:
        text = f"a perimeter governs web calls of its resources, not {requirement.protocol}"
        return Refusal(reason="web_calls_only", text=text)
    try:
        parse_pattern(requirement.pattern, Dialect.ACCOUNT_ALLOW_LIST)
    except InvalidPattern:
        if "*" not in requirement.pattern:
            return Refusal(reason="host_names_only", text=f"'{requirement.pattern}' is no host name")
        text = f"no document says that a perimeter honours wildcards such as {requirement.pattern}"
        return Refusal(reason=WILDCARDS, text=text)
    return None


def refusals_of_rule(rule: Mapping[str, Any], others: Iterable[Mapping[str, Any]] = ()) -> Iterator[Refusal]:
    """Every reason not to send an access rule into a profile that holds ``others``."""
    lists = [name for name in _LISTS if rule.get(name)]
    if rule.get("direction") == "Inbound" and rule.get("fullyQualifiedDomainNames"):
        yield Refusal(reason="fqdn_rules_are_outbound_only", text="names may stand in outbound rules only")
    if len(lists) > 1:
        yield Refusal(
            reason="exactly_one_list_per_rule", text=f"a rule takes one list, not {' and '.join(lists)}"
        )
    elements = sum(len(item.get(name) or ()) for item in (rule, *others) for name in _LISTS)
    if elements > MAX_ELEMENTS:
        text = f"{elements} rule elements; a profile takes {MAX_ELEMENTS}"
        yield Refusal(reason="maximum_200_elements_per_profile", text=text)
