"""The activity log: who wrote what and when, shown some minutes later as in Azure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

RETENTION = 90 * 86_400.0
"""Seconds events are kept (documented: 90 days)."""


SOMEBODY_ELSE = "operator@example.com"
"""Who edits behind a client's back unless a name is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One write as a log entry; ``status`` is the HTTP status it was answered with."""

    number: str
    at: float
    caller: str
    action: str
    resource: str
    subscription: str
    tenant: str
    correlation: str
    method: str = ""
    status: int = 200


@dataclass(slots=True)
class ActivityLog:
    """Everything that was written, oldest first. ``lag`` is how many seconds an event takes to show."""

    clock: Callable[[], float]
    lag: float = 0.0
    events: list[Event] = field(default_factory=list)

    def add(self, event: Event) -> None:
        self.events.append(event)

    def shown(self) -> Iterator[Event]:
        """Newest first, those that have shown up by now."""
        newest = self.clock() - self.lag
        return (each for each in reversed(self.events) if each.at <= newest)
