"""What every format offers: write lists for an engine, and read such files back as the engine would.

A format says which shapes it can write exactly (``says``), and for the others the next wider shape it could write
(``widens``). Nothing wider is ever written unless it was asked for, and then it is listed with a witness.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from textwrap import wrap
from typing import Final, Protocol

from allowlist.filters.lists import Kind, Lists, Service
from allowlist.filters.reading import Form, Reading
from allowlist.names import NameSet, Pattern

__all__ = [
    "ALL_KINDS",
    "Files",
    "Format",
    "Imported",
    "Trouble",
    "TroubleKind",
    "comment_lines",
    "commented",
    "gather",
    "names_in",
    "union",
    "who_lines",
]

Files = Mapping[str, str]
"""Text by file name."""

ALL_KINDS: Final = frozenset(Kind)


class TroubleKind(StrEnum):
    """What is wrong with an entry that was read: each is a finding of its own."""

    FATAL = "does not load"
    DEAD = "never matches"
    OPAQUE = "cannot be said as names"
    CONFLICT = "conflicts with another entry"


@dataclass(frozen=True, slots=True)
class Trouble:
    kind: TroubleKind
    file: str
    line: int
    entry: str
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: '{self.entry}' {self.kind}: {self.why}"


_TROUBLES: Final = {
    Form.FATAL: TroubleKind.FATAL,
    Form.DEAD: TroubleKind.DEAD,
    Form.OPAQUE: TroubleKind.OPAQUE,
}


@dataclass(slots=True)
class Imported:
    """What files let through, by service, and the entries that are not what they seem."""

    troubles: list[Trouble] = field(default_factory=list)
    entries: dict[Service, list[tuple[str, str, int]]] = field(default_factory=dict)
    """(entry as written, file, line) by service: what ``explain`` names as the deciding entry."""
    _parts: dict[Service, list[NameSet]] = field(default_factory=dict)

    def add(self, service: Service, entry: str, reading: Reading, file: str, line: int) -> None:
        """One entry that lets its names through."""
        self.add_trouble(entry, reading, file, line)
        if reading.names:
            self.entries.setdefault(service, []).append((entry, file, line))
            self.allow(service, reading.names)

    def add_trouble(self, entry: str, reading: Reading, file: str, line: int) -> None:
        """The finding of an entry that is dead, fatal or opaque; nothing for one that means what it says."""
        if reading.form in _TROUBLES:
            self.troubles.append(Trouble(_TROUBLES[reading.form], file, line, entry, reading.why))

    def allow(self, service: Service, names: NameSet) -> None:
        self._parts.setdefault(service, []).append(names)

    def close(self, service: Service, names: NameSet) -> None:
        """Take ``names`` away from what was let through so far."""
        self._parts[service] = [union(self._parts.get(service, ())) - names]

    @property
    def allowed(self) -> dict[Service, NameSet]:
        return {service: union(parts) for service, parts in self._parts.items()}

    @property
    def loads(self) -> bool:
        return not any(item.kind in (TroubleKind.FATAL, TroubleKind.CONFLICT) for item in self.troubles)


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


def union(sets: Iterable[NameSet]) -> NameSet:
    """All of them as one; those without holes are joined in one step, since each union looks at all of a set."""
    plain: list[Pattern] = []
    holed: list[NameSet] = []
    for names in sets:
        patterns = names.patterns()
        if patterns is None:
            holed.append(names)
        else:
            plain.extend(patterns)
    return reduce(operator.or_, holed, NameSet(plain))


def comment_lines(title: str, mark: str = "#") -> list[str]:
    return [
        f"{mark} {title}",
        f"{mark} Written by allowlist export; change the workload or its catalogs, not this file.",
    ]


_COMMENT_WIDTH: Final = 110
"""dnsmasq 2.90 takes the rest of a comment beyond 1,024 octets for an option, so comments are folded everywhere."""


def who_lines(origins: tuple[str, ...], mark: str = "#", indent: str = "") -> list[str]:
    """Comment lines that say who wants the entry below them."""
    return [f"{indent}{mark} {line}" for line in wrap(", ".join(origins), _COMMENT_WIDTH)]


def commented(title: str, entries: Iterable[tuple[str, tuple[str, ...]]], mark: str = "#") -> str:
    """A list file: each entry below a comment that says who wants it."""
    lines = comment_lines(title, mark)
    for entry, origins in entries:
        lines += [*who_lines(origins, mark), entry]
    return "\n".join([*lines, ""])


def gather(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """(line number, text) without comments and blank lines."""
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if text:
            yield number, text
