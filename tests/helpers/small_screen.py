"""A small Textual app for tests of how screens are served: says what keys it got, links out, may refuse to end."""

from __future__ import annotations

import os
import subprocess
import sys

from textual.app import App, ComposeResult
from textual.widgets import Static


class SmallScreen(App[None]):
    BINDINGS = [  # noqa: RUF012
        ("ctrl+q", "quit", "quit"),
        ("o", "open('https://source.example/page')", "open"),
        ("j", "open('javascript:document.title=1')", "script"),
        ("s", "save", "save"),
        ("n", "child", "child"),
    ]

    def compose(self) -> ComposeResult:
        yield Static("small screen", id="said")

    def on_key(self, event: object) -> None:
        self.query_one("#said", Static).update(f"key {getattr(event, 'key', '')}")

    def action_open(self, url: str) -> None:
        self.open_url(url)

    def action_save(self) -> None:
        self.deliver_screenshot("screen.svg")

    def action_child(self) -> None:
        subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL)

    async def action_quit(self) -> None:
        if "STUBBORN" not in os.environ:
            self.exit()


if __name__ == "__main__":
    if "--fail" in sys.argv:
        sys.exit("error: plan.json:1:1 is no plan \x1b[2J")
    SmallScreen().run()
