"""What has changed in the catalogs since a day, as data for people and machines that follow along."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final

import msgspec

from allowlist.catalog.changes import ChangeKind, EntryChange, changes_between
from allowlist.catalog.model import Catalog, Release

FEED_SCHEMA: Final = "allowlist/catalog-changes/v1"


class FeedItem(msgspec.Struct, frozen=True, kw_only=True):
    """One change in one release, flat enough for a message or a table."""

    catalog: str
    version: str
    date: str
    change: ChangeKind
    entry: str
    value: str
    was: str
    ports: tuple[str, ...]
    clouds: tuple[str, ...]
    scenario: str
    need: str
    loses: bool
    impact: str
    notice: str
    sources: tuple[str, ...] = ()
    """Pages that document the entry now, as ``repository:path``."""
    evidence: tuple[str, ...] = ()
    """Classes of what the field knows about it, each once."""


def feed_since(catalogs: Iterable[Catalog], since: str) -> tuple[FeedItem, ...]:
    """Every change of every release dated ``since`` (such as ``2026-01-31``) or later, oldest first."""
    items = [item for catalog in catalogs for item in _items_of(catalog) if item.date >= since]
    return tuple(sorted(items, key=lambda item: (item.date, item.catalog)))


def _items_of(catalog: Catalog) -> Iterator[FeedItem]:
    for older, newer in pairwise(catalog.releases):
        for change in changes_between(catalog, older.version, newer.version):
            yield feed_item(catalog.name, newer, change)


def feed_item(name: str, release: Release, change: EntryChange) -> FeedItem:
    entry = change.entry
    return FeedItem(
        catalog=name,
        version=release.version,
        date=release.date,
        change=change.kind,
        entry=entry.id,
        value=str(entry),
        was=str(change.before) if change.before and change.after else "",
        ports=tuple(str(port) for port in entry.ports),
        clouds=tuple(entry.clouds),
        scenario=entry.scenario,
        need=entry.need,
        loses=change.loses,
        impact=entry.breaks if entry.breaks and change.kind is ChangeKind.ADDED else change.impact,
        notice=change.notice,
        sources=tuple(f"{source.repo}:{source.path}" for source in entry.sources),
        evidence=tuple(dict.fromkeys(item.kind.value for item in entry.evidence)),
    )
