"""What is found out once for several questions is what each of them finds out alone."""

from __future__ import annotations

from functools import reduce

from hypothesis import event, given, settings
from hypothesis import strategies as st

from allowlist.names import ancestors
from allowlist.plan.findings import find_requirement_findings
from allowlist.rules.compare import Comparison, Difference, _Masks, find_differences
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.flow import Facts
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Requirement
from tests.helpers.estates import NAMES, facts, requirements, rulesets
from tests.helpers.laws import examples


def _told(differences: list[Difference]) -> list[object]:
    """What is said of each; masks count zones, of which a shared comparison may have more."""
    return [
        (item.key, item.holes, item.service, item.opened, item.closed, item.certain, item.witness())
        for item in differences
    ]


@settings(max_examples=examples(160), deadline=None)
@given(
    rulesets(),
    rulesets(),
    st.lists(requirements(), max_size=3),
    st.lists(requirements(), max_size=2),
    facts(),
)
def test_one_comparison_answers_with_and_without_what_is_asked_for(
    before: Ruleset, after: Ruleset, wanted: list[Requirement], also: list[Requirement], known: Facts
) -> None:
    shared = Comparison.over(before, after, tuple(wanted), known, also=also)
    assert _told(shared.differences()) == _told(find_differences(before, after, wanted, known))
    if not any(item.addresses for item in wanted):
        alone = find_differences(before, after, facts=known)
        event(f"differs: {bool(alone)}")
        assert _told(shared.regardless().differences()) == _told(alone)


@settings(max_examples=examples(80), deadline=None)
@given(rulesets(), rulesets(), st.lists(requirements(), min_size=1, max_size=3), facts(), st.booleans())
def test_requirements_are_found_in_a_comparison_as_they_are_alone(
    before: Ruleset, after: Ruleset, wanted: list[Requirement], known: Facts, presumes: bool
) -> None:
    shared = Comparison.over(before, after, tuple(wanted), known, presumes=presumes)
    if shared.cuts:
        return
    for engine, ruleset in ((shared.before, before), (shared.after, after)):
        alone = CoverageEngine.of(ruleset, wanted, known, presumes=presumes)
        assert find_requirement_findings(engine, wanted, "t") == find_requirement_findings(alone, wanted, "t")


KEYS = st.sampled_from([*NAMES, *(f"*.{name}" for name in NAMES), *(f"*{name}" for name in NAMES), "*"])


@settings(max_examples=examples(160), deadline=None)
@given(st.lists(st.tuples(KEYS, st.integers(1, 7)), max_size=6), st.lists(KEYS, min_size=1, max_size=6))
def test_what_is_around_a_name_is_what_its_ancestors_have(
    given_masks: list[tuple[str, int]], asked: list[str]
) -> None:
    masks = _Masks()
    for key, mask in given_masks:
        masks.add(key, mask)
    for key in asked:
        found = (mask for name, mask in given_masks if name in set(ancestors(key)))
        assert masks.around(key) == reduce(int.__or__, found, 0)
