"""Read the pages that document the catalogs and tell what drifted, and what may be proposed by now.

A page can be wrong, and often takes things back. So a new finding waits some days, and a page that names
nothing any more, shrinks at once or moved its content away proposes no removal by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from allowlist.catalog.model import Catalog, Entry, Need
from allowlist.catalog.upstream.asked import Asked, cited_by, citing_entries, described_by, owner_of
from allowlist.catalog.upstream.claims import ANY_CLOUD, subjects_of_row
from allowlist.catalog.upstream.discover import Browsable, Discovery, discover, is_sample_of
from allowlist.catalog.upstream.drift import Change, Delta, Facts, Place, Said, deltas_between
from allowlist.catalog.upstream.findings import (
    Finding,
    Gap,
    Owed,
    PageReport,
    Standing,
    Unseen,
    WatchOptions,
    WatchReport,
    identity_of,
)
from allowlist.catalog.upstream.pages import PageRef, PageSource, Reading
from allowlist.catalog.upstream.ports import PortRange
from allowlist.catalog.upstream.risk import hosts_of, risk_of
from allowlist.catalog.upstream.row import Row
from allowlist.catalog.upstream.state import FindingMemory, PageMemory, WatchState, remembered
from allowlist.catalog.upstream.watched import PageOpener, WatchedPage


def watch(
    catalogs: Collection[Catalog],
    source: PageSource,
    state: WatchState,
    options: WatchOptions,
    *,
    only: Collection[str] = (),
    notify: Callable[[str], None] = lambda text: None,
) -> WatchReport:
    """Compare the pages of ``catalogs`` (of those named in ``only``, if any) with what the catalogs hold.

    Pure but for ``source`` and ``notify``; the new state is part of the answer and saved by the caller.
    """
    asked = {catalog.name: Asked(catalog, options.parameters) for catalog in catalogs}
    watched = frozenset(only) or frozenset(asked)
    citing = citing_entries(catalogs)
    opener = PageOpener(source=source, state=state, asked=asked, shrink=options.shrink)
    pages = {}
    for ref in sorted(ref for ref, names in citing.items() if watched & names.keys()):
        notify(f"reading {ref}")
        pages[ref] = opener.open(ref, citing[ref])
    judge = _Judge(asked, citing, pages, watched, state, options)
    judge.known_hosts = hosts_of(catalogs)
    report = judge.report()
    if not (options.discover and isinstance(source, Browsable)):
        return report
    notify("looking for pages that nobody cites")
    return replace(report, discovered=_discovered(source, asked, citing, pages))


def _discovered(
    source: Browsable,
    asked: Mapping[str, Asked],
    citing: Mapping[PageRef, Mapping[str, Collection[Entry]]],
    pages: Mapping[PageRef, WatchedPage],
) -> Discovery:
    """Pages beside and behind those that were read; what any catalog holds is known, whichever page it cites."""

    held = hosts_of([one.catalog for one in asked.values()])

    def is_known(row: Row) -> bool:
        cloud = row.cloud if row.cloud_is_stated else ANY_CLOUD
        return is_sample_of(row.value, held) or all(
            any(one.holds(Place(subject, cloud)) for one in asked.values())
            for subject in subjects_of_row(row)
        )

    readings = {ref: page.reading for ref, page in pages.items() if page.reading is not None}
    return discover(
        readings, {ref: names.keys() for ref, names in citing.items()}, source, is_known, known_pages=citing
    )


class _Judge:
    """Turns the differences of pages into findings of catalogs."""

    known_hosts: Collection[str] = ()

    def __init__(
        self,
        asked: dict[str, Asked],
        citing: dict[PageRef, dict[str, list[Entry]]],
        pages: dict[PageRef, WatchedPage],
        watched: frozenset[str],
        state: WatchState,
        options: WatchOptions,
    ) -> None:
        self._asked = asked
        self._citing = citing
        self._pages = pages
        self._watched = watched
        self._state = state
        self._options = options

    def report(self) -> WatchReport:
        pages = list(self._pages.values())
        findings = [finding for page in pages for finding in self._findings(page)]
        return WatchReport(
            pages=tuple(
                PageReport(
                    ref=page.ref,
                    commit=page.commit,
                    rows=page.rows,
                    trouble=page.trouble,
                    moved_to=page.moved_to,
                    was_read=page.reading is not None,
                    hint=page.hint,
                )
                for page in pages
            ),
            findings=tuple(sorted(findings, key=lambda finding: (finding.catalog, finding.delta.place))),
            gaps=tuple(gap for page in pages for gap in self._gaps(page)),
            unseen=tuple(unseen for page in pages for unseen in self._unseen(page)),
            state=self._new_state(findings),
            owed=tuple(owed for page in pages for owed in self._owed(page)),
        )

    def _findings(self, page: WatchedPage) -> Iterator[Finding]:
        if page.reading is None:
            return
        for delta in deltas_between(page.before, page.now):
            if delta.change is Change.ENDED and not page.was_seen:
                continue  # the past comes from the catalogs: see _unseen
            for name in self._concerned(page, delta):
                yield self._finding(page, delta, name)

    def _concerned(self, page: WatchedPage, delta: Delta) -> list[str]:
        """The watched catalogs to which ``delta`` makes a difference."""
        citing = self._citing[page.ref]
        mine = sorted(citing.keys() & self._watched)
        match delta.change:
            case Change.ADDED:
                return (
                    []
                    if self._is_held(delta.place, page)
                    else sorted({owner_of(citing, page.ref)} & self._watched)
                )
            case Change.ENDED:
                return [name for name in mine if self._ends_in(name, delta.place, page.ref)]
            case Change.PORTS:
                stated = {name: self._stated(name, delta.place) for name in mine}
                return [name for name in mine if not self._asked[name].has_ports(delta.place, stated[name])]
            case Change.NEED | Change.SCENARIO:
                return [name for name in mine if self._is_news(name, delta, page)]

    def _is_news(self, name: str, delta: Delta, page: WatchedPage) -> bool:
        """Do entries cite the page for it and say something different? A condition is for a person to compare."""
        if not self._asked[name].entries_for(delta.place, page.ref) or self._is_confirmed(delta.place, page):
            return False
        is_need = delta.change is Change.NEED and delta.said[1] in {need.value for need in Need}
        return not (is_need and self._asked[name].has_need(delta.place, delta.said[1]))

    def _is_confirmed(self, place: Place, page: WatchedPage) -> bool:
        """Does an entry cite the page as it stands now? Then a person read these words and went by them."""
        sources = (
            source
            for name in self._citing[page.ref]
            for entry in self._asked[name].entries_for(place, page.ref)
            for source in entry.sources
        )
        return bool(page.commit) and any(
            source.commit == page.commit and PageRef(source.repo, source.path) == page.ref
            for source in sources
        )

    def _is_held(self, place: Place, page: WatchedPage) -> bool:
        """Does any catalog that cites the page ask for it?"""
        return any(self._asked[name].holds(place) for name in self._citing[page.ref])

    def _ends_in(self, name: str, place: Place, ref: PageRef) -> bool:
        """Do entries cite the page for it, and does no other page of the catalog still ask for it?"""
        still = any(page.now.has(place) for page in self._pages_of(name))
        return bool(self._asked[name].entries_for(place, ref)) and not still

    def _stated(self, name: str, place: Place) -> frozenset[PortRange]:
        """The ports all pages of a catalog state for ``place``."""
        return frozenset().union(*(page.now.ports.get(place, frozenset()) for page in self._pages_of(name)))

    def _pages_of(self, name: str) -> list[WatchedPage]:
        return [page for ref, page in self._pages.items() if name in self._citing[ref]]

    def _finding(self, page: WatchedPage, delta: Delta, name: str) -> Finding:
        entries = [] if delta.change is Change.ADDED else self._asked[name].entries_for(delta.place)
        is_required = any(entry.need is Need.REQUIRED for entry in entries)
        risk, reason = risk_of(delta, self.known_hosts, is_required=is_required)
        identity = identity_of(name, delta)
        known = self._state.findings.get(identity)
        first_seen = known.first_seen if known else self._options.today
        ready_on = first_seen + timedelta(days=self._options.quarantine_days)
        withheld = self._reason_to_withhold(page, entries, delta) if delta.change is Change.ENDED else ""
        waiting = Standing.WAITING if self._options.today < ready_on else Standing.READY
        return Finding(
            id=identity,
            catalog=name,
            delta=delta,
            page=page.ref,
            commit=page.commit,
            risk=risk,
            reason=reason,
            standing=Standing.WITHHELD if withheld else waiting,
            first_seen=first_seen,
            ready_on=ready_on,
            withheld=withheld,
            entries=tuple(entry.id for entry in entries),
        )

    def _reason_to_withhold(self, page: WatchedPage, entries: Collection[Entry], delta: Delta) -> str:
        """Why a removal must not be proposed; empty when nothing speaks against it."""
        if page.trouble:
            return f"the page {page.trouble}"
        others = (place for place in page.now.ports if place.subject == delta.place.subject)
        if any(place in page.before.ports for place in others):
            return self._doubt_of_others(page, entries)  # it goes on for the clouds it was listed for before
        values = {delta.place.subject.value, *(row.value for row in delta.rows)}
        still = next(
            (
                place
                for value in sorted(values)
                for other in self._pages_with(entries, page)
                if other.reading and (place := other.reading.names(value))
            ),
            "",
        )
        if still:
            return f"the name still stands at {still}"
        return self._doubt_of_others(page, entries)

    def _doubt_of_others(self, page: WatchedPage, entries: Collection[Entry]) -> str:
        others = (self._pages.get(ref) for ref in cited_by(entries) if ref != page.ref)
        doubtful = next((other for other in others if other is not None and other.trouble), None)
        return f"{doubtful.ref} documents it too, and {doubtful.trouble}" if doubtful else ""

    def _pages_with(self, entries: Collection[Entry], page: WatchedPage) -> list[WatchedPage]:
        """The page itself and every other one that documents the entries."""
        others = (self._pages.get(ref) for ref in cited_by(entries) if ref != page.ref)
        return [page, *(other for other in others if other is not None)]

    def _gaps(self, page: WatchedPage) -> Iterator[Gap]:
        owner = owner_of(self._citing[page.ref], page.ref)
        if owner not in self._watched:
            return
        for place in sorted(page.now.ports):
            if page.before.covers(place) and not self._is_held(place, page):
                rows = page.now.rows.get(place, ())
                yield Gap(catalog=owner, place=place, page=page.ref, commit=page.commit, rows=rows)

    def _owed(self, page: WatchedPage) -> Iterator[Owed]:
        """Rows that a catalog of the page's own service lacks and that only another catalog hides."""
        citing = self._citing[page.ref]
        for name in described_by(citing, page.ref):
            if name not in self._watched:
                continue
            lacking = [place for place in sorted(page.now.ports) if not self._asked[name].holds(place)]
            holders = {
                place: [other for other in sorted(citing) if self._asked[other].entries_for(place, page.ref)]
                for place in lacking
            }
            places = tuple(place for place in lacking if holders[place])
            if places:
                held_by = tuple(sorted({other for place in places for other in holders[place]}))
                yield Owed(catalog=name, page=page.ref, places=places, held_by=held_by)

    def _unseen(self, page: WatchedPage) -> Iterator[Unseen]:
        if page.reading is None:
            return
        for name in sorted(self._citing[page.ref].keys() & self._watched):
            places = [
                place for place in self._asked[name].facts(page.ref).ports if not self._was_seen(place, page)
            ]
            ids = {entry.id for place in places for entry in self._asked[name].entries_for(place, page.ref)}
            hidden = ids - self._seen_ids(name, page)
            if hidden:
                yield Unseen(catalog=name, page=page.ref, entries=tuple(sorted(hidden)))

    def _seen_ids(self, name: str, page: WatchedPage) -> set[str]:
        """Entries of which the page shows another spelling or another cloud."""
        places = [place for place in self._asked[name].facts(page.ref).ports if self._was_seen(place, page)]
        return {entry.id for place in places for entry in self._asked[name].entries_for(place, page.ref)}

    def _was_seen(self, place: Place, page: WatchedPage) -> bool:
        return page.now.has(place) or (page.was_seen and page.before.has(place))

    def _new_state(self, findings: Collection[Finding]) -> WatchState:
        pages = dict(self._state.pages)
        for page in self._pages.values():
            if page.reading is not None and not page.trouble:
                pages[str(page.ref)] = self._memory(page, page.reading)
        waiting = {
            finding.id: FindingMemory(first_seen=finding.first_seen)
            for finding in findings
            if not finding.withheld
        }
        return WatchState(pages=pages, findings={**self._findings_of_others(), **waiting})

    def _findings_of_others(self) -> dict[str, FindingMemory]:
        """Findings of catalogs this run did not look at go on waiting."""
        unwatched = tuple(f"{name}/" for name in self._asked.keys() - self._watched)
        return {key: memory for key, memory in self._state.findings.items() if key.startswith(unwatched)}

    def _memory(self, page: WatchedPage, reading: Reading) -> PageMemory:
        """What the page asks for: without what still waits to be added, with what still waits to be ended."""
        kept = {place: ports for place, ports in page.now.ports.items() if self._is_settled(place, page)}
        if page.was_seen:
            kept |= {
                place: ports for place, ports in page.before.ports.items() if self._is_pending(place, page)
            }
        words = {place: self._settled_words(place, page) for place in kept}
        return PageMemory(
            rows=len(reading.rows), includes=reading.includes, seen=remembered(Facts(kept, words=words))
        )

    def _settled_words(self, place: Place, page: WatchedPage) -> Said:
        """The words of before as long as a catalog goes by them, else those of now."""
        known = page.before.key_of(place)
        then = page.before.words.get(known, Said()) if known else Said()
        now = page.now.words.get(place, then)
        if not then.need or self._is_confirmed(place, page):
            return now
        if then.need == now.need:
            return then
        names = self._citing[page.ref]
        return now if all(self._asked[name].has_need(place, now.need) for name in names) else then

    def _is_settled(self, place: Place, page: WatchedPage) -> bool:
        """Known before, or held by a catalog by now: no addition any more."""
        return page.before.covers(place) or self._is_held(place, page)

    def _is_pending(self, place: Place, page: WatchedPage) -> bool:
        """Gone from the page, or with other ports there, while a catalog still says what it said before."""
        stated = page.now.ports.get(place)
        if stated is None:
            return not page.now.has(place) and self._is_held(place, page)
        names = self._citing[page.ref]
        return not all(self._asked[name].has_ports(place, self._stated(name, place)) for name in names)
