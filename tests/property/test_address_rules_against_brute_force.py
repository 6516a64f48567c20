"""Comparing rule sets by address, port and transport equals asking flow by flow."""

from __future__ import annotations

from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from allowlist.rules.addresses import EVERYWHERE, NOWHERE, AddressSet
from allowlist.rules.compare import Comparison, Difference
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.evaluate import evaluate
from allowlist.rules.flow import Flow
from allowlist.rules.model import NetworkRule, Ruleset, Sources
from tests.helpers.estates import ADDRESSES, actions, address_sets, reference
from tests.helpers.laws import among, examples

DESTINATIONS = [1, 20, 21, 30, 4_000_000_000]
PORTS = [1, 79, 80, 81, 443, 444, 65534, 65535]
TRANSPORTS = ["tcp", "udp", "icmp", "other"]
RANGES = [(80, 80), (80, 443), (1, 65535), (444, 65535), (1, 79)]


_SOME = st.sets(st.sampled_from([(20, 20), (20, 30), (0, 19), (31, 2**32 - 1)]), max_size=2)
_DESTINATIONS = st.one_of(st.just(EVERYWHERE), _SOME.map(AddressSet.of))
_SOURCES = st.one_of(address_sets, st.just(NOWHERE))


@st.composite
def rules(draw: Any) -> NetworkRule:
    destinations = draw(_DESTINATIONS)
    unresolved = draw(among((), (), (), ("IP group lost",)))
    return NetworkRule(
        ref=reference(draw),
        action=draw(actions),
        sources=Sources(
            addresses=draw(_SOURCES),
            unresolved=draw(among((), (), (), ("IP group far",))),
        ),
        protocols=frozenset(draw(st.sets(among("tcp", "udp", "icmp", "any"), min_size=1))),
        ports=tuple(draw(st.lists(among(*RANGES), min_size=1, max_size=2))),
        destinations=destinations,
        service_tags=draw(among((), (), (), ("Storage",))),
        unresolved=unresolved,
    )


rulesets = st.lists(rules(), max_size=4).map(
    lambda found: Ruleset(name="p", network=tuple(sorted(found, key=lambda rule: rule.ref.order)))
)


@settings(max_examples=examples(200), deadline=None)
@given(rulesets, rulesets)
def test_what_changes_by_address_is_exactly_what_flows_tell(before: Ruleset, after: Ruleset) -> None:
    comparison = Comparison(CoverageEngine.of(before, ()), after, ())
    differences = comparison.differences()
    rank = {"deny": 0, "unknown": 1, "allow": 2}
    for source, to, port, transport in product(ADDRESSES, DESTINATIONS, PORTS, TRANSPORTS):
        flow = Flow(source=source, destination=to, port=port, transport=transport)
        old, new = (rank[evaluate(ruleset, flow).word] for ruleset in (before, after))
        here = [item for item in differences if _speaks_of(item, flow, comparison)]
        if old == new == rank["unknown"]:
            continue
        assert any(source in item.opened for item in here) == (new > old), flow
        assert any(source in item.closed for item in here) == (new < old), flow


def _speaks_of(item: Difference, flow: Flow, comparison: Comparison) -> bool:
    """Is ``flow`` one of the cell of destinations and ports that the difference stands for?"""
    transport, port = item.service
    if transport != flow.transport or item.key[0] != "@":
        return False
    low, high = comparison.cuts[int(item.key[1:])]
    edges = [edge for rule in comparison.rules for first, last in rule.ports for edge in (first, last + 1)]  # type: ignore[union-attr]
    start = max((edge for edge in edges if edge <= flow.port), default=0)
    same_ports = port == start if transport in ("tcp", "udp") else True
    return flow.destination is not None and low <= flow.destination <= high and same_ports
