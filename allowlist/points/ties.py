"""Rules whose order Azure does not document: groups of one policy, or collections of one group, with one priority.

The pages say that the lower number is read first and nothing of equal numbers (learn.microsoft.com,
azure/firewall/rule-processing); a moderator's answer calls the order not documented and not to be relied upon
(learn.microsoft.com/answers, question 2283292, 2025-06). So where an allow and a deny of equal rank may meet, it is not known
which of them decides.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby, product
from typing import TypeVar

from msgspec.structs import replace

from allowlist.names.pattern import Pattern, overlaps
from allowlist.rules.model import Action, ApplicationRule, FilterRule, NetworkRule, Sources

R = TypeVar("R", ApplicationRule, NetworkRule)

MAX_PAIRS = 20_000
"""More pairs than these are not looked at one by one; then all of them are taken to meet."""


def in_doubt_of_order(rules: Sequence[R]) -> tuple[R, ...]:
    """``rules`` of one type in evaluation order; where two that may meet decide differently at one rank, both say so."""
    if len({rule.action for rule in rules}) < 2:
        return tuple(rules)
    rivals: dict[int, R] = {}
    for _, ranked in groupby(rules, key=lambda rule: rule.ref.order[:2]):
        for one, other in _opposed(list(ranked)):
            rivals.setdefault(id(one), other)
            rivals.setdefault(id(other), one)
    return tuple(_doubted(rule, rivals[id(rule)]) if id(rule) in rivals else rule for rule in rules)


def _doubted(rule: R, rival: R) -> R:
    why = f"{rival.ref} has the same priority (their order is not documented; give one of them another)"
    return replace(rule, state=rule.state or why)


def _opposed(rules: list[R]) -> Iterator[tuple[R, R]]:
    """Allows and denies of one rank that may meet; ``rules`` share the priority of their group."""
    allows = [rule for rule in rules if rule.action is Action.ALLOW]
    denies = [rule for rule in rules if rule.action is Action.DENY]
    if not allows or not denies or not _has_ties(rules):
        return
    is_much = len(allows) * len(denies) > MAX_PAIRS
    for one, other in product(allows, denies):
        if _is_tie(one, other) and (is_much or _may_meet(one, other)):
            yield one, other


def _has_ties(rules: Sequence[FilterRule]) -> bool:
    places = {(rule.ref.group, rule.ref.collection, rule.ref.order[:3]) for rule in rules}
    return len({group for group, *_ in places}) > 1 or len({order for *_, order in places}) < len(places)


def _is_tie(one: FilterRule, other: FilterRule) -> bool:
    """Of two rules whose groups have one priority."""
    if one.ref.group != other.ref.group:
        return True
    return one.ref.collection != other.ref.collection and one.ref.order[:3] == other.ref.order[:3]


def _may_meet(one: FilterRule, other: FilterRule) -> bool:
    if not _sources_meet(one.sources, other.sources):
        return False
    if isinstance(one, NetworkRule) and isinstance(other, NetworkRule):
        return _network_rules_meet(one, other)
    if isinstance(one, ApplicationRule) and isinstance(other, ApplicationRule):
        return _application_rules_meet(one, other)
    return False


def _sources_meet(one: Sources, other: Sources) -> bool:
    return bool(one.unresolved or other.unresolved or one.addresses & other.addresses)


def _network_rules_meet(one: NetworkRule, other: NetworkRule) -> bool:
    protocols = {"any"} & (one.protocols | other.protocols) or one.protocols & other.protocols
    ports = any(low <= end and start <= high for (low, high), (start, end) in product(one.ports, other.ports))
    told = not any(
        rule.service_tags or rule.fqdns or rule.unresolved or rule.unmodelled for rule in (one, other)
    )
    return bool(protocols and ports) and not (told and not one.destinations & other.destinations)


def _application_rules_meet(one: ApplicationRule, other: ApplicationRule) -> bool:
    if any(
        rule.urls or rule.fqdn_tags or rule.web_categories or rule.unresolved or rule.unmodelled
        for rule in (one, other)
    ):
        return True
    names = ([Pattern(text) for text in rule.patterns] for rule in (one, other))
    return bool(one.services & other.services) and any(
        overlaps(mine, theirs) for mine, theirs in product(*names)
    )
