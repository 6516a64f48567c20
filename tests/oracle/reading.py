"""What an estate does with one flow, read off its raw JSON one rule after the other: yes, no, or not known (None)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from tests.oracle.worlds import ACCOUNT, EGRESS, FIREWALL, HUB, POLICY, Json, World

Flow = tuple[str, str, str, int]
"""Source address, host, protocol, port."""

_RULE = {"ruleType", "name", "description", "protocols", "sourceAddresses", "targetFqdns"}
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
    }[world.kind]
    return read(by_id, flow)


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


def _application(rule: Json, flow: Flow, state: str) -> bool | None:
    source, host, protocol, port = flow
    services = {(item["protocolType"].lower(), item["port"]) for item in rule["protocols"]}
    if (protocol, port) not in services or not _is_in(source, rule["sourceAddresses"]):
        return False
    if not any(_is(host, pattern) for pattern in rule["targetFqdns"]):
        return False
    return None if set(rule) - _RULE or state != "Succeeded" else True


def _policy(by_id: dict[str, Json], flow: Flow) -> bool | None:
    groups = [
        body for key, body in by_id.items() if key.startswith(f"{POLICY}/ruleCollectionGroups/".lower())
    ]

    def steps() -> Iterator[tuple[bool, bool | None]]:
        for group in sorted(groups, key=lambda item: item["properties"]["priority"]):
            state = group["properties"].get("provisioningState", "Succeeded")
            for item in sorted(group["properties"]["ruleCollections"], key=lambda item: item["priority"]):
                for rule in item["rules"]:
                    yield item["action"]["type"].lower() == "allow", _application(rule, flow, state)

    return _decide(steps())


def _classic(by_id: dict[str, Json], flow: Flow) -> bool | None:
    found = by_id[FIREWALL.lower()]["properties"].get("applicationRuleCollections", [])

    def steps() -> Iterator[tuple[bool, bool | None]]:
        for item in sorted(found, key=lambda item: item["properties"]["priority"]):
            for rule in item["properties"]["rules"]:
                allows = item["properties"]["action"]["type"].lower() == "allow"
                yield allows, _application(rule, flow, "Succeeded")

    return _decide(steps())


def _managed(network: Json, flow: Flow) -> bool | None:
    mode = network["isolationMode"].lower()
    if mode in ("allowinternetoutbound", "disabled"):
        return True
    if mode != "allowonlyapprovedoutbound":
        return None
    steps = [(True, _outbound(rule, flow)) for rule in network["outboundRules"].values()]
    # A rule of a type nobody knows may deny as well, and how it ranks is not known.
    odd = [
        False
        for rule in network["outboundRules"].values()
        if rule["type"].lower() != "fqdn" and rule["status"].lower() not in ("failed", "deleting")
    ]
    return _decide(iter([*((item, None) for item in odd), *steps]))


def _outbound(rule: Json, flow: Flow) -> bool | None:
    _, host, protocol, port = flow
    if (protocol, port) not in (("https", 443), ("http", 80)):
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
    return True if status == "active" and not set(rule) - _OUTBOUND else None


def _hub(by_id: dict[str, Json], flow: Flow) -> bool | None:
    return _managed(by_id[HUB.lower()]["properties"]["managedNetwork"], flow)


def _network(by_id: dict[str, Json], flow: Flow) -> bool | None:
    return _managed(by_id[f"{ACCOUNT}/managedNetworks/default".lower()]["properties"]["managedNetwork"], flow)


def _list(by_id: dict[str, Json], flow: Flow) -> bool | None:
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


def _egress(by_id: dict[str, Json], flow: Flow) -> bool | None:
    policy = by_id[EGRESS.lower()]["properties"]["egressPolicy"]
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
