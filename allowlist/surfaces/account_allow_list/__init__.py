"""``restrictOutboundNetworkAccess`` and ``allowedFqdnList`` of Azure AI services accounts.

The one generally available SDK with an operation for it (azure-mgmt-cognitiveservices 14.1.0) is not worth a second
stack for one PATCH, so accounts are spoken to over httpx with an azure-identity token like their networks.
"""
