"""Say the same with fewer rules, or say exactly what was meant: every suggestion is proved before it is offered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from allowlist.names import Pattern, is_host_name, is_lookalike
from allowlist.rules.compare import Comparison, Difference
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.flow import NOTHING_KNOWN, Facts
from allowlist.rules.model import Action, ApplicationRule, RuleRef, Ruleset, Sources


class Kind(StrEnum):
    """``drop`` and ``merge`` change no flow; ``split`` stops look-alikes and nothing else."""

    DROP = "drop"
    MERGE = "merge"
    SPLIT = "split"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What could be written instead of ``rules``; ``instead`` is the rule that replaces them, None for a drop.

    ``closes`` are witnesses of the flows a split stops (``source → host protocol:port``).
    """

    kind: Kind
    rules: tuple[RuleRef, ...]
    instead: ApplicationRule | None
    closes: tuple[str, ...] = ()


def suggest(ruleset: Ruleset, facts: Facts = NOTHING_KNOWN) -> list[Suggestion]:
    """Simplifications of the application rules that hold together, in evaluation order.

    Left alone are rules with parts that cannot be modelled, rules with an ``owner`` (written by this product, one
    for each requirement) and denies: one that decides nothing today still guards against tomorrow's allow.
    """
    state = _State(ruleset, facts)
    found = [*_drops(state), *_merges(state), *_splits(state)]
    return sorted(found, key=lambda item: item.rules[0].order)


class _State:
    """The rules as they stand after what was suggested so far, so that all suggestions hold together."""

    def __init__(self, ruleset: Ruleset, facts: Facts) -> None:
        self._facts = facts
        self.engine = CoverageEngine.of(ruleset, (), facts)

    def rules(self) -> list[ApplicationRule]:
        return [rule for rule in self.engine.index.ruleset.application if _is_plain(rule)]

    def differences(
        self, rules: Sequence[ApplicationRule], instead: ApplicationRule | None
    ) -> list[Difference]:
        return Comparison(self.engine, self._changed(rules, instead), ()).differences()

    def accept(self, rules: Sequence[ApplicationRule], instead: ApplicationRule | None) -> None:
        self.engine = CoverageEngine.of(self._changed(rules, instead), (), self._facts)

    def _changed(self, rules: Sequence[ApplicationRule], instead: ApplicationRule | None) -> Ruleset:
        """``instead`` stands where the first of ``rules`` stood; the others are gone."""
        ruleset = self.engine.index.ruleset
        gone = set(map(id, rules[1:] if instead else rules))
        kept = (rule for rule in ruleset.application if id(rule) not in gone)
        return replace(
            ruleset,
            application=tuple(instead if instead and rule is rules[0] else rule for rule in kept),
        )


def _is_plain(rule: ApplicationRule) -> bool:
    opaque = rule.urls or rule.fqdn_tags or rule.web_categories or rule.unresolved or rule.unmodelled
    return (
        not (opaque or rule.sources.unresolved or rule.owner)
        and bool(rule.patterns)
        and rule.action is Action.ALLOW
    )


def _drops(state: _State) -> Iterator[Suggestion]:
    """Rules that hide behind earlier ones, and those whose flows others allow just the same; the first one stays."""
    for rule in reversed(state.rules()):
        if _has_company(state.engine, rule) and not state.differences([rule], None):
            state.accept([rule], None)
            yield Suggestion(kind=Kind.DROP, rules=(rule.ref,), instead=None)


def _has_company(engine: CoverageEngine, rule: ApplicationRule) -> bool:
    """Is each of its names spoken of by another rule too? Otherwise it decides something; no proof is needed."""
    for service in rule.services:
        table = engine.index.table(service)
        for pattern in rule.patterns:
            entries = (table.entries[number] for number in table.numbers_at(pattern))
            if all(entry.rule is rule for entry in entries):
                return False
    return True


def _merges(state: _State) -> Iterator[Suggestion]:
    """Rules of one collection that differ in nothing but their names, or in nothing but their sources."""
    for likeness in (_all_but_names, _all_but_sources):
        for rules in _groups(state.rules(), likeness):
            merged = _merged(rules)
            if len(rules) > 1 and not state.differences(rules, merged):
                state.accept(rules, merged)
                yield Suggestion(kind=Kind.MERGE, rules=tuple(rule.ref for rule in rules), instead=merged)


def _groups(
    rules: Iterable[ApplicationRule], likeness: Callable[[ApplicationRule], object]
) -> list[list[ApplicationRule]]:
    groups: dict[object, list[ApplicationRule]] = defaultdict(list)
    for rule in rules:
        place = (rule.ref.policy, rule.ref.group, rule.ref.collection, rule.terminates_tls)
        groups[(place, likeness(rule))].append(rule)
    return list(groups.values())


def _all_but_names(rule: ApplicationRule) -> object:
    return (rule.sources.addresses.intervals, rule.services)


def _all_but_sources(rule: ApplicationRule) -> object:
    return (frozenset(rule.patterns), rule.services)


def _merged(rules: Sequence[ApplicationRule]) -> ApplicationRule:
    sources = rules[0].sources.addresses
    for rule in rules[1:]:
        sources |= rule.sources.addresses
    patterns = dict.fromkeys(pattern for rule in rules for pattern in rule.patterns)
    return replace(rules[0], sources=Sources(addresses=sources), patterns=tuple(patterns))


def _splits(state: _State) -> Iterator[Suggestion]:
    """``*contoso.com`` opens xcontoso.com to whoever registers it; ``contoso.com`` and ``*.contoso.com`` do not."""
    for rule in state.rules():
        if not any(_can_be_split(pattern) for pattern in rule.patterns):
            continue
        tight = replace(rule, patterns=tuple(_without_lookalikes(rule.patterns)))
        differences = state.differences([rule], tight)
        if differences and not any(item.opened for item in differences):
            closes = tuple(item.witness() for item in differences)
            yield Suggestion(kind=Kind.SPLIT, rules=(rule.ref,), instead=tight, closes=closes)


def _without_lookalikes(patterns: Iterable[str]) -> Iterator[str]:
    for pattern in patterns:
        if _can_be_split(pattern):
            yield from (pattern[1:], f"*.{pattern[1:]}")
        else:
            yield pattern


def _can_be_split(pattern: str) -> bool:
    """``*-agents.example`` names no host behind its asterisk."""
    return is_lookalike(Pattern(pattern)) and is_host_name(pattern[1:])
