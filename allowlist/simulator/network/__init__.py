"""Microsoft.Network as far as egress rules need it; facts come from recordings and documentation."""

from __future__ import annotations

from allowlist.simulator.arm.message import Reply
from allowlist.simulator.arm.provider import Call, Kind, Provider
from allowlist.simulator.network.builtin import FqdnTags, WebCategories, service_tags
from allowlist.simulator.network.deploy import GroupDrafts, PolicyDrafts
from allowlist.simulator.network.firewalls import AzureFirewalls
from allowlist.simulator.network.groups import RuleCollectionGroups
from allowlist.simulator.network.ip_groups import IpGroups
from allowlist.simulator.network.nested import nested_kinds
from allowlist.simulator.network.others import OtherNetworkResources
from allowlist.simulator.network.perimeters import perimeter_kinds
from allowlist.simulator.network.policies import FirewallPolicies
from allowlist.simulator.network.private_dns import all_records
from allowlist.simulator.network.private_endpoints import PrivateEndpoints
from allowlist.simulator.network.settings import Durations, NetworkSettings
from allowlist.simulator.network.virtual_wan import RoutingIntents, VirtualHubs

__all__ = ["Durations", "MicrosoftNetwork", "NetworkSettings"]


class MicrosoftNetwork(Provider):
    """Firewall policies, groups, drafts, IP groups, firewalls, built-in lists; other types plainly."""

    namespace = "Microsoft.Network"

    def __init__(self, settings: NetworkSettings | None = None) -> None:
        self.settings = settings or NetworkSettings()
        kinds: list[Kind] = [
            FirewallPolicies(self.settings),
            RuleCollectionGroups(self.settings),
            PolicyDrafts(self.settings),
            GroupDrafts(self.settings),
            IpGroups(self.settings),
            AzureFirewalls(self.settings),
            PrivateEndpoints(self.settings),
            FqdnTags(),
            WebCategories(),
            *nested_kinds(self.settings),
            *perimeter_kinds(self.settings),
            VirtualHubs(self.settings),
            RoutingIntents(self.settings),
        ]
        by_path = {kind.type_name.split("/", 1)[1]: kind for kind in kinds}
        super().__init__(by_path, fallback=OtherNetworkResources(self.settings))

    def special(self, call: Call) -> Reply | None:
        segments = [segment.lower() for segment in call.address.segments]
        if (
            call.method == "GET"
            and len(segments) == 3
            and (segments[0], segments[2]) == ("locations", "servicetags")
        ):
            return service_tags(call)
        if (
            call.method == "GET"
            and len(segments) == 3
            and (segments[0], segments[2]) == ("privatednszones", "all")
        ):
            return all_records(call)
        return None
