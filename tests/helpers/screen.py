"""Drives the review screen as a person would, without a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

from allowlist.workflow.review import Review
from allowlist.workflow.review_session import ReviewSession
from allowlist_tui.app import ReviewApp
from allowlist_tui.look import text_of
from allowlist_tui.panes.review import ReviewPane
from allowlist_tui.screens.main import MainScreen
from allowlist_tui.widgets.changes import ChangeTable
from allowlist_tui.widgets.outline import Outline
from allowlist_tui.widgets.why_pane import WhyPane

Size = tuple[int, int]
WIDE: Size = (200, 50)
SMALL: Size = (80, 24)


class ListeningApp(ReviewApp):
    """Keeps what was said in passing: on a busy machine a message is gone from the screen before somebody looks."""

    def __init__(self, session: ReviewSession, settings: Path | None = None) -> None:
        super().__init__(session, settings)
        self.said: list[str] = []

    def notify(self, message: str, **options: Any) -> None:
        self.said.append(message)
        super().notify(message, **options)


class Person:
    """Hands and eyes: presses keys, waits until the screen rests, reads."""

    def __init__(self, app: ListeningApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys that arrive together, as they come through a browser or over a slow line; then wait."""
        for key in keys:
            name = _character_to_key(key) if len(key) == 1 else key
            character = " " if name == "space" else key if len(key) == 1 else None
            self.app.post_message(events.Key(name, character))
        await self.rest()

    async def type(self, text: str) -> None:
        """Type a text."""
        await self.press(*text)

    async def rest(self) -> None:
        """Until no key waits, no worker is busy and no timer of a pane is due."""
        for _ in range(2):
            await self.app.keys.rest()
            await self.pilot.pause(0.045)
            await asyncio.gather(
                *(worker.wait() for worker in self.app.workers if worker.group != "run"),
                return_exceptions=True,
            )
        await self.pilot.pause()

    async def until(self, holds: Callable[[], Any], seconds: float = 20) -> None:
        for _ in range(int(seconds / 0.05)):
            if holds():
                return
            await self.pilot.pause(0.05)
        raise AssertionError(f"that never came true; the screen said:\n{self.screen_text}")

    # what is seen

    @property
    def main(self) -> MainScreen:
        found = self.app.screen_stack[0]
        assert isinstance(found, MainScreen)
        return found

    @property
    def review(self) -> Review:
        assert self.main.review is not None
        return self.main.review

    @property
    def pane(self) -> ReviewPane:
        return self.main.query_one(ReviewPane)

    @property
    def table(self) -> ChangeTable:
        return self.main.query_one(ChangeTable)

    @property
    def outline(self) -> Outline:
        return self.main.query_one(Outline)

    @property
    def why(self) -> str:
        return text_of(self.pane.query_one(WhyPane).lines)

    @property
    def screen_text(self) -> str:
        return self.app.screen_text()

    @property
    def toasts(self) -> str:
        """Everything that was said in passing."""
        return "\n".join(self.app.said)

    def state(self, change_id: str) -> str:
        return self.review.state(change_id).value


Script = Callable[[Person], Awaitable[None]]


def drive(
    session: ReviewSession,
    script: Script,
    *,
    size: Size = WIDE,
    settings: Path | None = None,
    opens: bool = True,
) -> None:
    """Run ``script`` on the app; with ``opens`` a plan is open before it begins."""

    async def run() -> None:
        app = ListeningApp(session, settings)
        async with app.run_test(size=size, notifications=True) as pilot:
            person = Person(app, pilot)
            if opens:
                await person.until(lambda: person.main.review is not None, 120)
            await person.rest()
            await script(person)

    try:
        asyncio.run(run())
    finally:
        session.close()
