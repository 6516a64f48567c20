"""Classic Azure Firewalls: rule collections on ``Microsoft.Network/azureFirewalls`` itself."""

from allowlist.surfaces.azure_firewall.surface import SURFACE

__all__ = ["SURFACE"]
