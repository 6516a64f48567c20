"""``allowlist.yaml``: what one workload needs, where its traffic starts, and which firewalls carry it."""

from allowlist.workload.document import (
    LOCAL_SURFACES,
    MIN_DAYS,
    SCHEMA,
    Automation,
    CatalogUse,
    DeletePolicy,
    GateLimits,
    OwnRequirement,
    PathSpec,
    SourceSet,
    TargetSpec,
    TrafficLogs,
    Waiver,
    Workload,
)
from allowlist.workload.reader import read_workload
from allowlist.workload.requirements import (
    AddressLookup,
    Resolved,
    Served,
    Silent,
    resolve_ended,
    resolve_requirements,
    silent_catalogs,
)

__all__ = [
    "LOCAL_SURFACES",
    "MIN_DAYS",
    "SCHEMA",
    "AddressLookup",
    "Automation",
    "CatalogUse",
    "DeletePolicy",
    "GateLimits",
    "OwnRequirement",
    "PathSpec",
    "Resolved",
    "Served",
    "Silent",
    "SourceSet",
    "TargetSpec",
    "TrafficLogs",
    "Waiver",
    "Workload",
    "read_workload",
    "resolve_ended",
    "resolve_requirements",
    "silent_catalogs",
]
