"""What panes and screens need of the app they stand in, so that they need not know it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

from textual.app import App
from textual.dom import DOMNode
from textual.screen import Screen

from allowlist.apply.stopping import Stop

T = TypeVar("T")


class Host(Protocol):
    """The nine members of the app that are used from below."""

    stops: list[Stop]
    """Of every run that was begun here: whoever leaves asks each to stop after the step in flight."""
    parting_words: list[str]
    """What to say after the screen is gone."""

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
        """Work in a thread, then carry on here; what ``writes`` is finished even when the person leaves."""
        ...

    def say(self, text: str) -> None: ...

    def refuse(self, text: str) -> None:
        """Why something cannot be done now."""
        ...

    def complain(self, text: str) -> None:
        """What went wrong."""
        ...

    def push_screen(self, screen: Screen[Any], callback: Callable[[Any], None] | None = None) -> object: ...

    def copy_to_clipboard(self, text: str) -> None: ...

    def show_page(self, url: str) -> None: ...


def host_of(app: App[Any]) -> Host:
    """The app as a host: screens are only ever shown in one."""
    return cast("Host", app)
