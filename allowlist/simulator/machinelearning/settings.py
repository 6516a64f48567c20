"""The managed network of a hub or workspace, where it differs from an account's."""

from __future__ import annotations

from allowlist.simulator.managed import ManagedDurations, ManagedSettings, SystemTag

_TAGS = (
    SystemTag(name="__SYS_ST_AzureActiveDirectory_TCP", tag="AzureActiveDirectory", ports="80, 443"),
    SystemTag(name="__SYS_ST_AzureResourceManager_TCP", tag="AzureResourceManager"),
    SystemTag(name="__SYS_ST_AzureMachineLearning_TCP", tag="AzureMachineLearning"),
    SystemTag(
        name="__SYS_ST_AzureMachineLearning_UDP", tag="AzureMachineLearning", protocol="UDP", ports="5831"
    ),
    SystemTag(name="__SYS_ST_AzureMonitor_TCP", tag="AzureMonitor"),
    SystemTag(name="__SYS_ST_BatchNodeManagement_TCP", tag="BatchNodeManagement.{region}"),
    SystemTag(
        name="__SYS_ST_MicrosoftContainerRegistry.{region}_TCP", tag="MicrosoftContainerRegistry.{region}"
    ),
    SystemTag(
        name="__SYS_ST_AzureFrontDoor.FirstParty", tag="AzureFrontDoor.FirstParty", protocol="*", ports="*"
    ),
    SystemTag(name="__SYS_ST_VirtualNetwork", tag="VirtualNetwork", protocol="*", ports="*"),
)
"""From a live listing (azure.azcollection, sample of azure_rm_ml_workspace_info), as documented in 2026-08."""


def workspace_network() -> ManagedSettings:
    """Nine required tags, a SKU that may change at any time, and ten more minutes for the first FQDN rule."""
    return ManagedSettings(
        tags=_TAGS,
        refused_categories=frozenset({"Required", "Recommended"}),
        durations=ManagedDurations(first_fqdn=600.0),
    )
