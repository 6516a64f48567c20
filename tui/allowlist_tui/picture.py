"""Draws the review screen of the example company: ``python -m allowlist_tui.picture [FILE]`` (tui/review.svg)."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from allowlist.plan.model import Plan, Risk
from allowlist.store import open_ledger
from allowlist.store.identity import Identity
from allowlist.workflow.demo import example_folder
from allowlist.workflow.files import write_bytes
from allowlist.workflow.project import load_project
from allowlist.workflow.review_session import Access, ReviewSession
from allowlist_tui.app import ReviewApp
from allowlist_tui.screens.main import MainScreen

SIZE = (138, 40)
_FILE = Path("tui/review.svg")
_NOW = dt.datetime(2026, 11, 24, 9, 30, tzinfo=dt.UTC)
_ALICE = Identity(who="alice@contoso.example", kind="verified")


@contextmanager
def example_session(who: Identity) -> Iterator[ReviewSession]:
    """A session at the example company, offline, at a moment that never passes."""
    with tempfile.TemporaryDirectory(prefix="allowlist-picture-") as folder:
        example = example_folder()
        session = ReviewSession(
            Access(
                ledger=lambda: open_ledger(f"sqlite:///{folder}/ledger.db", environ={}, clock=lambda: _NOW),
                who=lambda _: who,
                clock=lambda: _NOW,
                project=lambda: load_project(example / "allowlist.yaml", now=_NOW),
                state=lambda narrate: nullcontext(example),
                makes_first=True,
            )
        )
        try:
            yield session
        finally:
            session.close()


def decide_some(session: ReviewSession, plan: Plan) -> None:
    """A review that is under way."""
    review = session.review(plan)
    mild = [change.id for change in plan.changes if change.risk is Risk.LOW]
    wide = [change.id for change in plan.changes if change.risk is Risk.WILDCARD]
    review.approve(mild[:9], counted=9)
    review.approve(wide[:2], counted=2)
    review.reject(wide[6:7], "only our own mirror")
    review.defer(wide[7:8], _NOW + dt.timedelta(days=14), "the editor team is asked")


async def draw() -> str:
    """The screen as SVG."""
    with example_session(_ALICE) as session:
        decide_some(session, session.make_plan(lambda _: None))
        app = ReviewApp(session)
        async with app.run_test(size=SIZE) as pilot:
            while not (isinstance(app.screen, MainScreen) and app.screen.review):
                await pilot.pause(0.05)
            await app.workers.wait_for_complete()
            await pilot.press(*["down"] * 4)
            await pilot.pause(0.3)
            await app.workers.wait_for_complete()
            await pilot.pause(0.1)
            return app.picture()


def main() -> None:
    os.environ.pop("NO_COLOR", None)
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else _FILE
    write_bytes(path, asyncio.run(draw()).encode())
    sys.stderr.write(f"{path}\n")


if __name__ == "__main__":
    main()
