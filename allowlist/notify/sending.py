"""Deliver news once per channel: what a channel was told stands in the ledger, and only there.

A channel that fails never fails the run; it is told the same again by the next one. Nothing in the ledger says where
a channel leads: it is known by the name of the variable, or by the address that stands in the workload file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from allowlist.errors import AllowlistError
from allowlist.notify.events import Event
from allowlist.observe.logs import LOG
from allowlist.store import Ledger

LEASE = dt.timedelta(minutes=2)
_TOLD = "told"


class ChannelFailed(AllowlistError):
    """A message could not be delivered; the text says why and never where to."""


class Sender(Protocol):
    """One channel. Raises ChannelFailed."""

    def send(self, events: Sequence[Event], run: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Where news of some workloads goes. ``name`` tells it apart; ``wants`` maps workloads to event kinds, all if empty."""

    name: str
    kind: str
    sender: Sender
    wants: Mapping[str, frozenset[str]]

    def takes(self, event: Event) -> bool:
        kinds = self.wants.get(event.workload)
        return kinds is not None and (not kinds or event.kind in kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How it went with one channel: how many events it was told, or why it was not."""

    channel: str
    kind: str
    told: int = 0
    error: str = ""


def deliver(
    events: Iterable[Event], channels: Iterable[Channel], ledger: Ledger, who: str, run: str
) -> tuple[Delivery, ...]:
    """Tell every channel what it does not know yet, in one message each; silent channels are not in the answer."""
    known = list(events)
    found = (_deliver_to(channel, known, ledger, who, run) for channel in channels)
    return tuple(item for item in found if item.told or item.error)


def _deliver_to(channel: Channel, events: Sequence[Event], ledger: Ledger, who: str, run: str) -> Delivery:
    mine = [event for event in events if channel.takes(event)]
    try:
        if not _unlike_before(channel, mine, ledger):
            return Delivery(channel=channel.name, kind=channel.kind)
        # Two runs side by side tell it once: the second looks again when the first has told it.
        with ledger.lock(f"notify {channel.name}", owner=who, lease=LEASE, wait=LEASE):
            found = _unlike_before(channel, mine, ledger)
            told = [event.since(before) for event, before in found if event.parts - before]
            if told:
                channel.sender.send(told, run)
            for event, _ in found:
                body = {"parts": sorted(event.parts)}
                ledger.note(_TOLD, _note_key(channel, event), event.meaning, body)
        return Delivery(channel=channel.name, kind=channel.kind, told=len(told))
    except AllowlistError as error:
        return Delivery(
            channel=channel.name, kind=channel.kind, error=LOG.clean(str(error).split("\n", 1)[0])
        )


def _unlike_before(
    channel: Channel, events: Sequence[Event], ledger: Ledger
) -> list[tuple[Event, frozenset[str]]]:
    """Events whose parts differ from what the channel knows, with what it knows; one per subject and kind."""
    notes = ledger.latest_notes(_TOLD, f"{channel.name} ") if events else {}
    known = {key: frozenset(note.body["parts"]) for key, note in notes.items()}
    latest = {event.key: event for event in events}
    found = [(event, known.get(_note_key(channel, event), frozenset())) for event in latest.values()]
    whole = [(event.beside(before), before) for event, before in found]
    return [(event, before) for event, before in whole if event.parts != before]


def _note_key(channel: Channel, event: Event) -> str:
    return f"{channel.name} {event.key}"
