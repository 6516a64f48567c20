"""Find what can be a destination in a text: host names, addresses, service tags, ``*:port``.

Found here means only "has the shape of one"; whether the page requires it is decided by where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from allowlist.catalog.upstream.tag_names import resembles_tag
from allowlist.catalog.upstream.text import Style, Text

_HOLE = r"(?:<[^<>\n]{1,60}>|\{[^{}\n]{1,60}\}|\[[^\[\]\n]{1,60}\]|%[A-Za-z_]{1,40}%)"
_LABEL = rf"(?:[A-Za-z0-9_*-]|{_HOLE})+"
_HOST = re.compile(
    rf"(?<![\w@.*/\\-])(?:(?P<scheme>[A-Za-z][A-Za-z0-9+]*)://)?"
    rf"(?P<host>\.?(?:{_LABEL}\.)+[A-Za-z][A-Za-z-]{{0,24}}[A-Za-z])(?![A-Za-z0-9_@-])"
    rf"(?::(?P<port>\d{{1,5}}(?:-\d{{1,5}})?)(?!\d))?(?P<path>/[^\s`'\"|,)]*)?"
)
_ADDRESS = re.compile(
    r"(?<![\w./-])(?:(?:\d{1,3}\.){3}\d{1,3}(?:/\d{1,2})?|\d{1,3}(?:\.\d{1,3}){0,2}(?:\.[xX*]){1,3})(?![\w.]*\w)"
)
"""An address, a range, or ``10.x.x.x`` as pages write a range of whole bytes."""
_TAG = re.compile(
    rf"(?<![\w.@/<{{-])(?P<tag>[A-Z][A-Za-z0-9]*(?:\.(?:[A-Za-z][A-Za-z0-9]*|{_HOLE}))?)"
    rf"(?::(?P<port>\d{{1,5}}))?(?![\w/@-])(?!\.\w)"
)
_ANYWHERE = re.compile(r"(?<![\w.*:])\*:(?P<port>\d{1,5}(?:-\d{1,5})?)(?!\d)")
# Endings that are a public suffix as well as a file's extension; a bare two-part name is then a file.
_FILE_ENDINGS: Final = frozenset({"md", "mov", "pl", "ps", "py", "rs", "sh", "so", "zip"})
# RFC 2606 keeps these for documents.
_RESERVED: Final = frozenset({"example", "invalid", "test"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A candidate: ``start`` and ``end`` are offsets in the text it was found in."""

    value: str
    kind: str
    start: int
    end: int
    style: Style
    line: int
    port: str = ""
    scheme: str = ""
    path: str = ""

    @property
    def is_coded(self) -> bool:
        return bool(self.style & Style.CODE)

    @property
    def is_marked(self) -> bool:
        return bool(self.style & (Style.CODE | Style.BOLD))


def is_range(address: str) -> bool:
    """Does the text stand for many addresses (``10.0.0.0/8``, ``10.x.x.x``) and not for one?"""
    return "/" in address or bool(re.search(r"[xX*]", address))


def hosts_in(text: Text) -> list[Name]:
    """Host names and patterns, addresses and ``*:port``, in reading order."""
    found = [*_hosts(text), *_addresses(text), *_anywhere(text)]
    return sorted(found, key=lambda name: name.start)


def tags_in(text: Text) -> list[Name]:
    """Words that are service tags by name (any capitals, perhaps with a region), in reading order."""
    names = (
        _name(text, match, "service_tag", match["tag"], match["port"]) for match in _TAG.finditer(text.plain)
    )
    return [name for name in names if resembles_tag(name.value)]


def marked_tags_in(text: Text, *, is_announced: bool = False) -> list[Name]:
    """Marked words with the shape of a tag, known or not: with a region, or any if the text announces tags."""
    found = []
    for start, span in text.placed():
        match = _TAG.fullmatch(span.text.strip())
        if not match or not span.style & (Style.CODE | Style.BOLD):
            continue
        if is_announced or re.search(r"\.(?:<|\{|\[|region$)", match["tag"], re.IGNORECASE):
            name = _name(text, match, "service_tag", match["tag"], match["port"])
            end = start + len(span.text)
            found.append(replace(name, start=start, end=end, style=span.style, line=span.line))
    return found


def _hosts(text: Text) -> Iterator[Name]:
    for match in _HOST.finditer(text.plain):
        name = _name(text, match, "fqdn", match["host"], match["port"])
        if _is_host(match["host"], name, bool(match["scheme"])):
            yield _located(name, match)


def _located(name: Name, match: re.Match[str]) -> Name:
    return replace(name, scheme=(match["scheme"] or "").lower(), path=match["path"] or "")


def _addresses(text: Text) -> Iterator[Name]:
    for match in _ADDRESS.finditer(text.plain):
        parts = match[0].partition("/")[0].split(".")
        if len(parts) == 4 and all(not part.isdigit() or int(part) < 256 for part in parts):
            yield _name(text, match, "ip_range", match[0], None)


def _anywhere(text: Text) -> Iterator[Name]:
    for match in _ANYWHERE.finditer(text.plain):
        yield _name(text, match, "any_destination", "*", match["port"])


def _name(text: Text, match: re.Match[str], kind: str, value: str, port: str | None) -> Name:
    first = text.at(match.start())
    return Name(
        value=value,
        kind=kind,
        start=match.start(),
        end=match.end(),
        style=first.style,
        line=first.line,
        port=port or "",
    )


def _is_host(host: str, name: Name, has_scheme: bool) -> bool:
    labels = host.lstrip(".").split(".")
    ending = labels[-1].lower()
    if not _is_known_ending(ending):
        return False
    if _is_code(labels) and not has_scheme:
        return False
    if ending in _FILE_ENDINGS and len(labels) == 2 and not has_scheme:
        return False
    return bool(name.style & (Style.CODE | Style.BOLD)) or has_scheme or _is_lower(host)


def _is_code(labels: list[str]) -> bool:
    """``Microsoft.App``, ``ASP.NET``, ``spec.activeDirectory.name``: names in code, not of hosts."""
    bare = [re.sub(_HOLE, "", label) for label in labels]
    return all(label[:1].isupper() for label in bare) or any(
        re.search(r"[a-z][A-Z]", label) for label in bare
    )


def _is_lower(host: str) -> bool:
    """Hosts without code marks are written in lower case, whatever their placeholders look like."""
    bare = re.sub(_HOLE, "", host)
    return bare == bare.lower() or bare.rpartition(".")[0] == bare.rpartition(".")[0].lower()


@lru_cache(maxsize=1)
def _suffixes() -> Any:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(accept_unknown=False, only_icann=True)


@lru_cache(maxsize=2048)
def _is_known_ending(ending: str) -> bool:
    return ending in _RESERVED or _suffixes().publicsuffix(ending) is not None
