"""The files of one configuration: which is read first, and which ones it includes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

from allowlist.filters.imported import Imported, Place, TroubleKind

__all__ = ["MOST_INCLUDES", "Texts"]

MOST_INCLUDES: Final = 200
"""How deep and how often files are included; more is a ring."""


class Texts:
    """Texts by file name; a path in a configuration stands for the files that end like it."""

    def __init__(self, files: Mapping[str, str], reference: str, mains: Iterable[str] = ()) -> None:
        """``reference`` finds a path, as its first group, wherever a file names another one."""
        self.files = dict(files)
        self._reference = re.compile(reference, re.MULTILINE)
        self._mains = tuple(mains)
        self._read = 0

    def named(self, path: str) -> list[str]:
        """The files a path stands for, a glob included; as many trailing parts as possible have to agree."""
        parts = path.strip("\"'").strip("/").split("/")
        for size in range(len(parts), 0, -1):
            tail = "/".join(parts[-size:])
            found = [name for name in self.files if fnmatchcase("/".join(name.split("/")[-size:]), tail)]
            if found:
                return sorted(found)
        return []

    def roots(self, found: Imported) -> list[str]:
        """The files that are read first: the engine's main file, else every file that no other names."""
        named = {
            name
            for file, text in self.files.items()
            for path in self._reference.findall(text)
            for name in self.named(path)
            if name != file
        }
        mains = [name for name in self.files if name.rpartition("/")[2] in self._mains and name not in named]
        if not mains:
            return sorted(self.files.keys() - named) or sorted(self.files)
        for name in sorted(self.files.keys() - named - set(mains)):
            found.tell(TroubleKind.UNREAD, Place(name, name), f"{', '.join(mains)} does not include it")
        return sorted(mains)

    def included(self, path: str, place: Place, found: Imported) -> Iterator[tuple[str, str]]:
        """(name, text) of the files that a statement includes; one that is not here makes what follows unknown."""
        names = self.named(path)
        self._read += len(names)
        if not names and not any(sign in path for sign in "*?["):
            found.unknown(place, f"names {path}, which was not given", TroubleKind.UNREAD)
        elif self._read > MOST_INCLUDES:
            found.unknown(place, "includes files in a ring, or too many", TroubleKind.UNREAD)
            return
        for name in names:
            yield name, self.files[name]
