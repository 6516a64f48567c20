"""Who knows a name: catalog entries that would allow it, or a known name that it only looks like."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import date
from functools import cached_property

from allowlist.catalog import Catalog, Entry, Library
from allowlist.catalog.evidence import confidence, evidence_line
from allowlist.catalog.hits import Hits, open_pattern
from allowlist.names import ancestors, registrable_domain
from allowlist.traffic.findings import Confirmed, Named

_ALIKE = 0.84


class KnownNames:
    """Every pattern of a library's newest versions, parameters included."""

    def __init__(self, library: Library) -> None:
        self._by_pattern: dict[str, list[tuple[str, str]]] = {}
        self._library = library
        self._nearest: dict[str, str] = {}
        for catalog in library:
            for entry in catalog.entries_at("latest"):
                if entry.pattern and entry.is_egress:
                    self._by_pattern.setdefault(open_pattern(entry.pattern), []).append(
                        (_told(catalog, entry), catalog.name)
                    )

    def confirmed(self, hits: Hits, today: date) -> tuple[Confirmed, ...]:
        """Entries that stand on more than a page and whose names were let through, with what that makes of them."""
        found = (
            (catalog, entry, day)
            for catalog in self._library
            for entry in catalog.entries_at("latest")
            if entry.evidence and (day := hits.last(entry))
        )
        return tuple(
            Confirmed(
                entry=f"{catalog.name}#{entry.id}",
                pattern=entry.value,
                day=day,
                before=confidence(entry, today).value,
                after=confidence(entry, today, allowed=day).value,
                line=evidence_line(entry, today, allowed=day),
            )
            for catalog, entry, day in found
        )

    def named(self, name: str) -> Named:
        """Who has ``name``, narrowest patterns first."""
        if not name:
            return Named()
        found = [
            told
            for pattern in ancestors(name)
            if pattern != "*"
            for told in self._by_pattern.get(pattern, ())
        ]
        if found:
            entries, catalogs = zip(*found, strict=True)
            return Named(tuple(dict.fromkeys(entries)), catalogs=tuple(dict.fromkeys(catalogs)))
        return Named(looks_like=self._alike(name))

    def _alike(self, name: str) -> str:
        """A domain of a catalog that this name's domain is a letter or two from, or that it wears as a label."""
        domain = registrable_domain(name) or name
        worn = next(
            (
                known
                for known in self._domains
                if f"{known}." in name or f"{known.replace('.', '-')}." in name
            ),
            "",
        )
        if worn and domain != worn:
            return worn
        near = self._near(domain)
        return near if near != domain else ""

    def _near(self, domain: str) -> str:
        """The known domain that ``domain`` resembles most; very many names lie below few domains."""
        if domain not in self._nearest:
            found = difflib.get_close_matches(domain, self._domains, n=1, cutoff=_ALIKE)
            self._nearest[domain] = found[0] if found else ""
        return self._nearest[domain]

    @cached_property
    def _domains(self) -> list[str]:
        found = (registrable_domain(pattern.lstrip("*").lstrip(".")) for pattern in self._by_pattern)
        return sorted({domain for domain in found if domain})


def _told(catalog: Catalog, entry: Entry) -> str:
    parameters = _parameters(entry.pattern or "")
    given = f", with {', '.join(parameters)}" if parameters else ""
    return f"catalog {catalog.name}#{entry.id} ({entry.need.value}, scenario {entry.scenario}{given})"


def _parameters(pattern: str) -> Iterable[str]:
    return [piece.partition("}")[0] for piece in pattern.split("{")[1:]]
