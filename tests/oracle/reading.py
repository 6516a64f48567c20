"""What an estate does with one flow, read off its raw JSON one rule after the other: yes, no, or not known (None)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from tests.oracle.endpoints import BLOB, STORE_HOST
from tests.oracle.layered import PERIMETER, PROFILE
from tests.oracle.secured import HUB_FIREWALL, INTENT, TABLE, VIRTUAL_HUB
from tests.oracle.worlds import ACCOUNT, EGRESS, FIREWALL, HUB, POLICY, Json, World

Flow = tuple[str, str, str, int]
"""Source address, host, protocol, port."""

Feed = tuple[str, ...]
"""Names that threat intelligence knows."""

_RULE = {"ruleType", "name", "description", "protocols", "sourceAddresses", "sourceIpGroups", "targetFqdns"}
_NETWORK = {"ruleType", "name", "ipProtocols", "sourceAddresses", "sourceIpGroups", "destinationPorts"} | {
    "destinationAddresses",
    "destinationFqdns",
    "destinationIpGroups",
}
_ACCESS = {"direction", "fullyQualifiedDomainNames", "provisioningState"}
_ENDPOINT = {"serviceResourceId", "subresourceTarget", "sparkEnabled", "sparkStatus"}
_ROUTE = {"name", "destinations", "nextHop", "destinationType", "nextHopType"}
_OUTBOUND = {"type", "category", "status", "destination"}


def lets_through(world: World, bodies: list[Json], flow: Flow) -> bool | None:
    """Does the estate let ``flow`` through? None where it depends on something nobody knows."""
    by_id = {body["id"].lower(): body for body in bodies}
    read = {
        "firewall-policy": _policy,
        "azure-firewall": _classic,
        "hub-network": _hub,
        "account-network": _network,
        "account-allow-list": _list,
        "agent-egress": _egress,
        "security-perimeter": _perimeter,
        "secured-hub": _secured,
    }[world.kind]
    return read(by_id, flow, world.feed)


def _decide(steps: Iterator[tuple[bool, bool | None]], otherwise: bool = False) -> bool | None:
    """The first certain match decides, unless something before it may have decided otherwise."""
    perhaps: set[bool] = set()
    for allows, matches in steps:
        if matches is None:
            perhaps.add(allows)
        elif matches:
            return allows if perhaps <= {allows} else None
    return otherwise if perhaps <= {otherwise} else None


def _is(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern[:1] == "*" else host == pattern


def _is_dotted(pattern: str) -> bool:
    return "*" not in pattern or pattern.startswith("*.")


def _is_in(address: str, texts: list[str]) -> bool:
    return any(
        text == "*" or ipaddress.ip_address(address) in ipaddress.ip_network(text, strict=False)
        for text in texts
    )


def _sources(rule: Json, source: str, by_id: dict[str, Json]) -> bool | None:
    """Is the source among the addresses and IP groups of a rule? None where that stands in a group that is not there."""
    if _is_in(source, rule.get("sourceAddresses", [])):
        return True
    groups = [by_id.get(item.lower()) for item in rule.get("sourceIpGroups", ())]
    if any(group and _is_in(source, group["properties"]["ipAddresses"]) for group in groups):
        return True
    return None if None in groups else False


def _both(*answers: bool | None) -> bool | None:
    if False in answers:
        return False
    return None if None in answers else True


def _application(rule: Json, flow: Flow, state: str, by_id: dict[str, Json]) -> bool | None:
    source, host, protocol, port = flow
    services = {(item["protocolType"].lower(), item["port"]) for item in rule["protocols"]}
    if (protocol, port) not in services:
        return False
    if not any(_is(host, pattern) for pattern in rule["targetFqdns"]):
        return False
    known = None if set(rule) - _RULE or state != "Succeeded" else True
    return _both(_sources(rule, source, by_id), known)


def _network_rule(rule: Json, flow: Flow, allows: bool, by_id: dict[str, Json]) -> bool | None:
    """Does it match a web call? The address of a host is not known, but it is on the Internet."""
    source, host, _, port = flow
    if not {"TCP", "Any"} & set(rule["ipProtocols"]) or not any(
        _holds(text, port) for text in rule["destinationPorts"]
    ):
        return False
    known = None if set(rule) - _NETWORK else True
    return _both(_sources(rule, source, by_id), _destination(rule, host, allows), known)


def _holds(ports: str, port: int) -> bool:
    low, _, high = ports.partition("-")
    return ports == "*" or int(low) <= port <= int(high or low)


def _destination(rule: Json, host: str, allows: bool) -> bool | None:
    if "destinationFqdns" in rule:
        if host in rule["destinationFqdns"]:
            return True
        # Names may share an address: a deny of one may hit another, an allow is not relied upon.
        return False if allows else None
    if "destinationIpGroups" in rule:
        return None
    (place,) = rule["destinationAddresses"]
    return {"*": True, "10.7.0.0/16": False}.get(place)


def _policy(by_id: dict[str, Json], flow: Flow, feed: Feed) -> bool | None:
    chain = [by_id[POLICY.lower()]]
    while base := chain[0]["properties"].get("basePolicy"):
        chain.insert(0, by_id[base["id"].lower()])
    if _is_known_evil(chain, flow, feed):
        return False

    def rules() -> Iterator[tuple[Json, bool, str]]:
        for policy in chain:
            place = f"{policy['id']}/ruleCollectionGroups/".lower()
            groups = [body for key, body in by_id.items() if key.startswith(place)]
            for group in sorted(groups, key=lambda item: item["properties"]["priority"]):
                state = group["properties"].get("provisioningState", "Succeeded")
                for item in sorted(group["properties"]["ruleCollections"], key=lambda item: item["priority"]):
                    for rule in item["rules"]:
                        yield rule, item["action"]["type"].lower() == "allow", state

    network = [
        (allows, _network_rule(rule, flow, allows, by_id))
        for rule, allows, _ in rules()
        if rule["ruleType"] == "NetworkRule"
    ]
    names = [
        (allows, _application(rule, flow, state, by_id))
        for rule, allows, state in rules()
        if rule["ruleType"] == "ApplicationRule"
    ]
    return _decide(iter([*network, *names]))


def _is_known_evil(chain: list[Json], flow: Flow, feed: Feed) -> bool:
    """The strictest mode of the chain holds; what any of its policies lets through is let through."""
    properties = [policy["properties"] for policy in chain]
    if "deny" not in [str(item.get("threatIntelMode", "Off")).lower() for item in properties]:
        return False
    lists = [item.get("threatIntelWhitelist", {}) for item in properties]
    spared = any(_is(flow[1], name) for item in lists for name in item.get("fqdns", ()))
    spared = spared or any(_is_in(flow[0], item.get("ipAddresses", [])) for item in lists)
    return flow[1] in feed and not spared


def _perimeter(by_id: dict[str, Json], flow: Flow, _: Feed) -> bool | None:
    behind = [
        body["properties"]
        for key, body in by_id.items()
        if key.startswith(f"{PERIMETER}/resourceAssociations/".lower())
    ]
    modes = {item["accessMode"].lower() for item in behind}
    if not modes - {"learning", "audit"}:
        return True
    if modes - {"learning", "audit", "enforced"}:
        return None
    if any(item.get("provisioningState", "Succeeded") != "Succeeded" for item in behind):
        return None
    place = f"{PROFILE}/accessRules/".lower()
    steps = [
        (True, _access(body["properties"], flow)) for key, body in by_id.items() if key.startswith(place)
    ]
    return _decide(iter(steps))


def _access(rule: Json, flow: Flow) -> bool | None:
    direction, state = rule["direction"].lower(), rule.get("provisioningState", "Succeeded")
    names = rule["fullyQualifiedDomainNames"]
    if direction == "inbound" or state == "Failed" or flow[2:] not in (("https", 443), ("http", 80)):
        return False
    if flow[1] not in names:
        return None if any("*" in name for name in names) else False
    certain = state == "Succeeded" and direction == "outbound" and not set(rule) - _ACCESS
    return True if certain else None


def _classic(by_id: dict[str, Json], flow: Flow, _: Feed) -> bool | None:
    found = by_id[FIREWALL.lower()]["properties"].get("applicationRuleCollections", [])

    def steps() -> Iterator[tuple[bool, bool | None]]:
        for item in sorted(found, key=lambda item: item["properties"]["priority"]):
            for rule in item["properties"]["rules"]:
                allows = item["properties"]["action"]["type"].lower() == "allow"
                yield allows, _application(rule, flow, "Succeeded", by_id)

    return _decide(steps())


def _secured(by_id: dict[str, Json], flow: Flow, feed: Feed) -> bool | None:
    """What the policy says, where the Internet is certain to come to its firewall; else rules decide nothing."""
    return _policy(by_id, flow, feed) if _is_on_the_way(by_id) else None


def _is_on_the_way(by_id: dict[str, Json]) -> bool:
    places = (VIRTUAL_HUB, HUB_FIREWALL, INTENT, TABLE)
    found: list[Json] = [by_id.get(key.lower(), {"properties": {}})["properties"] for key in places]
    hub, _, intent, table = found
    if any(item.get("provisioningState", "Succeeded") != "Succeeded" for item in found):
        return False
    if hub["routingState"] != "Provisioned":
        return False
    policies, routes = intent.get("routingPolicies", []), table.get("routes", [])
    said = [(text.lower(), item) for item in policies for text in item["destinations"]]
    if any(set(item) - _ROUTE for item in (*policies, *routes)):
        return False
    if not {text for text, _ in said} <= {"internet", "privatetraffic"}:
        return False
    default = [item for text, item in said if text == "internet"] or [
        item for item in routes if item["destinations"] == ["0.0.0.0/0"]
    ]
    # A longer prefix comes first, and a name may have an address in it.
    longer = [item for item in routes if item["destinations"] == ["20.0.0.0/8"]]
    hops = {item["nextHop"].lower() for item in (*default, *longer)}
    return bool(default) and hops == {HUB_FIREWALL.lower()}


def _managed(network: Json, flow: Flow) -> bool | None:
    mode = network["isolationMode"].lower()
    by_endpoint = "|" in flow[1]
    if mode in ("allowinternetoutbound", "disabled") and not by_endpoint:
        return True
    if mode == "disabled":
        return False
    if mode not in ("allowonlyapprovedoutbound", "allowinternetoutbound") or not _is_up(network):
        return None
    rules = list(network["outboundRules"].values())
    steps = [(True, _linked(rule, flow) if _is_link(rule) else _outbound(rule, flow)) for rule in rules]
    # A rule of a type nobody knows may deny as well, and how it ranks is not known.
    odd = [
        False
        for rule in rules
        if rule["type"].lower() != "fqdn"
        and not _is_link(rule)
        and rule["status"].lower() not in ("failed", "deleting")
        and mode == "allowonlyapprovedoutbound"
    ]
    return _decide(iter([*((item, None) for item in odd), *steps]))


def _is_up(network: Json) -> bool:
    """Is it provisioned and settled? Before that no rule is known to be in force."""
    state = network.get("provisioningState", "Succeeded")
    return {network["status"]["status"], state} == {"Active", "Succeeded"}


def _is_link(rule: Json) -> bool:
    return str(rule["type"]).lower() == "privateendpoint"


def _linked(rule: Json, flow: Flow) -> bool | None:
    """Does a private endpoint rule lead to this resource and subresource, or to the name it answers to?"""
    status, destination = rule["status"].lower(), rule["destination"]
    if status in ("failed", "deleting"):
        return False
    place = f"{destination['serviceResourceId']}|{destination['subresourceTarget']}".lower()
    if place != (BLOB if flow[1] == STORE_HOST else flow[1]).lower():
        return False
    known = not set(rule) - _OUTBOUND and not set(destination) - _ENDPOINT
    return True if status == "active" and known else None


def _outbound(rule: Json, flow: Flow) -> bool | None:
    _, host, protocol, port = flow
    if (protocol, port) not in (("https", 443), ("http", 80)) or "|" in host:
        return False
    status = rule["status"].lower()
    if status in ("failed", "deleting"):
        return False
    if rule["type"].lower() != "fqdn":
        return None
    pattern = rule["destination"]
    if ":" in pattern:
        return False
    if not _is_dotted(pattern):
        return None
    if not _is(host, pattern):
        return False
    # The pages say that storage is not reached by name, and list one such name: not to be relied upon.
    certain = status == "active" and not set(rule) - _OUTBOUND and host != STORE_HOST
    return True if certain else None


def _hub(by_id: dict[str, Json], flow: Flow, _: Feed) -> bool | None:
    return _managed(by_id[HUB.lower()]["properties"]["managedNetwork"], flow)


def _network(by_id: dict[str, Json], flow: Flow, _: Feed) -> bool | None:
    return _managed(by_id[f"{ACCOUNT}/managedNetworks/default".lower()]["properties"]["managedNetwork"], flow)


def _list(by_id: dict[str, Json], flow: Flow, _: Feed) -> bool | None:
    properties = by_id[ACCOUNT.lower()]["properties"]
    switch = properties["restrictOutboundNetworkAccess"]
    if switch is False:
        return True
    if switch is not True:
        return None
    settled = properties["provisioningState"] == "Succeeded"
    entries = properties["allowedFqdnList"]
    if flow[1] in entries:
        return True if settled else None
    return None if any("*" in entry for entry in entries) else False


def _egress(by_id: dict[str, Json], flow: Flow, _: Feed) -> bool | None:
    policy = by_id[EGRESS.lower()]["properties"]["egressPolicy"]
    if by_id[ACCOUNT.lower()]["properties"]["provisioningState"] != "Succeeded":
        return None
    mode = policy["mode"].lower()
    if mode == "audit":
        return True
    if mode != "enforced":
        return None

    def steps() -> Iterator[tuple[bool, bool | None]]:
        for rule in policy["rules"]:
            matches = _matches(rule["match"], flow)
            action = rule["action"]["actionType"].lower()
            if action in ("allow", "deny"):
                yield action == "allow", matches
            elif matches is not False:
                yield from ((True, None), (False, None))

    return _decide(steps(), policy["defaultAction"].lower() == "allow")


def _matches(match: Json, flow: Flow) -> bool | None:
    host: Any = match["host"]
    if host != "*" and not _is_dotted(host):
        return None
    if not _is(flow[1], host):
        return False
    return None if set(match) - {"host", "path"} else True
