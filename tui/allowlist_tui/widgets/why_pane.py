"""Text about what the cursor stands on, to scroll through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from allowlist_tui.look import Line
from allowlist_tui.widgets.words import Words


class WhyPane(VerticalScroll, can_focus=True):
    """Shows lines; nothing in them is read as markup."""

    DEFAULT_CSS = "WhyPane { padding: 0 1; scrollbar-size-vertical: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "down", show=False, id="why-down"),
        Binding("k", "scroll_up", "up", show=False, id="why-up"),
    ]

    def compose(self) -> ComposeResult:
        yield Words()

    @property
    def lines(self) -> tuple[Line, ...]:
        return self.query_one(Words).lines

    def show(self, lines: Sequence[Line]) -> None:
        """Show other lines, from their beginning."""
        if tuple(lines) != self.lines:
            self.query_one(Words).say(lines)
            self.scroll_home(animate=False)
