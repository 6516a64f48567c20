"""Reads the sentences of golden validation and equivalence cases into ARM JSON and puts them to the product.

A sentence nobody has a reading for raises NoReading, so that a case is never passed by being skipped.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import Any

from allowlist.estate.bodies import Estate
from allowlist.plan.rule_findings import find_rule_findings
from allowlist.points.firewall import limits
from allowlist.points.firewall.translate import to_ruleset
from allowlist.points.firewall.validate import (
    find_classic_faults,
    find_draft_faults,
    find_group_faults,
    find_ip_group_faults,
    find_policy_faults,
)
from allowlist.points.point import Target
from allowlist.rules.addresses import EVERYWHERE
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.flow import Facts
from allowlist.rules.model import Ruleset
from tests.helpers.golden_firewall import RG, ip_group_id

Body = dict[str, Any]

POLICY = f"{RG}/firewallPolicies/p"
SAMPLES: Body = {
    "targetFqdns": ["a.example"],
    "targetUrls": ["www.contoso.com/a"],
    "fqdnTags": ["WindowsUpdate"],
    "webCategories": ["News"],
    "terminateTLS": True,
    "httpHeadersToInsert": [{"headerName": "a", "headerValue": "b"}],
    "sourceAddresses": ["10.0.0.4"],
    "sourceIpGroups": [ip_group_id("g")],
    "destinationAddresses": ["203.0.113.0/24"],
    "destinationIpGroups": [ip_group_id("g")],
    "destinationFqdns": ["time.example.net"],
    "destinationPorts": ["443"],
    "ipProtocols": ["TCP"],
    "protocols": [{"protocolType": "Https", "port": 443}],
    "translatedAddress": "10.0.0.9",
    "translatedPort": "443",
}
BASE: dict[str, Body] = {
    "ApplicationRule": {key: SAMPLES[key] for key in ("sourceAddresses", "protocols")},
    "NetworkRule": {key: SAMPLES[key] for key in ("sourceAddresses", "ipProtocols", "destinationPorts")},
    "NatRule": {
        key: SAMPLES[key]
        for key in ("sourceAddresses", "ipProtocols", "destinationPorts", "destinationAddresses")
    }
    | {key: SAMPLES[key] for key in ("translatedAddress", "translatedPort")},
}
NETWORK_FIELDS = {"destinationFqdns", "destinationPorts", "destinationIpGroups", "ipProtocols"}
APPLICATION_FIELDS = {"targetFqdns", "targetUrls", "fqdnTags", "webCategories", "terminateTLS", "protocols"}
TARGETS = {
    "ApplicationRule": ("targetFqdns", "targetUrls", "fqdnTags", "webCategories"),
    "NetworkRule": ("destinationAddresses", "destinationIpGroups", "destinationFqdns"),
    "NatRule": (),
}


class NoReading(AssertionError):
    """The sentence says something these helpers do not understand."""


# --- validation ---------------------------------------------------------------------------------------------


def told_about(what: str) -> list[str]:
    """What the product says about the configuration in the sentence: faults, and findings about its rules."""
    for pattern, reading in _READINGS:
        if re.search(pattern, what, re.IGNORECASE):
            return list(reading(what))
    return list(_about_a_rule(what))


def _numbers(what: str) -> list[int]:
    return [int(text.replace(",", "")) for text in re.findall(r"\d[\d,]*", what)]


def _policy(what: str = "", **properties: Any) -> Body:
    tier = next((name for name in ("Basic", "Premium") if name in what), "Standard")
    return {
        "id": POLICY,
        "name": "p",
        "location": "westeurope",
        "properties": {"sku": {"tier": tier}, "dnsSettings": {"enableProxy": True}, **properties},
    }


def _collection(*rules: Body, name: str = "C", priority: int = 200, action: str = "Allow") -> Body:
    kind = "Nat" if action.lower() == "dnat" else "Filter"
    return {
        "ruleCollectionType": f"FirewallPolicy{kind}RuleCollection",
        "name": name,
        "priority": priority,
        "action": {"type": action},
        "rules": list(rules),
    }


def _group(*collections: Body, name: str = "G", priority: int = 200) -> Body:
    return {
        "id": f"{POLICY}/ruleCollectionGroups/{name}",
        "name": name,
        "properties": {"priority": priority, "ruleCollections": list(collections)},
    }


def _rule(kind: str = "ApplicationRule", **fields: Any) -> Body:
    targets = {} if fields.keys() & set(TARGETS[kind]) else _default_target(kind)
    return {"ruleType": kind, "name": "r", **BASE[kind], **targets, **fields}


def _default_target(kind: str) -> Body:
    return {key: SAMPLES[key] for key in TARGETS[kind][:1]}


def _about_a_rule(what: str) -> Iterator[str]:
    """One rule with the fields the sentence names: with the list beside the name, or a sample, or left out."""
    fields = [name for name in SAMPLES if re.search(rf"\b{name}\b", what)]
    if not fields and "IPv6" not in what:
        raise NoReading(what)
    kind = _kind_of(what, fields)
    rule = _rule(kind, **{name: _value(name, what) for name in fields if not _is_left_out(name, what)})
    for name in fields:
        if _is_left_out(name, what):
            rule.pop(name, None)
    if "IPv6" in what:
        rule["destinationAddresses" if kind == "NetworkRule" else "sourceAddresses"] = ["2001:db8::/32"]
    policy = _policy_for(what, fields)
    if "targetUrls" in fields and "terminateTLS" not in fields:
        rule["terminateTLS"] = True
    yield from _told(_group(_collection(rule, action="DNAT" if kind == "NatRule" else "Allow")), policy)


def _kind_of(what: str, fields: list[str]) -> str:
    if re.search(r"\bD?NAT\b", what) or any(name.startswith("translated") for name in fields):
        return "NatRule"
    application = "application rule" in what or set(fields) & APPLICATION_FIELDS
    network = "network rule" in what or set(fields) & NETWORK_FIELDS or "IPv6" in what
    network = network or (not application and "destinationAddresses" in fields)
    return "NetworkRule" if network else "ApplicationRule"


def _is_left_out(name: str, what: str) -> bool:
    return bool(re.search(rf"\b(without|no|missing|neither|lacks|omits)\b[^.;]*\b{name}\b", what))


def _value(name: str, what: str) -> Any:
    found = re.search(rf"\b{name}\b\s*:?\s*(\[[^\]]*\])", what)
    if found is None:
        return SAMPLES[name]
    values = ast.literal_eval(re.sub(r"(?<=[\[,])\s*([\w*./:-]+)\s*(?=[\],])", r"'\1'", found[1]))
    if name != "protocols":
        return values
    split = (str(text).split(":") for text in values)
    return [{"protocolType": protocol, "port": int(port)} for protocol, port in split]


def _policy_for(what: str, fields: list[str]) -> Body:
    policy = _policy(what)
    if not re.search("Basic|Standard|Premium", what) and set(fields) & {"targetUrls", "terminateTLS"}:
        policy["properties"]["sku"]["tier"] = "Premium"
    dns: Body = {
        "enableProxy": not re.search(r"prox\w+ (is )?off|without (the )?DNS proxy", what, re.IGNORECASE)
    }
    if re.search(r"requireProxyForNetworkRules:? (is )?false", what):
        dns["requireProxyForNetworkRules"] = False
    policy["properties"]["dnsSettings"] = dns
    if "allowSqlRedirect" in what:
        policy["properties"]["sql"] = {"allowSqlRedirect": True}
    return policy


def _told(group: Body, policy: Body) -> Iterator[str]:
    """Faults of the group, and what a check would say of its rules."""
    yield from find_group_faults(group, policy)
    ruleset = to_ruleset(Estate.of([policy, group]), policy["id"])
    for finding in find_rule_findings(CoverageEngine.of(ruleset, ()), EVERYWHERE, "t"):
        yield finding.because


def _of_priorities(what: str) -> Iterator[str]:
    """Each number at each place has to be refused, otherwise nothing is told."""
    each: list[list[str]] = []
    for number in _numbers(what):
        if "group" in what or "collection" not in what:
            each.append(list(find_group_faults(_group(_collection(_rule()), priority=number), _policy())))
        if "collection" in what or "group" not in what:
            each.append(list(find_group_faults(_group(_collection(_rule(), priority=number)), _policy())))
    yield from (text for found in each for text in found if all(each))


def _of_protocol_type(what: str) -> Iterator[str]:
    name = re.findall(r"protocolType:? (\w+)", what)[0]
    protocol = {"protocolType": name, "port": 1433 if name == "Mssql" else 443}
    yield from _told(_group(_collection(_rule(protocols=[protocol]))), _policy())


def _of_application_port(what: str) -> Iterator[str]:
    protocol = {"protocolType": "Https", "port": _numbers(what)[-1]}
    yield from find_group_faults(_group(_collection(_rule(protocols=[protocol]))), _policy())


def _of_network_port(what: str) -> Iterator[str]:
    text = re.findall(r"\d+(?:-\d+)?", what)[-1]
    yield from find_group_faults(_group(_collection(_rule("NetworkRule", destinationPorts=[text]))), _policy(what, **_sql(what)))  # fmt: skip


def _of_no_destination(what: str) -> Iterator[str]:
    del what
    rule = _rule("NetworkRule")
    del rule["destinationAddresses"]
    yield from find_group_faults(_group(_collection(rule)), _policy())


def _sql(what: str) -> Body:
    return {"sql": {"allowSqlRedirect": True}} if "redirect" in what.lower() else {}


def _of_ip_group_size(what: str) -> Iterator[str]:
    addresses = ["10.0.0.1"] * _numbers(what)[-1]
    yield from find_ip_group_faults({"name": "g", "properties": {"ipAddresses": addresses}})


def _of_region(what: str) -> Iterator[str]:
    elsewhere = "another" in what or "different" in what
    yield from find_policy_faults(
        _policy(), {**_policy(), "location": "northeurope" if elsewhere else "westeurope"}
    )


def _of_explicit_proxy(what: str) -> Iterator[str]:
    same = "same" in what or "equal" in what
    ports = {"enableExplicitProxy": True, "httpPort": 8080, "httpsPort": 8080 if same else 8443}
    yield from find_policy_faults(_policy(explicitProxy=ports))


def _of_draft(what: str) -> Iterator[str]:
    yield from find_draft_faults(["new"] if "new" in what else ["live"], ["live"])


def _of_classic(what: str) -> Iterator[str]:
    rule: Body = {"name": "r", "protocols": SAMPLES["protocols"]}
    rule |= (
        {"fqdnTags": ["Office365.Exchange.Optimize"]}
        if "Office365" in what
        else {"targetFqdns": ["a.example"]}
    )
    properties: Body = {"applicationRuleCollections": [{"name": "c", "properties": {"rules": [rule]}}]}
    if "policy" in what:
        properties["firewallPolicy"] = {"id": POLICY}
    yield from find_classic_faults({"properties": properties})


def _of_office365(what: str) -> Iterator[str]:
    del what
    tag = ["Office365.Exchange.Optimize"]
    yield from find_group_faults(_group(_collection(_rule(fqdnTags=tag))), _policy())


def _of_threat_intelligence(what: str) -> Iterator[str]:
    if "Basic" in what:
        yield from find_policy_faults(_policy(what, threatIntelMode="Deny"))
        return
    laxer = re.search("laxer|weaker|less strict|Off below|Off under", what)
    modes = ("Off", "Deny") if laxer else ("Deny", "Alert")
    yield from find_policy_faults(_policy(threatIntelMode=modes[0]), _policy(threatIntelMode=modes[1]))


def _of_dns_servers(what: str) -> Iterator[str]:
    servers = ["10.0.0.4"] * _numbers(what)[0]
    yield from find_policy_faults(_policy(dnsSettings={"enableProxy": True, "servers": servers}))


def _of_collection_names(what: str) -> Iterator[str]:
    if "same name" in what or "twice" in what:
        one, other = _collection(_rule()), _collection(_rule(), priority=300)
        groups = [_group(one), _group(other, name="H")] if "two groups" in what else [_group(one, other)]
        groups = groups if "different groups" not in what else [_group(one), _group(other, name="H")]
        yield from (text for group in groups for text in find_group_faults(group, _policy()))
        return
    names = re.findall(r"['\"]([^'\"]*)['\"]", what) or ["-bad-"]
    for name in names:
        yield from find_group_faults(_group(_collection(_rule(), name=name)), _policy())


def _of_mixed_collection(what: str) -> Iterator[str]:
    del what
    yield from find_group_faults(_group(_collection(_rule(), _rule("NetworkRule"))), _policy())


def _of_missing_discriminator(what: str) -> Iterator[str]:
    collection = _collection(_rule())
    if "ruleCollectionType" in what:
        del collection["ruleCollectionType"]
    else:
        del collection["rules"][0]["ruleType"]
    yield from find_group_faults(_group(collection), _policy())


def _of_limits(what: str) -> Iterator[str]:
    """Counts and sizes: an estate of that many, judged as a plan judges it before anything is sent."""
    target = Target(
        name="t",
        workload="w",
        surface="firewall-policy",
        resource=POLICY,
        delete="add-only",
        group="G0",
        options={},
    )
    bodies = [_policy(), *_many(what, _numbers(what))]
    yield from (item.text for item in limits.check(Estate.of(bodies), target) if item.exceeded)


def _many(what: str, numbers: list[int]) -> list[Body]:
    if "groups" in what and "IP" not in what:
        return [_group(name=f"G{at}", priority=200 + at) for at in range(numbers[0])]
    if "combination" in what:
        sources = [f"10.0.{at // 250}.{at % 250}" for at in range(numbers[0] // 100 + 1)]
        rule = _rule("NetworkRule", sourceAddresses=sources, destinationAddresses=[f"20.0.0.{at}" for at in range(100)])  # fmt: skip
    elif "FQDN" in what:
        rule = _rule("NetworkRule", destinationFqdns=[f"n{at}.example" for at in range(numbers[0])])
    elif "IP group" in what:
        rule = _rule(sourceIpGroups=[ip_group_id(f"g{at}") for at in range(numbers[0])])
    else:
        size = float(re.findall(r"[\d.]+", what)[0]) * 1_048_576
        rule = _rule(targetFqdns=[f"name-{at:07d}.example" for at in range(int(size) // 23)])
    return [_group(_collection(rule), name="G0")]


_READINGS: tuple[tuple[str, Callable[[str], Iterator[str]]], ...] = (
    (r"same priority|priority taken", lambda what: _of_equal_priorities(what)),
    (r"^priority |priority \d", _of_priorities),
    (r"protocolType", _of_protocol_type),
    (r"^IP group with|IP group of \d", _of_ip_group_size),
    (r"\d+ IP groups|rule collection groups|groups per policy|combinations|\d+ FQDNs|\d MB", _of_limits),
    (r"\bregion\b", _of_region),
    (r"explicit proxy", _of_explicit_proxy),
    (r"\bdraft\b", _of_draft),
    (r"ruleCollectionType|ruleType|discriminator", _of_missing_discriminator),
    (r"mixe[sd]|mixing|different types", _of_mixed_collection),
    (r"collection name|collections? (with the same name|called|named)|same name", _of_collection_names),
    (r"\bclassic\b", _of_classic),
    (r"Office ?365", _of_office365),
    (r"threat ?intel", _of_threat_intelligence),
    (r"DNS servers", _of_dns_servers),
    (r"application (rule )?(protocol )?port \d|port \d+ in an application", _of_application_port),
    (r"\bports? \d+", _of_network_port),
    (r"(without|no) (any )?destination\b", _of_no_destination),
)


def _of_equal_priorities(what: str) -> Iterator[str]:
    if "collection" in what and "groups" not in what:
        bodies = [_group(_collection(_rule()), _collection(_rule(), name="D"), name="G0")]
    else:
        bodies = [_group(name="G0"), _group(name="G1")]
    target = Target(
        name="t",
        workload="w",
        surface="firewall-policy",
        resource=POLICY,
        delete="add-only",
        group="G0",
        options={},
    )
    yield from (item.text for item in limits.check(Estate.of([_policy(), *bodies]), target) if item.exceeded)


# --- equivalence --------------------------------------------------------------------------------------------

SOURCES = {"A": "10.0.1.0/24", "B": "10.0.2.0/24", "C": "10.0.3.0/24"}

Sides = tuple[Ruleset, Ruleset, Facts]


def sides_of(what: str) -> Sides:
    """Both sides of the sentence as rulesets, and what is known besides."""
    for pattern, reading in _COMPARISONS:
        if re.search(pattern, what, re.IGNORECASE):
            before, after, facts = reading(what)
            return _ruleset(before), _ruleset(after), facts
    raise NoReading(what)


Bodies = list[Body]


def _ruleset(bodies: Bodies) -> Ruleset:
    policy = next((body for body in bodies if body["id"] == POLICY), None)
    return to_ruleset(Estate.of([*bodies, *([] if policy else [_policy("Premium")])]), POLICY)


def _of_rules(*rules: Body) -> Bodies:
    named = [{**rule, "name": rule.get("name", "r") + str(at)} for at, rule in enumerate(rules)]
    action = "DNAT" if any(rule["ruleType"] == "NatRule" for rule in rules) else "Allow"
    return [_group(_collection(*named, action=action))]


def _ip_group(name: str, members: list[str]) -> Body:
    return {"id": ip_group_id(name), "name": name, "properties": {"ipAddresses": members}}


def _listed(text: str) -> list[str]:
    return [item.strip().strip("'\"") for item in text.split(",") if item.strip().strip("'\"")]


def _lists(what: str) -> list[list[str]]:
    return [_listed(text) for text in re.findall(r"\[([^\]]*)\]", what)]


def _name_sets(what: str) -> tuple[Bodies, Bodies, Facts]:
    left, right = (_listed(text) for text in re.findall(r"\{([^}]*)\}", what)[:2])
    return _of_rules(_rule(targetFqdns=left)), _of_rules(_rule(targetFqdns=right)), Facts()


def _arrows(what: str) -> tuple[Bodies, Bodies, Facts]:
    """``(A,B -> x,y)``: application rules of sources A and B to names x and y."""
    left, right = re.split(r" merged into | split into |(?<=\)) -> (?=\()", what)
    return _of_rules(*_arrow_rules(left)), _of_rules(*_arrow_rules(right)), Facts()


def _arrow_rules(text: str) -> list[Body]:
    return [
        _rule(
            sourceAddresses=[SOURCES[name] for name in _listed(left)],
            targetFqdns=[f"{name}.example" for name in _listed(right)],
        )
        for left, right in re.findall(r"\(([\w, ]+) -> ([\w, ]+)\)", text)
    ]


def _source_into_group(what: str) -> tuple[Bodies, Bodies, Facts]:
    lists = _lists(what)
    grouped = {**_rule(), "sourceAddresses": [], "sourceIpGroups": [ip_group_id("g")]}
    group = _ip_group("g", lists[-1])
    return [*_of_rules(_rule(sourceAddresses=lists[0])), group], [*_of_rules(grouped), group], Facts()


def _fields(what: str) -> tuple[Bodies, Bodies, Facts]:
    """``field [old] -> [new]`` in one rule, several fields if they are named."""
    sides: list[list[tuple[str, list[str]]]] = []
    for text in what.split("->"):
        found = re.findall(r"(\w+)?\s*\[([^\]]*)\]", text)
        names = [_field_name(word, what) if word else sides[0][at][0] for at, (word, _) in enumerate(found)]
        sides.append([(name, _listed(values)) for name, (_, values) in zip(names, found, strict=True)])
    before, after = sides[0], sides[1]
    kept = [pair for pair in before if pair[0] not in dict(after)]
    kind = _kind_of(what, [name for name, _ in (*before, *after)])
    return _of_rules(_rule_of(kind, before)), _of_rules(_rule_of(kind, [*kept, *after])), Facts()


def _field_name(word: str, what: str) -> str:
    network = "network" in what
    words = {
        "ports": "destinationPorts",
        "protocols": "ipProtocols" if network else "protocols",
        "src": "sourceAddresses",
        "sources": "sourceAddresses",
        "dst": "destinationAddresses",
        "destinations": "destinationAddresses",
        "fqdns": "targetFqdns",
    }
    name = words.get(word, word)
    if name not in SAMPLES:
        raise NoReading(f"{word} in {what}")
    return name


def _rule_of(kind: str, fields: list[tuple[str, list[str]]]) -> Body:
    values: Body = dict(fields)
    if kind == "ApplicationRule" and "protocols" in values:
        split = (text.split(":") for text in values["protocols"])
        values["protocols"] = [{"protocolType": name, "port": int(port)} for name, port in split]
    for key in ("sourceIpGroups", "destinationIpGroups"):
        if key in values:
            values[key] = [ip_group_id(name) for name in values[key]]
    return _rule(kind, **values)


def _tag_into_names(what: str) -> tuple[Bodies, Bodies, Facts]:
    del what
    tag = _rule(fqdnTags=["WindowsUpdate"])
    return _of_rules(tag), _of_rules(_rule(targetFqdns=["windowsupdate.microsoft.com"])), Facts()


def _letter_case(what: str) -> tuple[Bodies, Bodies, Facts]:
    if "IP group" not in what and "resource id" not in what:
        left, right = _rule(targetFqdns=["a.example"]), _rule(targetFqdns=["A.Example"])
        return _of_rules(left), _of_rules(right), Facts()
    group = _ip_group("g", ["10.0.0.0/24"])
    sides = [
        [*_of_rules({**_rule(), "sourceAddresses": [], "sourceIpGroups": [ip_group_id(name)]}), group]
        for name in ("g", "G")
    ]
    return sides[0], sides[1], Facts()


def _action_case(what: str) -> tuple[Bodies, Bodies, Facts]:
    del what
    rule = _rule("NatRule")
    sides = [[_group(_collection(rule, action=action))] for action in ("DNAT", "Dnat")]
    return sides[0], sides[1], Facts()


def _deny_all(what: str) -> tuple[Bodies, Bodies, Facts]:
    allow = _collection(_rule(), priority=100)
    protocols = [{"protocolType": "Http", "port": 80}, {"protocolType": "Https", "port": 443}]
    rule = _rule(sourceAddresses=["*"], protocols=protocols, targetFqdns=["*"])
    at = 65000 if "end" in what else 50
    deny = _collection(rule, name="D", priority=at, action="Deny")
    return [_group(allow)], [_group(allow, deny)], Facts(infrastructure=("pir.blob.core.windows.net",))


def _priorities(what: str) -> tuple[Bodies, Bodies, Facts]:
    """An allow and a deny that covers it: only their order decides."""

    def sides(one: int, two: int) -> Bodies:
        deny = _rule(targetFqdns=["*.example"])
        return [
            _group(
                _collection(_rule(), priority=one), _collection(deny, name="D", priority=two, action="Deny")
            )
        ]

    if "swapped" in what or "exchanged" in what or "reversed" in what:
        return sides(100, 200), sides(200, 100), Facts()
    return sides(100, 200), sides(1000, 2000), Facts()


def _array_order(what: str) -> tuple[Bodies, Bodies, Facts]:
    """The order of things in an array: of groups, of collections, of rules in a collection."""
    if "group" in what and "collection" not in what:
        deny = _collection(_rule(targetFqdns=["*.example"]), action="Deny")
        groups = [_group(_collection(_rule())), _group(deny, name="H", priority=300)]
        return groups, groups[::-1], Facts()
    if re.search("ruleCollections|collections", what):
        deny = _collection(_rule(targetFqdns=["*.example"]), name="D", priority=300, action="Deny")
        allow = _collection(_rule())
        return [_group(allow, deny)], [_group(deny, allow)], Facts()
    rules = [_rule(targetFqdns=["a.example"]), _rule(targetFqdns=["*.example"])]
    return _of_rules(*rules), _of_rules(*rules[::-1]), Facts()


def _renamed(what: str) -> tuple[Bodies, Bodies, Facts]:
    del what
    after = {**_rule(), "name": "other", "description": "another text"}
    return _of_rules(_rule()), _of_rules(after), Facts()


def _duplicate(what: str) -> tuple[Bodies, Bodies, Facts]:
    one, two = _of_rules(_rule()), _of_rules(_rule(), _rule())
    return (two, one, Facts()) if re.search("remov|dropp", what) else (one, two, Facts())


def _emptied_group(what: str) -> tuple[Bodies, Bodies, Facts]:
    grouped = {**_rule(), "sourceAddresses": [], "sourceIpGroups": [ip_group_id("g")]}
    action = "Deny" if "deny" in what.lower() else "Allow"
    below = _collection(_rule(targetFqdns=["*.example"]), name="below", priority=900)
    group = _group(_collection(grouped, action=action), *([below] if action == "Deny" else []))
    return [group, _ip_group("g", ["10.0.0.0/24"])], [group, _ip_group("g", [])], Facts()


_COMPARISONS: tuple[tuple[str, Callable[[str], tuple[Bodies, Bodies, Facts]]], ...] = (
    (r"^\{.*\} -> \{.*\}", _name_sets),
    (r"merged into|split into|\) -> \(", _arrows),
    (r"empt(y|ied).*IP group|IP group.*empt(y|ied)", _emptied_group),
    (r"sourceAddresses.*sourceIpGroups", _source_into_group),
    (r"fqdnTags", _tag_into_names),
    (r"letter case|upper case|lower case", _letter_case),
    (r"\bDNAT\b.*\bDnat\b", _action_case),
    (r"deny-all", _deny_all),
    (r"order of|reorder|array order|order inside", _array_order),
    (r"priorit", _priorities),
    (r"renam|description|name of (a|the) rule", _renamed),
    (r"duplicate", _duplicate),
    (r"\w+ \[.*\].*->", _fields),
)
