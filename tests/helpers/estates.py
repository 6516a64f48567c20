"""Random small rulesets and a brute-force reading of them, one flow at a time, for comparison."""

from __future__ import annotations

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


@st.composite
def application_rules(draw: Any) -> ApplicationRule:
    return ApplicationRule(
        ref=reference(draw),
        action=draw(actions),
        sources=_sources(draw),
        services=frozenset(draw(st.sets(st.sampled_from(SERVICES), min_size=1))),
        patterns=tuple(draw(st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=3))),
        fqdn_tags=draw(st.sampled_from([(), (), (), (), ("Tag",)])),
        urls=draw(st.sampled_from([(), (), (), ("x.a.com/p",), ("*.a.com/*",), ("*",), ("www.*",)])),
        web_categories=draw(st.sampled_from([(), (), (), (), ("News",)])),
        terminates_tls=draw(st.booleans()),
        unresolved=draw(st.sampled_from([(), (), (), (), ("[parameters('names')]",)])),
        unmodelled=draw(st.sampled_from([(), (), (), (), ("sourceKubeSelectorGroups",)])),
    )


@st.composite
def network_rules(draw: Any) -> NetworkRule:
    kind = draw(st.sampled_from(["all", "fqdn", "tag", "private"]))
    return NetworkRule(
        ref=reference(draw),
        action=draw(actions),
        sources=_sources(draw),
        protocols=frozenset({draw(st.sampled_from(["tcp", "any", "udp"]))}),
        ports=(draw(st.sampled_from([(443, 443), (80, 443), (1, 65535), (1433, 9000)])),),
        destinations={"all": EVERYWHERE, "private": AddressSet.parse(["10.0.0.0/8"])}.get(kind, NOWHERE),
        fqdns=(draw(st.sampled_from(NAMES)),) if kind == "fqdn" else (),
        service_tags=("Storage",) if kind == "tag" else (),
    )


def reference(draw: Any) -> RuleRef:
    order = (
        draw(st.integers(0, 1)),
        draw(st.integers(100, 102)),
        draw(st.integers(100, 102)),
        draw(st.integers(0, 9)),
    )
    return RuleRef(
        policy="p",
        group=f"g{order[:2]}",
        collection=f"c{order[2]}",
        rule=f"r{draw(st.integers(0, 999))}",
        order=order,
    )


def _sources(draw: Any) -> Sources:
    unresolved = draw(st.sampled_from([(), (), (), ("IP group lost",)]))
    return Sources(addresses=draw(address_sets), unresolved=unresolved)


def _settings(draw: Any) -> Settings:
    return Settings(
        tier=draw(st.sampled_from(["standard", "standard", "basic", "premium", "unknown"])),
        resolves_network_names=draw(st.sampled_from([True, True, False])),
    )


known_addresses = st.sampled_from(["10.1.1.1", "20.0.0.1", "20.0.0.2"]).map(
    lambda text: AddressSet.parse([text])
)


@st.composite
def facts(draw: Any) -> Facts:
    """Something known of what ARM cannot tell, often nothing."""
    return Facts(
        dns=draw(st.dictionaries(st.sampled_from(NAMES), known_addresses, max_size=3)),
        service_tags=draw(st.dictionaries(st.just("storage"), known_addresses, max_size=1)),
        fqdn_tags=draw(st.dictionaries(st.just("tag"), st.just(("x.a.com", "*.org")), max_size=1)),
        categories=draw(
            st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["News", "Games"]), max_size=2)
        ),
        infrastructure=draw(st.sampled_from([(), (), ("z.org",), ("*.a.com",)])),
    )


@st.composite
def rulesets(draw: Any, max_rules: int = 6) -> Ruleset:
    def in_order(rules: list[Any]) -> tuple[Any, ...]:
        return tuple(sorted(rules, key=lambda rule: rule.ref.order))

    return Ruleset(
        name="p",
        network=in_order(draw(st.lists(network_rules(), max_size=2))),
        application=in_order(draw(st.lists(application_rules(), max_size=max_rules))),
        settings=_settings(draw),
    )


@st.composite
def requirements(draw: Any) -> Requirement:
    protocol, port = draw(st.sampled_from(SERVICES))
    return Requirement(
        origin=Origin(catalog="c", version="1.0.0", entry=f"e{draw(st.integers(0, 99))}"),
        sources=draw(address_sets),
        pattern=draw(st.sampled_from(PATTERNS)),
        protocol=protocol,
        ports=(port, port),
    )
