"""The table of changes: one line each, sortable, filtered, with marks and a range.

The names get the width first. What else there is to say of a change stands beside them only where every name is whole;
then words make room for their marks, and what is still too long is reached sideways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.binding import BindingType
from textual.message import Message

from allowlist.plan.model import Change, Risk
from allowlist.plan.risks import risks_of
from allowlist.workflow.review import State
from allowlist_tui.filtering import ChangeIndex, Term, Widths, risk_words, wanted_by
from allowlist_tui.look import ACTIONS, RISKS, STATES, Piece
from allowlist_tui.text import safe
from allowlist_tui.why import title_of
from allowlist_tui.widgets.lines import SIDEWAYS, Lines, fitted, shifted

StateOf = Callable[[str], State]


@dataclass(frozen=True, slots=True)
class Column:
    """``least`` is the width below which a column says nothing any more."""

    title: str
    least: int


COLUMNS = (
    Column("state", 3),
    Column("risk", 5),
    Column("change", 10),
    Column("wanted by", 14),
    Column("target", 7),
    Column("min", 5),
)
_STATE, _RISK, _NAME, _WANTED, _TARGET, _MINUTES = range(6)
_STATE_WIDTH = 11
_SIGN = 3
"""Cells beside a name: what is done, and the gap to the next column."""
_RISK_ORDER = {risk: place for place, risk in enumerate(Risk)}
_STATE_ORDER = {state: place for place, state in enumerate(State)}


class ChangeTable(Lines):
    """Changes by their place in the plan; what is in sight is a list of such places."""

    BINDINGS: ClassVar[list[BindingType]] = [*SIDEWAYS]

    class Sorted(Message):
        """The order of the rows is another one now."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._changes: Sequence[Change] = ()
        self._state: StateOf = lambda _: State.PENDING
        self._index = ChangeIndex((), dict)
        self._scope: Sequence[int] = ()
        self._terms: tuple[Term, ...] = ()
        self.query_text = ""
        self._shown: Sequence[int] = ()
        self._widths = Widths((), 0, 0, 0)
        self._longest = 0
        self._marked: set[int] = set()
        self._anchor: int | None = None
        self._sort: tuple[int, bool] | None = None
        self._empty = "reading the plan …"

    # content

    def open(self, changes: Sequence[Change], state: StateOf, index: ChangeIndex, empty: str) -> None:
        """Show these changes; ``state`` gives the state of a change id, ``empty`` says why there may be none."""
        self._changes, self._state, self._index = changes, state, index
        self._widths = index.widths
        self._scope = self._shown = range(len(changes))
        self._longest = max(self._widths.names, default=0)
        self._empty = empty
        self.rebuild()
        self.post_message(self.Moved(self))

    def narrow(self, scope: Sequence[int]) -> None:
        """Show only these places of the plan (a target, a scenario)."""
        self._scope = scope
        self._select()

    def filter(self, query: str, terms: tuple[Term, ...]) -> None:
        """Show only changes for which every term holds; ``query`` is how they were written."""
        self.query_text, self._terms = query, terms
        self._select()

    def tell(self, text: str) -> None:
        """What to say while there is nothing to show."""
        self._empty = text
        self.repaint_rows()

    def sort_next(self, by: int) -> None:
        """Sort by the next or the previous column; the last stop is the order of the plan."""
        stops = [None, *(number for number, _ in self._layout(self.size.width))]
        now = self._sort[0] if self._sort else None
        column = stops[(stops.index(now) + by) % len(stops)] if now in stops else None
        if column is None:
            self._sort = None
            self._select()
            self.post_message(self.Sorted())
        else:
            self.sort_by(column)

    def turn_round(self) -> None:
        """Turn the order round."""
        column, reverse = self._sort or (2, False)
        self.sort_by(column, reverse=not reverse)

    def sort_by(self, column: int, *, reverse: bool = False) -> None:
        """Order the rows by a column of :data:`COLUMNS`; equal ones stay in the order of the plan."""
        self._sort = (column, reverse)
        self._select()
        self.post_message(self.Sorted())

    @property
    def sorting(self) -> tuple[int, bool] | None:
        return self._sort

    @property
    def count(self) -> int:
        return len(self._shown)

    @property
    def total(self) -> int:
        return len(self._changes)

    @property
    def empty_text(self) -> str:
        return "no change fits the filter; Esc clears it" if self._terms else self._empty

    @property
    def current(self) -> Change | None:
        """The change under the cursor."""
        return self._changes[self._shown[self.cursor]] if self._shown else None

    @property
    def selection(self) -> tuple[str, ...]:
        """Ids of what an action is about: marked lines in sight, else the range, else the one under the cursor."""
        marked = [place for place in self._shown if place in self._marked] if self._marked else []
        if marked:
            return tuple(self._changes[place].id for place in marked)
        if not self._shown:
            return ()
        return tuple(self._changes[self._shown[row]].id for row in self._range())

    @property
    def is_choosing(self) -> bool:
        return self._anchor is not None or bool(self._marked)

    def go_to(self, change_id: str) -> bool:
        """Put the cursor on a change if it is in sight."""
        for row, place in enumerate(self._shown):
            if self._changes[place].id == change_id:
                self.cursor = row
                return True
        return False

    # choosing

    def toggle_range(self) -> bool:
        """Begin or end a range at the cursor; tells whether one is begun."""
        self._anchor = None if self._anchor is not None else self.cursor
        self.repaint_rows()
        return self._anchor is not None

    def toggle_mark(self) -> None:
        if self._shown:
            self._marked ^= {self._shown[self.cursor]}
            self.repaint_rows()

    def choose_nothing(self) -> None:
        self._anchor = None
        self._marked.clear()
        self.repaint_rows()

    def is_chosen(self, row: int) -> bool:
        return self._shown[row] in self._marked or (self._anchor is not None and row in self._range())

    def watch_cursor(self, old: int, new: int) -> None:
        super().watch_cursor(old, new)
        if self._anchor is not None:
            self.repaint_rows()

    def _range(self) -> range:
        start = self.cursor if self._anchor is None else min(self._anchor, self.count - 1)
        return range(min(start, self.cursor), max(start, self.cursor) + 1)

    # lines

    def header(self, width: int) -> Iterable[Piece]:
        pieces: list[Piece] = [("  ", "header")]
        for number, size in self._layout(width):
            arrow = ""
            if self._sort and self._sort[0] == number:
                arrow = " ↓" if self._sort[1] else " ↑"
            title = COLUMNS[number].title + arrow
            pieces.append((fitted(title if len(title) < size else arrow, size), "header"))
        return pieces

    def pieces(self, row: int, width: int) -> Iterable[Piece]:
        place = self._shown[row]
        change = self._changes[place]
        yield self._edge(row, place)
        for number, size in self._layout(width):
            yield from self._cell(number, change, size)

    def header_clicked(self, x: int) -> None:
        left = 2
        for number, size in self._layout(self.size.width):
            if left <= x < left + size:
                again = self._sort is not None and self._sort[0] == number and not self._sort[1]
                self.sort_by(number, reverse=again)
            left += size

    def _edge(self, row: int, place: int) -> Piece:
        if place in self._marked:
            return ("● ", "accent")
        if row == self.cursor:
            return ("❯ ", "accent")
        return ("┃ " if self.is_chosen(row) else "  ", "accent")

    def _layout(self, width: int) -> list[tuple[int, int]]:
        """Which columns fit, and how wide each is: names first, then state and risk in words, then the rest."""
        widths, need = self._widths, self._longest + _SIGN
        state, risk = _STATE_WIDTH, max(widths.risk + 2, COLUMNS[_RISK].least)
        free = width - 2 - need
        if free < state + risk:
            state, risk = COLUMNS[_STATE].least, max(widths.marks + 1, COLUMNS[_RISK].least)
        free -= state + risk
        found = [(_STATE, state), (_RISK, risk)]
        besides: list[tuple[int, int]] = []
        for number, size in ((_TARGET, widths.target + 1), (_WANTED, widths.wanted + 1), (_MINUTES, 6)):
            size = max(size, COLUMNS[number].least)
            if size <= free:
                besides.append((number, size))
                free -= size
        name = max(COLUMNS[_NAME].least, need + free)
        return [*found, (_NAME, name), *sorted(besides)]

    def _longest_of(self, shown: Sequence[int]) -> int:
        names = self._widths.names
        return max(map(names.__getitem__, shown), default=0)

    @property
    def hidden(self) -> int:
        name = next(size for number, size in self._layout(self.size.width) if number == _NAME)
        return self._longest + _SIGN - name

    def _cell(self, number: int, change: Change, width: int) -> Iterable[Piece]:
        if number == _NAME:
            sign, tone = ACTIONS[change.operation.action]
            room = width - _SIGN
            name = safe(title_of(change))
            yield (f"{sign} ", tone)
            yield (fitted(shifted(name, max(0, min(self.shift, len(name) + 1 - room))), room) + " ", "plain")
        elif number == _RISK:
            yield from _risks(change, width)
        else:
            yield _plain_cell(number, change, self._state(change.id), width)

    def _select(self) -> None:
        kept = self.current
        shown = self._index.select(self._terms, self._scope)
        if self._sort:
            column, reverse = self._sort
            shown = sorted(shown, key=self._sort_key(column), reverse=reverse)
        self._shown = shown
        self._longest = self._longest_of(shown)
        self._anchor = None
        self.rebuild()
        if not (kept and self._is_near(kept)):
            self.cursor = 0
        self.post_message(self.Moved(self))

    def _is_near(self, change: Change) -> bool:
        """Keep the cursor on its change if that is cheap to find."""
        row = min(self.cursor, self.count - 1)
        if row >= 0 and self._changes[self._shown[row]] is change:
            return True
        return self.count <= 10_000 and self.go_to(change.id)

    def _sort_key(self, column: int) -> Callable[[int], Any]:
        changes, state = self._changes, self._state
        match COLUMNS[column].title:
            case "state":
                return lambda place: _STATE_ORDER[state(changes[place].id)]
            case "risk":
                return lambda place: _RISK_ORDER[changes[place].risk]
            case "wanted by":
                return lambda place: wanted_by(changes[place])
            case "target":
                return lambda place: changes[place].target
            case "min":
                return lambda place: changes[place].cost.minutes
            case _:
                return lambda place: changes[place].title


def _risks(change: Change, width: int) -> Iterator[Piece]:
    """Every risk with its mark and word; where there is no room for words the marks, each of them."""
    found = risks_of(change)
    spelled = len(risk_words(change)) <= width - 1
    for risk in found:
        glyph, word, tone = RISKS[risk]
        text = f"{glyph} {word} " if spelled else glyph
        yield (text, tone)
        width -= len(text)
    yield (" " * max(0, width), "plain")


def _plain_cell(number: int, change: Change, state: State, width: int) -> Piece:
    match number:
        case 0:
            glyph, word, tone = STATES[state]
            return (fitted(f"{glyph} {word}" if width > COLUMNS[_STATE].least else glyph, width), tone)
        case 3:
            return (fitted(safe(wanted_by(change)), width - 1) + " ", "muted")
        case 4:
            return (fitted(safe(change.target), width - 1) + " ", "plain")
        case _:
            minutes = f"{change.cost.minutes:g}" if change.cost.minutes else "·"
            return (minutes[: width - 1].rjust(width - 1) + " ", "muted")
