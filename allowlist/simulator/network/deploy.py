"""Drafts and their deployment: a synchronous copy beside the policy that later replaces what is live.

Deployment replaces the live policy with the draft, silently taking back whatever was changed live since
(documentation of draft and deploy, 2025-05).
"""

from __future__ import annotations

from allowlist.simulator.arm.message import Reply
from allowlist.simulator.arm.operations import Operation
from allowlist.simulator.arm.provider import Arm, Call
from allowlist.simulator.arm.refusals import not_found
from allowlist.simulator.arm.store import Body, Resource
from allowlist.simulator.network.backends import NfvKind, parent_resource
from allowlist.simulator.network.family import POLICY, groups_of
from allowlist.simulator.network.policy_settings import read_back_settings
from allowlist.simulator.network.rollout import Rollout
from allowlist.simulator.network.rules import read_back_collections

POLICY_DRAFT = f"{POLICY}/firewallPolicyDrafts"
GROUP_DRAFT = f"{POLICY}/ruleCollectionGroups/ruleCollectionGroupDrafts"
_NOT_DRAFTED = (
    "size",
    "sku",
    "transportSecurity",
    "childPolicies",
    "ruleCollectionGroups",
    "firewalls",
    "provisioningState",
)


class Drafts(NfvKind):
    """Everything at once, no provisioningState; the name shown is the parent's."""

    def put(self, call: Call) -> Reply:
        parent = self._parent(call)
        found = call.arm.store.find(call.address.path)
        properties = self.read(call.document().get("properties") or {})
        resource_id = found.id if found else f"{parent.id}/{call.address.segments[-2]}/default"
        body = self.envelope(resource_id, {}, properties, etag=call.arm.new_guid(), location=parent.location)
        body["name"] = parent.name
        call.arm.store.put(resource_id, body)
        return self.reply(200 if found else 201, body)

    def delete(self, call: Call) -> Reply:
        if call.arm.store.find(call.address.path) is None:
            return Reply(status=204)
        call.arm.store.remove(call.address.path)
        return Reply(status=200)

    def seeded(self, resource: Resource, arm: Arm) -> None:
        super().seeded(resource, arm)
        resource.properties.pop("provisioningState", None)

    def read(self, sent: Body) -> Body:
        return sent

    def _parent(self, call: Call) -> Resource:
        return parent_resource(call, call.address.parent())


class PolicyDrafts(Drafts):
    type_name = POLICY_DRAFT
    wire_type = "Microsoft.Network/FirewallPolicies/FirewallPolicyDrafts"

    def read(self, sent: Body) -> Body:
        """A draft without a mode shows ``Unknown`` (recorded for ``PUT {}``)."""
        mode = sent.get("threatIntelMode") or "Unknown"
        settings = read_back_settings({**sent, "threatIntelMode": mode})
        return {name: value for name, value in settings.items() if name not in _NOT_DRAFTED}


class GroupDrafts(Drafts):
    type_name = GROUP_DRAFT
    wire_type = "Microsoft.Network/FirewallPolicies/RuleCollectionGroups/RuleCollectionGroupDrafts"

    def read(self, sent: Body) -> Body:
        collections = read_back_collections(sent.get("ruleCollections") or [])
        return {"priority": sent.get("priority"), "ruleCollections": collections}


def deploy(call: Call, policy: Resource, rollout: Rollout) -> Operation:
    """Start putting the drafts of ``policy`` in force; refused with 404 when there is no policy draft."""
    store = call.arm.store
    draft = store.find(f"{policy.id}/firewallPolicyDrafts/default")
    if draft is None:
        raise not_found(call.address.parent().child("firewallPolicyDrafts", "default"))
    return rollout.start(lambda: _put_in_force(call.arm, policy, draft))


def _put_in_force(arm: Arm, policy: Resource, draft: Resource) -> None:
    kept = {name: value for name, value in policy.properties.items() if name in _NOT_DRAFTED}
    state = kept.pop("provisioningState", "Succeeded")
    policy.body["properties"] = {**kept, **draft.properties, "provisioningState": state}
    _renew(arm, policy)
    for group in groups_of(arm.store, policy):
        group_draft = arm.store.find(f"{group.id}/ruleCollectionGroupDrafts/default")
        if group_draft is not None:
            # a group just deployed has no size until it is written again (recording)
            group.body["properties"] = {**group_draft.properties, "provisioningState": "Succeeded"}
            _renew(arm, group)
            arm.store.remove(group_draft.id)
    arm.store.remove(draft.id)


def _renew(arm: Arm, resource: Resource) -> None:
    resource.body["etag"] = arm.new_guid()
    arm.store.touch(resource)
