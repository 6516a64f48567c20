"""Azure Firewall policies: ``Microsoft.Network/firewallPolicies`` with rule collection groups and IP groups."""

from allowlist.points.firewall.surface import SURFACE

__all__ = ["SURFACE"]
