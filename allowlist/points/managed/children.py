"""Outbound rules that stand below what holds the network, as lists and declarations show them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from allowlist.estate.bodies import Estate
from allowlist.plan.model import Operation
from allowlist.points.managed.compose import with_operations
from allowlist.points.managed.network import OutboundRule, lowered

_CHILDREN = "outboundRules"


def rules_below(estate: Estate, holder: str) -> Iterator[OutboundRule]:
    for body in estate.children(holder, _CHILDREN):
        yield OutboundRule.of(str(body["id"]).rpartition("/")[2], body["properties"])


def with_operations_below(estate: Estate, holder: str, operations: Sequence[Operation]) -> Estate:
    """``estate`` after ``operations``: the rules of the network at ``holder`` are all in its body then."""
    body = estate.get(holder)
    if body is None:
        return estate
    properties = body["properties"]
    key = next((key for key in properties if key.lower() == "managednetwork"), "managedNetwork")
    children = {str(child["name"]): child for child in estate.children(holder, _CHILDREN)}
    known = dict(properties.get(key) or {})
    rules = {**(lowered(known).get("outboundrules") or {})}
    rules |= {name: child["properties"] for name, child in children.items()}
    known = {name: value for name, value in known.items() if name.lower() != "outboundrules"}
    changed = with_operations({**known, "outboundRules": rules}, operations)
    changed_body = {**body, "properties": {**properties, key: changed}}
    return estate.without(item["id"] for item in children.values()).with_resources([changed_body])
