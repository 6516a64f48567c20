"""Text about what the cursor stands on, to scroll through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from allowlist_tui.look import Line, content_of


class WhyPane(VerticalScroll, can_focus=True):
    """Shows lines; nothing in them is read as markup."""

    DEFAULT_CSS = "WhyPane { padding: 0 1; scrollbar-size-vertical: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "down", show=False, id="why-down"),
        Binding("k", "scroll_up", "up", show=False, id="why-up"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.lines: tuple[Line, ...] = ()

    def compose(self) -> ComposeResult:
        yield Static()

    def show(self, lines: Sequence[Line]) -> None:
        self.lines = tuple(lines)
        self.query_one(Static).update(content_of(self.lines))
        self.scroll_home(animate=False)
