"""Managed networks as workspaces and accounts share them: rules, isolation modes, long writes, one at a time.

Facts: Azure documentation "Managed virtual network" for hubs, Azure Machine Learning and Foundry (2026-08),
the azure-cli recordings of 2026-04-07, azure-rest-api-specs issue 28982. What no document tells (how PUT, PATCH
and batch treat rules they do not name, what becomes of the firewall after the last FQDN rule, error codes of
refusals) is lax here, and each place says so.
"""

from allowlist.simulator.managed.settings import ManagedDurations, ManagedSettings, SystemTag

__all__ = ["ManagedDurations", "ManagedSettings", "SystemTag"]
