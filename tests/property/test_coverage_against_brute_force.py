"""Set answers equal single-flow answers, flow by flow, on thousands of random estates.

The oracle walks the rules for one flow at a time (tests/rules holds it to the golden cases); the set engine
answers for all flows of a requirement at once. Where they part, one of them is wrong.
"""

from collections.abc import Iterable
from itertools import product
from random import Random
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from allowlist.names import Pattern
from allowlist.rules.addresses import AddressSet
from allowlist.rules.compare import Difference, find_differences, relation
from allowlist.rules.coverage import CoverageEngine, Piece
from allowlist.rules.evaluate import evaluate
from allowlist.rules.flow import NOTHING_KNOWN, Facts, Flow, Verdict
from allowlist.rules.model import Action, ApplicationRule, NetworkRule, Ruleset
from allowlist.rules.requirement import Requirement
from tests.helpers.estates import ADDRESSES, NAMES, SERVICES, facts, requirements, rulesets
from tests.helpers.laws import examples

_Rule = TypeVar("_Rule", NetworkRule, ApplicationRule)


def _verdict(
    ruleset: Ruleset, address: int, name: str, service: tuple[str, int], known: Facts = NOTHING_KNOWN
) -> Verdict:
    protocol, port = service
    flow = Flow(source=address, port=port, application=protocol, sni=name, host=name)
    return evaluate(ruleset, flow, known)


def _word(
    ruleset: Ruleset, address: int, name: str, service: tuple[str, int], known: Facts = NOTHING_KNOWN
) -> str:
    return _verdict(ruleset, address, name, service, known).word


def _is_in(piece: Piece, name: str) -> bool:
    return Pattern(piece.key).matches(name) and not any(Pattern(hole).matches(name) for hole in piece.holes)


@settings(max_examples=examples(400), deadline=None)
@given(rulesets(), st.lists(requirements(), min_size=1, max_size=3), facts())
def test_every_flow_of_a_requirement_has_the_fate_of_its_piece(
    ruleset: Ruleset, wanted: list[Requirement], known: Facts
) -> None:
    engine = CoverageEngine.of(ruleset, wanted, known)
    for requirement in wanted:
        coverage = engine.cover(requirement)
        service = (requirement.protocol, requirement.ports[0])
        for address, name in product(ADDRESSES, NAMES):
            if address not in requirement.sources or not Pattern(requirement.pattern).matches(name):
                continue
            pieces = [piece for piece in coverage.pieces if _is_in(piece, name)]
            assert len(pieces) == 1
            bit = engine.index.zones.mask(AddressSet(((address, address),)))
            outcome = pieces[0].outcome
            expected = {
                "allow": outcome.allowed,
                "deny": outcome.denied | outcome.missing,
                "unknown": outcome.unknown,
            }
            word = _word(ruleset, address, name, service, known)
            assert expected[word] & bit, (word, name, address)


@settings(max_examples=examples(300), deadline=None)
@given(rulesets(), rulesets(), st.lists(requirements(), max_size=2), facts())
def test_differences_are_exactly_the_flows_whose_fate_changes(
    before: Ruleset, after: Ruleset, wanted: list[Requirement], known: Facts
) -> None:
    rank = {"deny": 0, "unknown": 1, "allow": 2}
    differences = find_differences(before, after, wanted, known)
    for address, name, service in product(ADDRESSES, NAMES, SERVICES):
        was, now = (_verdict(ruleset, address, name, service, known) for ruleset in (before, after))
        old, new = rank[was.word], rank[now.word]
        required = any(
            (item.protocol, item.ports[0]) == service
            and address in item.sources
            and Pattern(item.pattern).matches(name)
            for item in wanted
        )
        here = [
            item
            for item in differences
            if item.service == service and _is_in(Piece(item.key, item.holes, (0, 0), item.after), name)
        ]
        opened, closed = (any(address in found for found in side) for side in _sides(here))
        if old == new == rank["unknown"]:
            # It may depend on something else now; not if nothing changed.
            assert before != after or not (opened or closed)
            continue
        assert opened == (new > old and not required), (name, address, service)
        assert closed == (new < old), (name, address, service)


def _sides(differences: list[Difference]) -> tuple[list[AddressSet], list[AddressSet]]:
    return [item.opened for item in differences], [item.closed for item in differences]


@settings(max_examples=examples(150), deadline=None)
@given(rulesets(), st.randoms(use_true_random=False))
def test_the_order_of_rules_inside_a_collection_changes_nothing(ruleset: Ruleset, random: Random) -> None:
    def sorted_alike(rules: Iterable[_Rule]) -> tuple[_Rule, ...]:
        return tuple(sorted(rules, key=lambda rule: (*rule.ref.order[:3], rule.action)))

    def shuffled(rules: Iterable[_Rule]) -> tuple[_Rule, ...]:
        mixed = list(rules)
        random.shuffle(mixed)
        return sorted_alike(mixed)

    one = replace(
        ruleset, network=sorted_alike(ruleset.network), application=sorted_alike(ruleset.application)
    )
    other = replace(ruleset, network=shuffled(ruleset.network), application=shuffled(ruleset.application))
    for address, name, service in product(ADDRESSES, NAMES, SERVICES):
        assert _word(one, address, name, service) == _word(other, address, name, service)


@settings(max_examples=examples(150), deadline=None)
@given(rulesets(), requirements())
def test_an_allow_at_the_end_never_shrinks_what_is_allowed(ruleset: Ruleset, wanted: Requirement) -> None:
    from allowlist.rules.model import ApplicationRule, RuleRef, Sources

    last = ApplicationRule(
        ref=RuleRef(policy="p", group="last", collection="last", rule="last", order=(9, 0, 0, 0)),
        action=Action.ALLOW,
        sources=Sources(addresses=wanted.sources),
        services=frozenset({(wanted.protocol, wanted.ports[0])}),
        patterns=(wanted.pattern,),
    )
    wider = replace(ruleset, application=(*ruleset.application, last))
    differences = find_differences(ruleset, wider)
    assert not any(item.closed for item in differences)
    assert not find_differences(ruleset, wider, [wanted])
    assert relation(ruleset, ruleset)[0] == "same"
