"""Serial within a policy family, parallel across: base and children share firewalls, so one writes at a time."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager


class Families:
    """One lock per family for all threads of a run, and when each was last written, as a count that only grows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._written: dict[str, int] = {}
        self._count = 0

    def moment(self) -> int:
        """Now, to be compared with later writes."""
        with self._lock:
            return self._count

    def was_written_since(self, family: str, moment: int) -> bool:
        with self._lock:
            return self._written.get(family, 0) > moment

    @contextmanager
    def hold(self, families: Collection[str]) -> Iterator[None]:
        """Nobody else of this run writes to any of ``families`` meanwhile; leaving counts as a write."""
        with ExitStack() as stack:
            for family in sorted(families):
                stack.enter_context(self._lock_of(family))
            try:
                yield
            finally:
                self._note(families)

    def _lock_of(self, family: str) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(family, threading.Lock())

    def _note(self, families: Collection[str]) -> None:
        with self._lock:
            self._count += 1
            self._written |= dict.fromkeys(families, self._count)
