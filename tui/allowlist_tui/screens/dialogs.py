"""Dialogs. Every one opens with the focus where nothing happens, and Escape always leaves it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Generic, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from allowlist_tui.guard import Guard
from allowlist_tui.look import Line
from allowlist_tui.text import safe
from allowlist_tui.widgets.words import Words

T = TypeVar("T")
Check = Callable[[str], str]
"""Says what is wrong with an answer; empty when it is fine."""


class Dialog(ModalScreen[T], Generic[T]):
    """A box in the middle of the screen."""

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        & > Vertical {
            width: 76; max-width: 96%; height: auto; max-height: 90%;
            border: round $primary; background: $surface; padding: 0 1;
        }
        & .body { height: auto; max-height: 20; margin: 0 0 1 0; }
        & .complaint { color: $text-error; height: auto; }
        & Input { border: tall $panel; height: 3; }
        & Input:focus { border: tall $primary; }
        & .buttons { height: auto; align-horizontal: right; }
        & Button { margin: 0 0 0 2; height: 3; }
        &.-short-screen { & .body { max-height: 6; } }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel", show=False)]

    def action_cancel(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#cancel")
    def _cancelled(self) -> None:
        self.dismiss(None)

    def complain(self, text: str) -> None:
        """Say what is wrong without closing."""
        self.query_one(".complaint", Static).update(Content(safe(text)))


class Prompt(Dialog[tuple[str, ...]]):
    """Asks for one or more short texts. Pasting is welcome; a pasted line end does not submit."""

    def __init__(self, title: str, fields: Iterable[tuple[str, str]], check: Check | None = None) -> None:
        """``fields`` are labels and first values; ``check`` judges the last one."""
        super().__init__()
        self._title = title
        self._fields = tuple(fields)
        self._check = check or (lambda _: "")

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(safe(self._title))
            for number, (label, value) in enumerate(self._fields):
                yield Static(Content(safe(label)), classes="label")
                yield Input(value, id=f"field-{number}")
            yield Static("", classes="complaint")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel")
                yield Button("OK", id="ok", variant="primary")

    def on_mount(self) -> None:
        empty = [item for item in self.query(Input) if not item.value]
        (empty[0] if empty else self.query(Input).last()).focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        fields = list(self.query(Input))
        place = fields.index(event.input)
        if place + 1 < len(fields):
            fields[place + 1].focus()
        else:
            self._answer()

    @on(Button.Pressed, "#ok")
    def _answer(self) -> None:
        values = tuple(item.value.strip() for item in self.query(Input))
        complaint = self._check(values[-1])
        if complaint:
            self.complain(complaint)
        else:
            self.dismiss(values)


class Count(Dialog[bool]):
    """Shows how many changes a bulk action is about before it takes effect."""

    def __init__(self, title: str, lines: Iterable[Line], verb: str) -> None:
        super().__init__()
        self._title = title
        self._lines = tuple(lines)
        self._verb = verb

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(safe(self._title))
            with VerticalScroll(classes="body", can_focus=False):
                yield Words(self._lines)
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel")
                yield Button(self._verb, id="ok", variant="warning")

    def on_mount(self) -> None:
        self.query_one("#cancel", Button).focus()

    @on(Button.Pressed, "#ok")
    def _confirmed(self) -> None:
        self.dismiss(True)


class TypedInput(Input):
    """Takes only what a hand types: no paste, no key that is held down.

    Handlers of a class run before those of its bases, which ``prevent_default`` keeps from running (Textual, events).
    """

    def __init__(self, guard: Guard, complain: Callable[[str], None]) -> None:
        super().__init__(id="typed")
        self._hand = guard
        self._complain = complain

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self._complain("pasted text is ignored: type it by hand")

    def action_paste(self) -> None:
        self._complain("pasted text is ignored: type it by hand")

    def on_key(self, event: events.Key) -> None:
        if event.is_printable:
            judged = self._hand.judge(event.key, event.time)
            if judged != "typed":
                event.stop()
                event.prevent_default()
                self._refuse(judged)

    def _refuse(self, judged: str) -> None:
        if judged == "pasted":
            self.value = ""
            self._complain(
                "that came faster than hands type, so it is taken for pasted text: type it by hand"
            )
        else:
            self._complain("a key that is held down is ignored")


class Typed(Dialog[bool]):
    """Apply's own confirmation: the name must be typed, the focus is on Cancel, Enter alone does nothing."""

    def __init__(self, title: str, lines: Iterable[Line], name: str, verb: str) -> None:
        super().__init__()
        self._title = title
        self._lines = tuple(lines)
        self._wanted = safe(name)
        self._verb = verb
        self._enter = Guard()

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(safe(self._title))
            with VerticalScroll(classes="body", can_focus=False):
                yield Words(self._lines)
            yield Static(Content.assemble("Type ", (self._wanted, "bold"), " to allow it:"))
            yield TypedInput(Guard(), self.complain)
            yield Static("", classes="complaint")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel")
                yield Button(self._verb, id="ok", variant="error", disabled=True)

    def on_mount(self) -> None:
        self.query_one("#cancel", Button).focus()

    def on_key(self, event: events.Key) -> None:
        if event.key == "enter" and self._enter.judge("enter", event.time) != "typed":
            event.stop()
            event.prevent_default()

    @on(Input.Changed)
    def _judge(self, event: Input.Changed) -> None:
        self.query_one("#ok", Button).disabled = event.value != self._wanted

    @on(Input.Submitted)
    def _to_button(self) -> None:
        button = self.query_one("#ok", Button)
        if button.disabled:
            self.complain(f"this is not {self._wanted} yet")
        else:
            button.focus()

    @on(Button.Pressed, "#ok")
    def _confirmed(self) -> None:
        self.dismiss(True)


class Reading(Dialog[None]):
    """Lines to read, with a scroll bar if there are many."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,question_mark", "cancel", "close", show=False)
    ]

    def __init__(self, title: str, lines: Iterable[Line]) -> None:
        super().__init__()
        self._title = title
        self._lines = tuple(lines)

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(safe(self._title))
            box.border_subtitle = Content("Esc closes")
            with VerticalScroll(classes="body"):
                yield Words(self._lines)

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()


def parse_date(text: str, now: datetime) -> datetime | None:
    """``2026-05-01``, ``10d`` or ``2w`` as a moment to come, else None."""
    text = text.strip().lower()
    if text[:-1].isascii() and text[:-1].isdigit() and text[-1:] in ("d", "w"):
        days = int(text[:-1]) * (7 if text[-1] == "w" else 1)
        return now + timedelta(days=days) if 0 < days <= 3660 else None
    try:
        moment = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return moment if moment > now else None
