"""How a run ended, change by change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from allowlist.plan.model import Plan

Fate = Literal["done", "not done", "unknown"]


@dataclass(slots=True)
class RunResult:
    """``fates`` maps change ids to done, not done or unknown; ``error`` says what stopped the run, if anything did.

    ``afterwards`` is the plan that was made again after a complete run; ``converged`` says that it would not write
    any of that anew. Whether all is as it should be is another question: :attr:`is_settled`.
    """

    run_id: str
    fates: dict[str, Fate] = field(default_factory=dict)
    error: str = ""
    stale: bool = False
    interrupted: bool = False
    converged: bool | None = None
    afterwards: Plan | None = None

    @property
    def is_complete(self) -> bool:
        return not self.error and all(fate == "done" for fate in self.fates.values())

    @property
    def is_settled(self) -> bool:
        """Is every requirement covered and every rule of ours as it should be, by the judgement made after the run?"""
        return bool(self.converged and self.afterwards and self.afterwards.is_settled)

    @property
    def convergence(self) -> bool | None:
        """True where nothing is left to anybody, False where a fresh plan writes again, None for what lies between."""
        return self.is_settled or (None if self.converged else self.converged)

    @property
    def wrote_something(self) -> bool:
        return any(fate != "not done" for fate in self.fates.values())

    def count(self, fate: Fate) -> int:
        return sum(found == fate for found in self.fates.values())

    def summary(self) -> str:
        parts = [f"{self.count(fate)} {fate}" for fate in ("done", "not done", "unknown") if self.count(fate)]
        return ", ".join(parts) or "nothing to do"
