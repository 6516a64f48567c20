"""Lines of words that are broken to the width there is."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widgets import Static

from allowlist_tui.look import Line, content_of
from allowlist_tui.wrapping import wrapped


class Words(Static):
    """Shows lines; nothing in them is read as markup."""

    def __init__(self, lines: Iterable[Line] = (), *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.lines: tuple[Line, ...] = tuple(lines)

    def say(self, lines: Iterable[Line]) -> None:
        """Show other lines."""
        self.lines = tuple(lines)
        self._lay_out()

    def on_mount(self) -> None:
        self._lay_out()

    def on_resize(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        self.update(content_of(wrapped(self.lines, self.content_size.width or 60)))
