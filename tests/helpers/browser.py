"""Debian's chromium, driven by Playwright, with a record of every address it asked for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

CHROMIUM = shutil.which("chromium")
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")

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
        self.page.on("console", lambda message: self._complain(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

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
