"""Text about what the cursor stands on, to scroll through; showing another text moves nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from allowlist_tui.look import TONE_CLASSES, TONE_CSS, Line, text_of
from allowlist_tui.wrapping import wrapped

_WHEEL = 3


class WhyPane(Widget, can_focus=True):
    """Shows lines; nothing in them is read as markup. The border says how much lies below."""

    COMPONENT_CLASSES: ClassVar[set[str]] = TONE_CLASSES
    DEFAULT_CSS = f"""
    WhyPane {{
        padding: 0 1;
        border-subtitle-color: $quiet;
        {TONE_CSS}
    }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll(1)", "down", show=False, id="why-down"),
        Binding("up,k", "scroll(-1)", "up", show=False, id="why-up"),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False, id="why-page-down"),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False, id="why-page-up"),
        Binding("home,g", "scroll(-100000)", "top", show=False, id="why-top"),
        Binding("end", "scroll(100000)", "bottom", show=False, id="why-bottom"),
    ]

    def __init__(self, title: str) -> None:
        super().__init__()
        self.border_title = title
        self.lines: tuple[Line, ...] = ()
        self._rows: tuple[Line, ...] = ()
        self._top = 0
        self._painted: tuple[int, tuple[Line, ...]] = (0, ())
        """From which row on, and what, stands on the screen: only what differs is painted anew."""
        self._width = 0
        """As it was at the last change of size: asking for it with every line is what would cost most."""
        self._tones: dict[str, Style] = {}

    def show(self, lines: Sequence[Line]) -> None:
        """Show other lines, from their beginning."""
        if tuple(lines) != self.lines:
            self.lines = tuple(lines)
            self._top = 0
            self._lay_out()

    def on_resize(self) -> None:
        self._painted = (0, ())
        self._lay_out()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._tones.clear()

    def _lay_out(self) -> None:
        self._width = self.content_size.width
        self._rows = tuple(wrapped(self.lines, self._width or 60))
        self._move_to(self._top)

    def _move_to(self, top: int) -> None:
        height = self.content_size.height
        self._top = max(0, min(top, len(self._rows) - height))
        below = "more ↓" if len(self._rows) - height > self._top else ""
        if below != (self.border_subtitle or ""):
            self.border_subtitle = Content(below)
        self._repaint()

    def _repaint(self) -> None:
        """Paint the rows that say something else than before; a screenful of them is what a key costs most."""
        before, now = self._painted, (self._top, self._in_sight())
        self._painted = now
        if before[0] != now[0] or not before[1]:
            self.refresh()
        elif regions := [Region(0, y, self._width, 1) for y in _different(before[1], now[1])]:
            self.refresh(*regions)

    def _in_sight(self) -> tuple[Line, ...]:
        height = self.content_size.height
        rows = self._rows[self._top : self._top + height]
        return (*rows, *((),) * (height - len(rows)))

    def render_line(self, y: int) -> Strip:
        width, base = self._width, self._tone("")
        row = self._top + y
        if row >= len(self._rows):
            return Strip.blank(width, base)
        segments = [Segment(text, self._tone(tone)) for text, tone in self._rows[row]]
        strip = Strip(segments).adjust_cell_length(width, base)
        return self._selected(strip, row).apply_offsets(0, row)

    def _tone(self, tone: str) -> Style:
        """The style of a tone on this background; asking Textual for it anew is what would cost most."""
        found = self._tones.get(tone)
        if found is None:
            own = self.get_component_rich_style(f"tone--{tone}", partial=True) if tone else Style.null()
            found = self._tones[tone] = self.rich_style + own
        return found

    # selecting with the mouse

    def _selected(self, strip: Strip, row: int) -> Strip:
        span = self.text_selection.get_span(row) if self.text_selection else None
        if span is None:
            return strip
        start, end = span
        end = strip.cell_length if end == -1 else end
        style = self.screen.get_component_rich_style("screen--selection")
        middle = strip.crop(start, end)
        marked = Strip(
            [Segment(text, (old or Style()) + style) for text, old, _ in middle], middle.cell_length
        )
        return Strip.join([strip.crop(0, start), marked, strip.crop(end, None)])

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return selection.extract(text_of(self._rows)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    # keys and mouse

    def action_scroll(self, by: int) -> None:
        self._move_to(self._top + by)

    def action_page(self, by: int) -> None:
        self._move_to(self._top + by * max(1, self.content_size.height - 1))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_scroll(_WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_scroll(-_WHEEL)


def _different(before: Sequence[Line], now: Sequence[Line]) -> Iterator[int]:
    return (y for y, (old, new) in enumerate(zip(before, now, strict=True)) if old != new)
