"""Chooses among the pending plans of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from allowlist.store import PlanRecord
from allowlist_tui.screens.dialogs import Dialog
from allowlist_tui.text import safe
from allowlist_tui.widgets.lines import Lines, PlainTable

_COLUMNS = (("plan", 14), ("made", 18), ("workload", 0), ("by", 0))


class PlanChooser(Dialog[str]):
    """Gives the id of a plan, empty for "make a new one", None for neither."""

    DEFAULT_CSS = """
    PlanChooser > Vertical { width: 96; height: 18; }
    PlanChooser PlainTable { height: 1fr; }
    PlanChooser Static { color: $quiet; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "make", "new plan", id="new-plan", tooltip="make a new plan for the state as it is now"),
        Binding("ctrl+q", "app.quit", "quit", show=False, priority=True),
    ]

    def __init__(self, plans: Sequence[PlanRecord], can_make: bool) -> None:
        super().__init__()
        self._plans = plans
        self._can_make = can_make

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(f"{len(self._plans)} pending plans")
            yield PlainTable(_COLUMNS)
            yield Static(f"Enter opens{'   n makes a new plan' if self._can_make else ''}   Esc leaves")

    def on_mount(self) -> None:
        table = self.query_one(PlainTable)
        table.show([_row(item) for item in self._plans])
        table.focus()

    @on(Lines.Chosen)
    def _chosen(self, message: Lines.Chosen) -> None:
        self.dismiss(self._plans[message.lines.cursor].plan_id)

    def action_make(self) -> None:
        if self._can_make:
            self.dismiss("")


def _row(item: PlanRecord) -> tuple[tuple[str, str], ...]:
    return (
        (safe(item.plan_id.removeprefix("sha256:")[:12]), "title"),
        (f"{item.created:%Y-%m-%d %H:%M}", "muted"),
        (safe(item.workload), "plain"),
        (safe(item.who), "muted"),
    )
