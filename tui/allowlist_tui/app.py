"""The app: settings, keys, slow work, and what every screen needs of it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import ClassVar, TypeVar

from textual import events, on
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.screen import Screen

from allowlist.apply.stopping import Stop
from allowlist.errors import AllowlistError
from allowlist.workflow.files import write_bytes
from allowlist.workflow.review_session import ReviewSession
from allowlist_tui.config import Settings, load_settings
from allowlist_tui.keys import KeyLine
from allowlist_tui.look import DARK, LIGHT, THEME_VARIABLES
from allowlist_tui.screens.dialogs import Prompt, Reading
from allowlist_tui.slow import run_slow, words_of
from allowlist_tui.text import safe, safe_lines
from allowlist_tui.widgets.bars import HintBar

T = TypeVar("T")

_OUTSIDE = re.compile(r"@font-face\s*{[^}]*}|<!--.*?-->", re.DOTALL)
"""What Rich puts into a picture that points elsewhere: web fonts and a note about itself."""

_RESIZE_SECONDS = 0.1
_CLIPBOARD_LIMIT = 74_000
"""Bytes of text that terminals take at once by OSC 52 (xterm: 100,000 of base64)."""


class ReviewApp(App[None]):
    """The review of rule changes, at one :class:`~allowlist.workflow.review_session.ReviewSession`."""

    TITLE = "allowlist"
    ENABLE_COMMAND_PALETTE = True
    HORIZONTAL_BREAKPOINTS = [(0, "-slim"), (60, "-narrow"), (130, "-wide")]  # noqa: RUF012 - declared so by textual
    VERTICAL_BREAKPOINTS = [(0, "-scant"), (14, "-low"), (32, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "question_mark",
            "explain_keys",
            "help",
            key_display="?",
            id="help",
            tooltip="what the keys do here",
        ),
        Binding(
            "S",
            "save_screen",
            "save",
            show=False,
            id="save",
            tooltip="save the screen as a picture or as text",
        ),
        Binding("z", "zoom", "zoom", show=False, id="zoom", tooltip="the focused pane alone, or all again"),
    ]
    CSS = """
    Toast { max-width: 70; }
    * {
        scrollbar-color: $line;
        scrollbar-color-hover: $quiet;
        scrollbar-color-active: $primary;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
    }
    Screen.-scant, Screen.-slim {
        & ReviewPane {
            layout: vertical;
            & > * { height: 0; border: none; }
            & > .-front { height: 1fr; }
            & ChangeTable, & ChangeTable:focus, & > .-front, & > .-front:focus { border: none; }
        }
        & ExplorePane { grid-size: 1 2; grid-rows: 3fr 2fr; grid-columns: 1fr; }
    }
    Screen.-scant { & TabLine, & GateBar { display: none; } }
    Screen.-narrow {
        & ReviewPane {
            grid-size: 2 2;
            grid-columns: 25 1fr;
            grid-rows: 1fr 1fr;
            & WhyPane { column-span: 2; }
        }
        & ExplorePane { grid-size: 1 2; grid-rows: 3fr 2fr; grid-columns: 1fr; }
    }
    """

    def __init__(self, session: ReviewSession, settings: Path | None = None) -> None:
        super().__init__()
        self.session = session
        self.writing: list[Thread] = []
        """Threads that write to the ledger or to Azure; whoever leaves waits for them."""
        self.stops: list[Stop] = []
        """Of every run that was begun here: whoever leaves asks each to stop after the step in flight."""
        self.parting_words: list[str] = []
        """What to say after the screen is gone."""
        self.failure: Exception | None = None
        self._settings = settings
        self.keys = KeyLine(self)
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return THEME_VARIABLES

    def get_default_screen(self) -> Screen[None]:
        from allowlist_tui.screens.main import MainScreen

        return MainScreen(self.session)

    def on_mount(self) -> None:
        self._heed_signals()
        if self._settings is not None:
            self._obey(self._settings)

    def _obey(self, path: Path) -> None:
        try:
            settings = load_settings(path, themes=set(self.available_themes), actions=known_actions())
        except AllowlistError as error:
            self.complain(words_of(error))
            return
        self._use(settings)

    def _use(self, settings: Settings) -> None:
        if settings.theme:
            self.theme = settings.theme
        self.set_keymap(settings.keys)

    def on_resize(self) -> None:
        """Paint everything: terminals move what stands there, also when the size is soon the old one again."""
        self.set_timer(_RESIZE_SECONDS, self.screen.refresh)

    async def on_event(self, event: events.Event) -> None:
        if not self.keys.holds(event):
            await super().on_event(event)

    # slow work and messages

    def slow(
        self,
        node: DOMNode,
        work: Callable[[], T],
        then: Callable[[T], None],
        *,
        failed: Callable[[str], None] | None = None,
        group: str = "default",
        exclusive: bool = False,
        writes: bool = False,
    ) -> None:
        """See :func:`allowlist_tui.slow.run_slow`; what ``writes`` is finished even when the person leaves."""
        run_slow(
            node,
            work,
            then,
            failed or self.complain,
            group=group,
            exclusive=exclusive,
            keep=self.writing if writes else None,
        )

    def say(self, text: str) -> None:
        self.notify(safe_lines(text), markup=False, timeout=4)

    def refuse(self, text: str) -> None:
        self.notify(safe_lines(text), severity="warning", markup=False, timeout=6)

    def complain(self, text: str) -> None:
        self.notify(safe_lines(text), severity="error", markup=False, timeout=12)

    # leaving

    def _heed_signals(self) -> None:
        """A polite kill ends the screen as ctrl+q does; a closed terminal ends the process."""
        loop = asyncio.get_running_loop()
        with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
            loop.add_signal_handler(signal.SIGTERM, self.call_later, self.run_action, "quit")
            loop.add_signal_handler(signal.SIGHUP, Thread(target=self._hang_up, daemon=True).start)

    def _hang_up(self) -> None:
        """Nobody sees the screen any more, and textual would wait for ever to draw it: only finish what is written."""
        self._ask_to_stop()
        for thread in self.writing:
            thread.join()
        os._exit(128 + signal.SIGHUP)

    async def action_quit(self) -> None:
        self._ask_to_stop()
        self.exit()

    def _ask_to_stop(self) -> None:
        for stop in self.stops:
            stop.ask()

    def _fatal_error(self) -> None:
        """A defect ends the app in words; the command tells them, with a traceback only under --debug."""
        self.failure = self._exception
        self._close_messages_no_wait()

    # keys that work everywhere

    def action_explain_keys(self) -> None:
        from allowlist_tui.help import help_lines

        focused = self.focused
        title = focused.border_title if focused is not None and focused.border_title else "here"
        self.push_screen(Reading(f"keys: {title}", help_lines(self)))

    def action_zoom(self) -> None:
        screen = self.screen
        if screen.maximized is not None:
            screen.minimize()
        elif self.focused is not None:
            screen.maximize(self.focused, container=False)

    def copy_to_clipboard(self, text: str) -> None:
        """Copy through the terminal (OSC 52), which answers nothing: say what was done and what else there is."""
        reason = why_not_copy(text, os.environ, is_web=self.is_web)
        if reason:
            self.complain(f"not copied: {reason}; S saves the screen to a file instead")
            return
        super().copy_to_clipboard(text)
        self.say(
            f"{len(text):,} characters given to the terminal (OSC 52)\nif they do not arrive, it does not allow that; S saves to a file"
        )

    def show_page(self, url: str) -> None:
        """Open a page of documentation, or show its address where no browser can be opened."""
        if not url.startswith(("https://", "http://")):
            self.refuse(f"{url} is no web page")
        elif self.is_web or has_browser(os.environ, sys.platform):
            self.slow(self, lambda: self.open_url(url), lambda _: self.say(f"opening {url}"))
        else:
            self.push_screen(
                Reading(
                    "source", [((safe(url), "link"),), (("no browser can be opened from here", "muted"),)]
                )
            )

    def action_save_screen(self) -> None:
        picture, text = self.picture(), self.screen_text()

        def save(answer: tuple[str, ...] | None) -> None:
            if answer:
                path = Path(answer[0]).expanduser()
                body = text if path.suffix == ".txt" else picture
                self.slow(
                    self,
                    lambda: write_bytes(path, body.encode()),
                    lambda _: self.say(f"saved to {path.absolute()}"),
                )

        self.push_screen(
            Prompt(
                "save the screen", [("file, .svg for a picture or .txt for text", "review.svg")], why_not_save
            ),
            save,
        )

    def picture(self) -> str:
        """The screen as SVG that asks nobody for a font."""
        return _OUTSIDE.sub("", self.export_screenshot())

    def screen_text(self) -> str:
        """The screen as plain text."""
        strips = self.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips) + "\n"

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: everything that a key does here, then the theme and the way out."""
        for active in screen.active_bindings.values():
            binding, node = active.binding, active.node
            if binding.description and not binding.system and binding.tooltip:

                def run(action: str = binding.action, node: DOMNode = node) -> None:
                    self.call_later(self.run_action, action, node)

                yield SystemCommand(binding.description, binding.tooltip, run)
        yield SystemCommand("theme", "choose how it looks", self.action_change_theme)
        yield SystemCommand("quit", "leave; nothing is lost", self.action_quit)

    @on(HintBar.Clicked)
    async def _hint_clicked(self, message: HintBar.Clicked) -> None:
        for active in self.screen.active_bindings.values():
            if active.binding.action == message.action:
                await self.run_action(message.action, active.node)
                return


