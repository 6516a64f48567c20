"""The managed network of a Foundry account (``Microsoft.CognitiveServices/accounts/managedNetworks``)."""

from allowlist.points.account_network.surface import SURFACE

__all__ = ["SURFACE"]
