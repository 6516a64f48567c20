"""Port ranges answer as the set of all their ports, and two rulesets are compared over the same pieces."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from allowlist.rules.addresses import EVERYWHERE
from allowlist.rules.compare import find_differences
from allowlist.rules.model import Action, ApplicationRule, RuleRef, Ruleset, Sources
from allowlist.rules.services import PortRange, PortRanges, aligned, service_texts
from tests.helpers.laws import examples

PORTS = st.integers(1, 60)
RANGES = st.tuples(st.sampled_from(["https", "http"]), PORTS, PORTS).map(
    lambda item: (item[0], min(item[1:]), max(item[1:]))
)
RULES = st.lists(
    st.tuples(
        st.lists(RANGES, min_size=1, max_size=2), st.sampled_from(["*", "*.a.com", "x.a.com"]), st.booleans()
    ),
    max_size=4,
)
Written = list[tuple[list[PortRange], str, bool]]


def ruleset(rules: Written, *, whole: bool) -> Ruleset:
    """The same rules with ranges, or with every port written out."""
    return Ruleset(
        name="r",
        application=tuple(
            ApplicationRule(
                ref=RuleRef(policy="r", group="", collection="", rule=str(number)),
                action=Action.ALLOW if allows else Action.DENY,
                sources=Sources(addresses=EVERYWHERE),
                services=PortRanges(ranges)
                if whole
                else frozenset((name, port) for name, low, high in ranges for port in range(low, high + 1)),
                patterns=(pattern,),
            )
            for number, (ranges, pattern, allows) in enumerate(rules)
        ),
    )


@given(before=RULES, after=RULES)
@settings(max_examples=examples(60), deadline=None)
def test_ranges_differ_where_the_ports_written_out_do(before: Written, after: Written) -> None:
    old, new = aligned(ruleset(before, whole=True), ruleset(after, whole=True))
    ranges = find_differences(old, new)
    single = find_differences(ruleset(before, whole=False), ruleset(after, whole=False))
    assert bool(ranges) == bool(single)
    assert {(item.service, item.key, item.opened, item.closed) for item in ranges} <= {
        (item.service, item.key, item.opened, item.closed) for item in single
    }


def test_ranges_are_equal_by_their_ports_and_not_by_the_pieces_they_are_cut_into() -> None:
    whole = PortRanges([("https", 1, 65535)])
    assert whole == whole.cut({"https": [443]})
    assert whole != PortRanges([("https", 1, 65534)])
    assert service_texts(whole) == ["https:1-65535"]
