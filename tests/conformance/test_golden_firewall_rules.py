"""Golden validation and equivalence cases: each sentence is read into rules and put to the product."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest

from allowlist.rules.compare import relation
from allowlist.rules.flow import Facts
from allowlist.rules.model import Ruleset
from allowlist.surfaces.estate import Estate
from allowlist.surfaces.firewall_policy.translate import to_ruleset
from allowlist.surfaces.firewall_policy.validate import (
    find_classic_faults,
    find_draft_faults,
    find_group_faults,
    find_ip_group_faults,
    find_policy_faults,
)
from tests.helpers.golden_firewall import RG, policy_bodies, rule_body
from tests.helpers.shared import cases_of

APP = {"name": "a", "src": ["10.0.0.4"], "protocols": ["Https:443"]}
NET = {"name": "n", "src": ["10.0.0.4"], "ports": ["443"], "protocols": ["TCP"]}


def _lists(text: str) -> list[list[Any]]:
    return [ast.literal_eval(item) for item in re.findall(r"\[[^\]]*\]", text)]


def _group(
    kind: str,
    rule: dict[str, Any],
    priority: int = 200,
    collection: str = "C",
    collection_priority: int = 200,
) -> dict[str, Any]:
    body = rule_body(kind, rule, classic=False)
    item = {"name": collection, "priority": collection_priority, "action": {"type": "Allow"}, "rules": [body]}
    return {
        "id": f"{RG}/firewallPolicies/p/ruleCollectionGroups/G",
        "name": "G",
        "properties": {"priority": priority, "ruleCollections": [item]},
    }


def _policy(tier: str = "Standard", **properties: Any) -> dict[str, Any]:
    return {
        "id": f"{RG}/firewallPolicies/p",
        "name": "p",
        "location": "westeurope",
        "properties": {"sku": {"tier": tier}, **properties},
    }


def _faults(kind: str, rule: dict[str, Any], policy: dict[str, Any] | None = None) -> list[str]:
    return list(find_group_faults(_group(kind, rule), policy or _policy()))


def _tier_of(text: str) -> str:
    return next((tier for tier in ("Basic", "Premium") if tier in text), "Standard")


def faults_of(what: str) -> list[str] | None:
    """What the product says about the configuration that the sentence describes; None if it cannot be read."""
    tier = _tier_of(what)
    proxied = {"dnsSettings": {"enableProxy": "proxy off" not in what}}
    match what:
        case _ if what.startswith("targetFqdns "):
            return _faults("app", {**APP, "fqdns": _lists(what)[0]})
        case _ if "destinationFqdns" in what:
            names = (_lists(what) or [["time.example.net"]])[0]
            return _faults("net", {**NET, "dstFqdns": names}, _policy(tier, **proxied))
        case _ if what.startswith("priority "):
            numbers = [int(text) for text in re.findall(r"\d+", what)]
            found = [
                list(
                    find_group_faults(
                        _group("app", {**APP, "fqdns": ["a.example"]}, priority=number), _policy()
                    )
                )
                for number in numbers
            ]
            found += [
                list(
                    find_group_faults(
                        _group("app", {**APP, "fqdns": ["a.example"]}, collection_priority=number), _policy()
                    )
                )
                for number in numbers
            ]
            return [] if any(not item for item in found) else [text for item in found for text in item]
        case _ if what.startswith("protocolType "):
            name = what.split()[1]
            return _faults(
                "app",
                {**APP, "protocols": [f"{name}:{1433 if name == 'Mssql' else 443}"], "fqdns": ["a.example"]},
            )
        case _ if what.startswith("targetUrls ["):
            return _faults("app", {**APP, "urls": _lists(what)[0], "terminateTLS": True}, _policy("Premium"))
        case _ if what.startswith("targetUrls on"):
            return _faults("app", {**APP, "urls": ["www.contoso.com/a"], "terminateTLS": True}, _policy(tier))
        case _ if what.startswith("terminateTLS"):
            return _faults("app", {**APP, "fqdns": ["a.example"], "terminateTLS": True}, _policy(tier))
        case _ if "webCategories" in what:
            return _faults("app", {**APP, "webCategories": ["News"]}, _policy(tier))
        case _ if what.startswith("IP group with "):
            count = int(re.findall(r"\d+", what)[0])
            return list(
                find_ip_group_faults({"name": "g", "properties": {"ipAddresses": ["10.0.0.1"] * count}})
            )
        case _ if "another region" in what:
            return list(find_policy_faults(_policy(), {**_policy(), "location": "northeurope"}))
        case _ if "explicit proxy" in what:
            ports = {
                "enableExplicitProxy": True,
                "httpPort": 8080,
                "httpsPort": 8080 if "same" in what else 8443,
            }
            return list(find_policy_faults(_policy(explicitProxy=ports)))
        case _ if "draft" in what:
            return list(find_draft_faults(["new"] if "new" in what else ["live"], ["live"]))
        case _ if "classic" in what and "Office365" in what:
            rule = {
                "name": "o",
                "fqdnTags": ["Office365.Exchange.Optimize"],
                "protocols": [{"protocolType": "Https", "port": 443}],
            }
            return list(
                find_classic_faults(
                    {
                        "properties": {
                            "applicationRuleCollections": [{"name": "c", "properties": {"rules": [rule]}}]
                        }
                    }
                )
            )
        case _ if "policy and classic" in what or "classic collections" in what:
            return list(
                find_classic_faults(
                    {
                        "properties": {
                            "firewallPolicy": {"id": "x"},
                            "applicationRuleCollections": [{"name": "c", "properties": {"rules": []}}],
                        }
                    }
                )
            )
        case _ if "fqdnTags" in what and "protocol" in what:
            return _faults("app", {"name": "a", "src": ["*"], "fqdnTags": ["WindowsUpdate"], "protocols": []})
        case _ if "without destination" in what or "no destination" in what:
            return _faults("net", NET)
        case _ if "IPv6" in what:
            return _faults("net", {**NET, "dst": ["2001:db8::/32"]})
        case _ if "collection name" in what:
            names = re.findall(r"'([^']*)'", what) or ["-bad-"]
            return [
                text
                for name in names
                for text in find_group_faults(
                    _group("app", {**APP, "fqdns": ["a.example"]}, collection=name), _policy()
                )
            ]
        case _ if "DNAT" in what or "NAT" in what:
            return _faults(
                "dnat", {"name": "d", "dst": ["203.0.113.1"], "ports": ["443"], "protocols": ["TCP"]}
            )
        case _:
            return None


@pytest.mark.parametrize("case", cases_of("firewall.yaml", "validation_cases"))
def test_what_the_service_refuses_is_said_before_anything_is_sent(case: dict[str, Any]) -> None:
    faults = faults_of(case["what"])
    if faults is None:
        pytest.fail(f"no reading for the sentence: {case['what']}")
    assert bool(faults) == (case["ours"] != "ok"), faults
    if "message_contains" in case:
        assert any(case["message_contains"] in text for text in faults)


def _ruleset(
    rules: list[dict[str, Any]], kind: str = "app", groups: dict[str, list[str]] | None = None, **given: Any
) -> Ruleset:
    collections = given.get("rcs") or [
        {"name": "C", "priority": given.get("priority", 100), "kind": kind, "action": "Allow", "rules": rules}
    ]
    bodies = policy_bodies(
        "policy", {"rcgs": [{"name": "G", "priority": 200, "rcs": collections}]}, "Standard", None, True
    )
    bodies += [
        {"id": f"{RG}/ipGroups/{name}", "name": name, "properties": {"ipAddresses": texts}}
        for name, texts in (groups or {}).items()
    ]
    return to_ruleset(Estate.of(bodies), f"{RG}/firewallPolicies/policy")


SOURCES = {"A": "10.0.1.0/24", "B": "10.0.2.0/24", "C": "10.0.3.0/24"}


def _arrow_rules(text: str) -> list[dict[str, Any]]:
    """``(A,B -> x,y)`` as application rules of sources A and B to names x and y."""
    rules = []
    for number, (left, right) in enumerate(re.findall(r"\(([\w, ]+) -> ([\w, ]+)\)", text)):
        sources = [SOURCES[name.strip()] for name in left.split(",")]
        names = [f"{name.strip()}.example" for name in right.split(",")]
        rules.append({"name": f"r{number}", "src": sources, "protocols": ["Https:443"], "fqdns": names})
    return rules


def _set_rule(text: str) -> list[dict[str, Any]]:
    return [{**APP, "fqdns": [name.strip() for name in text.split(",")]}]


def rulesets_of(what: str) -> tuple[Ruleset, Ruleset, Facts] | None:
    """Both sides of the sentence as rulesets; None if it cannot be read."""
    nothing = Facts()
    name_sets = re.fullmatch(r"\{(.*)\} -> \{(.*)\}", what)
    if name_sets:
        return _ruleset(_set_rule(name_sets[1])), _ruleset(_set_rule(name_sets[2])), nothing
    if " merged into " in what or " split into " in what:
        left, right = re.split(r" merged into | split into ", what)
        return _ruleset(_arrow_rules(left)), _ruleset(_arrow_rules(right)), nothing
    rule = {**APP, "fqdns": ["a.example"]}
    if what.startswith("sourceAddresses") and "sourceIpGroups" in what:
        addresses, _, members = _first_lists(what)
        grouped = {**rule, "src": [], "srcIpGroups": ["g"]}
        return (
            _ruleset([{**rule, "src": addresses}], groups={"g": members}),
            _ruleset([grouped], groups={"g": members}),
            nothing,
        )
    if what.startswith("sourceAddresses"):
        before, after = _lists(what)[:2]
        return _ruleset([{**rule, "src": before}]), _ruleset([{**rule, "src": after}]), nothing
    if what.startswith("network protocols"):
        return (*_network_sides(what), nothing)
    if "destinationAddresses" in what:
        return _ruleset([rule]), _ruleset([{**rule, "dst": ["10.0.0.0/8"]}]), nothing
    if "fqdnTags" in what:
        return (
            _ruleset([{**APP, "fqdnTags": ["WindowsUpdate"]}]),
            _ruleset([{**APP, "fqdns": ["windowsupdate.microsoft.com"]}]),
            nothing,
        )
    if "letter case" in what:
        grouped = {**rule, "src": [], "srcIpGroups": ["g"]}
        return (
            _ruleset([grouped], groups={"g": ["10.0.0.0/24"]}),
            _ruleset([{**grouped, "srcIpGroups": ["G"]}], groups={"g": ["10.0.0.0/24"]}),
            nothing,
        )
    if "deny-all" in what:
        deny = {
            "name": "D",
            "priority": 65000,
            "kind": "app",
            "action": "Deny",
            "rules": [{**APP, "src": ["*"], "protocols": ["Http:80", "Https:443"], "fqdns": ["*"]}],
        }
        allow = {"name": "C", "priority": 100, "kind": "app", "action": "Allow", "rules": [rule]}
        return (
            _ruleset([], rcs=[allow]),
            _ruleset([], rcs=[allow, deny]),
            Facts(infrastructure=("pir.blob.core.windows.net",)),
        )
    if "priorities" in what:

        def sides(one: int, two: int) -> list[dict[str, Any]]:
            allow = {"name": "C", "priority": one, "kind": "app", "action": "Allow", "rules": [rule]}
            deny = {
                "name": "D",
                "priority": two,
                "kind": "app",
                "action": "Deny",
                "rules": [{**APP, "fqdns": ["*.example"]}],
            }
            return [allow, deny] if "array" not in what else [deny, allow]

        first = sides(100, 200)
        second = list(reversed(first)) if "array" in what else sides(1000, 2000)
        return _ruleset([], rcs=first), _ruleset([], rcs=second), nothing
    return None


def _first_lists(what: str) -> tuple[list[str], None, list[str]]:
    found = [[item.strip() for item in text.split(",")] for text in re.findall(r"\[([^\]]*)\]", what)]
    return found[0], None, found[-1]


def _network_sides(what: str) -> tuple[Ruleset, Ruleset]:
    def rule(protocols: str, ports: str) -> list[dict[str, Any]]:
        names = [item.strip() for item in protocols.split(",")]
        texts = [item.strip().strip("'") for item in ports.split(",")]
        return [{**NET, "dst": ["203.0.113.0/24"], "protocols": names, "ports": texts}]

    pairs = re.findall(r"\[([^\]]*)\] ports \[([^\]]*)\]", what)
    return _ruleset(rule(*pairs[0]), "net"), _ruleset(rule(*pairs[1]), "net")


@pytest.mark.parametrize("case", cases_of("firewall.yaml", "equivalence_cases"))
def test_two_rule_sets_compare_by_what_they_let_through(case: dict[str, Any]) -> None:
    sides = rulesets_of(case["what"])
    if sides is None:
        pytest.fail(f"no reading for the sentence: {case['what']}")
    before, after, facts = sides
    found, difference = relation(before, after, facts)
    assert found == case["relation"]
    if found in ("wider", "narrower"):
        assert difference is not None
        assert difference.witness()
    if re.fullmatch(r"[\w.-]+\.[a-z]+", str(case.get("witness", ""))):
        assert difference is not None
        assert difference.name() == case["witness"]
