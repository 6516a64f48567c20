"""azureFirewalls: the older back end, weak etags, classic collections inside the resource."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from allowlist.simulator.arm.message import Reply
from allowlist.simulator.arm.operations import Error, Operation
from allowlist.simulator.arm.provider import Arm, Call
from allowlist.simulator.arm.refusals import front_door
from allowlist.simulator.arm.store import Body, Resource
from allowlist.simulator.network.backends import NetworkKind, mark, require
from allowlist.simulator.network.classic import COLLECTIONS, read_back
from allowlist.simulator.network.family import FIREWALL
from allowlist.simulator.network.rollout import heal
from allowlist.simulator.network.validation import is_address

_READ_ONLY = ("provisioningState", "ipGroups", "hubIPAddresses", "afcConfiguration")
_UNTOLD = "ipConfigurations"
"""A seed that says nothing of them is no firewall that was stopped: only a stopped one has an empty list."""
_HEAD = ("sku", "threatIntelMode", "additionalProperties", "ipConfigurations")


class AzureFirewalls(NetworkKind):
    type_name = FIREWALL
    wire_type = FIREWALL

    def put(self, call: Call) -> Reply:
        found = call.arm.store.find(call.address.path)
        self.check_if_match(call, found)
        self._check_idle(call, found)
        body = self._read(call, found)
        if found and found.state == "Succeeded" and _settings(found.body) == _settings(body):
            return self._unchanged(call, found)
        return self._write(call, found, body)

    def patch(self, call: Call) -> Reply:
        """Tags only, at once."""
        found = self.existing(call)
        found.body["tags"] = call.document().get("tags") or {}
        self.renew_etag(found, call.arm)
        call.arm.store.touch(found)
        return self.reply(200, found.body)

    def delete(self, call: Call) -> Reply:
        found = call.arm.store.find(call.address.path)
        if found is None:
            return Reply(status=204)
        self._check_idle(call, found)
        found.properties["provisioningState"] = "Deleting"
        call.arm.store.touch(found)
        operation = self._begin(call, found, lambda: call.arm.store.remove(found.id))
        return self.accepted(call, operation, found.location)

    def shown(self, resource: Resource, call: Call) -> Body:
        properties = resource.properties
        if not resource.marks.get(_UNTOLD) or properties.get(_UNTOLD):
            return resource.body
        kept = {name: value for name, value in properties.items() if name != _UNTOLD}
        return {**resource.body, "properties": kept}

    def seeded(self, resource: Resource, arm: Arm) -> None:
        super().seeded(resource, arm)
        properties = resource.properties
        resource.marks[_UNTOLD] = _UNTOLD not in properties
        for name in ("ipConfigurations", *COLLECTIONS):
            properties.setdefault(name, [])
        properties.update(read_back(resource.id, properties, resource.body["etag"], resource.state))

    def _read(self, call: Call, found: Resource | None) -> Body:
        sent = call.document()
        given = {name: value for name, value in (sent.get("properties") or {}).items() if value is not None}
        resource_id, etag = found.id if found else call.address.path, self.new_etag(call.arm)
        if self.settings.validates:
            self._check(call, given)
        body: Body = {
            "name": resource_id.rsplit("/", 1)[-1],
            "id": resource_id,
            "etag": etag,
            "type": self.wire_type,
        }
        body |= {"location": sent.get("location") or (found.location if found else "")}
        body |= {
            name: sent[name] for name in ("tags", "zones", "extendedLocation") if sent.get(name) is not None
        }
        body["properties"] = self._properties(resource_id, given, etag)
        if found and "hubIPAddresses" in found.properties:
            body["properties"]["hubIPAddresses"] = found.properties["hubIPAddresses"]
        return body

    def _properties(self, resource_id: str, given: Body, etag: str) -> Body:
        head = {
            "provisioningState": "Updating",
            "sku": {"name": "AZFW_VNet", "tier": "Standard", **(given.get("sku") or {})},
            "threatIntelMode": given.get("threatIntelMode") or "Alert",
            "additionalProperties": given.get("additionalProperties") or {},
            "ipConfigurations": _children(
                resource_id, "azureFirewallIpConfigurations", given.get("ipConfigurations"), etag
            ),
        }
        others = {
            name: value for name, value in given.items() if name not in (*_HEAD, *_READ_ONLY, *COLLECTIONS)
        }
        return {**head, **read_back(resource_id, given, etag, "Updating"), **others}

    def _check(self, call: Call, given: Body) -> None:
        policy = str((given.get("firewallPolicy") or {}).get("id") or "")
        if policy:
            require(call.arm.store, policy, call.address.path)
            if any(given.get(name) for name in COLLECTIONS):
                text = "AzureFirewall can not have both a Firewall Policy and rule collections."
                raise front_door(400, "AzureFirewallPolicyAndRuleCollectionsConflict", text)
        for tag in _values(given, "fqdnTags"):
            if tag.startswith("Office365."):  # documented: policies only (code invented)
                raise front_door(
                    400, "AzureFirewallFqdnTagNotSupported", f"FQDN tag {tag} needs a Firewall Policy."
                )
        for ip_group in _values(given, "sourceIpGroups", "destinationIpGroups"):
            require(call.arm.store, ip_group, call.address.path)
        for number, address in enumerate(_values(given, "sourceAddresses")):
            if not is_address(address):
                text = (
                    f"AzureFirewallRule {number}: Invalid IP address value or range or Service Tag {address}."
                )
                raise front_door(400, "AzureFirewallRuleInvalidIpAddressOrRangeFormat", text)

    def _unchanged(self, call: Call, found: Resource) -> Reply:
        """Nothing to do: 200 and Succeeded at once, with the etag the next GET shows (recorded 4 times)."""
        operation = call.begin(0.0, touches=(), succeed=lambda: None, fail=lambda error: None)
        return self.reply(200, found.body, headers=self.operation_headers(call, operation, found.location))

    def _write(self, call: Call, found: Resource | None, body: Body) -> Reply:
        resource = call.arm.store.put(body["id"], body)
        operation = self._begin(call, resource, lambda: self._finish(call.arm, resource))
        headers = self.operation_headers(call, operation, resource.location)
        return self.reply(200 if found else 201, resource.body, headers=headers)

    def _begin(self, call: Call, resource: Resource, done: Any) -> Operation:
        def fail(error: Error) -> None:
            mark(resource.body, self.new_etag(call.arm), "Failed")
            call.arm.store.touch(resource)

        attached = bool(resource.properties.get("ipConfigurations") or resource.properties.get("virtualHub"))
        durations = self.settings.durations
        seconds = durations.attached if attached else durations.firewall
        return call.begin(seconds, touches=[resource.key], succeed=done, fail=fail)

    def _finish(self, arm: Arm, resource: Resource) -> None:
        heal(resource)
        mark(resource.body, self.new_etag(arm), "Succeeded")
        arm.store.touch(resource)

    def _check_idle(self, call: Call, found: Resource | None) -> None:
        """429 without Retry-After while another operation holds the firewall (documented for this back end)."""
        running = call.arm.operations.touching([found.key]) if found else None
        if found and running:
            detail = (
                f"Operation {call.method} is in conflict with operation {running.id} on resource {found.id}."
            )
            raise front_door(
                429,
                "RetryableError",
                "A retryable error occurred.",
                details=[("RetryableErrorDueToAnotherOperation", detail)],
            )


def _settings(body: Body) -> Any:
    """What a client can set, without etags and states."""
    match body:
        case dict():
            dropped = ("etag", "provisioningState")
            return {name: _settings(value) for name, value in body.items() if name not in dropped}
        case list():
            return [_settings(each) for each in body]
        case _:
            return body


def _children(owner: str, kind: str, children: list[Body] | None, etag: str) -> list[Body]:
    return [
        {
            "name": each.get("name"),
            "id": f"{owner}/{kind}/{each.get('name')}",
            "etag": etag,
            "type": f"Microsoft.Network/azureFirewalls/{kind}",
            "properties": {"provisioningState": "Updating", **_without_state(each.get("properties") or {})},
        }
        for each in children or []
    ]


def _without_state(properties: Body) -> Body:
    return {name: value for name, value in properties.items() if name != "provisioningState"}


def _values(given: Body, *names: str) -> Iterator[str]:
    for kind in COLLECTIONS:
        for collection in given.get(kind) or []:
            for rule in (collection.get("properties") or {}).get("rules") or []:
                for name in names:
                    yield from (str(each) for each in rule.get(name) or [])
