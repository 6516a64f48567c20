"""How accounts behave where recordings differ or documents are silent."""

from __future__ import annotations

from dataclasses import dataclass, field

from allowlist.simulator.managed import ManagedSettings, SystemTag

_TAGS = (
    SystemTag(name="__SYS_ST_AzureActiveDirectory_TCP", tag="AzureActiveDirectory", ports="80, 443"),
    SystemTag(name="__SYS_ST_AzureMachineLearning_TCP", tag="AzureMachineLearning", ports="80, 443"),
)
"""As documented in 2026-08; a recording of 2026-04 shows the first only."""


def account_network() -> ManagedSettings:
    """Accounts: two required tags, and a firewall whose SKU stays as it was deployed."""
    return ManagedSettings(tags=_TAGS, sku_is_fixed=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class CognitiveSettings:
    network: ManagedSettings = field(default_factory=account_network)
    writes_take_time: bool = True
    """Account writes answer before they are done; recordings show both, by kind and SKU."""
    write_seconds: float = 30.0
    allowed_fqdns: int = 1_000
    egress_rules: int = 480
