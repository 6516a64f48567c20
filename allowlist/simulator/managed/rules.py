"""Outbound rules: what a client may send, and what comes back.

The destination itself is hardly looked at, as in Azure: Terraform's live tests create a rule whose destination
is a bare word. The codes of refusals are not documented; these say BadRequest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from allowlist.simulator.arm.address import key_of
from allowlist.simulator.arm.provider import Arm
from allowlist.simulator.arm.refusals import Refusal, front_door
from allowlist.simulator.arm.store import Body, Resource
from allowlist.simulator.managed.spelling import canonical

APPROVED_ONLY = "AllowOnlyApprovedOutbound"
FQDN, PRIVATE_ENDPOINT, SERVICE_TAG = "FQDN", "PrivateEndpoint", "ServiceTag"
_TYPES = {name.lower(): name for name in (FQDN, PRIVATE_ENDPOINT, SERVICE_TAG)}
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}")
_SYSTEM = "__SYS_"
_READ_ONLY = ("status", "errorInformation", "parentRuleNames")


def bad_request(message: str) -> Refusal:
    return front_door(400, "BadRequest", message)


def read_rule(sent: Any) -> Body:
    """The stored form of a rule, in the service's member order, its gaps filled as the service fills them."""
    given = canonical(sent) if isinstance(sent, dict) else {}
    kind = _TYPES.get(str(given.get("type") or "").lower())
    if kind is None:
        raise bad_request(f"The outbound rule type '{given.get('type')}' is not supported.")
    others = {
        name: value
        for name, value in given.items()
        if name not in (*_READ_ONLY, "category", "type", "destination") and value is not None
    }
    head: Body = {"status": "Inactive", "category": given.get("category") or "UserDefined", "type": kind}
    return {**head, "destination": _destination(kind, given.get("destination")), **others}


def _destination(kind: str, given: Any) -> Any:
    if kind == FQDN:
        if not isinstance(given, str) or not given.strip():
            raise bad_request("The destination of an FQDN outbound rule must be a string.")
        return given
    if not isinstance(given, dict):
        raise bad_request(f"The destination of a {kind} outbound rule must be an object.")
    kept = {name: value for name, value in given.items() if value is not None}
    return {**kept, **_added(kept)} if kind == SERVICE_TAG else kept


def _added(given: Body) -> Body:
    """``action`` and ``addressPrefixes`` come back although nobody sent them (recorded)."""
    return {
        "action": given.get("action") or "Allow",
        "addressPrefixes": given.get("addressPrefixes") or [],
    }


def check_name(name: str) -> None:
    """Names the service makes itself break this pattern; a client's may not."""
    if not _NAME.fullmatch(name):
        raise bad_request(f"The outbound rule name '{name}' must match ^{_NAME.pattern}$.")


def check_writable(name: str, found: Body | None, sent: Body | None, refused: frozenset[str]) -> None:
    """Rules of the service are not the client's to write."""
    categories = {str(rule.get("category")) for rule in (found, sent) if rule}
    if name.startswith(_SYSTEM) or categories & refused:
        raise bad_request(f"The outbound rule '{name}' is required by the service and cannot be changed.")


def check_mode(mode: str, rule: Body) -> None:
    """Only private endpoint rules outside approved-only, none while isolation is disabled (documented)."""
    allowed = mode == APPROVED_ONLY or (mode == "AllowInternetOutbound" and rule["type"] == PRIVATE_ENDPOINT)
    if not allowed:
        raise bad_request(f"A rule of type {rule['type']} is not allowed in isolation mode '{mode}'.")


def check_single_endpoint(name: str, rule: Body, others: Mapping[str, Body]) -> None:
    """A second private endpoint to one resource and subresource errors (a reviewer's remark at Azure)."""
    wanted = _endpoint(rule)
    taken = next((other for other, each in others.items() if other != name and _endpoint(each) == wanted), "")
    if wanted and taken:
        raise bad_request(f"The outbound rule '{taken}' has the same destination already.")


def _endpoint(rule: Body) -> tuple[str, str] | None:
    if rule["type"] != PRIVATE_ENDPOINT:
        return None
    target = rule["destination"]
    return key_of(str(target.get("serviceResourceId", ""))), str(target.get("subresourceTarget", "")).lower()


def point_elsewhere(rule: Resource, arm: Arm) -> None:
    """What a second editor does to a rule."""
    if rule.properties.get("type") == FQDN:
        rule.properties["destination"] = f"foreign-{arm.random.randrange(10**6)}.example.com"
    else:
        rule.properties["destination"] = {**rule.properties.get("destination", {}), "portRanges": "8443"}
    arm.store.touch(rule)
