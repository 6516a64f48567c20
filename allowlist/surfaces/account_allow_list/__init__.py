"""``restrictOutboundNetworkAccess`` and ``allowedFqdnList`` of Azure AI services accounts."""

from allowlist.surfaces.account_allow_list.surface import SURFACE

__all__ = ["SURFACE"]
