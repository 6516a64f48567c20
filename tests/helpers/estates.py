"""Random small rulesets and a brute-force reading of them, one flow at a time, for comparison."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st

from allowlist.rules.addresses import EVERYWHERE, NOWHERE, AddressSet
from allowlist.rules.flow import Facts
from allowlist.rules.model import Action, ApplicationRule, NetworkRule, RuleRef, Ruleset, Settings, Sources
from allowlist.rules.requirement import Origin, Requirement

# Four addresses, six names, three services: small enough to try every flow.
ADDRESSES = [10, 11, 12, 13]
NAMES = ["a.com", "b.com", "x.a.com", "y.x.a.com", "xa.com", "z.org"]
PATTERNS = [
    "a.com",
    "*.a.com",
    "*a.com",
    "x.a.com",
    "*.x.a.com",
    "b.com",
    "*.com",
    "*",
    "xa.com",
    "z.org",
    "*.org",
]
SERVICES = [("https", 443), ("http", 80), ("mssql", 1433)]

address_sets = st.one_of(
    st.just(EVERYWHERE),
    st.sets(st.sampled_from(ADDRESSES), min_size=1).map(
        lambda found: AddressSet.of((item, item) for item in found)
    ),
)
actions = st.sampled_from([Action.ALLOW, Action.DENY])


@cache
@st.composite
def application_rules(draw: Any) -> ApplicationRule:
    return ApplicationRule(
        ref=reference(draw),
        action=draw(actions),
        sources=_sources(draw),
        services=frozenset(draw(_SOME_SERVICES)),
        patterns=tuple(draw(_SOME_PATTERNS)),
        fqdn_tags=draw(_FQDN_TAGS),
        urls=draw(_URLS),
        web_categories=draw(_CATEGORIES),
        terminates_tls=draw(_EITHER),
        unresolved=draw(_LOST_NAMES),
        unmodelled=draw(_UNMODELLED),
    )


# Strategies are made once: made anew inside of a draw each is checked anew, which took a third of these laws' time.
_SOME_SERVICES = st.sets(st.sampled_from(SERVICES), min_size=1)
_SOME_PATTERNS = st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=3)
_FQDN_TAGS = st.sampled_from([(), (), (), (), ("Tag",)])
_URLS = st.sampled_from([(), (), (), ("x.a.com/p",), ("*.a.com/*",), ("*",), ("www.*",)])
_CATEGORIES = st.sampled_from([(), (), (), (), ("News",)])
_EITHER = st.booleans()
_LOST_NAMES = st.sampled_from([(), (), (), (), ("[parameters('names')]",)])
_UNMODELLED = st.sampled_from([(), (), (), (), ("sourceKubeSelectorGroups",)])
_DESTINATIONS = st.sampled_from(["all", "fqdn", "tag", "private"])
_PROTOCOLS = st.sampled_from(["tcp", "any", "udp"])
_PORTS = st.sampled_from([(443, 443), (80, 443), (1, 65535), (1433, 9000)])
_NAMES = st.sampled_from(NAMES)
_RANKS = (st.integers(0, 1), st.integers(100, 102), st.integers(100, 102), st.integers(0, 9))
_NUMBERS = st.integers(0, 999)


@cache
@st.composite
def network_rules(draw: Any) -> NetworkRule:
    kind = draw(_DESTINATIONS)
    return NetworkRule(
        ref=reference(draw),
        action=draw(actions),
        sources=_sources(draw),
        protocols=frozenset({draw(_PROTOCOLS)}),
        ports=(draw(_PORTS),),
        destinations={"all": EVERYWHERE, "private": AddressSet.parse(["10.0.0.0/8"])}.get(kind, NOWHERE),
        fqdns=(draw(_NAMES),) if kind == "fqdn" else (),
        service_tags=("Storage",) if kind == "tag" else (),
    )


def reference(draw: Any) -> RuleRef:
    first, second, third, fourth = _RANKS
    order = (draw(first), draw(second), draw(third), draw(fourth))
    return RuleRef(
        policy="p",
        group=f"g{order[:2]}",
        collection=f"c{order[2]}",
        rule=f"r{draw(_NUMBERS)}",
        order=order,
    )


def _sources(draw: Any) -> Sources:
    unresolved = draw(_LOST_GROUPS)
    return Sources(addresses=draw(address_sets), unresolved=unresolved)


_LOST_GROUPS = st.sampled_from([(), (), (), ("IP group lost",)])


def _settings(draw: Any) -> Settings:
    return Settings(
        tier=draw(_TIERS),
        resolves_network_names=draw(_RESOLVES),
    )


_TIERS = st.sampled_from(["standard", "standard", "basic", "premium", "unknown"])
_RESOLVES = st.sampled_from([True, True, False])


known_addresses = st.sampled_from(["10.1.1.1", "20.0.0.1", "20.0.0.2"]).map(
    lambda text: AddressSet.parse([text])
)


@cache
@st.composite
def facts(draw: Any) -> Facts:
    """Something known of what ARM cannot tell, often nothing."""
    return Facts(
        dns=draw(_KNOWN_NAMES),
        service_tags=draw(_KNOWN_SERVICE_TAGS),
        fqdn_tags=draw(_KNOWN_FQDN_TAGS),
        categories=draw(_KNOWN_CATEGORIES),
        infrastructure=draw(_INFRASTRUCTURE),
    )


_KNOWN_NAMES = st.dictionaries(_NAMES, known_addresses, max_size=3)
_KNOWN_SERVICE_TAGS = st.dictionaries(st.just("storage"), known_addresses, max_size=1)
_KNOWN_FQDN_TAGS = st.dictionaries(st.just("tag"), st.just(("x.a.com", "*.org")), max_size=1)
_KNOWN_CATEGORIES = st.dictionaries(_NAMES, st.sampled_from(["News", "Games"]), max_size=2)
_INFRASTRUCTURE = st.sampled_from([(), (), ("z.org",), ("*.a.com",)])


@cache
def rulesets(max_rules: int = 6) -> st.SearchStrategy[Ruleset]:
    return _rulesets(st.lists(application_rules(), max_size=max_rules))


@st.composite
def _rulesets(draw: Any, application: st.SearchStrategy[list[ApplicationRule]]) -> Ruleset:
    def in_order(rules: list[Any]) -> tuple[Any, ...]:
        return tuple(sorted(rules, key=lambda rule: rule.ref.order))

    return Ruleset(
        name="p",
        network=in_order(draw(_NETWORK_RULES)),
        application=in_order(draw(application)),
        settings=_settings(draw),
    )


_NETWORK_RULES = st.lists(network_rules(), max_size=2)
_SERVICES = st.sampled_from(SERVICES)
_ENTRIES = st.integers(0, 99)
_PATTERNS = st.sampled_from(PATTERNS)


@cache
@st.composite
def requirements(draw: Any) -> Requirement:
    protocol, port = draw(_SERVICES)
    return Requirement(
        origin=Origin(catalog="c", version="1.0.0", entry=f"e{draw(_ENTRIES)}"),
        sources=draw(address_sets),
        pattern=draw(_PATTERNS),
        protocol=protocol,
        ports=(port, port),
    )
