"""What the newest version of a catalog asks for, by subject, and which pages say so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Final

from allowlist.catalog.model import Catalog, Entry
from allowlist.catalog.upstream.claims import ANY_CLOUD, Subject, same_ports, subjects_of_entry
from allowlist.catalog.upstream.drift import Facts, Place
from allowlist.catalog.upstream.pages import PageRef
from allowlist.catalog.upstream.ports import PortRange

Citing = dict[PageRef, dict[str, list[Entry]]]
"""Each page with the catalogs, and their live entries, that cite it."""


_INDEX: Final = 2
"""A page that more catalogs cite and whose path names none of them lists the zones or tags of all of Azure."""


class Asked:
    """The live entries of one catalog (unreleased changes included), looked up by what a page can say."""

    def __init__(self, catalog: Catalog, parameters: Mapping[str, str]) -> None:
        self.catalog = catalog
        self._entries: dict[Subject, list[Entry]] = defaultdict(list)
        for entry in catalog.entries_at("next"):
            for subject in subjects_of_entry(entry, parameters):
                self._entries[subject].append(entry)

    def entries_for(self, place: Place, page: PageRef | None = None) -> list[Entry]:
        """The entries that ask for ``place``, only those that cite ``page`` if one is given."""
        return [
            entry
            for entry in self._entries.get(place.subject, ())
            if (place.cloud == ANY_CLOUD or place.cloud in entry.clouds)
            and (page is None or page in cited_by([entry]))
        ]

    def holds(self, place: Place) -> bool:
        return bool(self.entries_for(place))

    def has_ports(self, place: Place, stated: frozenset[PortRange]) -> bool:
        """Do the entries of ``place`` together open exactly the ports the pages state? None is no objection."""
        entries = self.entries_for(place)
        return not entries or same_ports(stated, [port for entry in entries for port in entry.ports])

    def has_need(self, place: Place, need: str) -> bool:
        """Does an entry of ``place`` say already what the page says now? None is no objection."""
        entries = self.entries_for(place)
        return not entries or any(entry.need.value == need for entry in entries)

    def facts(self, page: PageRef) -> Facts:
        """What the entries that cite ``page`` ask for: its past, as far as the catalog knows it."""
        ports: dict[Place, frozenset[PortRange]] = {}
        for subject, entries in self._entries.items():
            for entry in (one for one in entries if page in cited_by([one])):
                own = frozenset(PortRange(str(port.protocol), port.first, port.last) for port in entry.ports)
                for cloud in entry.clouds:
                    place = Place(subject, str(cloud))
                    ports[place] = ports.get(place, frozenset()) | own
        return Facts(ports)


def citing_entries(catalogs: Collection[Catalog]) -> Citing:
    """Every Markdown page the live entries cite."""
    found: Citing = {}
    for catalog in catalogs:
        for entry in catalog.entries_at("next"):
            for ref in cited_by([entry]):
                found.setdefault(ref, {}).setdefault(catalog.name, []).append(entry)
    return found


def cited_by(entries: Collection[Entry]) -> list[PageRef]:
    """The Markdown pages that ``entries`` name as their sources."""
    refs = (PageRef(source.repo, source.path) for entry in entries for source in entry.sources)
    return sorted({ref for ref in refs if ref.path.endswith(".md") and ref.repo.count("/") == 1})


def commits_cited(ref: PageRef, citing: Mapping[str, Collection[Entry]]) -> list[str]:
    """The commits at which the entries saw the page."""
    sources = (source for entries in citing.values() for entry in entries for source in entry.sources)
    return sorted({source.commit for source in sources if PageRef(source.repo, source.path) == ref} - {""})


def owner_of(citing: Mapping[str, Collection[Entry]], ref: PageRef | None = None) -> str:
    """The catalog a page documents first of all: the one its path names, else the one with most entries from it."""
    path = ref.path.lower() if ref else ""
    return max(sorted(citing), key=lambda name: (_named_by(path, name), len(citing[name])))


def described_by(citing: Mapping[str, Collection[Entry]], ref: PageRef) -> list[str]:
    """The catalogs whose service the page describes, by its path.

    Where the path names none, all that cite it, unless they are so many that the page is an index of every service.
    """
    shares = {name: _named_by(ref.path.lower(), name) for name in citing}
    best = max(shares.values())
    if not best and len(citing) > _INDEX:
        return []
    return sorted(name for name, share in shares.items() if share == best)


def _named_by(path: str, name: str) -> int:
    """How many words of a catalog's name stand in the path, if all but ``azure`` do; else none."""
    words = [word for word in name.lower().split("-") if word not in ("azure", "microsoft")]
    return len(words) if words and all(word in path for word in words) else 0
