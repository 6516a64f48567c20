"""What earlier runs noted about the targets of one workload."""

from __future__ import annotations

import threading
from typing import Any

from allowlist.store import Entry, Ledger


class Notes:
    """Asked of the ledger once for all targets: nobody else writes notes about them while this pass goes on.

    What this pass notes itself is asked for anew.
    """

    def __init__(self, ledger: Ledger, workload: str) -> None:
        self._ledger = ledger
        self._workload = workload
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, Entry]] = {}
        self._written: set[tuple[str, str]] = set()
        self._left: frozenset[str] | None = None
        self._writing: set[str] = set()

    def latest(self, kind: str, target: str) -> Entry | None:
        """The latest note of a kind about ``target``. Raises AllowlistError."""
        subject = f"{self._workload}/{target}"
        with self._lock:
            if (kind, subject) in self._written:
                return self._ledger.latest_note(kind, subject)
            if kind not in self._known:
                self._known[kind] = self._ledger.latest_notes(kind, f"{self._workload}/")
            return self._known[kind].get(subject)

    def may_be_written(self, target: str) -> bool:
        """Did a run ever leave a target of this name behind? Raises AllowlistError."""
        with self._lock:
            if self._left is None:
                self._left = self._ledger.targets_left()
            return target in self._left or target in self._writing

    def writes(self, target: str) -> None:
        """From now on a run of this pass may have left ``target`` behind."""
        with self._lock:
            self._writing.add(target)

    def note(self, kind: str, target: str, state: str, body: dict[str, Any]) -> None:
        """Raises AllowlistError."""
        subject = f"{self._workload}/{target}"
        with self._lock:
            self._written.add((kind, subject))
        self._ledger.note(kind, subject, state, body)
