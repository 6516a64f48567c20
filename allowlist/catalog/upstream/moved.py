"""Where a page went: the redirection files of a documentation repository name the new place of each old one."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from allowlist.catalog.upstream.pages import PageRef, PageSource
from allowlist.errors import CatalogError

_LISTED_IN: Final = ".openpublishing.publish.config.json"
"""Learn's build configuration lists the redirection files of a repository under ``redirection_files``."""
_USUAL: Final = ".openpublishing.redirection.json"
_MAX_MOVES: Final = 5


def followed(ref: PageRef, source: PageSource) -> PageRef | None:
    """The page that took the place of ``ref`` and can be read; None where no redirection file knows one."""
    moves = _moves(ref.repo, source)
    here = ref
    for _ in range(_MAX_MOVES):
        if here.path not in moves:
            return None
        there = next(_readable(here, moves[here.path], source), None)
        if there is not None:
            return there
        hops = (
            PageRef(here.repo, path) for path in _candidates(here.path, moves[here.path]) if path in moves
        )
        here = next(hops, PageRef(here.repo, ""))
    return None


def _readable(here: PageRef, target: str, source: PageSource) -> Iterator[PageRef]:
    for path in _candidates(here.path, target):
        if (
            path != here.path
            and ".." not in path.split("/")
            and _text(PageRef(here.repo, path), source) is not None
        ):
            yield PageRef(here.repo, path)


def _candidates(old: str, target: str) -> Iterator[str]:
    """Files that an address such as ``/azure/machine-learning/new-page`` can mean, the likeliest first.

    Beside the old page, below the folder all pages stand in, and as a path of the repository.
    """
    plain = target.partition("#")[0].partition("?")[0].removesuffix("/")
    name = plain if plain.endswith(".md") else f"{plain}.md"
    parts = name.lstrip("/").split("/")
    yield name.lstrip("/")
    if not name.startswith("/"):
        yield posixpath.normpath(posixpath.join(posixpath.dirname(old), name))
    top = old.partition("/")[0]
    yield from (posixpath.join(top, *parts[first:]) for first in range(1, len(parts)))
    yield posixpath.join(posixpath.dirname(old), parts[-1])


def _moves(repo: str, source: PageSource) -> dict[str, str]:
    """Old paths with what they redirect to, from every redirection file that can be read."""
    found: dict[str, str] = {}
    for path in _files(repo, source):
        listed = _json(PageRef(repo, path), source)
        rows = listed.get("redirections") if isinstance(listed, dict) else None
        for row in rows if isinstance(rows, list) else ():
            old, new = _row(row)
            if old and new:
                found.setdefault(old, new)
    return found


def _row(row: Any) -> tuple[str, str]:
    if not isinstance(row, dict):
        return "", ""
    old = str(row.get("source_path") or row.get("source_path_from_root") or "").lstrip("/")
    return old, str(row.get("redirect_url") or "")


def _files(repo: str, source: PageSource) -> list[str]:
    config = _json(PageRef(repo, _LISTED_IN), source)
    listed = config.get("redirection_files") if isinstance(config, dict) else None
    named = [str(path) for path in listed] if isinstance(listed, list) else []
    listing = getattr(source, "redirections", None)
    return list(dict.fromkeys([*named, _USUAL, *(listing(repo) if listing else ())]))


def _json(ref: PageRef, source: PageSource) -> Any:
    text = _text(ref, source)
    try:
        return msgspec.json.decode(text.lstrip("\ufeff")) if text is not None else None
    except msgspec.MsgspecError:
        return None


def _text(ref: PageRef, source: PageSource) -> str | None:
    """A file that is too large or cannot be had tells nothing; the page stays "not found"."""
    try:
        found = source.read(ref)
    except CatalogError:
        return None
    return found.text if found is not None else None
