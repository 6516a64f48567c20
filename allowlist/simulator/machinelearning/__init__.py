"""Microsoft.MachineLearningServices: hubs, projects and workspaces with their managed network."""

from __future__ import annotations

from allowlist.simulator.arm.provider import Kind, Provider
from allowlist.simulator.machinelearning.dependencies import OutboundDependencies
from allowlist.simulator.machinelearning.networks import NetworksV2, RulesV2, WorkspaceRules
from allowlist.simulator.machinelearning.settings import workspace_network
from allowlist.simulator.machinelearning.workspaces import Workspaces
from allowlist.simulator.managed import ManagedSettings
from allowlist.simulator.neighbours import PlainKind

__all__ = ["MicrosoftMachineLearningServices"]


class MicrosoftMachineLearningServices(Provider):
    """Workspaces, their rules under the GA and the preview (V2) paths, and their outbound dependencies."""

    namespace = "Microsoft.MachineLearningServices"

    def __init__(self, settings: ManagedSettings | None = None) -> None:
        chosen = settings or workspace_network()
        kinds: list[Kind] = [
            Workspaces(chosen),
            WorkspaceRules(chosen),
            NetworksV2(chosen),
            RulesV2(chosen),
            OutboundDependencies(),
        ]
        by_path = {kind.type_name.split("/", 1)[1]: kind for kind in kinds}
        super().__init__(by_path, fallback=PlainKind(self.namespace))
