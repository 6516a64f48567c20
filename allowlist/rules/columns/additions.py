"""What a ruleset lets through besides, to which nothing but certain allows was added: answered without a comparison.

**Adding certain allows closes nothing and opens only its own region.** The first rule that certainly meets a flow
decides, and doubts before it may decide otherwise. A certain allow put anywhere among the rules either comes after
that rule, and nothing changes, or takes its place: then fewer doubts come before it, or the same, and it allows. So what was
allowed is allowed still, what was unknown is never denied, and only flows that the new rule names can be let through. Where
each name, service and source set of the new rules is asked for, no other flow is opened or closed, which is what
``compare.find_differences`` finds out in general.

**What was open is covered.** Where certain allows alone decided about a requirement and left something to the default,
one more of them that holds all of it, and comes before the denies that close the rules, lets all of it through.

``tests/property/test_additions.py`` holds both against the general way.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable

from allowlist.rules.addresses import AddressSet
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.model import Action, ApplicationRule, FilterRule, Ruleset
from allowlist.rules.requirement import Requirement

Region = tuple[str, int, str]
"""Protocol, port, name or pattern."""


def added_allows(before: Ruleset, after: Ruleset) -> list[ApplicationRule] | None:
    """The rules that ``after`` has besides those of ``before``; None if it differs in more than certain allows by name."""
    if before.settings != after.settings or not _same(before.network, after.network):
        return None
    found, old = [], iter(before.application)
    expected = next(old, None)
    for rule in after.application:
        if rule is expected:
            expected = next(old, None)
        elif _is_certain(rule):
            found.append(rule)
        else:
            return None
    return found if expected is None else None


def _same(one: Iterable[FilterRule], other: Iterable[FilterRule]) -> bool:
    return list(map(id, one)) == list(map(id, other))


def _is_certain(rule: ApplicationRule) -> bool:
    """Does it allow, by names and addresses alone, whatever else is known?"""
    in_doubt = rule.unmodelled or rule.state or rule.unresolved or rule.sources.unresolved
    more = rule.urls or rule.fqdn_tags or rule.web_categories or rule.terminates_tls
    return rule.action is Action.ALLOW and type(rule.services) is frozenset and not (in_doubt or more)


class Regions:
    """Source sets by protocol, port and name."""

    def __init__(self) -> None:
        self._sets: dict[Region, list[AddressSet]] = defaultdict(list)

    @classmethod
    def asked(cls, requirements: Iterable[Requirement]) -> Regions:
        found = cls()
        for item in requirements:
            if item.pattern and item.ports[0] == item.ports[1]:
                found._sets[item.protocol, item.ports[0], item.pattern].append(item.sources)
        return found

    @classmethod
    def allowed(cls, rules: Iterable[ApplicationRule]) -> Regions:
        found = cls()
        for rule in rules:
            for protocol, port in rule.services:
                for pattern in rule.patterns:
                    found._sets[protocol, port, pattern].append(rule.sources.addresses)
        return found

    def hold(self, region: Region, sources: AddressSet) -> bool:
        """Do the sets of ``region`` together hold all ``sources``?"""
        sets = self._sets.get(region, ())
        if any(sources.intervals == item.intervals for item in sets):
            return True
        return bool(sets) and sources.is_subset(
            AddressSet.of(part for item in sets for part in item.intervals)
        )

    def hold_all(self, rule: ApplicationRule) -> bool:
        sources = rule.sources.addresses
        return all(
            self.hold((*service, pattern), sources) for service in rule.services for pattern in rule.patterns
        )


def before_closing(
    engine: CoverageEngine, after: Ruleset, rules: Iterable[ApplicationRule]
) -> list[ApplicationRule]:
    """Those of the added ``rules`` that come before every deny that closed the rules until now."""
    closing = set(map(id, engine.allows.closing()))
    if not closing <= set(map(id, after.application)):
        return []  # a network rule or threat intelligence, which come before any rule by name
    early = itertools.takewhile(lambda rule: id(rule) not in closing, after.application)
    known = set(map(id, early))
    return [rule for rule in rules if id(rule) in known]
