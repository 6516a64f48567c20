"""Classic Azure Firewalls: rule collections on ``Microsoft.Network/azureFirewalls`` itself."""
