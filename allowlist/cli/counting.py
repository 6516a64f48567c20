"""How far long work has come: on a terminal only, with a count and, once it can be told, how much longer it takes."""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType

_EVERY = 0.2
"""Seconds between two looks; work that reports more often is not slowed by it."""
_SILENT = 1.0
"""Seconds before anything is shown: short work needs no word."""


class Progress:
    """Of ``total`` things called ``what``; nothing is written where nobody looks, or where logs are kept."""

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = max(total, 1)
        self._begun = time.monotonic()
        self._next = self._begun + _SILENT
        self._shown = False
        self._is_seen = sys.stderr.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"

    def __enter__(self) -> Progress:
        return self

    def at(self, done: int) -> None:
        """``done`` of them are done."""
        if self._is_seen and (now := time.monotonic()) >= self._next:
            self._next = now + _EVERY
            self._shown = True
            sys.stderr.write(f"\r\x1b[K{progress_text(self._what, done, self._total, now - self._begun)}")
            sys.stderr.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def progress_text(what: str, done: int, total: int, seconds: float) -> str:
    """One line: how many, of how many, and about how much longer.

    >>> progress_text("targets", 25, 100, 10.0)
    '25 of 100 targets, about 30 s left'
    """
    done = min(done, total)
    left = f", about {_duration(seconds / done * (total - done))} left" if done else ""
    return f"{done:,} of {total:,} {what}{left}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
