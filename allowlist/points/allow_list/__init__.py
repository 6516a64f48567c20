"""``restrictOutboundNetworkAccess`` and ``allowedFqdnList`` of Azure AI services accounts."""

from allowlist.points.allow_list.surface import SURFACE

__all__ = ["SURFACE"]
