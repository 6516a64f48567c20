"""Keys one after the other: each finds the screen that the one before it left, also when both arrive in one packet.

Textual hands a key to what has the focus when the key arrives. A browser, a slow line or a quick hand delivers several at
once, and those behind the one that opens a dialog would go to what lies below it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any

from textual import events
from textual.app import App, ScreenStackError
from textual.dom import DOMNode
from textual.message_pump import MessagePump

from allowlist_tui.slow import DECIDING

AT_ONCE = frozenset({"ctrl+q", "ctrl+c"})
"""Whoever leaves or interrupts waits for nothing."""

_CALM_ROUNDS = 2
"""What a key sets off travels by messages: a round that changed nothing may still have set off the next."""
_LOOK_SECONDS = 0.05
"""How often to see whether a widget that was asked still stands there; nobody waits for that who is answered."""


class KeyLine:
    """Holds keys back until everything that the key before them set off has happened."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._waiting: deque[events.Event] = deque()
        self._let_go: events.Event | None = None
        self._task: asyncio.Task[None] | None = None

    def holds(self, event: events.Event) -> bool:
        """Whether the event waits its turn; if so it comes again, by itself."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded or event is self._let_go:
            return False
        if isinstance(event, events.Key) and event.key in AT_ONCE:
            return False
        self._waiting.append(event)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._hand_out())
        return True

    async def rest(self) -> None:
        """Until no key waits and what the last one set off has happened."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _hand_out(self) -> None:
        while self._waiting:
            self._let_go = self._waiting.popleft()
            self._app.post_message(self._let_go)
            await self._settled()

    async def _settled(self) -> None:
        """Until the same thing has had the focus for some rounds, on the same screen, and no decision is being written."""
        calm, before = 0, self._front()
        while calm < _CALM_ROUNDS and self._app.is_running:
            await self._round()
            await self._decided()
            now = self._front()
            calm, before = calm + 1 if now is before else 0, now

    def _front(self) -> DOMNode:
        """What gets the next key."""
        with suppress(ScreenStackError):
            return self._app.screen.focused or self._app.screen
        return self._app

    async def _round(self) -> None:
        """Let everybody from the focus up to the app deal with what is queued there; a new screen is mounted by then."""
        for node in (self._app, *self._front().ancestors_with_self):
            await _turn_of(node)

    async def _decided(self) -> None:
        """A key behind a decision sees what was decided."""
        for worker in tuple(self._app.workers):
            if worker.group == DECIDING and not worker.is_finished:
                with suppress(Exception):
                    await worker.wait()


class _Turn:
    """The moment a widget has dealt with what it was sent so far."""

    def __init__(self) -> None:
        self.came = asyncio.get_running_loop().create_future()

    def comes(self) -> None:
        if not self.came.done():
            self.came.set_result(None)


async def _turn_of(pump: MessagePump) -> None:
    """Wait until a widget has dealt with what it was sent so far, or is gone, or the app has ended and nobody answers."""
    turn = _Turn()
    # call_later would wrap what it calls, and Textual inspect the wrapping anew at every key.
    if not pump.post_message(events.Callback(turn.comes)):
        return
    while not turn.came.done() and pump.app.is_running and (pump.is_running or pump.is_attached):
        await asyncio.wait({turn.came}, timeout=_LOOK_SECONDS)
