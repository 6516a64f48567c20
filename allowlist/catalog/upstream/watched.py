"""One page with its past, and whether what it says now may be believed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from allowlist.catalog.model import Entry
from allowlist.catalog.upstream.asked import Asked, commits_cited
from allowlist.catalog.upstream.drift import Facts, facts_of
from allowlist.catalog.upstream.moved import followed
from allowlist.catalog.upstream.pages import PageRef, PageSource, Reading, read_page
from allowlist.catalog.upstream.state import WatchState, facts_from
from allowlist.documents.words import counted
from allowlist.errors import CatalogError


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedPage:
    """``before`` and ``now`` are what the page asked for and asks for.

    ``was_seen``: the past was read from the page itself, not guessed from the catalogs that cite it.
    ``trouble`` says why the page must not propose removals; empty when it may.
    """

    ref: PageRef
    reading: Reading | None = None
    trouble: str = ""
    now: Facts = field(default_factory=Facts)
    before: Facts = field(default_factory=Facts)
    was_seen: bool = False
    moved_to: str = ""
    """The page that took its place, as a redirection file says; what is read is that one."""
    hint: str = ""
    """What to do where it could not be asked for."""

    @property
    def commit(self) -> str:
        return self.reading.commit if self.reading else ""

    @property
    def rows(self) -> int:
        return len(self.reading.rows) if self.reading else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOpener:
    """Reads pages and their past: remembered, else at the commits the entries cite, else from the catalogs."""

    source: PageSource
    state: WatchState
    asked: Mapping[str, Asked]
    shrink: float

    def open(self, ref: PageRef, citing: Mapping[str, Collection[Entry]]) -> WatchedPage:
        try:
            reading = read_page(ref, self.source)
        except CatalogError as error:
            return WatchedPage(ref=ref, trouble=str(error), hint=error.hint)
        moved_to = None
        if reading is None:
            moved_to = followed(ref, self.source)
            reading = self._read_there(moved_to)
        if reading is None:
            return WatchedPage(ref=ref, trouble="was not found")
        before, had, was_seen = self._past(ref, citing)
        now = facts_of(reading.rows)
        return WatchedPage(
            ref=ref,
            reading=reading,
            trouble=self._trouble(reading, had, before, now),
            now=now,
            before=before,
            was_seen=was_seen,
            moved_to=str(moved_to or ""),
        )

    def _read_there(self, moved_to: PageRef | None) -> Reading | None:
        try:
            return read_page(moved_to, self.source) if moved_to else None
        except CatalogError:
            return None

    def _past(self, ref: PageRef, citing: Mapping[str, Collection[Entry]]) -> tuple[Facts, int, bool]:
        """The facts of before, the number of rows, and whether the page itself said so."""
        memory = self.state.pages.get(str(ref))
        if memory is not None:
            return facts_from(memory), memory.rows, True
        found = [self._at(ref, commit) for commit in commits_cited(ref, citing)]
        versions = [version for version in found if version is not None]
        if versions:
            facts = _merged(facts_of(version.rows) for version in versions)
            return facts, max(len(version.rows) for version in versions), True
        facts = _merged(self.asked[name].facts(ref) for name in citing)
        return facts, len(facts.ports), False

    def _at(self, ref: PageRef, commit: str) -> Reading | None:
        try:
            return read_page(ref, self.source, commit)
        except CatalogError:
            return None

    def _trouble(self, reading: Reading, had: int, before: Facts, now: Facts) -> str:
        lost = any(not now.has(place) for place in before.ports)
        return doubt_of(
            reading, had=had, lost=lost, new_includes=self._new_includes(reading), shrink=self.shrink
        )

    def _new_includes(self, reading: Reading) -> list[str]:
        memory = self.state.pages.get(str(reading.ref))
        return [path for path in reading.unread if memory is None or path not in memory.includes]


def doubt_of(reading: Reading, *, had: int, lost: bool, new_includes: Collection[str], shrink: float) -> str:
    """Why a page that had ``had`` rows must not propose removals now; empty when it may.

    ``lost``: something it asked for before is gone. ``new_includes`` could not be read and were not there before.
    """
    has = len(reading.rows)
    if had and not has:
        return _moved(reading.unread) or "names nothing any more"
    if has < had * (1 - shrink):
        return f"lost {had - has} of {counted(had, 'row')} at once"
    return _moved(new_includes) if lost else ""


def _merged(many: Iterable[Facts]) -> Facts:
    facts = Facts()
    for one in many:
        facts = facts.merged(one)
    return facts


def _moved(includes: Collection[str]) -> str:
    return f"moved content into {', '.join(sorted(includes))}, which could not be read" if includes else ""
