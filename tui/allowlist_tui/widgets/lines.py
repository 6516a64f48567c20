"""A list of any length: only the lines in sight are ever rendered, so a hundred thousand rows cost as much as ten."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from allowlist_tui.look import TONE_CLASSES, TONE_CSS, WHOLE, Piece

_CACHED_LINES = 512
_UNSTYLED = ("lines--plain", "tone--header")
_SIDEWAYS_CELLS = 10
_AHEAD = 4
"""A cursor that leaves the page takes a quarter of one along: the whole page is painted once, not at every key."""


def fitted(text: str, width: int) -> str:
    """``text`` padded or cut to exactly ``width`` cells, with ``…`` where it was cut."""
    length = len(text) if text.isascii() else cell_len(text)
    if length <= width:
        return text + " " * (width - length)
    if width < 1:
        return ""
    return (text[: width - 1] if text.isascii() else set_cell_size(text, width - 1)) + "…"


def shifted(text: str, by: int) -> str:
    """``text`` from its cell ``by`` on, with ``…`` where something was left out before it."""
    return f"…{text[by + 1 :]}" if by and text else text


class Lines(ScrollView, can_focus=True):
    """Rows with a cursor. Subclasses say how many there are and what stands on one.

    A subclass with a ``header`` line keeps it in sight above the rows.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *TONE_CLASSES,
        "lines--cursor",
        "lines--blurred",
        "lines--chosen",
        "lines--header",
    }
    DEFAULT_CSS = f"""
    Lines {{
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        {TONE_CSS}
        & .lines--cursor {{ background: $cursor-line; text-style: bold; }}
        & .lines--blurred {{ background: $panel; }}
        & .lines--chosen {{ background: $chosen-line; }}
        & .lines--header {{ color: $quiet; text-style: bold; }}
    }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False, id="up"),
        Binding("down,j", "move(1)", "down", show=False, id="down"),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False, id="page-up"),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False, id="page-down"),
        Binding("home,g", "jump(0)", "first", show=False, id="first"),
        Binding("end,G", "jump(-1)", "last", show=False, id="last"),
        Binding("enter", "choose", "open", show=False, id="open"),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)

    class Moved(Message):
        """The cursor stands on another row."""

        def __init__(self, lines: Lines) -> None:
            super().__init__()
            self.lines = lines

        @property
        def control(self) -> Lines:
            return self.lines

    class Chosen(Moved):
        """A row was clicked twice or Enter pressed on it."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.shift = 0
        """How many cells of the texts that do not fit lie out of sight on the left."""
        self._strips: dict[tuple[int, int, str], Strip] = {}
        self._styles: dict[str, Style] = {}

    # what a subclass gives

    @property
    def count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def pieces(self, row: int, width: int) -> Iterable[Piece]:
        """What stands on a row."""
        raise NotImplementedError

    def header(self, width: int) -> Iterable[Piece] | None:
        """The line above the rows, if there is one."""
        return None

    def is_chosen(self, row: int) -> bool:
        """Is the row part of a range or marked?"""
        return False

    @property
    def hidden(self) -> int:
        """How many cells of its longest text a width as now has no room for."""
        return 0

    @property
    def empty_text(self) -> str:
        """What to say when there are no rows."""
        return "nothing here"

    # what happens inside

    @property
    def has_header(self) -> bool:
        return self.header(self.size.width or 80) is not None

    def rebuild(self) -> None:
        """Everything may have changed: measure and paint anew."""
        self._strips.clear()
        self.virtual_size = Size(0, self.count + self.has_header)
        self.cursor = self._clamped(self.cursor)
        self.refresh()

    def repaint_rows(self) -> None:
        """The same rows say something else now."""
        self._strips.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles.clear()
        self._strips.clear()

    def on_resize(self) -> None:
        self._strips.clear()
        self._show_cursor()

    def on_focus(self) -> None:
        self.repaint_rows()

    def on_blur(self) -> None:
        self.repaint_rows()

    def validate_cursor(self, value: int) -> int:
        return self._clamped(value)

    def watch_cursor(self, old: int, new: int) -> None:
        if old == new:
            return
        self._repaint_row(old)
        self._repaint_row(new)
        self._show_cursor()
        self.post_message(self.Moved(self))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if self.has_header:
            if y == 0:
                return self._strip(self.header(width) or (), width, self._style("lines--header"))
            y -= 1
        row = y + round(self.scroll_offset.y)
        if row >= self.count:
            return self._blank(row, width)
        return self._row_strip(row, width)

    def _row_strip(self, row: int, width: int) -> Strip:
        kind = self._kind(row)
        key = (row, width, kind)
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) > _CACHED_LINES:
                self._strips.clear()
            strip = self._strip(self.pieces(row, width), width, self._style(f"lines--{kind}"))
            self._strips[key] = strip
        return strip

    def _kind(self, row: int) -> str:
        if row == self.cursor:
            return "cursor" if self.has_focus else "blurred"
        return "chosen" if self.is_chosen(row) else "plain"

    def _strip(self, pieces: Iterable[Piece], width: int, style: Style) -> Strip:
        base = self._style("") + style
        segments = [Segment(text, base + self._style(f"tone--{tone}")) for text, tone in pieces]
        return Strip(segments).adjust_cell_length(width, base)

    def _blank(self, row: int, width: int) -> Strip:
        text = self.empty_text if row == 0 and not self.count else ""
        return self._strip([(f" {text}", "muted")], width, Style.null())

    def _style(self, name: str) -> Style:
        """The style of a component class, or of the widget itself; kept, for Textual makes it anew each time."""
        if name in _UNSTYLED:
            return Style.null()
        found = self._styles.get(name)
        if found is None:
            made = self.get_component_rich_style(name, partial=True) if name else self.rich_style
            found = self._styles[name] = made
        return found

    def _clamped(self, row: int) -> int:
        return max(0, min(row, self.count - 1))

    def _repaint_row(self, row: int) -> None:
        y = row - round(self.scroll_offset.y) + self.has_header
        self.refresh(Region(0, y, self.size.width, 1))

    def _show_cursor(self) -> None:
        height = self.size.height - self.has_header
        top = round(self.scroll_offset.y)
        if height < 1:
            return
        ahead = height // _AHEAD
        if self.cursor < top:
            self.scroll_to(y=self.cursor - ahead, animate=False, immediate=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1 + ahead, animate=False, immediate=True)

    # keys and mouse

    def action_move(self, by: int) -> None:
        self.cursor += by

    def action_page(self, by: int) -> None:
        self.cursor += by * max(1, self.size.height - self.has_header - 1)

    def action_choose(self) -> None:
        if self.count:
            self.post_message(self.Chosen(self))

    def action_sideways(self, by: int) -> None:
        wanted = max(0, min(self.shift + by * _SIDEWAYS_CELLS, self.hidden + 1 if self.hidden else 0))
        if wanted != self.shift:
            self.shift = wanted
            self.repaint_rows()

    def action_jump(self, row: int) -> None:
        self.cursor = row if row >= 0 else self.count + row

    def on_click(self, event: events.Click) -> None:
        event.stop()
        place = event.get_content_offset(self)
        if place is None:
            return
        y = place.y - self.has_header
        if y < 0:
            self.header_clicked(place.x)
            return
        row = y + round(self.scroll_offset.y)
        if row < self.count:
            self.cursor = row
            if event.chain > 1:
                self.post_message(self.Chosen(self))

    def header_clicked(self, x: int) -> None:
        """The line above the rows was clicked at column ``x``."""


