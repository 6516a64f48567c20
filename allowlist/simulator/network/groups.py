"""Rule collection groups: one PUT replaces the whole group, and its etag changes again when the work is done."""

from __future__ import annotations

from typing import Any

from allowlist.simulator.arm.address import Address
from allowlist.simulator.arm.message import Reply, compact
from allowlist.simulator.arm.operations import Operation
from allowlist.simulator.arm.provider import Arm, Call
from allowlist.simulator.arm.refusals import front_door, model_state
from allowlist.simulator.arm.store import Body, Resource, Store
from allowlist.simulator.network.backends import NfvKind, parent_resource, require, set_state
from allowlist.simulator.network.family import GROUP, Family, family_of, groups_of, reached_firewalls
from allowlist.simulator.network.rollout import Rollout
from allowlist.simulator.network.rules import read_back_collections
from allowlist.simulator.network.settings import MEBIBYTE
from allowlist.simulator.network.validation import PolicyTraits, check_group, check_size

_ENVELOPE_BYTES = 1_378
"""An empty group is 1,377 to 1,382 bytes in recordings; the JSON of its collections comes on top."""


def size_text(size: int) -> str:
    """``size`` as the service words it: mebibytes with nine digits, ``"0.00131321 MB"``."""
    return f"{size / MEBIBYTE:.9f}".rstrip("0") + " MB"


def size_of(collections: list[Body]) -> int:
    return _ENVELOPE_BYTES - 2 + len(compact(collections))


class RuleCollectionGroups(NfvKind):
    type_name = GROUP
    wire_type = "Microsoft.Network/FirewallPolicies/RuleCollectionGroups"

    def put(self, call: Call) -> Reply:
        policy = self.policy(call)
        found = call.arm.store.find(call.address.path)
        self.check_if_match(call, found)
        self._check_idle(call, policy)
        body = self._read(call, policy, found)
        if self.settings.null_for_unchanged and found and _same_content(found.body, body):
            return self.reply(200, None)
        return self._write(call, policy, found, body)

    def delete(self, call: Call) -> Reply:
        found = call.arm.store.find(call.address.path)
        if found is None:
            return Reply(status=204)
        policy = self.policy(call)
        self._check_idle(call, policy)
        self.renew_etag(found, call.arm)
        shown = self.encode(found.body)
        operation = self._remove(call, policy, found)
        reply = self.accepted(call, operation, policy.location, shown)
        reply.headers["content-type"] = "application/json; charset=utf-8"
        return reply

    def policy(self, call: Call) -> Resource:
        return parent_resource(call, call.address.parent())

    def foreign_edit(self, resource: Resource, arm: Arm) -> None:
        """Somebody adds a rule collection of their own."""
        collections = resource.properties.setdefault("ruleCollections", [])
        taken = {each.get("priority") for each in collections}
        free = next(priority for priority in range(60_000, 65_001) if priority not in taken)
        collections.append(_foreign_collection(arm.random.randrange(10**6), free))
        resource.properties["size"] = size_text(size_of(collections))
        self.renew_etag(resource, arm)
        arm.store.touch(resource)

    def seeded(self, resource: Resource, arm: Arm) -> None:
        super().seeded(resource, arm)
        properties = resource.properties
        collections = read_back_collections(properties.get("ruleCollections") or [])
        properties["ruleCollections"] = collections
        properties.setdefault("size", size_text(size_of(collections)))
        policy = arm.store.find(resource.id.rsplit("/", 2)[0])
        resource.body.setdefault("location", policy.location if policy else "")

    def _read(self, call: Call, policy: Resource, found: Resource | None) -> Body:
        """The new body, from the settable fields of what was sent."""
        sent = call.document().get("properties") or {}
        if self.settings.validates:
            check_group(sent, policy=traits_of(policy, call.arm.store), settings=self.settings)
            self._check_room(call, policy, found, sent)
            _check_ip_groups(call.arm.store, sent, call.address)
        collections = read_back_collections(sent.get("ruleCollections") or [])
        size = size_of(collections)
        if self.settings.validates:
            check_size(size, self.settings)
        known = ("priority", "ruleCollections", "size", "provisioningState")
        others = {name: value for name, value in sent.items() if name not in known}
        properties = {
            "size": size_text(size),
            "priority": sent.get("priority"),
            "ruleCollections": collections,
        }
        properties |= {**others, "provisioningState": "Updating"}
        resource_id = found.id if found else call.address.path
        return self.envelope(resource_id, {}, properties, etag=call.arm.new_guid(), location=policy.location)

    def _check_room(self, call: Call, policy: Resource, found: Resource | None, sent: Body) -> None:
        """Number of groups and unique priorities (codes invented: no report keeps the real ones)."""
        others = [
            each for each in groups_of(call.arm.store, policy) if found is None or each.key != found.key
        ]
        if found is None and len(others) >= self.settings.groups_per_policy:
            text = f"Firewall Policy {policy.name} may hold {self.settings.groups_per_policy} Rule Collection Groups"
            raise model_state("FirewallPolicyRuleCollectionGroupLimitExceeded", text)
        taken = next(
            (each for each in others if each.properties.get("priority") == sent.get("priority")), None
        )
        if taken is not None:
            text = f"Rule Collection Group {taken.name} has the same priority {sent.get('priority')}"
            raise model_state("FirewallPolicyRuleCollectionGroupDuplicatePriority", text)

    def _write(self, call: Call, policy: Resource, found: Resource | None, body: Body) -> Reply:
        store = call.arm.store
        resource = store.put(body["id"], body)
        operation = self._rollout(call, policy, resource).start(
            lambda: self._finish(call.arm, policy, resource)
        )
        headers = self.operation_headers(call, operation, policy.location)
        return self.reply(200 if found else 201, resource.body, headers=headers)

    def _finish(self, arm: Arm, policy: Resource, resource: Resource) -> None:
        self.renew_etag(resource, arm)
        if self.settings.group_write_renews_policy_etag:
            self.renew_etag(policy, arm)
        arm.store.touch(resource)

    def _remove(self, call: Call, policy: Resource, found: Resource) -> Operation:
        store = call.arm.store
        rollout = self._rollout(call, policy, found)
        operation = rollout.start(lambda: store.remove(found.id))
        operation.conclude = lambda: self.reply(200, None)
        set_state(store, [found], "Deleting")
        return operation

    def _rollout(self, call: Call, policy: Resource, resource: Resource) -> Rollout:
        firewalls = tuple(reached_firewalls(call.arm.store, policy))
        durations = self.settings.durations
        return Rollout(
            call=call,
            written=resource,
            along=(policy,),
            firewalls=firewalls,
            seconds=durations.attached if firewalls else durations.group,
            code="FirewallPolicyUpdateFailed",
            noun=f"Firewall Policy {policy.name}",
        )

    def _check_idle(self, call: Call, policy: Resource) -> None:
        check_family_idle(
            call,
            family_of(call.arm.store, policy),
            code="FirewallPolicyRuleCollectionGroupUpdateNotAllowedWhenUpdatingOrDeleting",
            text=(
                f"Rule Collection Group {call.address.segments[3]} can not be updated because it, its policy "
                f"{policy.name} or another Rule Collection Group of it is in Updating/Deleting state"
            ),
        )


