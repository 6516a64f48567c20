"""Firewall policies: settings only, their groups are resources of their own."""

from __future__ import annotations

from allowlist.simulator.arm.address import key_of
from allowlist.simulator.arm.message import Reply, compact
from allowlist.simulator.arm.provider import Arm, Call
from allowlist.simulator.arm.refusals import front_door, model_state, not_allowed
from allowlist.simulator.arm.store import Body, Resource, Store
from allowlist.simulator.network.backends import (
    NfvKind,
    back_references,
    parent_resource,
    put_outside_references_aside,
    require,
    same,
)
from allowlist.simulator.network.deploy import deploy
from allowlist.simulator.network.family import (
    FIREWALL,
    POLICY,
    children_of,
    family_of,
    firewalls_of,
    groups_of,
    reached_firewalls,
)
from allowlist.simulator.network.groups import check_family_idle, size_text
from allowlist.simulator.network.policy_settings import READ_ONLY, read_back_settings
from allowlist.simulator.network.rollout import Rollout

_ENVELOPE_BYTES = 1_270
_FIRST_WITH_SKU = "2020-07-01"
_STRICTNESS = {"off": 0, "alert": 1, "deny": 2}


_UNTOLD = "says nothing of firewalls"
"""A seed without any firewall, whose policies list none, leaves them out: that is no world of unattached policies."""


class FirewallPolicies(NfvKind):
    type_name = POLICY
    wire_type = "Microsoft.Network/FirewallPolicies"

    def put(self, call: Call) -> Reply:
        found = call.arm.store.find(call.address.path)
        self.check_if_match(call, found)
        if found:
            self._check_idle(call, found)
        body = self._read(call, found)
        resource = call.arm.store.put(body["id"], body)
        operation = self._rollout(call, resource).start(lambda: call.arm.store.touch(resource))
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
        """At once and with an empty answer; refused while firewalls or children use it (code invented)."""
        store = call.arm.store
        found = store.find(call.address.path)
        if found is None:
            return Reply(status=204)
        self._check_idle(call, found)
        users = [*firewalls_of(store, found), *children_of(store, found)]
        if users:
            text = (
                f"Firewall Policy {found.name} can not be deleted because it is associated with {users[0].id}"
            )
            raise front_door(400, "FirewallPolicyInUse", text)
        store.remove(found.id)
        return Reply(status=200)

    def post(self, call: Call) -> Reply:
        if call.address.name.lower() != "deploy":
            raise not_allowed("POST")
        policy = parent_resource(call, call.address.parent())
        self._check_idle(call, policy)
        operation = deploy(call, policy, self._rollout(call, policy, self.settings.durations.deploy))
        location = self.operation_headers(call, operation, policy.location)["azure-asyncoperation"]
        headers = {"azure-asyncoperation": location, "location": location}
        return Reply(
            status=202, body=b"null", headers={"content-type": "application/json; charset=utf-8", **headers}
        )

    def shown(self, resource: Resource, call: Call) -> Body:
        """The stored settings with back references, in the service's order; old api-versions know no tier."""
        properties = dict(resource.properties)
        lists = self._references(resource, call.arm.store)
        if resource.marks.get(_UNTOLD) and not call.arm.store.of_type(FIREWALL):
            del lists["firewalls"]
        head = {name: properties.pop(name) for name in ("size", "sku", "basePolicy") if name in properties}
        if call.version < _FIRST_WITH_SKU:
            head = {name: value for name, value in head.items() if name == "basePolicy"}
        return {**resource.body, "properties": {**head, **lists, **properties}}

    def seeded(self, resource: Resource, arm: Arm) -> None:
        super().seeded(resource, arm)
        resource.marks[_UNTOLD] = "firewalls" not in resource.properties
        put_outside_references_aside(resource, "childPolicies", "ruleCollectionGroups", "firewalls")
        properties = resource.properties
        properties.setdefault("sku", {"tier": "Standard"})
        properties.setdefault("threatIntelMode", "Alert")
        settings = {name: value for name, value in properties.items() if name not in READ_ONLY}
        properties.setdefault("size", size_text(_ENVELOPE_BYTES + len(compact(settings))))

    def _references(self, resource: Resource, store: Store) -> dict[str, list[Body]]:
        current = {
            "childPolicies": children_of(store, resource),
            "ruleCollectionGroups": groups_of(store, resource),
            "firewalls": firewalls_of(store, resource),
        }
        return back_references(resource, current, store)

    def _read(self, call: Call, found: Resource | None) -> Body:
        sent = call.document()
        settings = read_back_settings(sent.get("properties") or {})
        settings.setdefault("sku", {"tier": "Standard"})
        location = str(sent.get("location") or (found.location if found else ""))
        if self.settings.validates:
            self._check(call, sent.get("properties") or {}, location, found)
        size = size_text(_ENVELOPE_BYTES + len(compact(settings)))
        properties = {"size": size, **settings, "provisioningState": "Updating"}
        resource_id = found.id if found else call.address.path
        return self.envelope(resource_id, sent, properties, etag=call.arm.new_guid(), location=location)

    def _check(self, call: Call, settings: Body, location: str, found: Resource | None) -> None:
        if not location:
            message = "The location property is required for this definition."
            raise front_door(400, "LocationRequired", message)
        if found and found.location and not _same_region(found.location, location):
            message = f"The resource '{found.name}' already exists in location '{found.location}'."
            raise front_door(409, "InvalidResourceLocation", message)
        _check_explicit_proxy(settings)
        base_id = str((settings.get("basePolicy") or {}).get("id") or "")
        if base_id:
            _check_base(require(call.arm.store, base_id, call.address.path), call, settings, location)

    def _rollout(self, call: Call, policy: Resource, seconds: float = 0.0) -> Rollout:
        firewalls = tuple(reached_firewalls(call.arm.store, policy))
        durations = self.settings.durations
        return Rollout(
            call=call,
            written=policy,
            along=(),
            firewalls=firewalls,
            seconds=durations.attached if firewalls else seconds or durations.policy,
            code="FirewallPolicyUpdateFailed",
            noun=f"Firewall Policy {policy.name}",
        )

    def _check_idle(self, call: Call, policy: Resource) -> None:
        check_family_idle(
            call,
            family_of(call.arm.store, policy),
            code="FirewallPolicyUpdateNotAllowedWhenUpdatingOrDeleting",
            text=f"Firewall Policy {policy.name} can not be updated because it is in Updating/Deleting state",
        )


