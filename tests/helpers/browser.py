"""Debian's chromium, driven by Playwright, with a record of every address it asked for."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, Route, WebSocket, sync_playwright

from tests.helpers.served import wait_until

CHROMIUM = shutil.which("chromium")
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")

ESCAPE = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-Z\\-_]")

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get("CI"), reason="chromium is not installed"
)


@dataclass
class Visit:
    """One page of a browser. ``outside`` holds every request that was not for the server, none of them let through."""

    page: Page
    asked: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _written: bytearray = field(default_factory=bytearray)

    def watch(self, ours: str) -> None:
        """Record requests and what the page complains of; let only those to ``ours`` pass."""

        def judge(route: Route) -> None:
            url = route.request.url
            self.asked.append(url)
            if url.startswith((ours, "data:")):
                route.continue_()
            else:
                self.outside.append(url)
                route.abort()

        self.page.context.route("**/*", judge)
        self.page.on("websocket", self._listen)
        self.page.on("console", lambda message: self._complain(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _listen(self, socket: WebSocket) -> None:
        socket.on(
            "framereceived", lambda frame: self._written.extend(frame if isinstance(frame, bytes) else b"")
        )

    def reads(self, text: str) -> None:
        """Wait until ``text`` was written to the terminal since the last key; parts of a line count."""
        self.until(lambda: text in ESCAPE.sub(b"", bytes(self._written)).decode(errors="replace"), text)

    def until(self, holds: Callable[[], object], what: str) -> None:
        """Wait while the browser goes on."""

        def after_a_while() -> object:
            self.page.wait_for_timeout(20)
            return holds()

        wait_until(after_a_while, what)

    def _complain(self, kind: str, text: str) -> None:
        if kind == "error":
            self.complaints.append(text)

    def open(self, link: str) -> None:
        """Open a link and wait for the first picture of the screen."""
        self.page.goto(link)
        self.page.wait_for_selector("body.-first-byte")
        self.page.wait_for_selector(".xterm-helper-textarea", state="attached")
        self.page.focus(".xterm-helper-textarea")

    def press(self, *keys: str) -> None:
        self._written.clear()
        for key in keys:
            self.page.keyboard.press(key)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        try:
            yield browser
        finally:
            browser.close()
