"""What is known to differ or is not known about Microsoft.Network: switches, limits and durations."""

from __future__ import annotations

from dataclasses import dataclass, field

MEBIBYTE = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """Seconds real Azure takes (medians of recordings; ``attached``: documented 3 to 5 minutes)."""

    policy: float = 4.0
    group: float = 8.0
    ip_group: float = 2.0
    firewall: float = 2.0
    deploy: float = 12.0
    attached: float = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSettings:
    """Defaults follow what documentation or recordings show; each switch has a test for both sides."""

    durations: Durations = field(default_factory=Durations)
    honour_if_match: frozenset[str] = frozenset({"azurefirewalls"})
    """Type paths, lower case. No evidence exists that the nfv back end honours If-Match."""
    groups_per_policy: int = 60
    """Documentation says 50, 60, 90 and 100 on different pages."""
    group_bytes: int = 2 * MEBIBYTE
    collections_per_type: int = 2_000
    addresses_per_ip_group: int = 5_000
    ip_groups_in_parallel: int = 1
    """How many IP groups of one firewall may update at once (20 since about 2025)."""
    group_write_renews_policy_etag: bool = False
    null_for_unchanged: bool = False
    """A PUT that changes nothing answers 200 with body ``null``, as the service sometimes does."""
    validates: bool = True
