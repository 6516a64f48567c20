"""Rule sets compare by effect, whatever is written: nothing that changes is missed, nothing else is told."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from allowlist.rules.addresses import NOWHERE, AddressSet
from allowlist.rules.compare import Relation, find_differences, relation
from allowlist.rules.flow import Facts
from allowlist.rules.model import Action, ApplicationRule, NetworkRule, RuleRef, Ruleset, Settings, Sources
from allowlist.rules.requirement import Origin, Requirement

HERE = Sources(addresses=AddressSet.parse(["10.0.0.0/24"]))
REF = RuleRef(policy="p", group="g", collection="c", rule="r", order=(0, 100, 100, 0))


def application(**fields: Any) -> ApplicationRule:
    given = {"action": Action.ALLOW, "services": frozenset({("https", 443)}), **fields}
    return ApplicationRule(ref=REF, sources=HERE, **given)


def network(**fields: Any) -> NetworkRule:
    given = {"action": Action.ALLOW, "protocols": frozenset({"tcp"}), "ports": ((443, 443),), **fields}
    return NetworkRule(ref=REF, sources=HERE, **given)


def rules(*items: ApplicationRule | NetworkRule, **settings: Any) -> Ruleset:
    return Ruleset(
        name="p",
        network=tuple(item for item in items if isinstance(item, NetworkRule)),
        application=tuple(item for item in items if isinstance(item, ApplicationRule)),
        settings=Settings(**settings),
    )


@pytest.mark.parametrize(
    ("field", "one", "other", "same"),
    [
        ("urls", "a.com/x", "a.com/y", False),
        ("urls", "a.com/x", "a.com/x/", True),
        ("web_categories", "News", "Games", False),
        ("fqdn_tags", "WindowsUpdate", "AzureBackup", False),
        ("unresolved", "[parameters('a')]", "[parameters('b')]", False),
    ],
)
def test_what_is_unknown_on_both_sides_is_the_same_only_if_it_hangs_on_the_same(
    field: str, one: str, other: str, same: bool
) -> None:
    before, after = (
        rules(application(terminates_tls=True, **{field: (text,)}), tier="premium") for text in (one, other)
    )
    assert relation(before, after)[0] is (Relation.SAME if same else Relation.OPAQUE)
    assert relation(before, before)[0] is Relation.SAME


def test_members_of_other_groups_are_another_unknown() -> None:
    rule = application(patterns=("a.com",))
    one, other = (
        rules(replace(rule, sources=Sources(addresses=NOWHERE, unresolved=(f"IP group {name}",))))
        for name in ("g", "h")
    )
    assert relation(one, other)[0] is Relation.OPAQUE


def test_a_name_more_in_a_network_rule_is_wider_although_addresses_are_not_known() -> None:
    before, after = rules(network(fqdns=("a.com",))), rules(network(fqdns=("a.com", "b.com")))
    assert relation(before, after)[0] is Relation.WIDER
    assert relation(after, before)[0] is Relation.NARROWER


def test_a_renamed_rule_says_the_same() -> None:
    rule = network(destinations=AddressSet.parse(["20.0.0.0/24"]), action=Action.DENY)
    renamed = replace(rule, ref=replace(REF, rule="other"))
    below = application(patterns=("*",))
    assert relation(rules(rule, below), rules(renamed, below))[0] is Relation.SAME


def test_a_tier_changes_what_rules_mean() -> None:
    rule = application(urls=("a.com/*",), terminates_tls=True)
    assert relation(rules(rule, tier="standard"), rules(rule, tier="premium"))[0] is Relation.WIDER


def test_names_one_changed_rule_speaks_of_are_not_forgotten_where_another_changes_everything() -> None:
    """The name's own rule decides nothing here (names in network rules are not resolved)."""
    for_one = Sources(addresses=AddressSet.parse(["10.0.0.7"]))
    named = replace(network(fqdns=("b.com",)), sources=for_one)
    before = rules(resolves_network_names=False)
    after = rules(named, application(patterns=("*",)), resolves_network_names=False)

    opened = [item for item in find_differences(before, after) if item.key == "b.com"]

    assert [item.opened for item in opened if item.service == ("https", 443)] == [HERE.addresses]


