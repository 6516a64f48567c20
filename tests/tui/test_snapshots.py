"""What every state of the screen looks like, in a small and in a wide terminal.

After a change that is meant: python -m pytest tests/tui/test_snapshots.py --snapshot-update, and look at the pictures.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from allowlist.apply.events import ProgressEvent
from allowlist.apply.result import RunResult
from allowlist_tui.screens.applying import RunScreen, StepView
from allowlist_tui.screens.dialogs import Typed
from tests.helpers.review_plan import review_plan
from tests.helpers.screen import ListeningApp, Person
from tests.helpers.sessions import NOON, offline_session
from tests.helpers.shared import REPOSITORY

PINNED = re.search(
    r"^textual==(\S+)", (REPOSITORY / "requirements" / "dev.txt").read_text("utf-8"), re.MULTILINE
)
pytestmark = [
    pytest.mark.skipif(
        PINNED is None or PINNED[1] != version("textual"),
        reason="the pictures are of the release of textual that requirements/dev.txt pins; another one draws in its own way",
    ),
]
SIZES = {"small": (80, 24), "middle": (120, 40), "wide": (200, 50)}
small_and_wide = pytest.mark.parametrize("size", [SIZES["small"], SIZES["wide"]], ids=["small", "wide"])
every_size = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
Look = Callable[[tuple[int, int], Callable[[Person], Awaitable[None]]], None]


@pytest.fixture
def look(snap_compare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """Compares the screen after a script with the picture taken before."""
    monkeypatch.delenv("NO_COLOR")

    def compare(size: tuple[int, int], script: Callable[[Person], Awaitable[None]]) -> None:
        session = offline_session(tmp_path, review_plan())
        app = ListeningApp(session)

        async def before(pilot: Pilot[None]) -> None:
            person = Person(app, pilot)
            await person.until(lambda: person.main.review is not None)
            await person.rest()
            await script(person)
            app.clear_notifications()
            for box in [found for screen in app.screen_stack for found in screen.query(Input)]:
                box.cursor_blink = False
            await person.rest()

        try:
            assert snap_compare(app, terminal_size=size, run_before=before)
        finally:
            session.close()

    return compare


@every_size
def test_review(look: Look, size: tuple[int, int]) -> None:
    async def script(person: Person) -> None:
        await person.press("down", "down", "down", "down")

    look(size, script)


@small_and_wide
def test_every_state(look: Look, size: tuple[int, int]) -> None:
    async def script(person: Person) -> None:
        changes = person.review.plan.changes
        person.review.approve([changes[0].id])
        person.review.reject([changes[1].id], "too wide")
        person.review.defer([changes[2].id], NOON + timedelta(days=7), "ask")
        person.review.approve([changes[3].id])
        person.pane._repaint()
        await person.press("v", "down", "down")

    look(size, script)


@every_size
def test_filter(look: Look, size: tuple[int, int]) -> None:
    async def script(person: Person) -> None:
        await person.press("slash", *"risk:low")

    look(size, script)


@small_and_wide
def test_count_before_bulk(look: Look, size: tuple[int, int]) -> None:
    async def script(person: Person) -> None:
        await person.press("slash", *"risk:low", "enter", "v", "end", "space")

    look(size, script)


@small_and_wide
def test_question(look: Look, size: tuple[int, int]) -> None:
    async def script(person: Person) -> None:
        await person.press("s", "enter", *"x", "enter", "ctrl+u", "enter")

    look(size, script)


@every_size
def test_confirmation(look: Look, size: tuple[int, int]) -> None:
    async def script(person: Person) -> None:
        lines = ((("2 approved changes are written", "title"),),)
        person.app.push_screen(Typed("apply to hub", lines, "hub", "Apply"))
        await person.press(*"hub")

    look(size, script)


@small_and_wide
def test_help(look: Look, size: tuple[int, int]) -> None:
    async def script(person: Person) -> None:
        await person.press("question_mark")

    look(size, script)


@small_and_wide
def test_nothing_to_explore(look: Look, size: tuple[int, int]) -> None:
    async def script(person: Person) -> None:
        await person.press("2")
        await person.rest()

    look(size, script)


class _Running(RunScreen):
    """A run that waits for the end of the test."""

    def __init__(self, person: Person, end: threading.Event) -> None:
        session = person.main.session
        steps = (
            StepView(target="hub", step="rcg-ours", changes=person.review.plan.changes[:3], expected=4),
            StepView(target="spoke", step="rcg-ours", expected=5),
        )
        super().__init__(session, "applying chat-prod", steps)
        self._end = end

    def work(self) -> RunResult:
        self._end.wait(60)
        return RunResult("20261124-120000-abcdef")


def _event(target: str, state: str, text: str = "") -> ProgressEvent:
    return ProgressEvent(target=target, step="rcg-ours", state=state, text=text or f"rcg-ours: {state}")


@small_and_wide
def test_a_run_while_it_happens(look: Look, size: tuple[int, int]) -> None:
    async def script(person: Person) -> None:
        screen = _Running(person, threading.Event())
        person.app.push_screen(screen)
        await person.rest()
        screen.show_event(_event("hub", "verified"), NOON)
        screen.show_event(_event("spoke", "sent"), NOON)
        screen.show_event(_event("spoke", "waiting", "another operation is running"), NOON)

    look(size, script)


@small_and_wide
def test_a_run_that_ended(look: Look, size: tuple[int, int]) -> None:
    async def script(person: Person) -> None:
        end = threading.Event()
        screen = _Running(person, end)
        person.app.push_screen(screen)
        await person.rest()
        screen.show_event(_event("hub", "verified"), NOON)
        screen.show_event(_event("spoke", "failed"), NOON)
        end.set()
        await person.until(lambda: screen.is_over)

    look(size, script)
