"""The table of changes beside Textual's DataTable with the same rows: first paint, CPU a key, filter.

Everything is measured as CPU of the process: Pilot waits 20 ms of wall time with every key, whatever it costs, and
other work on the machine would count besides. A paint lasts from the call until the screen was refreshed.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence

import msgspec
from textual.app import App
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import DataTable

from allowlist.plan.model import Change
from allowlist.workflow.review import State
from allowlist_tui.filtering import ChangeIndex, parse_filter
from allowlist_tui.look import DARK
from allowlist_tui.widgets.changes import ChangeTable
from tests.bench.table import Row
from tests.helpers.plans import a_change

SIZES = (1_000, 10_000, 100_000)
KEYS = 30
QUERY = "host7"
"""One row in ten or so holds it."""

KEY_GOAL, FILTER_GOAL = 0.008, 0.030

Times = dict[str, float]
Fill = Callable[[str], None]
"""Puts the rows on the widget that hold a text; all of them for the empty text."""


def run() -> Iterator[Row]:
    for size in SIZES:
        changes = _changes(size)
        ours = asyncio.run(_measure(lambda changes=changes: _our_table(changes)))  # type: ignore[misc]
        theirs = asyncio.run(_measure(lambda changes=changes: _data_table(changes)))  # type: ignore[misc]
        for what, goal in (("first paint", "<= 0.01"), ("cpu a key", ""), ("filter", ""), ("filter off", "")):
            aim = goal if size == SIZES[-1] else ""
            yield Row(f"{what}, {size:,} changes", ours[what], theirs[what], "DataTable", aim)
        yield Row(f"cpu a key, {size:,} changes", ours["cpu a key"], KEY_GOAL, "8 ms", "<= 1")
        yield Row(f"filter, {size:,} changes", ours["filter"], FILTER_GOAL, "30 ms", "<= 1")


def _changes(count: int) -> list[Change]:
    one = a_change("a.example.com")
    return [
        msgspec.structs.replace(
            one,
            id=f"{number:08x}",
            title=f"add host{number % 10}-{number}.example",
            target=f"hub-{number % 7}",
        )
        for number in range(count)
    ]


def _our_table(changes: Sequence[Change]) -> tuple[Widget, Fill]:
    table = ChangeTable()
    index = ChangeIndex(changes, dict)
    index.warm()

    def fill(text: str) -> None:
        if table.total != len(changes):
            table.open(changes, lambda _: State.PENDING, index, "")
        table.filter(text, parse_filter(text))

    return table, fill


def _data_table(changes: Sequence[Change]) -> tuple[Widget, Fill]:
    table: DataTable[str] = DataTable(cursor_type="row")
    rows = [("○ pending", change.risk.value, change.title, change.target) for change in changes]

    def fill(text: str) -> None:
        if not table.columns:
            table.add_columns("state", "risk", "change", "target")
        table.clear()
        table.add_rows(row for row in rows if text in row[2])

    return table, fill


async def _measure(make: Callable[[], tuple[Widget, Fill]]) -> Times:
    app: App[None] = App()
    app.register_theme(DARK)
    app.theme = DARK.name
    async with app.run_test(size=(120, 40)) as pilot:
        table, fill = make()

        async def first() -> None:
            await app.mount(table)
            fill("")

        times = {"first paint": await _painted(app, first)}
        table.focus()
        await pilot.pause()
        times["cpu a key"] = await _cpu_a_key(pilot)
        times["filter"] = await _painted(app, lambda: _done(fill, QUERY))
        times["filter off"] = await _painted(app, lambda: _done(fill, ""))
    return times


async def _done(fill: Fill, text: str) -> None:
    fill(text)


async def _painted(app: App[None], work: Callable[[], Awaitable[None]]) -> float:
    painted = asyncio.Event()
    start = time.process_time()
    await work()
    app.call_after_refresh(painted.set)
    await painted.wait()
    return time.process_time() - start


async def _cpu_a_key(pilot: Pilot[None]) -> float:
    times = []
    for _ in range(KEYS):
        start = time.process_time()
        await pilot.press("down")
        times.append(time.process_time() - start)
    return statistics.median(times)
