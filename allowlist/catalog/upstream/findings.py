"""What a run of the watch answers: findings, gaps, and how each page was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from allowlist.catalog.upstream.discover import Discovery
from allowlist.catalog.upstream.drift import Delta, Place
from allowlist.catalog.upstream.pages import PageRef
from allowlist.catalog.upstream.risk import Risk
from allowlist.catalog.upstream.row import Row
from allowlist.catalog.upstream.state import WatchState
from allowlist.documents import digest_of

QUARANTINE_DAYS: Final = 14
"""The hosts Hugging Face listed in July 2026 were partly withdrawn after eight days."""
SHRINK: Final = 0.3
"""A page that loses this share of its rows at once is not believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """``parameters`` are hosts the catalogs keep as placeholders, such as ``python_index``."""

    today: date
    quarantine_days: int = QUARANTINE_DAYS
    shrink: float = SHRINK
    parameters: Mapping[str, str] = field(default_factory=dict)
    discover: bool = False
    """Look beside the cited pages and behind their links for pages that nobody cites."""


class Standing(StrEnum):
    """Whether a finding may be proposed: ``WITHHELD`` never by itself, ``WAITING`` not yet, ``READY`` now."""

    WITHHELD = "withheld"
    WAITING = "waiting"
    READY = "ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One difference between a page and a catalog. ``entries`` are the ids of the entries it concerns."""

    id: str
    catalog: str
    delta: Delta
    page: PageRef
    commit: str
    risk: Risk
    reason: str
    standing: Standing
    first_seen: date
    ready_on: date
    withheld: str = ""
    entries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something a page asked for before the watch began and no catalog of that page holds."""

    catalog: str
    place: Place
    page: PageRef
    commit: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What a page asks for and ``catalog``, which cites it, does not hold, while ``held_by`` does."""

    catalog: str
    page: PageRef
    places: tuple[Place, ...]
    held_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """Entries that cite a page on which the watch never saw them: a picture, another page, or long gone.

    Their absence is no news, so nothing is proposed; a person may want to look once.
    """

    catalog: str
    page: PageRef
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageReport:
    """How reading one page went; ``trouble`` is empty when it may be believed."""

    ref: PageRef
    commit: str = ""
    rows: int = 0
    trouble: str = ""
    moved_to: str = ""
    was_read: bool = True
    hint: str = ""
    """What to do where it could not be asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchReport:
    """``state`` is what the next run has to know; the caller saves it."""

    pages: tuple[PageReport, ...]
    findings: tuple[Finding, ...]
    gaps: tuple[Gap, ...]
    unseen: tuple[Unseen, ...]
    state: WatchState
    owed: tuple[Owed, ...] = ()
    discovered: Discovery = field(default_factory=Discovery)

    @property
    def ready(self) -> tuple[Finding, ...]:
        """The findings that may be proposed now."""
        return tuple(finding for finding in self.findings if finding.standing is Standing.READY)


def identity_of(catalog: str, delta: Delta) -> str:
    """The same finding has the same id on every run; other ports make another finding."""
    subject = delta.place.subject
    ports = sorted(str(port) for port in delta.after)
    parts = [delta.change, subject.kind, subject.value, subject.direction, delta.place.cloud, ports]
    parts += list(delta.said) if any(delta.said) else []
    return f"{catalog}/{digest_of(parts).removeprefix('sha256:')[:16]}"
