"""Tells a person's key strokes from pasted text and from a key that is held down.

Terminals without bracketed paste deliver pasted text as key strokes, all within moments; nobody types that fast.
"""

from __future__ import annotations

from dataclasses import dataclass, field

BURST_SECONDS = 0.012
"""Two different keys closer than this were not typed by hand."""

QUIET_SECONDS = 0.2
"""How long it must be quiet after a burst before keys count again."""

REPEAT_SECONDS = 0.12
"""The same key again within this time is the keyboard's repetition, which comes 20 to 40 times a second."""


@dataclass(slots=True)
class Guard:
    """Judges keys one by one by the moment they came (seconds, monotonic)."""

    _last: float = field(default=float("-inf"))
    _key: str = ""
    _burst_until: float = field(default=float("-inf"))

    def judge(self, key: str, at: float) -> str:
        """``typed``, ``pasted`` or ``repeated``."""
        gap, same = at - self._last, key == self._key
        self._last, self._key = at, key
        if gap < BURST_SECONDS and not same:
            self._burst_until = at + QUIET_SECONDS
            return "pasted"
        if at < self._burst_until:
            self._burst_until = at + QUIET_SECONDS
            return "pasted"
        return "repeated" if same and gap < REPEAT_SECONDS else "typed"

    @property
    def burst_until(self) -> float:
        """No key counts before this moment."""
        return self._burst_until