def why_not_copy(text: str, environ: Mapping[str, str], *, is_web: bool) -> str:
    """Why text cannot be copied through this terminal; empty when that is worth trying."""
    if is_web:
        return "a browser does not let this page copy; select it with the mouse"
    if not text:
        return "nothing is selected"
    if environ.get("TERM", "") in ("linux", "dumb", ""):
        return f"a terminal of the kind '{environ.get('TERM', '')}' has no clipboard"
    if len(text.encode()) > _CLIPBOARD_LIMIT:
        return f"{len(text):,} characters are more than terminals take"
    return ""


def has_browser(environ: Mapping[str, str], platform: str) -> bool:
    """Can a browser be opened that does not take over this terminal?"""
    return platform in ("darwin", "win32") or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def why_not_save(text: str) -> str:
    """What is wrong with a file name for the saved screen."""
    path = Path(text).expanduser()
    if path.suffix not in (".svg", ".txt"):
        return "the name ends in .svg or .txt"
    return f"{safe(text)} is there already; choose another name" if path.exists() else ""


def known_actions() -> set[str]:
    """Ids of all actions whose keys may be changed."""
    from allowlist_tui.panes.explore import ExplorePane, HistoryPane
    from allowlist_tui.panes.review import ReviewPane
    from allowlist_tui.screens.applying import ApplyScreen
    from allowlist_tui.screens.choosing import PlanChooser
    from allowlist_tui.screens.main import MainScreen
    from allowlist_tui.widgets.lines import Lines
    from allowlist_tui.widgets.outline import Outline

    panes = (ReviewPane, ExplorePane, HistoryPane, Lines, Outline)
    owners = (ReviewApp, MainScreen, ApplyScreen, PlanChooser, *panes)
    bindings = (binding for owner in owners for binding in owner.BINDINGS)
    return {binding.id for binding in bindings if isinstance(binding, Binding) and binding.id}
