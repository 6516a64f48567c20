"""Time as the simulator sees it: a clock that can be handed in, and how long Azure takes for what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class ManualClock:
    """A clock that moves only when told; for tests that walk stage by stage."""

    seconds: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How real durations become the simulator's: multiplied by ``scale``, never above ``ceiling`` seconds."""

    scale: float = 1.0
    ceiling: float | None = None

    def seconds(self, real: float) -> float:
        scaled = real * self.scale
        return scaled if self.ceiling is None else min(scaled, self.ceiling)


FAST = Timing(scale=0.005, ceiling=0.05)
"""For tests: every operation takes about 0.05 seconds, but it takes some time."""
