"""What every format offers: write lists for an engine, and read such files back as the engine would.

A format says which shapes it can write exactly (``says``), and for the others the next wider shape it could write
(``widens``). Nothing wider is ever written unless it was asked for, and then it is listed with a witness.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from textwrap import wrap
from types import MappingProxyType
from typing import Final, Protocol

from allowlist.filters.imported import Imported, Place, Scope, Trouble, TroubleKind
from allowlist.filters.lists import Kind, Lists, Service

__all__ = [
    "ALL_KINDS",
    "Files",
    "Format",
    "Imported",
    "Place",
    "Scope",
    "Trouble",
    "TroubleKind",
    "WebNames",
    "comment_lines",
    "commented",
    "gather",
    "line_of",
    "names_in",
    "one_line",
    "who_lines",
]

Files = Mapping[str, str]
"""Text by file name."""

_COMMENT: Final = re.compile(r"(?:^|\s)#")
"""A comment begins a line or follows white space; dnsmasq's ``/#/`` and addresses with ``#port`` hold none."""

ALL_KINDS: Final = frozenset(Kind)


class Format(Protocol):
    """One engine's files."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    def sees(self, service: Service) -> Service | None:
        """What the engine can tell apart of ``service``: its port, or names only; None where it sees no names."""
        ...

    @property
    def says(self) -> frozenset[Kind]: ...

    @property
    def widens(self) -> Mapping[Kind, Kind]: ...

    @property
    def reconnects(self) -> bool:
        """Does the engine open connections of its own, so that what follows sees its address?"""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What the format cannot say about the whole list, told with every export."""
        ...

    def write(self, lists: Lists, title: str) -> dict[str, str]:
        """The files; deterministic, each entry with who wants it."""
        ...

    def read(self, files: Files) -> Imported:
        """What the files let through, by the engine's own rules. Raises InvalidInput for text it cannot parse."""
        ...


def names_in(*protocols: str) -> Callable[[Service], Service | None]:
    """For engines that read names out of these protocols, by port."""
    return lambda service: service if service.protocol in protocols else None


class WebNames:
    """What engines share that read names out of HTTPS and HTTP, by port, and say every shape of a list."""

    reconnects = True
    sees = staticmethod(names_in("https", "http"))
    says: frozenset[Kind] = ALL_KINDS
    widens: Mapping[Kind, Kind] = MappingProxyType({})


_ENDS: Final = {'"': "'", "\\": "/", "`": "'"}
"""Of what is printable, what ends a quoted comment or escapes its end."""


def one_line(text: str) -> str:
    """``text`` on one line, without controls, quotation marks or the end of a block comment.

    What others named never becomes a statement of a configuration.

    >>> one_line('a\\nhttp_access allow all "b"')
    "a http_access allow all 'b'"
    """
    shown = (_ENDS.get(item, item if item.isprintable() else " ") for item in text)
    return " ".join("".join(shown).replace("*/", "* /").split())


def comment_lines(title: str, mark: str = "#") -> list[str]:
    return [
        f"{mark} {one_line(title)}",
        f"{mark} Written by allowlist export; change the workload or its catalogs, not this file.",
    ]


_COMMENT_WIDTH: Final = 110
"""dnsmasq 2.90 takes the rest of a comment beyond 1,024 octets for an option, so comments are folded everywhere."""


def who_lines(origins: tuple[str, ...], mark: str = "#", indent: str = "") -> list[str]:
    """Comment lines that say who wants the entry below them."""
    return [f"{indent}{mark} {line}" for line in wrap(one_line(", ".join(origins)), _COMMENT_WIDTH)]


def commented(title: str, entries: Iterable[tuple[str, tuple[str, ...]]], mark: str = "#") -> str:
    """A list file: each entry below a comment that says who wants it."""
    lines = comment_lines(title, mark)
    for entry, origins in entries:
        lines += [*who_lines(origins, mark), entry]
    return "\n".join([*lines, ""])


def gather(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """(line number, text) without comments and blank lines."""
    for number, line in enumerate(lines, 1):
        text = _COMMENT.split(line, maxsplit=1)[0].strip()
        if text:
            yield number, text


def line_of(text: str, entry: str) -> int:
    """The first line on which ``entry`` stands as a text of its own, 0 where it is nowhere as it is."""
    runs, line_ends = _index(text)
    head = _RUN.match(entry)
    if head is None:
        return text.count("\n", 0, text.find(entry)) + 1 if entry and entry in text else 0
    for start in runs.get(head.group(), ()):
        end = start + len(entry)
        if text.startswith(entry, start) and not _RUN.match(text, end):
            return bisect_left(line_ends, start) + 1
    return 0


_RUN: Final = re.compile(r"[\w.*-]+")


@lru_cache(maxsize=4)
def _index(text: str) -> tuple[dict[str, list[int]], list[int]]:
    """Where each run of characters of names begins, and where lines end: files of thousands of entries are asked often."""
    runs: dict[str, list[int]] = {}
    for found in _RUN.finditer(text):
        runs.setdefault(found.group(), []).append(found.start())
    return runs, [found.start() for found in re.finditer("\n", text)]
