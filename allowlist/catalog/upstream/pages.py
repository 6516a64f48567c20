"""Pages of documentation, read with what they include, wherever they come from."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Final, Protocol

from allowlist.catalog.upstream.extract import rows_of
from allowlist.catalog.upstream.page import parse_page
from allowlist.catalog.upstream.row import Row

MAX_PAGE_BYTES: Final = 2 * 1024 * 1024
MAX_INCLUDES: Final = 30
_MAX_DEPTH: Final = 2


@dataclass(frozen=True, slots=True, order=True)
class PageRef:
    """A page of a repository, such as ``MicrosoftDocs/azure-ai-docs`` and ``articles/…/page.md``."""

    repo: str
    path: str

    def __str__(self) -> str:
        return f"{self.repo}:{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """A page as it stood at ``commit`` (empty when nobody said which)."""

    ref: PageRef
    text: str
    commit: str = ""


class PageSource(Protocol):
    """``read`` gives the newest version, or the one at ``commit``; None if it does not have it."""

    def read(self, ref: PageRef, commit: str = "") -> PageText | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A page with its includes, read. ``unread`` are includes that could not be had."""

    ref: PageRef
    commit: str
    rows: tuple[Row, ...]
    includes: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    texts: tuple[PageText, ...] = ()
    """The page and what it includes as they stand, so that a name can be looked for outside of its rows."""

    def names(self, value: str) -> str:
        """Where the page still holds ``value`` in whatever form, as ``path:line``; empty where it does not."""
        wanted = _literal(value)
        if len(wanted) < _LEAST:
            return ""
        whole = re.compile(rf"(?<![\w-]){re.escape(wanted)}(?![\w-]|\.\w)", re.IGNORECASE)
        for text in self.texts:
            for number, line in enumerate(text.text.splitlines(), 1):
                if whole.search(line):
                    return f"{text.ref.path}:{number}"
        return ""


_LEAST: Final = 4
_HOLES: Final = re.compile(r"<[^<>]*>|\{[^{}]*\}|\[[^\[\]]*\]|\*")


def _literal(value: str) -> str:
    """The longest part of a value that stands on every page in the same way."""
    return max((part.strip(".-") for part in _HOLES.split(value)), key=len, default="")


def read_page(ref: PageRef, source: PageSource, commit: str = "") -> Reading | None:
    """Read a page and what it includes. None if the source does not have the page."""
    found = source.read(ref, commit)
    if found is None:
        return None
    rows: list[Row] = []
    includes: list[str] = []
    unread: list[str] = []
    texts: list[PageText] = []
    waiting = [(found, 0)]
    while waiting and len(includes) <= MAX_INCLUDES:
        text, depth = waiting.pop(0)
        page = parse_page(text.text, text.ref.path)
        texts.append(text)
        rows += rows_of(page)
        for target in page.includes:
            path = _target(text.ref.path, target)
            if not path and not target.startswith(("http:", "https:")) and target.strip():
                path = target.partition("#")[0].partition("?")[0]  # of another repository, or above this one
                if path not in includes:
                    includes.append(path)
                    unread.append(path)
                continue
            if not path or path in includes:
                continue
            includes.append(path)
            part = source.read(PageRef(ref.repo, path), commit) if depth < _MAX_DEPTH else None
            if part is None:
                unread.append(path)
            else:
                waiting.append((part, depth + 1))
    return Reading(
        ref=ref,
        commit=found.commit,
        rows=tuple(rows),
        includes=tuple(includes),
        unread=tuple(unread),
        texts=tuple(texts),
    )


def _target(page: str, target: str) -> str:
    """The path an include names, seen from the root of the repository; empty for one outside of it."""
    plain = target.partition("#")[0].partition("?")[0]
    if plain.startswith(("~", "http:", "https:")) or not plain:
        return ""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), plain.lstrip("/") or plain))
    return "" if path.startswith("..") else path
