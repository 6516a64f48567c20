"""What the service would refuse, or take and not do, said before anything is sent. Pure.

Reads raw ARM JSON of policies, groups and IP groups; rules of others are judged like ours, for they would
fail the same write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from allowlist.azure.facts import fqdn_tags, is_fqdn_tag
from allowlist.documents import canonical_json
from allowlist.documents.reader import near_miss
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.fields import THREAT_MODES, threat_mode_of, tier_of
from allowlist.estate.inheritance import resolves_network_names
from allowlist.estate.known import as_flag
from allowlist.estate.parts import is_unread, number_in, object_in, objects_in, texts_in
from allowlist.estate.unread import is_unread as is_unread_resource
from allowlist.names import Dialect, InvalidPattern, are_plainly_valid, parse_pattern
from allowlist.points.rule_reader import is_host_in_tags
from allowlist.rules import limits
from allowlist.rules.addresses import parse_interval
from allowlist.rules.model import OPEN
from allowlist.rules.urls import find_url_fault

PREMIUM_FIELDS = ("targetUrls", "httpHeadersToInsert")
_COLLECTION_TYPES = ("FirewallPolicyFilterRuleCollection", "FirewallPolicyNatRuleCollection")
_SERVICE_TAG = re.compile(r"[A-Za-z][A-Za-z0-9]*(\.[A-Za-z0-9]+)?")
SQL_REDIRECT_PORTS = (11000, 11999)


def find_policy_faults(policy: Body, parent: Body | None = None) -> Iterator[str]:
    """Faults of a policy itself, and of its relation to its parent."""
    properties = policy["properties"]
    parent = None if parent is None or is_unread_resource(parent) else parent
    proxy = object_in(properties, "explicitProxy")
    if as_flag(proxy.get("enableExplicitProxy")) and proxy.get("httpPort") == proxy.get("httpsPort"):
        yield "the explicit proxy needs different ports for http and https"
    tier = tier_of(properties)
    if tier == "basic" and str(properties.get("threatIntelMode")).lower() == "deny":
        yield "threat intelligence can only alert on the Basic tier"
    servers = texts_in(object_in(properties, "dnsSettings"), "servers")
    if len(servers) > limits.DNS_SERVERS:
        yield f"{len(servers)} DNS servers are named of {limits.DNS_SERVERS}"
    if parent is not None and not _same_region(parent.get("location"), policy.get("location")):
        yield "a parent policy must be in the region of its child"
    if parent is not None and _is_laxer(properties, parent["properties"]):
        yield "a child's threat intelligence may be stricter than its parent's, never laxer"


def _is_laxer(child: Body, parent: Body) -> bool:
    """For certain: a mode that is none of those known may be any."""
    own, above = map(threat_mode_of, (child, parent))
    return OPEN not in (own, above) and THREAT_MODES.index(own) < THREAT_MODES.index(above)


def _same_region(one: Any, other: Any) -> bool:
    return is_unread(one) or is_unread(other) or _squeezed(one) == _squeezed(other)


def _squeezed(location: Any) -> str:
    return str(location or "").replace(" ", "").lower()


def group_faults(estate: Estate, group: Body, policy: Body) -> tuple[str, ...]:
    """What ``find_group_faults`` finds, remembered for as long as neither the group nor what is around it is another."""
    key = ("faults", id(group), canonical_json(policy["properties"]))
    found: tuple[Body, tuple[str, ...]] | None = estate.derived.get(key)
    if found is None:
        found = estate.derived[key] = (group, tuple(find_group_faults(group, policy)))
    return found[1]


def find_group_faults(group: Body, policy: Body) -> Iterator[str]:
    """Faults of a rule collection group in the frame of a policy's tier, DNS and SQL settings.

    ``policy`` carries what it inherits (:func:`~allowlist.estate.inheritance.effective_policy`).
    """
    if is_unread_resource(group):
        return
    properties = group["properties"]
    yield from _priority_fault(properties.get("priority"), f"group {group.get('name')}")
    names: set[str] = set()
    for collection in objects_in(properties, "ruleCollections"):
        name = str(collection.get("name") or "")
        yield from _priority_fault(collection.get("priority"), f"collection {name}")
        if not is_unread(name) and not limits.COLLECTION_NAME.fullmatch(name):
            yield f"'{name}' is no collection name: letters, digits and _ . -, at most 80, ending in a letter, digit or _"
        if name.lower() in names:
            yield f"the group holds two collections called '{name}'"
        names.add(name.lower())
        yield from _collection_faults(collection, policy["properties"])


def _priority_fault(priority: Any, where: str) -> Iterator[str]:
    low, high = limits.PRIORITIES
    priority = number_in(priority)
    if is_unread(priority):
        return
    if not isinstance(priority, int) or not low <= priority <= high:
        yield f"{where} has priority {priority}; {low} to {high} are allowed"


def _collection_faults(collection: Body, policy: Body) -> Iterator[str]:
    rules = objects_in(collection, "rules")
    kind = collection.get("ruleCollectionType")
    if not is_unread(kind) and str(kind).lower() not in map(str.lower, _COLLECTION_TYPES):
        names = " or ".join(_COLLECTION_TYPES)
        yield f"collection {collection.get('name')} needs a ruleCollectionType: {names}"
    kinds = {str(rule.get("ruleType")).lower() for rule in rules if not is_unread(rule.get("ruleType"))}
    if len(kinds) > 1:
        yield f"collection {collection.get('name')} mixes rule types; all rules of a collection have one type"
    usual = _Usual()
    for rule in rules:
        if usual.holds(rule):
            continue
        if not rule.get("ruleType"):
            yield f"rule {rule.get('name')}: needs a ruleType: ApplicationRule, NetworkRule or NatRule"
        for text in _CHECKS.get(str(rule.get("ruleType")), _no_faults)(rule, policy):
            yield f"rule {rule.get('name')}: {text}"


def _no_faults(rule: Body, policy: Body) -> Iterator[str]:
    del rule, policy
    yield from ()


def _source_faults(rule: Body) -> Iterator[str]:
    for text in texts_in(rule, "sourceAddresses"):
        if not _is_address(text):
            yield from _address_fault(text, "a source is an address, a prefix, a range or *")
    if not rule.get("sourceAddresses") and not rule.get("sourceIpGroups"):
        yield "names no source"


def _destination_faults(rule: Body) -> Iterator[str]:
    for text in texts_in(rule, "destinationAddresses"):
        if not _is_address(text) and not _SERVICE_TAG.fullmatch(text):
            yield from _address_fault(
                text, "a destination is an address, a prefix, a range, a service tag or *"
            )


def _address_fault(text: str, wanted: str) -> Iterator[str]:
    if ":" in text:
        yield f"'{text}' is an IPv6 address, which makes the firewall fail"
    else:
        yield f"'{text}' is no address, range or service tag: {wanted}"


def _is_address(text: str) -> bool:
    try:
        parse_interval(text)
    except ValueError:
        return False
    return True


_USUAL = frozenset(
    {"ruleType", "name", "description", "sourceAddresses", "sourceIpGroups", "targetFqdns", "protocols"}
)


class _Usual:
    """Application rules of which nothing has to be looked at closely; protocols written alike are looked at once."""

    def __init__(self) -> None:
        self._protocols: dict[str, bool] = {}

    def holds(self, rule: Body) -> bool:
        """Names from addresses over well-formed protocols and nothing else, all of it without fault in every tier?"""
        names, sources = rule.get("targetFqdns"), rule.get("sourceAddresses", [])
        if not (type(names) is list and names and type(sources) is list):
            return False
        return (
            rule.get("ruleType") == "ApplicationRule"
            and bool(sources or rule.get("sourceIpGroups"))
            and set(map(type, (*names, *sources))) == {str}
            and not any(map(rule.get, rule.keys() - _USUAL))
            and are_plainly_valid(names, Dialect.APPLICATION_RULE)
            and all(map(_is_address, sources))
            and self._is_well_formed(rule)
        )

    def _is_well_formed(self, rule: Body) -> bool:
        written = repr(rule.get("protocols"))
        found = self._protocols.get(written)
        if found is None:
            found = self._protocols[written] = next(_protocol_faults(rule), None) is None
        return found


def _application_faults(rule: Body, policy: Body) -> Iterator[str]:
    tier = tier_of(policy)
    yield from _source_faults(rule)
    for text in texts_in(rule, "targetFqdns"):
        yield from _name_fault(text, Dialect.APPLICATION_RULE)
    for tag in texts_in(rule, "fqdnTags"):
        yield from _tag_fault(tag)
    for text in texts_in(rule, "targetUrls"):
        fault = find_url_fault(text)
        if fault:
            yield fault
    if tier in ("basic", "standard"):
        yield from (f"{key} needs the Premium tier" for key in PREMIUM_FIELDS if rule.get(key))
        if rule.get("terminateTLS"):
            yield "TLS inspection needs the Premium tier"
    elif (
        tier == "premium"
        and rule.get("targetUrls")
        and not rule.get("terminateTLS")
        and _speaks(rule, "https")
    ):
        yield "target URLs of https need TLS inspection (terminateTLS)"
    if rule.get("webCategories") and tier == "basic":
        yield "web categories need the Standard or Premium tier"
    yield from _protocol_faults(rule)
    if not any(rule.get(key) for key in ("targetFqdns", "targetUrls", "fqdnTags", "webCategories")):
        yield "names no target"


def _speaks(rule: Body, protocol: str) -> bool:
    return any(str(item.get("protocolType")).lower() == protocol for item in objects_in(rule, "protocols"))


def _protocol_faults(rule: Body) -> Iterator[str]:
    if not rule.get("protocols"):
        yield "names no protocol; a rule with FQDN tags needs one too, usually Https:443"
    for item in objects_in(rule, "protocols"):
        name, port = str(item.get("protocolType")), number_in(item.get("port"))
        if not is_unread(name) and name.lower() not in ("http", "https", "mssql"):
            yield f"protocol '{name}' is none of Http, Https, Mssql"
        if not is_unread(port) and not (isinstance(port, int) and 1 <= port <= 64000):
            yield f"port {port} of {name} is outside 1 to 64000"


def _tag_fault(tag: str) -> Iterator[str]:
    if is_host_in_tags(tag):
        yield f"'{tag}' is a host, not an FQDN tag; write it under targetFqdns"
    elif not is_fqdn_tag(tag) and not is_unread(tag):
        yield f"'{tag}' is no FQDN tag of the API{near_miss(tag, sorted(set(fqdn_tags().values())))}"


def _name_fault(text: str, dialect: Dialect) -> Iterator[str]:
    try:
        parse_pattern(text, dialect)
    except InvalidPattern as error:
        yield str(error)


def _network_faults(rule: Body, policy: Body) -> Iterator[str]:
    yield from _source_faults(rule)
    yield from _destination_faults(rule)
    names = texts_in(rule, "destinationFqdns")
    for text in names:
        yield from _name_fault(text, Dialect.NETWORK_RULE)
    if names and tier_of(policy) == "basic":
        yield "names in network rules do not work on the Basic tier"
    elif names and not resolves_network_names({"properties": policy}):
        yield "to use names in network rules, DNS Proxy must be enabled (or requireProxyForNetworkRules be false)"
    if not any(rule.get(key) for key in ("destinationAddresses", "destinationIpGroups", "destinationFqdns")):
        yield "must have one of destinationAddresses, destinationIpGroups or destinationFqdns"
    yield from _port_faults(rule)
    redirects = object_in(policy, "sql").get("allowSqlRedirect")
    if redirects and any(_meets(text, SQL_REDIRECT_PORTS) for text in texts_in(rule, "destinationPorts")):
        yield "ports 11000-11999 are taken while the policy allows SQL redirect"


def _port_faults(rule: Body) -> Iterator[str]:
    if not rule.get("destinationPorts"):
        yield "names no port"
    for text in texts_in(rule, "destinationPorts"):
        if text != "*" and not _is_port_range(text):
            yield f"'{text}' is no port: 1 to 65535, a range a-b, or *"


def _is_port_range(text: str) -> bool:
    low, _, high = str(text).partition("-")
    return low.isdigit() and (high or low).isdigit() and 1 <= int(low) <= int(high or low) <= 65535


def _meets(text: str, wanted: tuple[int, int]) -> bool:
    if text == "*":
        return True
    low, _, high = str(text).partition("-")
    return int(low) <= wanted[1] and int(high or low) >= wanted[0] if _is_port_range(text) else False


def _nat_faults(rule: Body, policy: Body) -> Iterator[str]:
    del policy
    yield from _source_faults(rule)
    yield from _destination_faults(rule)
    yield from _port_faults(rule)


_CHECKS = {
    "ApplicationRule": _application_faults,
    "NetworkRule": _network_faults,
    "NatRule": _nat_faults,
}


def find_ip_group_faults(group: Body) -> Iterator[str]:
    count = len(texts_in(group["properties"], "ipAddresses"))
    if count > limits.IP_GROUP_ENTRIES:
        yield f"IP group {group.get('name')} has {count} entries of {limits.IP_GROUP_ENTRIES}"


def find_classic_faults(firewall: Body) -> Iterator[str]:
    """Faults of classic rules on a firewall."""
    properties = firewall["properties"]
    keys = ("applicationRuleCollections", "networkRuleCollections", "natRuleCollections")
    if properties.get("firewallPolicy") and any(properties.get(key) for key in keys):
        yield "a firewall with a policy cannot carry classic rule collections too"
    for collection in objects_in(properties, "applicationRuleCollections"):
        for rule in objects_in(collection.get("properties", collection), "rules"):
            for tag in texts_in(rule, "fqdnTags"):
                if tag.lower().startswith("office365"):
                    yield f"rule {rule.get('name')}: the FQDN tag {tag} works in policies only"
            for text in texts_in(rule, "targetFqdns"):
                yield from _name_fault(text, Dialect.APPLICATION_RULE)
