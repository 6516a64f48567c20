"""A run that is asked to end: once, after the steps in flight; twice, at the next safe point.

Safe points are the waits between two requests. Nobody is cut off while a request is on the wire or a line of the
journal is being written, so what was sent is always on record.
"""

from __future__ import annotations

import threading

from allowlist.errors import Interrupted


class Stop:
    """Asked by a signal or a key, looked at by the run. Safe to use from several threads."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._now = threading.Event()
        self.run_id = ""
        """The run that is writing; empty while nothing has been written."""

    def ask(self) -> None:
        """The first time: begin no further step. The second time: leave the step in flight to Azure."""
        if self._asked.is_set():
            self._now.set()
        self._asked.set()

    def asked(self) -> bool:
        return self._asked.is_set()

    @property
    def at_once(self) -> bool:
        return self._now.is_set()

    def sleep(self, seconds: float) -> None:
        """Wait; raises Interrupted as soon as somebody asks a second time."""
        if self._now.wait(seconds):
            raise Interrupted(
                "left while Azure was at work on what was sent; the operation is still running there"
            )
