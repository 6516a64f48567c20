"""Check a policy against the published limits before anything is sent. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from allowlist.documents import canonical_json
from allowlist.documents.words import counted
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.inheritance import effective_policy
from allowlist.estate.parts import is_unread, number_in, objects_in, texts_in
from allowlist.plan.drafts import LimitFinding
from allowlist.points.firewall.draft import group_id, group_name
from allowlist.points.firewall.translate import named_ip_groups, policy_chain, sorted_groups
from allowlist.points.firewall.validate import find_ip_group_faults, group_faults
from allowlist.points.point import Target
from allowlist.rules import limits

NEAR = 0.8

_DEFAULTS: dict[str, dict[str, Any]] = {
    "ApplicationRule": {
        "protocols": [], "fqdnTags": [], "webCategories": [], "targetFqdns": [], "targetUrls": [],
        "terminateTLS": False, "sourceAddresses": [], "destinationAddresses": [], "sourceIpGroups": [],
    },
    "NetworkRule": {
        "ipProtocols": [], "sourceAddresses": [], "sourceIpGroups": [], "destinationAddresses": [],
        "destinationIpGroups": [], "destinationFqdns": [], "destinationPorts": [], "ipv6Rule": False,
    },
}  # fmt: skip


def group_size(body: Body) -> int:
    """Bytes the service will report as ``size``: rules come back with every defaulted array."""
    collections = [
        {
            **item,
            "rules": [
                {**_DEFAULTS.get(str(rule.get("ruleType")), {}), **rule} for rule in objects_in(item, "rules")
            ],
        }
        for item in objects_in(body["properties"], "ruleCollections")
    ]
    return len(canonical_json(collections)) + limits.GROUP_OVERHEAD_BYTES


class PolicyOptions(msgspec.Struct, frozen=True):
    """Limits of your own where the published ones disagree: bytes of a group, groups of a policy."""

    groupSizeBytes: int = limits.GROUP_SIZE_BYTES  # noqa: N815
    groupsPerPolicy: int = limits.GROUPS_PER_POLICY  # noqa: N815


def check(estate: Estate, target: Target) -> list[LimitFinding]:
    """Every limit that ``target`` is near or past, in the estate as it would be."""
    group = estate.get(group_id(target))
    if group is None:
        return []
    return [
        *_size(group, target),
        *_groups(estate, target),
        *_priorities(estate, target, group),
        *_names(target),
        *_network_rules(estate, target),
        *_ip_groups(estate, target),
        *_faults(estate, target, group),
    ]


def _finding(code: str, value: float, limit: float, text: str) -> Iterator[LimitFinding]:
    if value > limit * NEAR:
        yield LimitFinding(code=code, exceeded=value > limit, text=text)


def _size(group: Body, target: Target) -> Iterator[LimitFinding]:
    size, limit = group_size(group), int(target.options.get("groupSizeBytes", limits.GROUP_SIZE_BYTES))
    text = f"group {group_name(target)} would be {size / limits.MEGABYTE:.2f} MB, {100 * size / limit:.0f} % of its limit"
    return _finding("group-size", size, limit, text)


def _groups(estate: Estate, target: Target) -> Iterator[LimitFinding]:
    count = len(sorted_groups(estate, target.resource))
    limit = int(target.options.get("groupsPerPolicy", limits.GROUPS_PER_POLICY))
    return _finding(
        "groups-per-policy", count, limit, f"the policy would have {count} rule collection groups of {limit}"
    )


def _priorities(estate: Estate, target: Target, group: Body) -> Iterator[LimitFinding]:
    mine = number_in(group["properties"].get("priority"))
    for other in sorted_groups(estate, target.resource):
        if (
            other["id"].lower() != group["id"].lower()
            and number_in(other["properties"].get("priority")) == mine
        ):
            text = f"group {other['name']} has the same priority {mine}; write another one under the target"
            yield LimitFinding(code="priority-taken", exceeded=True, text=text)
    priorities = Counter(
        number_in(item.get("priority")) for item in objects_in(group["properties"], "ruleCollections")
    )
    for priority, count in priorities.items():
        if count > 1 and not is_unread(priority):
            text = f"{count} collections of group {group['name']} share the priority {priority}"
            yield LimitFinding(code="collection-priority", exceeded=True, text=text)


def _names(target: Target) -> Iterator[LimitFinding]:
    if not limits.GROUP_NAME.fullmatch(group_name(target)):
        yield LimitFinding(code="name", exceeded=True, text=f"'{group_name(target)}' is no valid group name")


def _network_rules(estate: Estate, target: Target) -> Iterator[LimitFinding]:
    rules = [
        rule
        for group in sorted_groups(estate, target.resource)
        for collection in objects_in(group["properties"], "ruleCollections")
        for rule in objects_in(collection, "rules")
        if rule.get("ruleType") == "NetworkRule"
    ]
    pairs = {
        (source, destination)
        for rule in rules
        for source in _ends(rule, "source")
        for destination in _ends(rule, "destination")
    }
    text = f"network rules would hold {counted(len(pairs), 'source and destination combination')} of {limits.NETWORK_COMBINATIONS}"
    yield from _finding("network-combinations", len(pairs), limits.NETWORK_COMBINATIONS, text)
    names = {name for rule in rules for name in texts_in(rule, "destinationFqdns")}
    text = (
        f"network rules would name {counted(len(names), 'FQDN')}; at most {limits.NETWORK_FQDNS} are advised"
    )
    yield from _finding("network-fqdns", len(names), limits.NETWORK_FQDNS, text)


def _ip_groups(estate: Estate, target: Target) -> Iterator[LimitFinding]:
    named = named_ip_groups(sorted_groups(estate, target.resource))
    count, limit = len(named), limits.IP_GROUPS_PER_FIREWALL
    yield from _finding("ip-groups", count, limit, f"the policy names {count} IP groups of {limit}")
    for text in (text for item in named if (body := estate.get(item)) for text in find_ip_group_faults(body)):
        yield LimitFinding(code="ip-group-size", exceeded=True, text=text)


def _faults(estate: Estate, target: Target, group: Body) -> Iterator[LimitFinding]:
    for text in group_faults(estate, group, effective_policy(policy_chain(estate, target.resource)[::-1])):
        yield LimitFinding(code="invalid", exceeded=True, text=text)


def _ends(rule: Body, side: str) -> list[str]:
    return [
        *texts_in(rule, f"{side}Addresses"),
        *texts_in(rule, f"{side}IpGroups"),
        *texts_in(rule, f"{side}Fqdns"),
    ]
