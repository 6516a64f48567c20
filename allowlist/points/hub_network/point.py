"""``Microsoft.MachineLearningServices/workspaces``: settings on the workspace, rules below it.

No generally available SDK has these operations (azure-mgmt-machinelearningservices 1.0.1 has none; azure-ai-ml hides
``errorInformation``), so they are called over httpx with an azure-identity token.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from allowlist.azure.facts import api_version
from allowlist.errors import InvalidInput
from allowlist.estate.bodies import Body, Estate
from allowlist.estate.known import unsettled
from allowlist.plan.model import Operation
from allowlist.points.managed.children import rules_below, with_operations_below
from allowlist.points.managed.draft import Place
from allowlist.points.managed.network import DISABLED, NEVER_ISOLATED, ManagedNetwork, lowered, settings_in
from allowlist.points.managed.point import ManagedNetworkPoint
from allowlist.points.point import ArmReader, name_in
from allowlist.points.unmet import Unmet

API_VERSION = api_version("Microsoft.MachineLearningServices/workspaces")

_PROJECT = (
    "is a project, and a project has no network of its own: it uses the one of its hub; "
    "write the hub under 'resource:'"
)


class HubNetwork(ManagedNetworkPoint):
    """One hub or workspace; rules are written one after the other, for a batch exists in previews only."""

    api_version = API_VERSION

    @property
    def provision_body(self) -> Body:
        return {"includeSpark": False}

    def read(self, arm: ArmReader) -> list[Body]:
        """The workspace, and its rules by their names: the ``id`` of a listed rule is malformed (specs issue 28982)."""
        workspace = arm.get(self.target.resource, API_VERSION)
        place = self.place()
        rules = [
            {**body, "id": place.rule(name_in(body))}
            for body in arm.list(f"{self.target.resource}/outboundRules", API_VERSION)
        ]
        return [{**workspace, "id": workspace.get("id") or self.target.resource}, *rules]

    def place(self) -> Place:
        return Place(
            network=self.target.resource, provision=f"{self.target.resource}/provisionManagedNetwork"
        )

    def find_network(self, estate: Estate) -> ManagedNetwork:
        workspace = estate.get(self.target.resource)
        if workspace is None:
            raise InvalidInput.of(
                estate.origin or "estate",
                f"lacks the workspace {self.target.resource}",
                hint="save it with: allowlist snapshot -o DIR, or az resource show --ids ID",
            )
        name = str(workspace.get("name") or self.target.resource.rpartition("/")[2])
        if str(workspace.get("kind") or "").lower() == "project":
            return ManagedNetwork(
                name=name, platform="hub", isolation=DISABLED, absent=f"{name} {_PROJECT}{_hub_of(workspace)}"
            )
        listed = list(rules_below(estate, self.target.resource))
        settings = settings_in(workspace["properties"], NEVER_ISOLATED)
        network = ManagedNetwork.of(name, "hub", settings, listed).held_by(workspace)
        return replace(network, own_resources=tuple(_own_resources(workspace)))

    def with_network(self, estate: Estate, operations: Sequence[Operation], network_id: str) -> Estate:
        return with_operations_below(estate, network_id, operations)

    def find_unsettled(self, bodies: Sequence[Body]) -> Iterator[Unmet]:
        if state := unsettled(bodies[0]):
            yield Unmet.of_state(str(bodies[0].get("name")), state)


_PARTS = (
    ("storageaccount", "blob"),
    ("storageaccount", "file"),
    ("keyvault", "vault"),
    ("containerregistry", "registry"),
)
"""What a workspace is made of and how it is reached (managed network article of Azure Machine Learning)."""


def _own_resources(workspace: Body) -> Iterator[tuple[str, str]]:
    properties = lowered(workspace["properties"])
    for member, sub_resource in _PARTS:
        resource = properties.get(member)
        if isinstance(resource, str) and resource.startswith("/subscriptions/"):
            yield resource, sub_resource
    yield str(workspace["id"]), "amlworkspace"


def _hub_of(workspace: Body) -> str:
    hub = lowered(workspace["properties"]).get("hubresourceid")
    return f": {hub}" if hub else ""
