"""One flow from a whole set of sources: the set cut where the answer changes, with a verdict for each part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from allowlist.rules.addresses import EVERYWHERE, AddressSet
from allowlist.rules.evaluate import evaluate
from allowlist.rules.flow import NOTHING_KNOWN, Facts, Flow, Verdict
from allowlist.rules.index import Zones, bits_of
from allowlist.rules.matching import match_application_rule, match_network_rule
from allowlist.rules.model import ApplicationRule, NetworkRule, Ruleset, Sources

_ANYBODY = Sources(addresses=EVERYWHERE)


def verdicts_by_source(
    ruleset: Ruleset, flow: Flow, addresses: AddressSet, facts: Facts = NOTHING_KNOWN
) -> list[tuple[AddressSet, Verdict]]:
    """Parts of ``addresses`` that get the same answer for the same reason, in the order of their first address.

    ``flow`` is outbound; its own source does not matter.
    """
    relevant = _without_other_rules(ruleset, flow, facts)
    zones = Zones([addresses, *_sets(relevant, facts)])
    found: dict[object, tuple[AddressSet, Verdict]] = {}
    for bit in bits_of(zones.mask(addresses)):
        part = zones.addresses(1 << bit)
        verdict = evaluate(relevant, replace(flow, source=part.intervals[0][0]), facts)
        key = (verdict.action, verdict.ref, verdict.because, verdict.unknowns)
        known = found.get(key)
        found[key] = (known[0] | part, known[1]) if known else (part, verdict)
    return list(found.values())


def _without_other_rules(ruleset: Ruleset, flow: Flow, facts: Facts) -> Ruleset:
    """Only the rules that match ``flow`` from some source: few, however many there are."""
    settings = ruleset.settings

    def network(rule: NetworkRule) -> bool:
        return match_network_rule(replace(rule, sources=_ANYBODY), flow, facts, settings).matched

    def application(rule: ApplicationRule) -> bool:
        return match_application_rule(replace(rule, sources=_ANYBODY), flow, facts, settings).matched

    return replace(
        ruleset,
        network=tuple(filter(network, ruleset.network)),
        application=tuple(filter(application, ruleset.application)),
    )


def _sets(ruleset: Ruleset, facts: Facts) -> Iterator[AddressSet]:
    rules: Iterable[ApplicationRule | NetworkRule] = (*ruleset.network, *ruleset.application)
    yield from (rule.sources.addresses for rule in rules)
    yield ruleset.settings.threat_allowed_addresses
    yield facts.threat_addresses
