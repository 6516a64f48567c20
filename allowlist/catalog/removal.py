"""When an ended entry may lead to the removal of a rule: propose, then quarantine, then remove."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum

import msgspec

from allowlist.catalog.model import Catalog, Entry
from allowlist.catalog.versions import NEXT, parse_version


class RemovalStage(StrEnum):
    """``KEEP``: the pinned version still asks for it. ``PROPOSE``: told, never planned. ``QUARANTINE``: may be
    planned as a reversible step. ``REMOVE``: may be planned as a removal, with approval like any other change."""

    KEEP = "keep"
    PROPOSE = "propose"
    QUARANTINE = "quarantine"
    REMOVE = "remove"


class RemovalPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Days an ended entry stays in each stage. Documentation takes things back within days and weeks, so the
    whole way is long: the ``mcr.azure.cn`` of AKS was withdrawn and listed again 57 days later."""

    propose_days: int = 30
    quarantine_days: int = 60


def removal_stage(
    catalog: Catalog,
    entry: Entry,
    *,
    pinned: str,
    today: date,
    adopted: date | None = None,
    policy: RemovalPolicy | None = None,
) -> RemovalStage:
    """How far the removal of what ``entry`` asked for may go for a workload pinned to version ``pinned``.

    The clock starts when the version that ended the entry was released, or when the workload took that version
    up (``adopted``), whichever is later. Raises CatalogError for a version that does not exist.
    """
    policy = policy or RemovalPolicy()
    if not _has_ended(entry, catalog.resolve(pinned)):
        return RemovalStage.KEEP
    start = max(_end_date(catalog, entry, today), adopted or date.min)
    if today < start + timedelta(days=policy.propose_days):
        return RemovalStage.PROPOSE
    if today < start + timedelta(days=policy.propose_days + policy.quarantine_days):
        return RemovalStage.QUARANTINE
    return RemovalStage.REMOVE


def _has_ended(entry: Entry, pinned: str) -> bool:
    return bool(entry.until) and parse_version(entry.until) <= parse_version(pinned)


def _end_date(catalog: Catalog, entry: Entry, today: date) -> date:
    if entry.until == NEXT:
        return today
    return date.fromisoformat(catalog.release(entry.until).date)