def test_known_addresses_decide_for_names_that_share_them() -> None:
    at = AddressSet.parse(["20.0.0.1"])
    known = Facts(dns={"a.com": at, "b.com": at})
    found = find_differences(rules(), rules(network(fqdns=("a.com",))), facts=known)
    assert {item.key for item in found if item.opened and item.service[0] == "https"} == {"a.com", "b.com"}


def test_differences_come_in_the_order_of_the_rules_so_that_a_plan_has_one_digest() -> None:
    names = [f"host{number}.example" for number in range(30)]
    after = rules(*(application(patterns=(name,)) for name in names))
    assert [item.key for item in find_differences(rules(), after)] == names
    assert [item.key for item in find_differences(after, rules())] == names


@pytest.mark.parametrize(("asked", "news"), [("20.0.0.1", False), ("20.0.0.2", True)])
def test_that_a_name_may_have_the_address_asked_for_is_no_news_and_of_another_address_it_is(
    asked: str, news: bool
) -> None:
    wanted = Requirement(
        origin=Origin(catalog="own", version="1", entry="e"),
        sources=HERE.addresses,
        protocol="tcp",
        ports=(443, 443),
        addresses=AddressSet.parse([asked]),
    )
    after = rules(network(destinations=AddressSet.parse(["20.0.0.1"])), application(patterns=("a.com",)))
    before = replace(after, network=())
    opened = [item for item in find_differences(before, after, (wanted,)) if item.opened]

    assert any(item.key[0] == "@" for item in opened) is news
    assert any(item.key[0] != "@" for item in opened) is news


def asked(**place: Any) -> Requirement:
    ports = {"protocol": "tcp", "ports": (443, 443)} if "service_tag" in place else {}
    given = {"protocol": "https", "ports": (443, 443), **ports, **place}
    origin = Origin(catalog="own", version="w", entry="t")
    return Requirement(origin=origin, sources=HERE.addresses, **given)


BY_TAG = network(service_tags=("AzureMonitor",))
BY_FQDN_TAG = application(fqdn_tags=("WindowsUpdate",))
EVERYBODY = Sources(addresses=AddressSet.parse(["*"]))


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [(BY_TAG, asked(service_tag="AzureMonitor")), (BY_FQDN_TAG, asked(fqdn_tag="WindowsUpdate"))],
    ids=["service tag", "FQDN tag"],
)
def test_a_rule_for_a_tag_opens_what_asks_for_the_tag_and_nothing_else(
    rule: ApplicationRule | NetworkRule, wanted: Requirement
) -> None:
    """Any host may be in a tag: that it may be let through now comes from what is asked for."""
    before = rules(tier="standard")
    other = network(service_tags=("Storage",)) if rule is BY_TAG else application(fqdn_tags=("HDInsight",))
    assert find_differences(before, rules(rule, tier="standard"), [wanted]) == []
    assert find_differences(before, rules(other, tier="standard"), [wanted])
    assert find_differences(before, rules(replace(rule, sources=EVERYBODY), tier="standard"), [wanted])
    assert find_differences(before, rules(rule, other, tier="standard"), [wanted])
    assert find_differences(
        before, rules(rule, application(patterns=("evil.com",)), tier="standard"), [wanted]
    )


def test_a_rule_for_a_tag_at_more_ports_than_asked_for_opens_more() -> None:
    wider = replace(BY_TAG, ports=((443, 444),))
    found = find_differences(
        rules(tier="standard"), rules(wider, tier="standard"), [asked(service_tag="AzureMonitor")]
    )
    assert {item.service for item in found} == {("tcp", 444)}


def test_a_range_of_ports_opens_more_than_the_one_port_of_it_that_is_asked_for() -> None:
    """Whatever the rule goes to: no rule says where what is asked for ends."""
    addresses = AddressSet.parse(["20.0.0.0/8"])
    there = replace(asked(service_tag="x"), service_tag="", addresses=addresses)
    for rule, wanted in (
        (network(destinations=addresses), there),
        (network(fqdns=("a.com",)), replace(there, addresses=NOWHERE, pattern="a.com")),
    ):
        wider = replace(rule, ports=((443, 450),))
        found = find_differences(
            rules(resolves_network_names=True), rules(wider, resolves_network_names=True), [wanted]
        )
        assert ("tcp", 444) in {item.service for item in found}
