"""A change to catalog files as a reviewer needs it: by meaning, with the version step and what gets wider."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from allowlist.catalog.changes import ChangeKind, EntryChange, compare, required_bump
from allowlist.catalog.editing import next_version
from allowlist.catalog.evidence import evidence_of
from allowlist.catalog.lint.run import Base
from allowlist.catalog.model import Catalog, Entry, Evidence, Kind
from allowlist.catalog.reader import parse_catalog, read_catalog
from allowlist.catalog.versions import NEXT, Bump
from allowlist.documents.source import parse_yaml_source

_OPENS = (ChangeKind.ADDED, ChangeKind.WIDENED, ChangeKind.REPLACED)


class EvidenceChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is known otherwise about an entry that asks for the same as before."""

    entry: Entry
    before: Entry
    added: tuple[Evidence, ...]
    removed: tuple[Evidence, ...]


class CatalogReview(msgspec.Struct, frozen=True, kw_only=True):
    """What one file changes against its base. ``is_new`` marks a catalog the base does not have."""

    catalog: str
    file: str
    is_new: bool
    changes: tuple[EntryChange, ...]
    evidence: tuple[EvidenceChange, ...] = ()
    bump: Bump
    next_version: str

    @property
    def opens(self) -> tuple[Entry, ...]:
        """Entries that ask for more than before: what a reviewer has to look at first."""
        wider = (change.after for change in self.changes if change.kind in _OPENS)
        return tuple(entry for entry in wider if entry is not None and entry.kind is not Kind.NOTHING)

    @property
    def scenarios(self) -> frozenset[str]:
        return frozenset(change.entry.scenario for change in self.changes)


def review_files(files: Iterable[Path], base: Base) -> tuple[CatalogReview, ...]:
    """A review of every file that differs from its base. Raises InvalidInput for files with mistakes."""
    found = (review_file(path, base) for path in files)
    return tuple(review for review in found if review is not None)


def review_file(path: Path, base: Base) -> CatalogReview | None:
    """What ``path`` changes against its base, None when not even a comment differs."""
    before = base.find(path)
    if before == path.read_text(encoding="utf-8"):
        return None
    mine = read_catalog(path)
    theirs = parse_catalog(parse_yaml_source(before, f"{path} (base)"), name=path.stem) if before else None
    changes = compare(theirs.entries_at(NEXT) if theirs else (), mine.entries_at(NEXT))
    return CatalogReview(
        catalog=mine.name,
        file=str(path),
        is_new=theirs is None,
        changes=changes,
        evidence=evidence_changes(theirs.entries_at(NEXT) if theirs else (), mine.entries_at(NEXT)),
        bump=max(required_bump(changes), Bump.PATCH),
        next_version=_next(mine),
    )


def evidence_changes(before: Iterable[Entry], after: Iterable[Entry]) -> tuple[EvidenceChange, ...]:
    """The entries of the same id on both sides whose pages or reports differ; a new entry is a change by itself."""
    old = {entry.id: entry for entry in before}
    both = ((old[entry.id], entry) for entry in after if entry.id in old)
    found = (
        EvidenceChange(
            entry=mine,
            before=theirs,
            added=tuple(item for item in evidence_of(mine) if item not in evidence_of(theirs)),
            removed=tuple(item for item in evidence_of(theirs) if item not in evidence_of(mine)),
        )
        for theirs, mine in both
    )
    return tuple(change for change in found if change.added or change.removed)


def _next(catalog: Catalog) -> str:
    return str(next_version(catalog)[0]) if catalog.has_unreleased_changes else catalog.latest
