"""The Textual driver of a served session: ends with its server, and quits as a person would."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.drivers.web_driver import WebDriver


class SessionDriver(WebDriver):
    """Textual's driver for browsers, which by itself would wait for ever when its server is gone."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self._screen_app = app

    def run_input_thread(self) -> None:
        super().run_input_thread()
        self._quit()

    def on_meta(self, packet_type: str, payload: dict[str, object]) -> None:
        if packet_type == "quit":
            self._quit()
        else:
            super().on_meta(packet_type, payload)

    def _quit(self) -> None:
        """The app's own way out, which leaves a resumable state."""
        app = self._screen_app
        app.call_later(app.run_action, "quit")
