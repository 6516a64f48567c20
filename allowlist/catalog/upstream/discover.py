"""Pages that ask for names and that no catalog cites: beside a cited page, or linked from one.

What is found is proposed to a person, who decides which catalog it belongs to; nothing is written from it. A folder of
documentation has hundreds of pages and few of them are about names, so pages are read in the order of how much their
names sound like it, and how many were not read is told.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, runtime_checkable

from allowlist.catalog.upstream.claims import canonical, subjects_of_row
from allowlist.catalog.upstream.extract import extract_rows
from allowlist.catalog.upstream.pages import PageRef, Reading
from allowlist.catalog.upstream.row import Row
from allowlist.errors import CatalogError

_ASKING: Final = re.compile(
    r"firewall|outbound|egress|allow|endpoint|network|proxy|url|domain|requirement|connectiv|prereq|private|offline|secur|service-tag"
    r"|fqdn|port|host|restrict|perimeter|isolat|air-?gap|disconnected"
)
"""What the paths of pages about names say."""
_LINK: Final = re.compile(r"\]\(\s*<?([^)\s>]+)|href\s*=\s*[\"']([^\"']+)|^\s{0,3}\[[^\]]+\]:\s*<?([^\s>]+)")
_LEARN: Final = re.compile(
    r"^(?:https?://(?:learn|docs)\.microsoft\.com(?:/[a-z]{2}-[a-z]{2})?)?/(?:[\w-]+/)?", re.IGNORECASE
)
_DATE: Final = re.compile(r"(?m)^ms\.date:\s*[\"']?(\d{1,2}/\d{1,2}/\d{4}|\d{4}-\d{2}-\d{2})")
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_SAMPLE: Final = re.compile(r"^(?:my|your|contoso|example|sample|fabrikam|<|\{|\[)")
_FILE: Final = re.compile(r"^[\w-]+\.(?:tf|py|sh|md|rs|pl|ps|so|zip)$")
"""A file's name that would be a host name too: no page asks to reach a bare domain of these ends."""
_TOLD: Final = frozenset({"fqdn", "service_tag"})


