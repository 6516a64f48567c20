"""The product reads random policies as an independent brute-force reading of the same JSON does."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from allowlist.estate.bodies import Estate
from allowlist.points.firewall.translate import to_ruleset
from allowlist.rules.addresses import parse_interval
from allowlist.rules.evaluate import evaluate
from allowlist.rules.flow import Flow
from tests.helpers.brute_force import Body, Sent, answer
from tests.helpers.laws import among, examples

ROOT = "/subscriptions/1/resourceGroups/g/providers/Microsoft.Network"
NAMES = ["a.com", "b.com", "x.a.com", "xa.com"]
PATTERNS = [*NAMES, "*.a.com", "*a.com", "*", "*.com", "B.com"]
ADDRESSES = ["10.0.0.4", "10.0.1.4", "20.0.0.9"]
RANGES = ["*", "10.0.0.4", "10.0.0.0/24", "10.0.0.0-10.0.1.255", "20.0.0.0/24", "192.168.0.0/16"]


def _some(*items: Any, most: int = 2) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(items), max_size=most, unique_by=str)


def _groups() -> st.SearchStrategy[list[str]]:
    return _some(f"{ROOT}/ipGroups/Hub", f"{ROOT}/ipGroups/empty", f"{ROOT}/ipGroups/lost", most=1)


def _rule(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Body]:
    return st.fixed_dictionaries(
        {
            "ruleType": st.just(kind),
            "sourceAddresses": _some(*RANGES),
            "sourceIpGroups": _groups(),
            **fields,
        }
    )


application = _rule(
    "ApplicationRule",
    protocols=_some(
        {"protocolType": "Https", "port": 443},
        {"protocolType": "Http", "port": 80},
        {"protocolType": "Https", "port": 8443},
    ),
    targetFqdns=_some(*PATTERNS),
    targetUrls=_some("x.a.com/p", "*.a.com/*", "b.com/*", most=1),
    fqdnTags=_some("WindowsUpdate", most=1),
    webCategories=st.just([]),
    terminateTLS=st.booleans(),
    destinationAddresses=_some("10.9.9.9"),
    sourceKubeSelectorGroups=st.sampled_from([[], [], [], ["k"]]),
)
_transport = {
    "ipProtocols": st.lists(st.sampled_from(["TCP", "UDP", "ICMP", "Any"]), min_size=1, max_size=2),
    "destinationPorts": st.lists(
        st.sampled_from(["*", "443", "80-443", "8443", "1-65534"]), min_size=1, max_size=2
    ),
    "destinationAddresses": _some(*RANGES, "Storage"),
    "destinationIpGroups": _groups(),
}
network = _rule("NetworkRule", destinationFqdns=_some(*NAMES), **_transport)
nat = _rule("NatRule", **_transport)


@st.composite
def policies(draw: Any) -> list[Body]:
    """A policy, perhaps with a parent, with groups of mixed collections; no two priorities are equal."""
    bodies = [
        _ip_group("hub", ["10.0.0.0/24"]),
        _ip_group("empty", []),
        _policy(draw, "child", "parent" if draw(st.booleans()) else None),
        _policy(draw, "parent", None),
    ]
    for policy in ("child", "parent"):
        priorities = draw(st.lists(st.integers(100, 900), unique=True, max_size=2))
        bodies += [_group(draw, policy, f"g{at}", priority) for at, priority in enumerate(priorities)]
    return bodies


def _ip_group(name: str, members: list[str]) -> Body:
    return {"id": f"{ROOT}/ipGroups/{name}", "name": name, "properties": {"ipAddresses": members}}


def _policy(draw: Any, name: str, parent: str | None) -> Body:
    properties: Body = {
        "sku": {"tier": draw(among("Standard", "Premium", "Basic"))},
        "dnsSettings": {"enableProxy": draw(st.booleans())},
    }
    if parent:
        properties["basePolicy"] = {"id": f"{ROOT}/firewallPolicies/{parent}"}
    return {"id": f"{ROOT}/firewallPolicies/{name}", "name": name, "properties": properties}


def _group(draw: Any, policy: str, name: str, priority: int) -> Body:
    priorities = draw(st.lists(st.integers(100, 900), unique=True, max_size=3))
    collections = [_collection(draw, f"c{at}", item) for at, item in enumerate(priorities)]
    return {
        "id": f"{ROOT}/firewallPolicies/{policy}/ruleCollectionGroups/{name}",
        "name": name,
        "properties": {"priority": priority, "ruleCollections": collections},
    }


_KINDS = st.sampled_from([application, application, network, nat])


def _collection(draw: Any, name: str, priority: int) -> Body:
    kind = draw(_KINDS)
    rules = draw(st.lists(kind, max_size=3))
    for at, rule in enumerate(rules):
        rule["name"] = f"r{at}"
    action = "Dnat" if kind is nat else draw(among("Allow", "Deny"))
    return {"name": name, "priority": priority, "action": {"type": action}, "rules": rules}


services = st.sampled_from([("https", 443), ("http", 80), ("https", 8443), ("", 443), ("", 22)])


@st.composite
def flows(draw: Any) -> Sent:
    protocol, port = draw(services)
    transport = "tcp" if protocol else draw(among("tcp", "udp", "icmp"))
    named = draw(st.booleans()) or bool(protocol)
    to = draw(among(*ADDRESSES, "" if named else ADDRESSES[0]))
    return Sent(
        source=draw(among(*ADDRESSES)),
        to=to,
        port=0 if transport == "icmp" else port,
        transport=transport,
        application=protocol,
        name=draw(among(*NAMES)) if named else "",
        inbound=draw(among(False, False, True)) and bool(to),
    )


@settings(max_examples=examples(600), deadline=None)
@given(policies(), st.lists(flows(), min_size=1, max_size=8))
def test_a_flow_gets_the_verdict_and_the_rule_of_the_brute_force_reading(
    bodies: list[Body], sent: list[Sent]
) -> None:
    policy = f"{ROOT}/firewallPolicies/child"
    ruleset = to_ruleset(Estate.of(bodies), policy)
    for one in sent:
        verdict = evaluate(ruleset, _flow(one))
        word, path = answer(bodies, policy, one)

        assert verdict.word == word, (one, verdict)
        if word != "unknown":
            assert (str(verdict.ref) if verdict.ref else "") == path, one


def _flow(sent: Sent) -> Flow:
    return Flow(
        source=parse_interval(sent.source)[0],
        destination=parse_interval(sent.to)[0] if sent.to else None,
        port=sent.port,
        transport=sent.transport,
        application=sent.application,
        sni=sent.name,
        host=sent.name,
        inbound=sent.inbound,
    )
