"""How far long work has come: on a terminal only, with a count and, once it can be told, how much longer it takes."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

_EVERY = 0.2
"""Seconds between two looks; work that reports more often is not slowed by it."""
_SILENT = 1.0
"""Seconds before anything is shown: short work needs no word."""
_FRESH = 0.5
"""Seconds between two looks at where work in steps is."""
_MANY = 20
"""Steps after which the time that is left can be told from those that are done."""


class Progress:
    """Of ``total`` things called ``what``; nothing is written where nobody looks, or where logs are kept."""

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = max(total, 1)
        self._begun = time.monotonic()
        self._next = self._begun + _SILENT
        self._shown = False
        self._is_seen = _is_seen()

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


@contextmanager
def steps_shown() -> Iterator[None]:
    """While work that goes in steps lasts: which one it is at, of how many, kept fresh by a thread."""
    if not _is_seen():
        yield
        return
    from allowlist.workflow import steps

    line = _StepLine()
    with line, steps.listening(line.tell):
        yield


class _StepLine:
    """One line on a terminal that says where the work is; written by a thread of its own, so that work need not."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._at = (0, 0, "")
        self._shown = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep_fresh, daemon=True)

    def tell(self, done: int, total: int, doing: str) -> None:
        self._at = (done, total, doing)

    def __enter__(self) -> _StepLine:
        self._thread.start()
        return self

    def _keep_fresh(self) -> None:
        if self._over.wait(_SILENT):
            return
        while not self._over.wait(_FRESH):
            done, total, doing = self._at
            if total:
                self._shown = True
                text = step_text(done, total, doing, time.monotonic() - self._begun)
                sys.stderr.write(f"\r\x1b[K{text[: _columns()]}")
                sys.stderr.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def step_text(done: int, total: int, doing: str, seconds: float) -> str:
    """One line: which step of how many, what it is about, and since when; how much longer once many are done.

    >>> step_text(2, 4, "hub: proving changes", 7.0)
    'step 3 of 4, hub: proving changes, 7 s so far'
    >>> step_text(200, 400, "spoke-50: what is covered", 30.0)
    'step 201 of 400, spoke-50: what is covered, 30 s so far, about 30 s left'
    """
    left = f", about {_duration(seconds / done * (total - done))} left" if done >= _MANY else ""
    return f"step {min(done + 1, total):,} of {total:,}, {doing}, {_duration(seconds)} so far{left}"


def _is_seen() -> bool:
    """Does a person look at standard error?"""
    return sys.stderr.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"


def _columns() -> int:
    """A line that is wider than the terminal could not be taken back."""
    try:
        return max(os.get_terminal_size(sys.stderr.fileno()).columns - 1, 20)
    except OSError:
        return 79
