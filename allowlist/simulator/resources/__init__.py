"""Microsoft.Resources: deployments of ARM templates, through the providers that are simulated."""

from __future__ import annotations

from collections.abc import Mapping

from allowlist.simulator.arm.provider import Provider
from allowlist.simulator.resources.deployments import DeploymentOperations, Deployments, OperationStatuses

__all__ = ["MicrosoftResources"]


class MicrosoftResources(Provider):
    """Deployments of a resource group; subscriptions and groups themselves are ARM's own."""

    namespace = "Microsoft.Resources"

    def __init__(self) -> None:
        self._deployments = Deployments()
        super().__init__(
            {
                "deployments": self._deployments,
                "deployments/operationStatuses": OperationStatuses(),
                "deployments/operations": DeploymentOperations(),
            }
        )

    def meet(self, providers: Mapping[str, Provider]) -> None:
        self._deployments.providers = providers
