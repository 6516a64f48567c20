"""``accounts/managedNetworks/default`` and its outbound rules, as recorded in 2026-04.

Writes answer 202 without a body; Azure-AsyncOperation lies under Microsoft.MachineLearningServices and Location
is the resource itself. Rules come back without id, name and type, so the list names nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allowlist.simulator.arm.message import Reply, indented
from allowlist.simulator.arm.operations import Operation
from allowlist.simulator.arm.provider import Arm, Call, Kind
from allowlist.simulator.arm.refusals import not_allowed, not_found
from allowlist.simulator.arm.store import Body, Resource
from allowlist.simulator.cognitive.accounts import account_of, new_network
from allowlist.simulator.cognitive.settings import CognitiveSettings
from allowlist.simulator.managed.answers import accepted, documented_rule, done, result_url, status_url
from allowlist.simulator.managed.network import ManagedNetwork
from allowlist.simulator.managed.rules import bad_request, point_elsewhere
from allowlist.simulator.managed.spelling import canonical
from allowlist.simulator.managed.writes import Writes

NETWORK = "Microsoft.CognitiveServices/accounts/managedNetworks"
RULE = "Microsoft.CognitiveServices/accounts/managedNetworks/outboundRules"
_CHANGEABLE = {"Disabled": ["AllowInternetOutbound", "AllowOnlyApprovedOutbound"]}
"""Advice, not proof: an account that showed an empty list still took the change (observed)."""


class AccountNetworkKind(Kind):
    """What settings and rules of one account's network share."""

    def __init__(self, settings: CognitiveSettings) -> None:
        self.settings = settings

    def encode(self, value: Any) -> bytes:
        return indented(value)

    def network(self, arm: Arm, holder: Resource, location: str) -> ManagedNetwork:
        return ManagedNetwork(
            arm=arm,
            holder=holder,
            rules_id=holder.id,
            rule_type=RULE,
            settings=self.settings.network,
            location=location,
        )

    def network_of(self, call: Call) -> ManagedNetwork:
        """The network a rule or an action belongs to."""
        account = account_of(call)
        path = f"{account.id}/managedNetworks/default"
        holder = call.arm.store.find(path)
        if holder is None:
            raise not_found(call.address)
        return self.network(call.arm, holder, account.location)

    def accepted(self, call: Call, network: ManagedNetwork, operation: Operation) -> Reply:
        where = f"{call.base_url}{call.address.path}?api-version={call.version}"
        headers = {"azure-asyncoperation": status_url(call, network, operation), "location": where}
        return accepted(call, operation, headers)

    def concluded(
        self, call: Call, network: ManagedNetwork, operation: Operation, value: Callable[[], Any]
    ) -> Reply:
        """For actions, whose answer is no resource: Location tells the outcome (documented)."""
        url = result_url(call, network, operation, done(value))
        return accepted(call, operation, {"location": url})


class AccountNetworks(AccountNetworkKind):
    type_name = NETWORK

    def put(self, call: Call) -> Reply:
        """Create and build at once, or change; any account may have one (that only injection makes one is doc)."""
        account, found = account_of(call), call.arm.store.find(call.address.path)
        if call.address.name.lower() != "default":
            raise bad_request("The managed network name must be 'default'.")
        holder = found or Resource(
            id=call.address.path, body={"properties": {"managedNetwork": new_network(call.arm)}}
        )
        network = self.network(call.arm, holder, account.location)
        operation = Writes(call=call, network=network).change(_sent(call), provisions=True)
        if found is None:
            call.arm.store.add(holder)
        return self.accepted(call, network, operation)

    def patch(self, call: Call) -> Reply:
        network = self.network_of(call)
        operation = Writes(call=call, network=network).change(_sent(call))
        return self.accepted(call, network, operation)

    def delete(self, call: Call) -> Reply:
        """202, or 204 when there is none; what it does to a live network is not documented."""
        found = call.arm.store.find(call.address.path)
        if found is None:
            return Reply(status=204)
        network = self.network_of(call)
        return self.accepted(call, network, Writes(call=call, network=network).remove())

    def post(self, call: Call) -> Reply:
        action = call.address.name.lower()
        network = self.network_of(call)
        writes = Writes(call=call, network=network)
        if action == "provision":
            return self.concluded(call, network, writes.provision(), lambda: {"status": "Active"})
        if action == "batchoutboundrules":
            sent = canonical(call.document()).get("properties") or {}
            return self.concluded(call, network, writes.change(sent), lambda: self._batch(network, sent))
        raise not_allowed("POST")

    def shown(self, resource: Resource, call: Call) -> Body:
        network = self.network(call.arm, resource, "")
        state = network.state
        shown = {
            **network.shown(),
            "provisioningState": state,
            "changeableIsolationModes": _CHANGEABLE.get(network.mode, []),
        }
        head: Body = {}
        if self.settings.network.shape == "documented":
            head = {"id": resource.id, "name": resource.name, "type": self.type_name}
        return {**head, "properties": {"provisioningState": state, "managedNetwork": shown}}

    def seeded(self, resource: Resource, arm: Arm) -> None:
        """Rules that came inside the settings become rules of their own."""
        network = self.network(arm, resource, "")
        given = canonical(network.body)
        rules = given.pop("outboundRules", None) or {}
        resource.properties["managedNetwork"] = {**new_network(arm), **given}
        network.seed_rules(rules)

    def foreign_edit(self, resource: Resource, arm: Arm) -> None:
        self.network(arm, resource, "").add_foreign_rule()

    def _batch(self, network: ManagedNetwork, sent: Body) -> Body:
        names = sent.get("outboundRules") or {}
        found = [each for name in names if (each := network.rule(name))]
        return {
            "value": [documented_rule(each.id, "accounts/outboundRules", each.properties) for each in found]
        }


class AccountRules(AccountNetworkKind):
    type_name = RULE

    def put(self, call: Call) -> Reply:
        network, sent = self.network_of(call), call.document()
        rule = canonical(sent).get("properties")
        operation = Writes(call=call, network=network).put_rule(call.address.name, rule)
        return self.accepted(call, network, operation)

    def delete(self, call: Call) -> Reply:
        """202 or 204, never 200. Location is the rule itself, so a client that polls it ends at 404."""
        network = self.network_of(call)
        operation = Writes(call=call, network=network).delete_rule(call.address.name)
        return self.accepted(call, network, operation) if operation else Reply(status=204)

    def members(self, call: Call) -> list[Resource]:
        """Required rules come last (recorded)."""
        rules = self.network_of(call).rules().values()
        return sorted(rules, key=lambda each: each.properties.get("category") == "Required")

    def shown(self, resource: Resource, call: Call) -> Body:
        if self.settings.network.shape == "documented":
            return documented_rule(resource.id, "accounts/outboundRules", resource.properties)
        return {"properties": resource.properties}

    def seeded(self, resource: Resource, arm: Arm) -> None:
        resource.body = {"properties": {"status": "Active", **resource.properties}}

    def foreign_edit(self, resource: Resource, arm: Arm) -> None:
        point_elsewhere(resource, arm)


def _sent(call: Call) -> Any:
    return (canonical(call.document()).get("properties") or {}).get("managedNetwork")
