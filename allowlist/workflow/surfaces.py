"""Which surface stands behind which word of a workload file."""

from __future__ import annotations

from importlib import import_module

from allowlist.errors import AllowlistError
from allowlist.points.point import Surface, Target
from allowlist.workload import TargetSpec, Workload

_PACKAGES = {
    "firewall-policy": "firewall",
    "azure-firewall": "classic",
    "hub-network": "hub_network",
    "account-network": "account_network",
    "account-allow-list": "allow_list",
    "agent-egress": "agent_egress",
}


def surface_of(kind: str) -> Surface:
    """The surface called ``kind`` in workload files; only the one asked for is loaded."""
    if kind not in _PACKAGES:
        raise AllowlistError(f"there is no surface '{kind}'", hint=f"known: {', '.join(_PACKAGES)}")
    module = import_module(f"allowlist.points.{_PACKAGES[kind]}")
    surface: Surface = module.SURFACE
    return surface


def target_of(workload: Workload, spec: TargetSpec, remembered: frozenset[str] = frozenset()) -> Target:
    return Target(
        name=spec.name,
        workload=workload.name,
        surface=spec.surface,
        resource=spec.resource.rstrip("/"),
        delete=spec.delete,
        group=spec.group,
        priority=spec.priority,
        collection=spec.collection,
        options={**spec.options, "via": spec.via},
        prices=tuple(workload.prices),
        remembered=remembered,
    )
