"""What a target may say about a managed network besides its rules."""

from __future__ import annotations

from typing import Literal

import msgspec

from allowlist.documents.prepared import prepared
from allowlist.points.point import Target

Mode = Literal["AllowInternetOutbound", "AllowOnlyApprovedOutbound"]


class EndpointOption(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A resource to be reached by private endpoint: its ARM id and the sub-resource, such as ``blob``."""

    resource: str
    subresource: str
    spark: bool = False


class NetworkOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the network that the plan brings about, and how it is judged.

    ``provision`` False writes rules and leaves it to the first compute to provision the network.
    ``serverless_spark`` judges requirements as serverless Spark sees the network. ``max_fqdn_rules`` is a cap of
    your own: no document names one.
    """

    isolation_mode: Mode | None = None
    firewall_sku: Literal["Standard", "Basic"] | None = None
    managed_network_kind: Literal["V1", "V2"] | None = None
    provision: bool = True
    private_endpoints: list[EndpointOption] = []
    serverless_spark: bool = False
    max_fqdn_rules: int = 0

    @property
    def settings(self) -> dict[str, str]:
        """The members of ``managedNetwork`` that are asked for."""
        asked = {
            "isolationMode": self.isolation_mode,
            "firewallSku": self.firewall_sku,
            "managedNetworkKind": self.managed_network_kind,
        }
        return {key: value for key, value in asked.items() if value}


def options_of(target: Target) -> NetworkOptions:
    return msgspec.convert(target.options, prepared(NetworkOptions))
