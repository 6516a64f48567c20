"""Serial within a write lock group, parallel across: base and children share firewalls, so one writes at a time."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager


class LockGroups:
    """One lock per group for all threads of a run, and when each was last written, as a count that only grows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._written: dict[str, int] = {}
        self._count = 0

    def moment(self) -> int:
        """Now, to be compared with later writes."""
        with self._lock:
            return self._count

    def was_written_since(self, lock_group: str, moment: int) -> bool:
        with self._lock:
            return self._written.get(lock_group, 0) > moment

    @contextmanager
    def hold(self, lock_groups: Collection[str]) -> Iterator[None]:
        """Nobody else of this run writes to any of ``lock_groups`` meanwhile; leaving counts as a write."""
        with ExitStack() as stack:
            for lock_group in sorted(lock_groups):
                stack.enter_context(self._lock_of(lock_group))
            try:
                yield
            finally:
                self._note(lock_groups)

    def _lock_of(self, lock_group: str) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(lock_group, threading.Lock())

    def _note(self, lock_groups: Collection[str]) -> None:
        with self._lock:
            self._count += 1
            self._written |= dict.fromkeys(lock_groups, self._count)
