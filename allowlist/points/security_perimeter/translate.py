"""Access rules of a perimeter profile as neutral rules, and what may stand in one. Pure.

``Microsoft.Network/networkSecurityPerimeters/profiles/accessRules`` (2024-10-01). Learning and Transition mode only
log; Enforced denies what no outbound rule names. Wildcards in names are not documented.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from allowlist.points.allow_list.translate import normal_entry
from allowlist.points.managed.translate import WEB, open_ruleset
from allowlist.points.verdict import Judgement, Refusal, Word
from allowlist.rules.addresses import EVERYWHERE
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.model import Action, ApplicationRule, RuleRef, Ruleset, Settings, Sources
from allowlist.rules.requirement import Requirement

COLLECTION = "accessRules"
MAX_ELEMENTS = 200
"""Rule elements per profile (network security perimeter limits)."""

_LISTS = ("addressPrefixes", "fullyQualifiedDomainNames", "subscriptions", "emailAddresses", "phoneNumbers")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessProfile:
    """The rules of one profile by name, and whether they are enforced."""

    mode: str
    rules: Mapping[str, Mapping[str, Any]]

    @property
    def outbound_names(self) -> dict[str, tuple[str, ...]]:
        return {
            name: tuple(normal_entry(item) for item in rule.get("fullyQualifiedDomainNames") or ())
            for name, rule in self.rules.items()
            if rule.get("direction") == "Outbound"
        }


def to_ruleset(profile: AccessProfile) -> Ruleset:
    """One rule per outbound access rule; a profile that only logs lets everything through."""
    if profile.mode != "Enforced":
        return open_ruleset("perimeter", f"accessMode {profile.mode}")
    rules = tuple(_rule(name, hosts) for name, hosts in profile.outbound_names.items() if hosts)
    return Ruleset(name="perimeter", application=rules, settings=Settings(is_managed=True))


def _rule(name: str, hosts: tuple[str, ...]) -> ApplicationRule:
    ref = RuleRef(policy="perimeter", group="", collection=COLLECTION, rule=name)
    sources = Sources(addresses=EVERYWHERE)
    return ApplicationRule(ref=ref, action=Action.ALLOW, sources=sources, services=WEB, patterns=hosts)


def judge(profile: AccessProfile, requirement: Requirement) -> Judgement:
    """The verdict of the perimeter on one requirement."""
    if profile.mode != "Enforced":
        text = f"access mode {profile.mode} only logs"
        return Judgement(word=Word.UNRESTRICTED, finding="perimeter_not_enforced", text=text)
    coverage = CoverageEngine.of(to_ruleset(profile), (requirement,)).cover(requirement)
    if coverage.is_covered:
        return Judgement(word=Word.COVERED, by=coverage.rules("allowing")[0].rule.ref.rule)
    return Judgement(word=Word.MISSING)


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
