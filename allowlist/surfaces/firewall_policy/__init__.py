"""Azure Firewall policies: ``Microsoft.Network/firewallPolicies`` with rule collection groups and IP groups."""

from allowlist.surfaces.firewall_policy.surface import SURFACE

__all__ = ["SURFACE"]
