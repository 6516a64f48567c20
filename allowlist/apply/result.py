"""How a run ended, change by change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Fate = Literal["done", "not done", "unknown"]


@dataclass(slots=True)
class RunResult:
    """``fates`` maps change ids to done, not done or unknown; ``error`` says what stopped the run, if anything did."""

    run_id: str
    fates: dict[str, Fate] = field(default_factory=dict)
    error: str = ""
    stale: bool = False
    interrupted: bool = False
    converged: bool | None = None

    @property
    def is_complete(self) -> bool:
        return not self.error and all(fate == "done" for fate in self.fates.values())

    @property
    def wrote_something(self) -> bool:
        return any(fate != "not done" for fate in self.fates.values())

    def count(self, fate: Fate) -> int:
        return sum(found == fate for found in self.fates.values())

    def summary(self) -> str:
        parts = [f"{self.count(fate)} {fate}" for fate in ("done", "not done", "unknown") if self.count(fate)]
        return ", ".join(parts) or "nothing to do"
