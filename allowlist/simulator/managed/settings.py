"""What differs between the managed networks of workspaces and of accounts, and how long things take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Shape = Literal["recorded", "documented"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedDurations:
    """Seconds real Azure takes, from the recordings of 2026-04-07 unless a line says otherwise."""

    create: float = 335.0
    settings: float = 31.0
    provision: float = 1_800.0
    """Documented: about 30 minutes."""
    first_fqdn: float = 457.0
    """The service deploys its firewall first."""
    fqdn: float = 300.0
    """Not recorded; later FQDN rules are quicker than the first."""
    fqdn_delete: float = 792.0
    rule: float = 31.0
    private_endpoint: float = 120.0
    """Not recorded; reported as quicker than an FQDN rule."""
    retry_after: float = 10.0
    """What a 202 asks to wait; 10 in the published examples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemTag:
    """A service tag rule that the service adds by itself."""

    name: str
    tag: str
    protocol: str = "TCP"
    ports: str = "443"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedSettings:
    durations: ManagedDurations = field(default_factory=ManagedDurations)
    tags: tuple[SystemTag, ...] = ()
    """Required rules of a network that allows only approved destinations."""
    refused_categories: frozenset[str] = frozenset({"Required"})
    """Categories no client may write. Recommended was taken from an account (recorded) and refused by a hub."""
    sku_is_fixed: bool = False
    """Whether the firewall's SKU is fixed once there is a firewall."""
    shape: Shape = "recorded"
    """Rules as recorded (few members, odd ids) or as in the published examples."""
    one_write_at_a_time: bool = True
    """Off: parallel writes are taken, and the one that ends last drops the rules it did not know."""