SIDEWAYS: Final = (
    Binding("left,h", "sideways(-1)", "left", show=False, id="left"),
    Binding("right,l", "sideways(1)", "right", show=False, id="right"),
)
"""Of tables whose texts may be wider than the screen."""


_LEAST: Final = 8


class PlainTable(Lines):
    """Rows of texts under named columns; the last column takes what is left. For what is only read."""

    BINDINGS: ClassVar[list[BindingType]] = [*SIDEWAYS]

    def __init__(
        self,
        columns: Sequence[tuple[str, int]],
        *,
        empty: str = "nothing here",
        id: str | None = None,  # noqa: A002
    ) -> None:
        """``columns`` are titles and widths; width 0 shares what is left, ``WHOLE`` is as wide as its texts are."""
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._rows: Sequence[Sequence[Piece]] = ()
        self._empty = empty
        self._longest = 0

    @property
    def count(self) -> int:
        return len(self._rows)

    @property
    def empty_text(self) -> str:
        return self._empty

    def show(self, rows: Sequence[Sequence[Piece]], empty: str = "") -> None:
        """Replace the rows; each has one piece per column."""
        self._rows = rows
        self._empty = empty or self._empty
        whole = [number for number, (_, size) in enumerate(self._columns) if size == WHOLE]
        self._longest = max((cell_len(row[number][0]) for row in rows for number in whole), default=0)
        self.rebuild()

    def row(self, index: int) -> Sequence[Piece]:
        return self._rows[index]

    def header(self, width: int) -> Iterable[Piece]:
        return [
            (fitted(f" {title}", size), "header")
            for (title, _), size in zip(self._columns, self._widths(width), strict=True)
        ]

    def pieces(self, row: int, width: int) -> Iterable[Piece]:
        return [
            (fitted(f" {self._seen(text, size)}", size), tone)
            for (text, tone), size in zip(self._rows[row], self._widths(width), strict=True)
        ]

    @property
    def hidden(self) -> int:
        widths = self._widths(self.size.width)
        texts = (zip(row, widths, strict=True) for row in self._rows)
        return max((cell_len(text) + 1 - size for row in texts for (text, _), size in row if size), default=0)

    def _seen(self, text: str, size: int) -> str:
        """What of a text stands there: as far to the right as it goes, never past its end."""
        return shifted(text, max(0, min(self.shift, cell_len(text) + 2 - size)))

    def _widths(self, width: int) -> list[int]:
        """The first column and the whole one first, then those of a fixed width while there is room, then the others."""
        if not any(size == WHOLE for _, size in self._columns):
            return self._shared(width)
        first = self._columns[0][1]
        left = width - 1 - first - (whole := min(self._longest + 2, max(_LEAST, width - first)))
        found = [first]
        for _, size in self._columns[1:]:
            kept = whole if size == WHOLE else size if left - size >= _LEAST else 0
            left -= 0 if size == WHOLE else kept
            found.append(kept)
        opened = [number for number, (_, size) in enumerate(self._columns) if not size]
        for number in opened:
            found[number] = left // len(opened) if left >= _LEAST else 0
        return found

    def _shared(self, width: int) -> list[int]:
        fixed = sum(size for _, size in self._columns)
        open_columns = sum(1 for _, size in self._columns if not size)
        share = max(8, (width - fixed) // max(1, open_columns))
        return [size or share for _, size in self._columns]
