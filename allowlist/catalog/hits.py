"""When each name was last let through, by one's own logs: what makes old evidence fresh again."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from datetime import date
from typing import Final

from allowlist.catalog.model import Entry

_AFTER_ALL: Final = "\U0010ffff"


class Hits:
    """Names with port and day, looked up by the entries that would have let them through."""

    def __init__(self, rows: Iterable[tuple[str, int, date]] = ()) -> None:
        self._rows = sorted((name.lower()[::-1], port, day) for name, port, day in rows)
        """By the name read backwards, so that everything below a domain stands together."""

    def last(self, entry: Entry) -> date | None:
        """The last day on which a name and a port of ``entry`` were let through; None where the logs show none.

        A parameter stands for any value. A hit says nothing for a name that is better refused, or dead.
        """
        if not entry.pattern or entry.refuse or entry.dead_since or not entry.is_egress:
            return None
        rows = self._under(open_pattern(entry.pattern.lower()))
        days = [day for _, port, day in rows if any(one.first <= port <= one.last for one in entry.ports)]
        return max(days, default=None)

    def _under(self, pattern: str) -> list[tuple[str, int, date]]:
        suffix = pattern.removeprefix("*")[::-1]
        if not suffix:
            return []  # an entry whose whole name is a parameter would take every name for its own
        end = _AFTER_ALL if pattern.startswith("*") else "\0"
        return self._rows[bisect_left(self._rows, (suffix,)) : bisect_left(self._rows, (suffix + end,))]


def open_pattern(pattern: str) -> str:
    """A pattern with a parameter stands for every value of it: what is after the last one counts."""
    return "*" + pattern.rpartition("}")[2] if "{" in pattern else pattern
