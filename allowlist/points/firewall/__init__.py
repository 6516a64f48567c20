"""Azure Firewall policies: ``Microsoft.Network/firewallPolicies`` with rule collection groups and IP groups."""
