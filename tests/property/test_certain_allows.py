"""What is answered in bulk is what the partition says: certain allows, and keys that share the fate of the whole.

The general way is written down here once more, without any short cut, and both must agree word by word.
"""

from __future__ import annotations

from hypothesis import event, given, settings
from hypothesis import strategies as st

from allowlist.names import ancestors
from allowlist.plan.findings import Status, _finding, find_requirement_findings
from allowlist.points.firewall.rules_json import rules_for, same_meaning, says_exactly
from allowlist.rules.coverage import Coverage, CoverageEngine, Piece, key_of
from allowlist.rules.flow import Facts
from allowlist.rules.model import Ruleset
from allowlist.rules.near_miss import NearMisses
from allowlist.rules.requirement import Requirement
from tests.helpers.estates import NAMES, facts, requirements, rulesets
from tests.helpers.laws import examples

MASKS = ("allowed", "denied", "missing", "unknown")
KINDS = ("allowing", "denying", "doubts", "assuming")


def _partition(engine: CoverageEngine, requirement: Requirement) -> Coverage:
    """Every key inside the requirement a piece of its own, whether its fate differs or not."""
    sources = engine.index.zones.mask(requirement.sources)
    key, found = key_of(requirement), []
    for ports in engine.index.atomic_ports(requirement.protocol, requirement.ports):
        service = (requirement.protocol, ports[0])
        table = engine.index.table(service)
        for part in (key, *table.keys_below(key)):
            outcome = engine.outcome(part, service, sources, presumes=engine.presumes)
            piece = Piece(part, tuple(table.keys_below(part)), ports, outcome)
            found += [piece] if not piece.holes or piece.name() else []
    return Coverage(requirement, tuple(found), sources)


def _told(coverage: Coverage, kind: str) -> list[tuple[str, str, str]]:
    """What is said of the rules; which of two rules of one name is kept says nothing."""
    return [(str(entry.rule.ref), entry.unknown, entry.assumes) for entry in coverage.rules(kind)]


@settings(max_examples=examples(600), deadline=None)
@given(rulesets(), st.lists(requirements(), min_size=1, max_size=4), facts(), st.booleans())
def test_a_partition_without_the_keys_that_share_a_fate_says_the_same(
    ruleset: Ruleset, wanted: list[Requirement], known: Facts, presumes: bool
) -> None:
    engine = CoverageEngine.of(ruleset, wanted, known, presumes=presumes)
    for requirement in wanted:
        short, whole = engine.cover(requirement), _partition(engine, requirement)
        event(f"fewer pieces: {len(short.pieces) < len(whole.pieces)}")
        assert short.is_covered == whole.is_covered
        assert [short.mask(kind) for kind in MASKS] == [whole.mask(kind) for kind in MASKS]
        assert [_told(short, kind) for kind in KINDS] == [_told(whole, kind) for kind in KINDS]
        assert [short.witness(kind) for kind in MASKS] == [whole.witness(kind) for kind in MASKS]


@settings(max_examples=examples(600), deadline=None)
@given(rulesets(), st.lists(requirements(), min_size=1, max_size=4), facts(), st.booleans())
def test_what_certain_allows_let_through_is_found_so_by_the_partition(
    ruleset: Ruleset, wanted: list[Requirement], known: Facts, presumes: bool
) -> None:
    engine = CoverageEngine.of(ruleset, wanted, known, presumes=presumes)
    for requirement, finding in zip(wanted, find_requirement_findings(engine, wanted, "t"), strict=True):
        assert finding == _finding(engine, _partition(engine, requirement), "t")
        surely = engine.surely_allowed_by(requirement)
        event(f"in bulk: {surely is not None}, covered: {finding.status is Status.COVERED}")
        if surely is not None:
            assert all(entry.allows and entry.certain for entry in surely)


@settings(max_examples=examples(400), deadline=None)
@given(requirements(), requirements(), st.sampled_from([{}, {"fqdnTags": []}, {"webCategories": ["x"]}]))
def test_a_rule_in_our_own_words_means_what_is_asked_for(
    one: Requirement, other: Requirement, more: dict[str, list[str]]
) -> None:
    body = {**rules_for("w", [one])[0].body, "name": "another", **more}
    if says_exactly(body, other):
        assert same_meaning(body, rules_for("w", [other])[0].body)
    if not any(more.values()) and one.pattern and one.protocol != "tcp":
        assert says_exactly(body, one)


@settings(max_examples=examples(400), deadline=None)
@given(rulesets(), facts())
def test_the_rules_that_name_a_host_are_those_of_all_patterns_around_it(
    ruleset: Ruleset, known: Facts
) -> None:
    near = NearMisses(ruleset, known)
    for name in NAMES:
        everything = [hit for text in ancestors(name) for hit in near._by_name.get(text, ())]
        assert list(near._holding(name)) == everything
