"""Dialogs. The focus is where one types, or where nothing happens; the bright button is what Enter does; Escape leaves."""

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
        & .buttons Button {
            margin: 0 0 0 2; height: 3;
            background: $panel; color: $text; text-style: none; border: block $panel;
            &.-enter, &.-enter:hover {
                background: $primary; color: $background; text-style: bold; border: block $primary;
            }
            &.-enter.-grave { background: $error; border: block $error; }
            &:disabled { color: $quiet; }
        }
        &.-short-screen { & .body { max-height: 6; } }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel", show=False)]

    def action_cancel(self) -> None:
        self.dismiss(None)

    def show_what_enter_does(self) -> None:
        """Bright is the button with the focus; while one types it is the one that takes what was typed."""
        typing = isinstance(self.focused, Input)
        for button in self.query(Button):
            is_next = button.id == "ok" if typing else button.has_focus
            button.set_class(is_next and not button.disabled, "-enter")

    def on_descendant_focus(self) -> None:
        self.show_what_enter_does()

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
                yield Button("OK", id="ok")

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
                yield Button(self._verb, id="ok")

    def on_mount(self) -> None:
        self.query_one("#cancel", Button).focus()

    @on(Button.Pressed, "#ok")
    def _confirmed(self) -> None:
        self.dismiss(True)


class TypedInput(Input):
    """Takes keys and no paste: what confirms is written by whoever reads the question.

    Handlers of a class run before those of its bases, which ``prevent_default`` keeps from running (Textual, events).
    """

    def __init__(self, complain: Callable[[str], None]) -> None:
        super().__init__(id="typed")
        self._complain = complain

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.action_paste()

    def action_paste(self) -> None:
        self._complain("pasted text is ignored: type it by hand")


class Typed(Dialog[bool]):
    """Apply's own confirmation: Enter does it once the name stands there, and nothing before."""

    def __init__(self, title: str, lines: Iterable[Line], name: str, verb: str) -> None:
        super().__init__()
        self._title = title
        self._lines = tuple(lines)
        self._wanted = safe(name)
        self._verb = verb

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(safe(self._title))
            with VerticalScroll(classes="body", can_focus=False):
                yield Words(self._lines)
            yield Static(
                Content.assemble("Type ", (self._wanted, "bold"), f" and press Enter: {self._verb.lower()}")
            )
            yield TypedInput(self.complain)
            yield Static("", classes="complaint")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel")
                yield Button(self._verb, id="ok", classes="-grave", disabled=True)

    def on_mount(self) -> None:
        self.query_one(TypedInput).focus()

    @on(Input.Changed)
    def _judge(self, event: Input.Changed) -> None:
        self.query_one("#ok", Button).disabled = event.value != self._wanted
        self.complain("")
        self.show_what_enter_does()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        if event.value == self._wanted:
            self.dismiss(True)
        else:
            self.complain(f"this is not {self._wanted} yet; Esc leaves")

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
