"""Content policies of an account, whose preview ``egressPolicy`` says where hosted agents may go.

Facts: the published example and the SDK's models of 2026-05-15-preview; documentation of 2026-09.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from allowlist.simulator.arm.message import Reply
from allowlist.simulator.arm.provider import Arm, Call, Kind
from allowlist.simulator.arm.store import Body, Resource
from allowlist.simulator.cognitive.accounts import account_of, operation_url
from allowlist.simulator.cognitive.settings import CognitiveSettings
from allowlist.simulator.managed.rules import bad_request

_DELETE_SECONDS = 2.0
RAI_POLICY = "Microsoft.CognitiveServices/accounts/raiPolicies"


class RaiPolicies(Kind):
    """PUT is synchronous and replaces the whole policy; static header values are never shown."""

    type_name = RAI_POLICY

    def __init__(self, settings: CognitiveSettings) -> None:
        self.settings = settings

    def put(self, call: Call) -> Reply:
        account_of(call)
        found = call.arm.store.find(call.address.path)
        properties = call.document().get("properties") or {}
        self._check(properties)
        kept = found.properties if found else {}
        body = {"properties": _stored(properties, kept)}
        resource = call.arm.store.put(call.address.path, body)
        return self.reply(200 if found else 201, self.shown(resource, call))

    def delete(self, call: Call) -> Reply:
        """202 with Location, then 204; never 200 (documented)."""
        found, account = call.arm.store.find(call.address.path), account_of(call)
        if found is None:
            return Reply(status=204)
        operation = call.begin(
            _DELETE_SECONDS,
            touches=[found.key],
            succeed=lambda: call.arm.store.remove(found.id),
            fail=lambda error: None,
        )
        operation.hint = call.arm.timing.seconds(self.settings.network.durations.retry_after)
        url = operation_url(call, operation, account.location, result=True)
        wait = call.arm.operations.retry_after(operation)
        return Reply(status=202, headers={"location": url, **wait})

    def shown(self, resource: Resource, call: Call) -> Body:
        head = {"id": resource.id, "name": resource.name, "type": self.type_name}
        return {**head, "properties": _without_values(deepcopy(resource.properties))}

    def seeded(self, resource: Resource, arm: Arm) -> None:
        resource.body = {"properties": _stored(resource.properties, {})}

    def foreign_edit(self, resource: Resource, arm: Arm) -> None:
        """Somebody allows one more host, ahead of all other rules."""
        number = arm.random.randrange(10**6)
        rule = {
            "name": f"foreign-{number}",
            "ruleType": "Fqdn",
            "match": {"host": f"foreign-{number}.example.com"},
            "action": {"actionType": "Allow"},
        }
        resource.properties.setdefault("egressPolicy", {}).setdefault("rules", []).insert(0, rule)
        arm.store.touch(resource)

    def _check(self, properties: Body) -> None:
        """The documented cap (code invented)."""
        rules = (properties.get("egressPolicy") or {}).get("rules") or []
        if len(rules) > self.settings.egress_rules:
            raise bad_request(f"An egress policy may have {self.settings.egress_rules} rules.")


def _stored(sent: Body, kept: Body) -> Body:
    """What is kept of a PUT: defaults filled in, and header values that were left out."""
    properties: Body = {**sent, "type": sent.get("type") or "UserManaged"}
    egress = properties.get("egressPolicy")
    if isinstance(egress, dict):
        filled = {"mode": "Enforced", "defaultAction": "Deny", **_given(egress)}
        properties["egressPolicy"] = _with_values(filled, kept.get("egressPolicy") or {})
    return properties


def _given(value: Body) -> Body:
    return {name: item for name, item in value.items() if item is not None}


def _with_values(egress: Body, kept: Body) -> Body:
    values = {
        (rule.get("name"), header.get("name")): header["value"]
        for rule, header in _headers(kept)
        if "value" in header
    }
    for rule, header in _headers(egress):
        value = values.get((rule.get("name"), header.get("name")))
        if value is not None and "valueRef" not in header:
            header.setdefault("value", value)
    return egress


def _without_values(properties: Body) -> Body:
    for _, header in _headers(properties.get("egressPolicy") or {}):
        header.pop("value", None)
    return properties


def _headers(egress: Body) -> list[tuple[Any, Any]]:
    return [
        (rule, header)
        for rule in egress.get("rules") or []
        for header in (rule.get("action") or {}).get("headers") or []
    ]
