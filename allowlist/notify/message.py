"""One message for many events: text for people, JSON for machines, both bounded and without secrets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, Final

from allowlist.documents import digest_of
from allowlist.notify.events import Event
from allowlist.observe.secrets import scrubbed

SCHEMA: Final = "allowlist/notification/v1"

SHOWN_EVENTS = 20
SHOWN_LINES = 8
LONGEST_LINE = 300

_WORDS: Final = {
    "plan-ready": "plan ready",
    "approved": "approved",
    "applied": "applied",
    "rolled-back": "rolled back",
    "drift": "drift",
    "denied": "denied",
    "failed": "FAILED",
    "catalog-update-available": "catalog update available",
    "expiring": "expiring",
}


def message_id(events: Sequence[Event]) -> str:
    """The same for the same news, so that a receiver can drop what it has seen."""
    return digest_of(sorted([event.key, event.meaning] for event in events)).removeprefix("sha256:")[:32]


def title_of(events: Sequence[Event]) -> str:
    """One line: the news itself if there is only one, else how much there is of each kind."""
    if len(events) == 1:
        return _cut(f"allowlist: {_WORDS[events[0].kind]}: {events[0].subject}: {events[0].title}")
    kinds = [event.kind for event in events]
    return "allowlist: " + ", ".join(
        f"{kinds.count(kind)} {_WORDS[kind]}" for kind in _WORDS if kind in kinds
    )


def text_of(events: Sequence[Event]) -> str:
    """Plain text for a chat or a mail, the serious news first."""
    order = [*_WORDS]
    first = sorted(events, key=lambda event: (event.kind != "failed", order.index(event.kind), event.subject))
    lines = [line for event in first[:SHOWN_EVENTS] for line in _event_lines(event)]
    if len(first) > SHOWN_EVENTS:
        lines.append(f"… and {len(first) - SHOWN_EVENTS} more")
    return "\n".join(lines)


def _event_lines(event: Event) -> Iterator[str]:
    yield _cut(f"{_WORDS[event.kind]}: {event.subject}: {event.title}")
    for line in event.lines[:SHOWN_LINES]:
        yield _cut(f"    {line}")
    if len(event.lines) > SHOWN_LINES:
        yield f"    … and {len(event.lines) - SHOWN_LINES} more"
    if event.next:
        yield _cut(f"    next: {event.next}")


def _cut(text: str) -> str:
    cleaned: str = scrubbed(" ".join(text.splitlines()) if "\n" in text else text)
    return cleaned if len(cleaned) <= LONGEST_LINE else cleaned[: LONGEST_LINE - 1] + "…"


def document_of(events: Sequence[Event], run: str, now: dt.datetime) -> dict[str, Any]:
    """``allowlist/notification/v1``."""
    shown = events[: 5 * SHOWN_EVENTS]
    document: dict[str, Any] = scrubbed(
        {
            "schema": SCHEMA,
            "id": message_id(events),
            "run": run,
            "time": now.isoformat(timespec="seconds"),
            "title": title_of(events),
            "events": [_event_json(event) for event in shown],
            "left_out": len(events) - len(shown),
        }
    )
    return document


def _event_json(event: Event) -> dict[str, Any]:
    return {
        "event": event.kind,
        "workload": event.workload,
        "target": event.target or None,
        "title": event.title,
        "lines": list(event.lines[: 3 * SHOWN_LINES]),
        "next": event.next or None,
        "meaning": event.meaning,
    }
