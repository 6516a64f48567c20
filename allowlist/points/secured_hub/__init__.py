"""Secured hubs of Azure Virtual WAN: a firewall in a virtual hub, its policy, and the route that leads to it."""