def _same_region(first: str, second: str) -> bool:
    return first.replace(" ", "").lower() == second.replace(" ", "").lower()


def _check_explicit_proxy(settings: Body) -> None:
    """Both proxy ports must differ (documented; code invented)."""
    proxy = settings.get("explicitProxy") or {}
    if proxy.get("enableExplicitProxy") and proxy.get("httpPort") == proxy.get("httpsPort"):
        raise model_state("FirewallPolicyExplicitProxyPortsMustDiffer", "httpPort and httpsPort must differ")


def _check_base(base: Resource, call: Call, settings: Body, location: str) -> None:
    """Region, cycles and strictness of a child against its base (codes invented)."""
    if same(base.id, call.address.path) or key_of(call.address.path) in _ancestors(base, call.arm.store):
        raise model_state("FirewallPolicyBasePolicyCycle", "A Firewall Policy can not inherit from itself")
    if base.location and not _same_region(base.location, location):
        text = f"Firewall Policy and its base policy {base.name} must be in the same region"
        raise model_state("FirewallPolicyBasePolicyInDifferentRegion", text)
    mine = _STRICTNESS.get(str(settings.get("threatIntelMode")).lower(), 2)  # unsaid is inherited
    if mine < _STRICTNESS.get(str(base.properties.get("threatIntelMode")).lower(), 0):
        text = f"threatIntelMode can not be less strict than the one of base policy {base.name}"
        raise model_state("FirewallPolicyThreatIntelModeLessStrict", text)


def _ancestors(policy: Resource, store: Store) -> set[str]:
    found: set[str] = set()
    current: Resource | None = policy
    while current is not None and current.key not in found:
        found.add(current.key)
        current = store.find(str((current.properties.get("basePolicy") or {}).get("id") or ""))
    return found
