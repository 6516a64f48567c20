"""What a scheduled run says afterwards: one small value per target, and the worst of them as exit code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from allowlist.errors import AllowlistError
from allowlist.plan.model import Concern, Gap
from allowlist.workflow.denied import DeniedName

State = Literal["in sync", "pending", "applied", "rolled back", "failed"]

SHOWN_LINES = 12

NOT_KNOWN = "not known"

LOGS: Final = "traffic logs"
"""In place of a target, where the logs of all of them are meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One rule of ours that somebody else changed: ``who`` and ``at`` (ISO 8601) as far as the activity log tells."""

    rule: str
    what: Literal["removed", "changed", "added"]
    who: str = NOT_KNOWN
    at: str = ""

    def __str__(self) -> str:
        return f"{self.rule} was {self.what} by {self.who}" + (f" at {self.at}" if self.at else "")


# The one that needs somebody most comes last.
_WORSE: Final = (0, 2, 5, 3, 4, 6, 1, 7, 130)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one target of one workload fared. ``lines`` is bounded; ``meaning`` tells two different plans apart.

    ``missing`` counts requirements that are not covered after the run, ``waiting`` changes nobody has let through
    yet, ``gaps`` requirements no change can satisfy, ``concerns`` what else is not as it should be. ``code`` is the exit code this target asks for.
    """

    workload: str
    target: str
    state: State
    code: int = 0
    text: str = ""
    hint: str = ""
    applied: int = 0
    waiting: int = 0
    gaps: int = 0
    missing: int = 0
    concerns: int = 0
    plan_id: str = ""
    run_id: str = ""
    meaning: str = ""
    drift: tuple[Drift, ...] = ()
    lines: tuple[str, ...] = ()
    unmet: tuple[str, ...] = ()
    """The first of the gaps, each in one line."""
    denied: tuple[DeniedName, ...] = ()
    """What logs say was denied at any target of the workload, with what is known of it; only of ``LOGS``."""
    denied_in_part: bool = False
    """Were there targets that could not be looked at? Then what is not among ``denied`` may be denied all the same."""
    seconds: float = 0.0

    @property
    def key(self) -> str:
        return f"{self.workload}/{self.target}"


def failed(workload: str, target: str, error: AllowlistError) -> Outcome:
    """The outcome of a target whose pass ended in ``error``."""
    return Outcome(
        workload=workload,
        target=target,
        state="failed",
        code=error.exit_code,
        text=str(error),
        hint=error.hint,
    )


def not_reached(workload: str, target: str) -> Outcome:
    """The outcome of a target whose turn never came because the run was asked to stop."""
    return Outcome(
        workload=workload, target=target, state="failed", code=130, text="stopped before it was its turn"
    )


def worst(codes: Iterable[int]) -> int:
    """The exit code that needs somebody most; 0 for none."""
    return max(codes, key=_WORSE.index, default=0)


def bounded(lines: Iterable[str], limit: int = SHOWN_LINES) -> tuple[str, ...]:
    """The first lines, and how many more there are."""
    found = list(lines)
    if len(found) <= limit:
        return tuple(found)
    return (*found[:limit], f"… and {len(found) - limit} more")


def concern_text(concern: Concern) -> str:
    """What besides requirements is not as it should be, in one line."""
    return f"{concern.status} {concern.subject}: {concern.text}"


def gap_text(gap: Gap) -> str:
    """A requirement that no change can satisfy, in one line."""
    ref = gap.requirement
    return f"gap {ref.pattern} {ref.protocol}:{ref.ports}: {gap.cause}"
