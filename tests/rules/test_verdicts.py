"""What decides besides rules: threat intelligence, the tier, what the Internet is, and doubts that matter."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from allowlist.rules.addresses import EVERYWHERE, INTERNET, NOT_INTERNET, AddressSet, parse_interval
from allowlist.rules.coverage import CoverageEngine, Dependence, Outcome, decide, dependences, is_within
from allowlist.rules.evaluate import evaluate
from allowlist.rules.flow import Facts, Flow
from allowlist.rules.index import RuleIndex, Zones, source_sets
from allowlist.rules.matching import Match, all_of, any_of, likely, perhaps, unlikely
from allowlist.rules.model import Ruleset
from allowlist.rules.services import PortRanges
from allowlist.rules.urls import find_url_fault
from tests.rules.test_compare import application, network, rules

ASKED = Flow(source=parse_interval("10.0.0.4")[0], port=443, application="https", sni="a.com", host="a.com")
LISTED = Facts(threat_names=("a.com",))


@pytest.mark.parametrize(
    ("settings", "facts", "stage", "alert"),
    [
        ({"threat_intelligence": "deny"}, LISTED, "threat-intelligence", False),
        ({"threat_intelligence": "deny", "tier": "basic"}, LISTED, "application", True),
        ({"threat_intelligence": "alert"}, LISTED, "application", True),
        ({"threat_intelligence": "off"}, LISTED, "application", False),
        ({"threat_intelligence": "deny", "threat_allowed_names": ("a.com",)}, LISTED, "application", False),
        (
            {"threat_intelligence": "deny", "threat_allowed_addresses": AddressSet.parse(["10.0.0.0/30"])},
            LISTED,
            "threat-intelligence",
            False,
        ),
        (
            {"threat_intelligence": "deny", "threat_allowed_addresses": AddressSet.parse(["10.0.0.4"])},
            LISTED,
            "application",
            False,
        ),
        (
            {"threat_intelligence": "deny"},
            Facts(threat_addresses=AddressSet.parse(["10.0.0.4"])),
            "threat-intelligence",
            False,
        ),
    ],
)
def test_a_listed_flow_is_stopped_where_the_firewall_can_and_nothing_excuses_it(
    settings: dict[str, object], facts: Facts, stage: str, alert: bool
) -> None:
    found = evaluate(rules(application(patterns=("a.com",)), **settings), ASKED, facts)
    assert (found.stage, found.alert) == (stage, alert)


@pytest.mark.parametrize(
    ("settings", "name", "word"),
    [
        ({"threat_intelligence": "open"}, "a.com", "unknown"),
        ({"threat_intelligence": "open"}, "b.com", "allow"),
        ({"threat_intelligence": "open"}, "c.com", "deny"),
        ({"threat_intelligence": "open", "tier": "basic"}, "a.com", "allow"),
        ({"threat_intelligence": "deny", "tier": "unknown"}, "a.com", "unknown"),
        ({"threat_intelligence": "open", "threat_allowed_names": ("a.com",)}, "a.com", "allow"),
    ],
)
def test_an_open_mode_is_in_doubt_for_what_is_listed_and_would_pass(
    settings: dict[str, object], name: str, word: str
) -> None:
    facts = Facts(threat_names=("a.com", "c.com"))
    flow = replace(ASKED, sni=name, host=name)
    ruleset = rules(application(patterns=("a.com", "b.com")), **settings)
    assert evaluate(ruleset, flow, facts).word == word


@pytest.mark.parametrize(
    ("flow", "because"),
    [
        ({"host_port": 8443}, "the port in the Host header (8443) differs from the TCP port (443)"),
        ({"sni": "", "host": ""}, "no SNI was sent"),
        ({}, "no rule matches"),
    ],
)
def test_what_no_rule_decides_is_denied_with_its_reason(flow: dict[str, object], because: str) -> None:
    asked = {"source": 4, "port": 443, "application": "https", "sni": "a.com", "host": "a.com"} | flow
    assert because in evaluate(Ruleset(name="p"), Flow(**asked)).because  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        *("0.1.2.3", "10.9.9.9", "100.64.0.1", "100.127.255.255", "127.0.0.1", "169.254.169.254"),
        *("172.16.0.1", "172.31.255.255", "192.168.1.1", "224.0.0.1", "239.1.1.1", "240.0.0.1"),
        "255.255.255.255",
    ],
)
def test_addresses_of_special_use_are_not_the_internet(text: str) -> None:
    assert AddressSet.parse([text]).is_subset(NOT_INTERNET)
    assert not AddressSet.parse([text]) & INTERNET


@pytest.mark.parametrize("text", ["1.1.1.1", "9.255.255.255", "100.128.0.0", "172.32.0.0", "223.255.255.255"])
def test_their_neighbours_are(text: str) -> None:
    assert AddressSet.parse([text]).is_subset(INTERNET)


def test_an_address_set_shows_a_host_that_one_would_use() -> None:
    assert EVERYWHERE.witness() == "10.0.0.4"
    assert AddressSet.parse(["10.1.0.0/24"]).witness() == "10.1.0.4"
    assert AddressSet.parse(["10.1.0.1"]).witness() == "10.1.0.1"
    assert AddressSet().witness() is None
    with pytest.raises(ValueError, match="runs backwards"):
        parse_interval("10.0.0.9-10.0.0.1")


MAYBE, YES, NO = perhaps("x"), Match(True), Match(False)


def test_doubts_are_settled_together_only_where_each_has_a_likely_answer() -> None:
    assert not all_of(likely("a", "b"), MAYBE).assumes
    assert all_of(likely("a", "not a"), likely("b", "not b")).assumes == "not a or not b"
    assert all_of(likely("a", "b"), unlikely("c")).assumes == "c"
    assert not all_of(likely("a", "b"), unlikely("c")).presumed


def test_of_two_doubts_an_unlikely_one_stays_unlikely_only_beside_another() -> None:
    assert not any_of([unlikely("a"), MAYBE]).assumes
    assert any_of([unlikely("a"), unlikely("b")]).assumes == "a or b"
    assert any_of([unlikely("a"), likely("b", "c")]).presumed
    assert any_of([MAYBE, YES]).certain
    assert any_of([MAYBE, NO]) == MAYBE


def test_a_fate_that_hangs_on_a_rule_is_within_another_only_in_every_world() -> None:
    closed, opened = Dependence((), False), Dependence((), True)
    maybe, unless = Dependence((("x", True),), False), Dependence((("x", False),), True)
    assert is_within(closed, maybe)
    assert is_within(maybe, opened)
    assert not is_within(opened, maybe)
    assert not is_within(maybe, unless)
    assert not is_within(maybe, closed)


def outcome_of(*items: object, presumes: bool = False) -> tuple[Outcome, int]:
    ruleset = rules(*items)  # type: ignore[arg-type]
    zones = Zones([*source_sets(ruleset, Facts()), EVERYWHERE])
    index = RuleIndex(ruleset, zones, Facts())
    table = index.table_at(("https", 443), "a.com")
    sources = zones.mask(AddressSet.parse(["10.0.0.0/24"]))
    return decide(table, table.numbers_at("a.com"), sources, presumes=presumes), sources


def test_what_an_unread_rule_may_do_first_is_unknown_and_not_allowed_denied_or_missing() -> None:
    from allowlist.rules.model import Action

    unread = {"unresolved": ("[parameters('names')]",)}
    allow, deny = (
        application(patterns=("a.com",)),
        application(patterns=("a.com",), action=Action.DENY),
    )
    may_allow, may_deny = application(**unread), application(action=Action.DENY, **unread)
    for items in ((may_deny, allow), (may_allow, deny), (may_allow,)):
        found, sources = outcome_of(*items)
        assert (found.unknown, found.allowed, found.denied, found.missing) == (sources, 0, 0, 0)
    for items, kind in (
        ((may_allow, allow), "allowed"),
        ((may_deny, deny), "denied"),
        ((may_deny,), "missing"),
    ):
        found, sources = outcome_of(*items)
        assert getattr(found, kind) == sources
        assert found.unknown == 0


def test_what_no_rule_lets_through_depends_on_nothing_and_stays_closed() -> None:
    ruleset = rules(application(patterns=("b.com",)))
    zones = Zones([*source_sets(ruleset, Facts()), EVERYWHERE])
    engine = CoverageEngine(RuleIndex(ruleset, zones, Facts()))
    assert set(engine.dependences("a.com", ("https", 443), zones.everything)) == {Dependence((), False)}
    table = engine.index.table_at(("https", 443), "a.com")
    assert dependences(table, [], zones.everything) == {Dependence((), False): zones.everything}


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://a.com:8443/x", "names a port"),
        ("a.com/x?y=1", "holds a query"),
        ("a*.com/x", "an asterisk inside the host"),
        ("a.com/x*y", "an asterisk inside the path"),
        ("*.a.com/x/*", None),
    ],
)
def test_a_target_url_that_the_service_refuses_is_told(url: str, fault: str | None) -> None:
    found = find_url_fault(url)
    assert (fault in found) if fault and found else found is fault


def test_what_is_no_service_is_in_no_range() -> None:
    ranges = PortRanges([("https", 1, 65535)])
    assert ("https", 443) in ranges
    assert ("http", 443) not in ranges
    unlike: object = "https:443"
    assert not any(unlike == service for service in ranges)
    assert not ranges.__contains__(unlike)


def test_past_the_doubts_that_can_be_tried_out_only_equal_fates_are_alike() -> None:
    few, many = (tuple((f"x{number}", True) for number in range(count)) for count in (8, 9))
    assert is_within(Dependence(few[1:], False), Dependence(few, False))
    assert not is_within(Dependence(many[1:], False), Dependence(many, False))
    assert is_within(Dependence(many, False), Dependence(many, False))


def test_a_dns_filter_lets_pass_what_looks_up_no_name_and_decides_by_the_name_that_is_looked_up() -> None:
    filtered = rules(network(fqdns=("a.com",)), names_only=True)
    nameless = replace(ASKED, sni="", host="")

    assert evaluate(filtered, nameless).word == "allow"
    assert "a DNS filter is not asked" in evaluate(filtered, nameless).because
    assert evaluate(filtered, ASKED).because == "network rule p/g/c/r allows it"
    assert evaluate(filtered, replace(ASKED, sni="b.com", host="b.com")).word == "deny"


@pytest.mark.parametrize(
    ("feed", "denied"),
    [
        ({"threat_names": ("a.com",)}, "10.0.0.0/24"),
        ({"threat_names": ("b.com",)}, ""),
        ({"threat_addresses": AddressSet.parse(["10.0.0.4"])}, "10.0.0.4"),
    ],
)
def test_a_name_of_known_address_is_stopped_by_a_threat_feed_like_any_other(
    feed: dict[str, object], denied: str
) -> None:
    ruleset = rules(application(patterns=("a.com",)), threat_intelligence="deny")
    for dns in ({}, {"a.com": AddressSet.parse(["20.0.0.1"])}):
        known = Facts(dns=dns, **feed)  # type: ignore[arg-type]
        zones = Zones([*source_sets(ruleset, known), AddressSet.parse(["10.0.0.0/24"])])
        engine = CoverageEngine(RuleIndex(ruleset, zones, known))
        found = engine.outcome("a.com", ("https", 443), zones.mask(AddressSet.parse(["10.0.0.0/24"])))
        assert engine.addresses(found.denied) == AddressSet.parse(denied.split())
        assert found.allowed == zones.mask(AddressSet.parse(["10.0.0.0/24"])) & ~found.denied