def check_family_idle(call: Call, family: Family, *, code: str, text: str) -> None:
    """400 (not 409) while any member of the policy family updates."""
    running = call.arm.operations.touching(family.keys)
    if running is not None:
        raise front_door(400, code, f"{text}. operation ID : {running.id}")


def traits_of(policy: Resource, store: Store) -> PolicyTraits:
    tier = str((policy.properties.get("sku") or {}).get("tier") or "Standard")
    return PolicyTraits(tier=tier, names_in_network_rules=allows_fqdns_in_network_rules(policy, store))


def allows_fqdns_in_network_rules(policy: Resource, store: Store) -> bool:
    """DNS proxy is on, or the deprecated switch says it is not required; a child inherits its base's DNS settings."""
    dns = policy.properties.get("dnsSettings") or {}
    base = store.find(str((policy.properties.get("basePolicy") or {}).get("id") or "")) if not dns else None
    if base is not None and base.key != policy.key:
        return allows_fqdns_in_network_rules(base, store)
    return bool(dns.get("enableProxy")) or dns.get("requireProxyForNetworkRules") is False


def _check_ip_groups(store: Store, sent: Body, address: Address) -> None:
    for collection in sent.get("ruleCollections") or []:
        for rule in collection.get("rules") or []:
            for name in ("sourceIpGroups", "destinationIpGroups"):
                for each in rule.get(name) or []:
                    _check_settled(require(store, str(each), address.path), address)


def _check_settled(ip_group: Resource, address: Address) -> None:
    if ip_group.state == "Updating":
        detail = f"Cannot proceed with operation because resource {ip_group.id} used by resource {address.path} is not in Succeeded state. Resource is in Updating state."
        raise front_door(
            429,
            "RetryableError",
            "A retryable error occurred.",
            details=[("ReferencedResourceNotProvisioned", detail)],
        )


def _same_content(first: Body, second: Body) -> bool:
    return all(
        first["properties"].get(name) == second["properties"].get(name)
        for name in ("priority", "ruleCollections")
    )


def _foreign_collection(number: int, priority: int) -> Body:
    rule: dict[str, Any] = {
        "ruleType": "ApplicationRule",
        "name": f"foreign-{number}",
        "protocols": [{"protocolType": "Https", "port": 443}],
        "targetFqdns": [f"foreign-{number}.example.com"],
        "sourceAddresses": ["10.255.0.0/24"],
    }
    collection = {"ruleCollectionType": "FirewallPolicyFilterRuleCollection", "action": {"type": "Allow"}}
    return read_back_collections(
        [{**collection, "rules": [rule], "name": f"foreign-{number}", "priority": priority}]
    )[0]