@runtime_checkable
class Browsable(Protocol):
    """A source of pages that can be looked around in; ``most_glances`` bounds a run, the rest is counted."""

    @property
    def most_glances(self) -> int: ...

    def pages_in(self, repo: str, folder: str) -> list[str]: ...

    def glance(self, ref: PageRef) -> tuple[str, str] | None:
        """Text, and the date of the version (empty where only the page itself says one)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """A page nobody cites. ``names`` are the rows that ask for a host or tag; ``unknown`` those that no catalog holds."""

    page: PageRef
    date: str
    because: str
    catalogs: tuple[str, ...]
    names: tuple[str, ...]
    unknown: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """The newest page first. ``unread`` pages were seen and not read."""

    pages: tuple[Discovered, ...] = ()
    unread: int = 0


@dataclass(slots=True)
class _Lead:
    ref: PageRef
    because: str
    catalogs: set[str] = field(default_factory=set)


def discover(
    readings: Mapping[PageRef, Reading],
    citing: Mapping[PageRef, Collection[str]],
    source: Browsable,
    is_known: Callable[[Row], bool],
    *,
    known_pages: Collection[PageRef] = (),
) -> Discovery:
    """Look beside and behind the cited pages ``readings``; ``citing`` are the catalogs by page.

    ``known_pages`` are cited by some catalog, whether read now or not. ``is_known``: does any catalog hold the row?
    """
    read_already = {text.ref for reading in readings.values() for text in reading.texts}
    leads = _leads(readings, citing, source, {*readings, *known_pages, *read_already})
    ordered = sorted(leads.values(), key=lambda lead: (not _sounds_like_it(lead.ref), lead.ref))
    found = [_looked_at(lead, source, is_known) for lead in ordered[: source.most_glances]]
    pages = sorted(
        (one for one in found if one), key=lambda one: (one.date, len(one.unknown), one.page), reverse=True
    )
    return Discovery(pages=tuple(pages), unread=len(ordered[source.most_glances :]))


def _leads(
    readings: Mapping[PageRef, Reading],
    citing: Mapping[PageRef, Collection[str]],
    source: Browsable,
    known: Collection[PageRef],
) -> dict[PageRef, _Lead]:
    """Every page that is linked from or stands beside a cited one; a link is the better reason."""
    leads: dict[PageRef, _Lead] = {}

    def note(ref: PageRef, because: str, cited: PageRef) -> None:
        if ref not in known:
            leads.setdefault(ref, _Lead(ref, because)).catalogs.update(citing.get(cited, ()))

    homes = _homes(readings)
    for cited in sorted(readings):
        for text in readings[cited].texts:
            for line, target in links_of(text.text):
                for ref in _targets(text.ref, target, homes):
                    note(ref, f"linked from {text.ref}:{line}", cited)
    beside: dict[tuple[str, str], list[str]] = {}
    for cited in sorted(readings):
        place = (cited.repo, posixpath.dirname(cited.path))
        if place not in beside:
            beside[place] = source.pages_in(*place)
        for path in beside[place]:
            note(PageRef(cited.repo, path), f"beside {cited}", cited)
    return leads


def _homes(readings: Collection[PageRef]) -> dict[str, set[tuple[str, str]]]:
    """By the first folder below the top one, where pages stand: ``firewall`` is in ``articles`` of azure-docs."""
    homes: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for ref in readings:
        parts = ref.path.split("/")
        if len(parts) > 2:
            homes[parts[1]].add((ref.repo, parts[0]))
    return homes


def links_of(text: str) -> Iterator[tuple[int, str]]:
    """The line and target of every link of a page, but for those in comments."""
    shown = _COMMENT.sub(lambda found: "\n" * found.group().count("\n"), text)
    for number, line in enumerate(shown.splitlines(), 1):
        for found in _LINK.finditer(line):
            yield number, next(group for group in found.groups() if group)


def _targets(
    page: PageRef, target: str, homes: Mapping[str, Collection[tuple[str, str]]]
) -> Iterator[PageRef]:
    """The files a link can mean: one of the same repository, or a page of Learn whose folder is known from cited pages."""
    plain = target.partition("#")[0].partition("?")[0]
    if not plain or plain.startswith("mailto:"):
        return
    if plain.startswith(("http:", "https:", "/")):
        rest = _LEARN.sub("", plain) if _LEARN.match(plain) else ""
        rest = "" if "://" in rest else rest.strip("/")
        for repo, top in sorted(homes.get(rest.partition("/")[0], ())):
            yield PageRef(repo, f"{top}/{rest.removesuffix('.md')}.md")
        return
    path = plain[2:] if plain.startswith("~/") else posixpath.join(posixpath.dirname(page.path), plain)
    path = posixpath.normpath(path)
    if path.endswith(".md") and not path.startswith(".."):
        yield PageRef(page.repo, path)


def _sounds_like_it(ref: PageRef) -> bool:
    return bool(_ASKING.search(posixpath.basename(ref.path).lower()))


def _looked_at(lead: _Lead, source: Browsable, is_known: Callable[[Row], bool]) -> Discovered | None:
    try:
        found = source.glance(lead.ref)
    except CatalogError:
        return None
    if found is None:
        return None
    text, date = found
    rows = [row for row in extract_rows(text, lead.ref.path) if _asks(row)]
    if not rows:
        return None
    return Discovered(
        page=lead.ref,
        date=_written(text) or date,
        because=lead.because,
        catalogs=tuple(sorted(lead.catalogs)),
        names=tuple(dict.fromkeys(row.value for row in rows)),
        unknown=tuple({row.value.lower(): row for row in reversed(rows) if not is_known(row)}.values())[::-1],
    )


def _asks(row: Row) -> bool:
    return row.kind in _TOLD and not row.flags and not _FILE.match(row.value) and any(subjects_of_row(row))


def is_sample_of(value: str, held: Collection[str]) -> bool:
    """Is ``myregistry.azurecr.io`` a sample of a held ``{}.azurecr.io``?"""
    first, _, rest = value.lower().partition(".")
    return bool(_SAMPLE.match(first)) and f"{{}}.{canonical(rest, 'fqdn')}" in held


def _written(text: str) -> str:
    """``ms.date`` of the front matter as YYYY-MM-DD; empty where a page has none."""
    found = _DATE.search(text[:4000])
    if not found:
        return ""
    american = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", found.group(1))
    return f"{american[3]}-{american[1]:0>2}-{american[2]:0>2}" if american else found.group(1)
