"""``Microsoft.CognitiveServices/accounts/managedNetworks/default``: settings and rules of a Foundry account.

No generally available SDK has these operations (azure-mgmt-cognitiveservices 14.1.0 has none of the groups), so they
are called over httpx with an azure-identity token. Names come from the map of the settings: the list of rules, and a
rule by itself, are answered without id, name and type (recorded 2026-04-07).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from allowlist.errors import InvalidInput, TargetNotFound
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.known import unsettled
from allowlist.estate.parts import object_in, objects_in
from allowlist.estate.resource_id import normal_id
from allowlist.plan.model import Operation
from allowlist.points.account_network.place import API_VERSION, TAIL
from allowlist.points.managed.children import rules_below, with_operations_below
from allowlist.points.managed.draft import Place
from allowlist.points.managed.network import DISABLED, ManagedNetwork, lowered, settings_in
from allowlist.points.managed.point import ManagedNetworkPoint
from allowlist.points.point import ArmReader, Target
from allowlist.points.unmet import Unmet


class AccountNetwork(ManagedNetworkPoint):
    """One Foundry account; several rules go as one batch."""

    api_version = API_VERSION
    has_batch = True

    def read(self, arm: ArmReader) -> list[Body]:
        """The account, and its network where it has one."""
        account_id = account_of(self.target)
        account = arm.get(account_id, API_VERSION)
        bodies = [{**account, "id": account.get("id") or account_id}]
        try:
            network = arm.get(f"{account_id}{TAIL}", API_VERSION)
        except TargetNotFound:
            return bodies
        return [*bodies, {**network, "id": f"{account_id}{TAIL}", "name": "default"}]

    def place(self) -> Place:
        network = f"{account_of(self.target)}{TAIL}"
        return Place(network=network, provision=f"{network}/provision")

    def find_network(self, estate: Estate) -> ManagedNetwork:
        account_id = account_of(self.target)
        account, settings = estate.get(account_id), estate.get(f"{account_id}{TAIL}")
        name = account_id.rpartition("/")[2]
        if settings is None and account is None:
            raise InvalidInput.of(
                estate.origin or "estate",
                f"lacks the account {account_id} and its managedNetworks/default",
                hint="save both with: allowlist snapshot -o DIR",
            )
        if settings is None:
            return ManagedNetwork(
                name=name, platform="account", isolation=DISABLED, absent=why_absent(account or {})
            )
        listed = list(rules_below(estate, f"{account_id}{TAIL}"))
        network = ManagedNetwork.of(name, "account", settings_in(settings["properties"], {}), listed)
        return network.held_by(settings).held_by(account or {})

    def with_network(self, estate: Estate, operations: Sequence[Operation], network_id: str) -> Estate:
        return with_operations_below(estate, network_id, operations)

    def lock_group(self, estate: Estate) -> str:
        """One write at a time per account, its network included: others are refused until it has settled."""
        del estate
        return normal_id(account_of(self.target))

    def find_unsettled(self, bodies: Sequence[Body]) -> Iterator[Unmet]:
        """The operation ends earlier than the account and its network settle, and both refuse the next write."""
        for body in bodies:
            properties = lowered(body["properties"])
            for found in (properties, object_in(properties, "managednetwork")):
                state = unsettled({"properties": found})
                if state.lower() not in ("", "deferred"):
                    yield Unmet.of_state(str(body.get("name")), state)


def account_of(target: Target) -> str:
    """The account's id: a target may name the account or its network."""
    head, tail, _ = target.resource.partition("/managedNetworks")
    return head if tail else target.resource


def why_absent(account: Body) -> str:
    """Why an account has no managed network, and where its agents' egress is decided instead."""
    name = account.get("name") or "the account"
    subnet = agent_subnet(account)
    if subnet:
        return (
            f"the agents of {name} run in your subnet {subnet}: the Azure Firewall of that network decides; "
            "add a target with surface firewall-policy (or azure-firewall) for it, and that subnet under "
            "'subnets:' of a source"
        )
    return (
        f"{name} (kind {account.get('kind') or 'unknown'}) has no managed network: it is chosen when an account is "
        "created (networkInjections with useMicrosoftManagedNetwork), never later; make a new account"
    )


def agent_subnet(account: Body) -> str:
    """The customer's subnet that agents of the account are injected into; empty where there is none."""
    injections = lowered(account.get("properties") or {})
    for item in objects_in(injections, "networkinjections"):
        found = lowered(item)
        managed = bool(found.get("usemicrosoftmanagednetwork"))
        if str(found.get("scenario") or "").lower() == "agent" and not managed and found.get("subnetarmid"):
            return str(found["subnetarmid"])
    return ""
