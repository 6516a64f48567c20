"""When an ended entry may lead to the removal of a rule: propose, then quarantine, then remove."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum

import msgspec

from allowlist.catalog.model import Catalog, Entry
from allowlist.catalog.versions import NEXT, parse_version


class RemovalStage(StrEnum):
    """``KEEP``: the pinned version still asks for it. ``PROPOSE``: told, never planned. ``QUARANTINE``: planned
    behind a gate of its own. ``REMOVE``: planned as a removal like any other."""

    KEEP = "keep"
    PROPOSE = "propose"
    QUARANTINE = "quarantine"
    REMOVE = "remove"


class RemovalPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Days an ended entry stays in each stage. Documentation takes things back within days and weeks, so the
    whole way is long: the ``mcr.azure.cn`` of AKS was withdrawn and listed again 57 days later."""

    propose_days: int = 30
    quarantine_days: int = 60


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    """An ended entry whose rules may not go like others yet: its ``stage``, and the day on which that ends."""

    catalog: str
    entry: Entry
    stage: RemovalStage
    ended: date
    until: date

    def __str__(self) -> str:
        if self.entry.is_from_field:
            return f"{self.catalog}#{self.entry.id} is known from the field, which never leads to a removal: look at it yourself"
        subject = f"{self.catalog}#{self.entry.id} ended on {self.ended} with {self.entry.until}"
        if self.stage is RemovalStage.PROPOSE:
            return f"{subject}; its removal is only proposed until {self.until}"
        return f"{subject}; its removal is in quarantine until {self.until}"


def removal_stage(
    catalog: Catalog, entry: Entry, *, pinned: str, today: date, policy: RemovalPolicy | None = None
) -> RemovalStage:
    """How far the removal of what ``entry`` asked for may go for a workload pinned to version ``pinned``.

    The clock starts when the version that ended the entry was released. Raises CatalogError for a version that
    does not exist.
    """
    policy = policy or RemovalPolicy()
    if not _has_ended(entry, catalog.resolve(pinned)):
        return RemovalStage.KEEP
    start = _end_date(catalog, entry, today)
    if today < _quarantined_on(start, policy):
        return RemovalStage.PROPOSE
    return RemovalStage.QUARANTINE if today < _removed_on(start, policy) else RemovalStage.REMOVE


def waiting_removals(catalog: Catalog, pinned: str, today: date, policy: RemovalPolicy) -> Iterator[Removal]:
    """The ended entries of ``catalog`` that are proposed or in quarantine. Raises CatalogError."""
    for entry in catalog.entries:
        stage = removal_stage(catalog, entry, pinned=pinned, today=today, policy=policy)
        if stage in (RemovalStage.PROPOSE, RemovalStage.QUARANTINE):
            start = _end_date(catalog, entry, today)
            ends = _quarantined_on if stage is RemovalStage.PROPOSE else _removed_on
            yield Removal(
                catalog=catalog.name, entry=entry, stage=stage, ended=start, until=ends(start, policy)
            )


def kept_by_field(catalog: Catalog) -> Iterator[Removal]:
    """What the field has ever found out for ``catalog``, taken up or not: it may keep a rule, and never removes one."""
    for entry in catalog.entries:
        if entry.is_from_field and entry.is_egress:
            yield Removal(
                catalog=catalog.name, entry=entry, stage=RemovalStage.PROPOSE, ended=date.max, until=date.max
            )


def _quarantined_on(start: date, policy: RemovalPolicy) -> date:
    return start + timedelta(days=policy.propose_days)


def _removed_on(start: date, policy: RemovalPolicy) -> date:
    return start + timedelta(days=policy.propose_days + policy.quarantine_days)


def _has_ended(entry: Entry, pinned: str) -> bool:
    return bool(entry.until) and parse_version(entry.until) <= parse_version(pinned)


def _end_date(catalog: Catalog, entry: Entry, today: date) -> date:
    if entry.until == NEXT:
        return today
    return date.fromisoformat(catalog.release(entry.until).date)
