"""``restrictOutboundNetworkAccess`` and ``allowedFqdnList`` of Azure AI services accounts."""
