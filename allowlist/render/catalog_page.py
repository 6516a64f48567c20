"""A catalog as a page of the site, in Markdown: what it holds, how that is known, and how it came about."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Final

from allowlist.catalog.changes import EntryChange, changes_between
from allowlist.catalog.evidence import evidence_line
from allowlist.catalog.model import Catalog, Entry, Evidence, Release, Source
from allowlist.documents.words import counted
from allowlist.render.markdown import escaped

_WIDTH: Final = 640
_SIDE: Final = 20
_SMALLEST: Final = 3.0
_GREATEST: Final = 11.0


def catalogs_page(catalogs: Sequence[Catalog]) -> str:
    """The list of all catalogs, each with a link to its page."""
    rows = [
        (
            f"[{catalog.name}]({catalog.name}.md)",
            escaped(catalog.title),
            catalog.latest,
            catalog.release("latest").date,
            str(len(catalog.entries_at("latest"))),
        )
        for catalog in catalogs
        if catalog.releases
    ]
    head = ("catalog", "what it is about", "latest", "of", "entries")
    return "\n".join(["# Catalogs\n", *_table(head, rows)]) + "\n"


def catalog_page(catalog: Catalog, today: date) -> str:
    """One catalog: the entries of its latest version by scenario, then its releases, the newest first."""
    release = catalog.release("latest")
    lines = [f"# {escaped(catalog.title)}\n", f"{escaped(catalog.description)}\n"]
    lines += [f"`{catalog.name}`, version {release.version} of {release.date}.\n", *_timeline(catalog)]
    entries = catalog.entries_at(release.version)
    for name, scenario in catalog.scenarios.items():
        chosen = [entry for entry in entries if entry.scenario == name]
        if chosen:
            lines += [f"\n## Scenario {name}\n", escaped(scenario.title) + _asked(scenario.default) + "\n"]
            lines += _table(
                ("destination", "ports", "need", "why", "known from"), [_row(item, today) for item in chosen]
            )
    return "\n".join([*lines, *_history(catalog)]) + "\n"


def _asked(default: bool) -> str:
    return ". A workload gets it without naming it." if default else ". A workload names it to get it."


def _row(entry: Entry, today: date) -> tuple[str, ...]:
    why = ". ".join(part for part in (entry.purpose, _advice(entry)) if part)
    ports = " ".join(str(port) for port in entry.ports)
    return (f"`{entry}`", ports, _need(entry), escaped(why), _known(entry, today))


def _need(entry: Entry) -> str:
    if entry.dead_since:
        return f"dead since {entry.dead_since}"
    if entry.refuse:
        return "refuse"
    return escaped(f"{entry.need}: {entry.condition}" if entry.condition else str(entry.need))


def _advice(entry: Entry) -> str:
    return f"Without it: {entry.refuse or entry.breaks}" if entry.refuse or entry.breaks else ""


def _known(entry: Entry, today: date) -> str:
    links = [_page_link(source) for source in entry.sources]
    links += [_report_link(item) for item in entry.evidence]
    return "<br>".join([escaped(evidence_line(entry, today)), *dict.fromkeys(links)])


def _page_link(source: Source) -> str:
    name = f"{source.path.rpartition('/')[2]}{f', {source.date}' if source.date else ''}"
    return _link(name, f"https://github.com/{source.repo}/blob/{source.commit or 'HEAD'}/{source.path}")


def _report_link(item: Evidence) -> str:
    """Evidence names a path, or an issue as ``#12``, in a repository; what it names otherwise is said without a link."""
    words = f"{'works without, ' if item.works_without else ''}{item.kind.replace('-', ' ')}"
    name = f"{words}: {item.repo or item.where}{f', {item.date}' if item.date else ''}"
    if item.repo and item.where.startswith("#") and item.where[1:].isdecimal():
        return _link(name, f"https://github.com/{item.repo}/issues/{item.where[1:]}")
    if item.repo and item.commit and item.where and " " not in item.where:
        return _link(
            name, f"https://github.com/{item.repo}/blob/{item.commit}/{item.where.partition(':')[0]}"
        )
    return escaped(name)


def _link(name: str, address: str) -> str:
    return f"[{escaped(name)}]({address.replace(' ', '%20').replace('|', '%7C').replace(')', '%29')})"


def _history(catalog: Catalog) -> Iterator[str]:
    yield "\n## History\n"
    for older, newer in reversed([(None, catalog.releases[0]), *pairwise(catalog.releases)]):
        yield f"\n### {newer.version}, {newer.date}\n"
        if newer.note:
            yield f"{escaped(newer.note)}\n"
        if older is None:
            yield f"The first release, with {counted(len(catalog.entries_at(newer.version)), 'entry')}."
        else:
            yield from _changes(changes_between(catalog, older.version, newer.version))


def _changes(changes: Iterable[EntryChange]) -> Iterator[str]:
    found = [
        f"- {change.kind}: `{change.entry}`{f' (was `{change.before}`)' if change.before and change.after else ''}, "
        f"scenario {change.entry.scenario}; {change.impact}"
        for change in changes
    ]
    yield from found or ["Nothing changes on the wire."]


def _timeline(catalog: Catalog) -> list[str]:
    """A small picture of when it was released, each dot as large as what changed, with the same in words for readers."""
    if len(catalog.releases) < 2:
        return []
    days = [date.fromisoformat(release.date).toordinal() for release in catalog.releases]
    sizes = _sizes(catalog)
    span = max(days[-1] - days[0], 1)
    dots = [
        f'<circle cx="{_SIDE + (day - days[0]) / span * (_WIDTH - 2 * _SIDE):.0f}" cy="20" r="{_radius(size, max(sizes)):.1f}" '
        f'fill="currentColor" fill-opacity="0.6"><title>{_said(release, size)}</title></circle>'
        for release, day, size in zip(catalog.releases, days, sizes, strict=True)
    ]
    first, last = catalog.releases[0].date, catalog.releases[-1].date
    words = f"{len(catalog.releases)} releases from {first} to {last}"
    return [
        f'<svg viewBox="0 0 {_WIDTH} 56" role="img" aria-label="{words}" style="width: 100%; max-width: {_WIDTH}px">'
        f'<line x1="{_SIDE}" x2="{_WIDTH - _SIDE}" y1="20" y2="20" stroke="currentColor" stroke-opacity="0.4"/>'
        + "".join(dots)
        + f'<text x="{_SIDE}" y="50" font-size="12" fill="currentColor">{first}</text>'
        f'<text x="{_WIDTH - _SIDE}" y="50" font-size="12" text-anchor="end" fill="currentColor">{last}</text></svg>\n'
    ]


def _sizes(catalog: Catalog) -> list[int]:
    changed = [
        len(changes_between(catalog, older.version, newer.version))
        for older, newer in pairwise(catalog.releases)
    ]
    return [len(catalog.entries_at(catalog.releases[0].version)), *changed]


def _radius(size: int, largest: int) -> float:
    return _SMALLEST + (_GREATEST - _SMALLEST) * math.sqrt(size / max(largest, 1))


def _said(release: Release, size: int) -> str:
    return html.escape(f"{release.version} of {release.date}: {counted(size, 'change')}")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(
            f"| {' | '.join(cell.replace('|', '&#124;').replace(chr(10), ' ') for cell in row)} |"
            for row in rows
        ),
    ]
