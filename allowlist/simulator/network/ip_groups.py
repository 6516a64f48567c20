"""IP groups: one PUT replaces all addresses, and every firewall that uses them updates along."""

from __future__ import annotations

from allowlist.simulator.arm.message import Reply
from allowlist.simulator.arm.provider import Arm, Call
from allowlist.simulator.arm.refusals import bare_status, front_door, model_state
from allowlist.simulator.arm.store import Body, Resource
from allowlist.simulator.network.backends import NfvKind, back_references, put_outside_references_aside
from allowlist.simulator.network.family import (
    FIREWALL,
    IP_GROUP,
    firewalls_using,
    policies_using,
    used_ip_groups,
)
from allowlist.simulator.network.rollout import Rollout
from allowlist.simulator.network.validation import is_address

_READ_ONLY = ("firewalls", "firewallPolicies", "provisioningState")


class IpGroups(NfvKind):
    type_name = IP_GROUP
    wire_type = "Microsoft.Network/IpGroups"

    def put(self, call: Call) -> Reply:
        found = call.arm.store.find(call.address.path)
        self.check_if_match(call, found)
        body = self._read(call, found)
        if found and call.arm.operations.touching([found.key]):
            detail = f"Resource {found.id} is in Updating state."
            raise front_door(
                429,
                "RetryableError",
                "A retryable error occurred.",
                details=[("RetryableErrorDueToAnotherOperation", detail)],
            )
        resource = call.arm.store.put(body["id"], body)
        rollout, crowded = self._rollout(call, resource), self._crowded(call, resource)
        operation = rollout.start(lambda: call.arm.store.touch(resource), crowded=crowded)
        headers = self.operation_headers(call, operation, resource.location)
        return self.reply(200 if found else 201, self.shown(resource, call), headers=headers)

    def patch(self, call: Call) -> Reply:
        """Tags only, at once."""
        found = self.existing(call)
        found.body["tags"] = call.document().get("tags") or {}
        self.renew_etag(found, call.arm)
        call.arm.store.touch(found)
        return self.reply(200, self.shown(found, call))

    def delete(self, call: Call) -> Reply:
        found = call.arm.store.find(call.address.path)
        if found is None:
            return Reply(status=204)
        self._check_unused(call, found)
        call.arm.store.remove(found.id)
        return Reply(status=200)

    def shown(self, resource: Resource, call: Call) -> Body:
        store = call.arm.store
        classic = [each for each in store.of_type(FIREWALL) if resource.key in used_ip_groups(each)]
        current = {"firewalls": classic, "firewallPolicies": policies_using(store, resource)}
        lists = back_references(resource, current, store)
        return {**resource.body, "properties": {**lists, **resource.properties}}

    def seeded(self, resource: Resource, arm: Arm) -> None:
        super().seeded(resource, arm)
        put_outside_references_aside(resource, "firewalls", "firewallPolicies")

    def foreign_edit(self, resource: Resource, arm: Arm) -> None:
        """Somebody adds an address."""
        resource.properties.setdefault("ipAddresses", []).append(f"10.254.{arm.random.randrange(256)}.0/24")
        self.renew_etag(resource, arm)
        arm.store.touch(resource)

    def _read(self, call: Call, found: Resource | None) -> Body:
        sent = call.document()
        given = sent.get("properties") or {}
        addresses = list(given.get("ipAddresses") or [])
        if self.settings.validates:
            self._check(addresses)
        others = {name: value for name, value in given.items() if name not in (*_READ_ONLY, "ipAddresses")}
        properties = {"ipAddresses": addresses, **others, "provisioningState": "Updating"}
        resource_id = found.id if found else call.address.path
        location = str(sent.get("location") or (found.location if found else ""))
        return self.envelope(resource_id, sent, properties, etag=call.arm.new_guid(), location=location)

    def _check(self, addresses: list[object]) -> None:
        """Number and form of the addresses (codes invented)."""
        if len(addresses) > self.settings.addresses_per_ip_group:
            text = f"An IP Group may hold {self.settings.addresses_per_ip_group} IP addresses, prefixes or ranges"
            raise model_state("IpGroupsAddressLimitExceeded", text)
        wrong = next((each for each in addresses if not is_address(str(each)) or each == "*"), None)
        if wrong is not None:
            raise model_state("IpGroupsInvalidIpAddress", f"Invalid IP address value or range {wrong}")

    def _check_unused(self, call: Call, found: Resource) -> None:
        if policies_using(call.arm.store, found):
            text = f"IP Groups {found.name} can not be deleted because it is referenced by Firewall Policies"
            raise bare_status(400, "IpGroupsHasFirewallPolicyReferences", text)
        if firewalls_using(call.arm.store, found):
            text = f"IP Groups {found.name} can not be deleted because it is referenced by other resources"
            raise bare_status(400, "IpGroupsHasResourceReferences", text)

    def _rollout(self, call: Call, resource: Resource) -> Rollout:
        firewalls = tuple(firewalls_using(call.arm.store, resource))
        durations = self.settings.durations
        return Rollout(
            call=call,
            written=resource,
            along=(),
            firewalls=firewalls,
            seconds=durations.attached if firewalls else durations.ip_group,
            code="IpGroupsUpdateFailed",
            noun=f"IP Groups {resource.name}",
        )

    def _crowded(self, call: Call, resource: Resource) -> bool:
        """Updating more IP groups of one firewall at once than allowed leaves it failed (reported by users)."""
        keys = {each.key for each in firewalls_using(call.arm.store, resource)}
        running = [each for each in call.arm.operations.running if not keys.isdisjoint(each.touches)]
        return len(running) >= self.settings.ip_groups_in_parallel
