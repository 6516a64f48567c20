"""Virtual hubs as secured hubs show them: the firewall that stands in one, and its routing intent.

Members from the published types of 2025-09-01; the rules of routing intent from the Virtual WAN documentation (codes
of the refusals are invented, for none is published).
"""

from __future__ import annotations

from allowlist.simulator.arm.message import Reply
from allowlist.simulator.arm.provider import Call
from allowlist.simulator.arm.refusals import front_door
from allowlist.simulator.arm.store import Body, Resource
from allowlist.simulator.network.backends import parent_resource, same
from allowlist.simulator.network.family import FIREWALL
from allowlist.simulator.network.others import OtherNetworkResources

HUB = "Microsoft.Network/virtualHubs"
_DESTINATIONS = ("Internet", "PrivateTraffic")


class VirtualHubs(OtherNetworkResources):
    """A hub names the firewall that says it stands there."""

    type_name = HUB

    def shown(self, resource: Resource, call: Call) -> Body:
        standing = [
            each
            for each in call.arm.store.of_type(FIREWALL)
            if same(str((each.properties.get("virtualHub") or {}).get("id") or "/"), resource.id)
        ]
        shown = {"azureFirewall": {"id": standing[0].id}} if standing else {}
        return {**resource.body, "properties": {**resource.properties, **shown}}


class RoutingIntents(OtherNetworkResources):
    """One per hub, with at most one policy for each kind of destination, to something in the hub."""

    type_name = f"{HUB}/routingIntent"

    def put(self, call: Call) -> Reply:
        hub = parent_resource(call, call.address.parent())
        others = call.arm.store.children(hub.id, self.type_name)
        if any(not same(each.id, call.address.path) for each in others):
            raise front_door(
                400, "RoutingIntentAlreadyExists", f"Hub {hub.name} has a routing intent already."
            )
        self._check((call.document().get("properties") or {}).get("routingPolicies") or [], call, hub)
        return super().put(call)

    def _check(self, policies: list[Body], call: Call, hub: Resource) -> None:
        named = [item for policy in policies for item in policy.get("destinations") or ()]
        if len(set(named)) != len(named) or not set(named) <= set(_DESTINATIONS):
            text = f"Routing policies take each of {', '.join(_DESTINATIONS)} at most once."
            raise front_door(400, "RoutingPolicyDestinationsInvalid", text)
        for policy in policies:
            hop = call.arm.store.find(str(policy.get("nextHop") or "/"))
            inside = hop and same(str((hop.properties.get("virtualHub") or {}).get("id") or "/"), hub.id)
            if not inside:
                text = f"The next hop of {policy.get('name')} is no firewall or appliance in hub {hub.name}."
                raise front_door(400, "RoutingPolicyNextHopInvalid", text)
