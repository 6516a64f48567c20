"""Classic Azure Firewalls: rule collections on ``Microsoft.Network/azureFirewalls`` itself."""

from allowlist.points.classic.surface import SURFACE

__all__ = ["SURFACE"]
