"""A screen served to browsers by a process of its own, and what is left running of it."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.helpers.shared import REPOSITORY

SMALL_APP = Path(__file__).with_name("small_screen.py")

SERVE = """
import sys
from allowlist_tui.web import serve, session
session.QUIT_SECONDS = 1.0
serve(sys.argv[2:], host=sys.argv[1], port=0, say=lambda text: print(text, file=sys.stderr, flush=True))
"""

PATIENCE = 60.0
"""Seconds after which something that was waited for will not come; nothing is measured."""


@dataclass
class Served:
    """The server process, and each line it said on stderr."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)
    _lines: queue.Queue[str] = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.put(line)

    def hear(self, pattern: str) -> str:
        """Wait for a line with ``pattern``; its first group, or the whole match."""
        while True:
            line = self._lines.get(timeout=PATIENCE)
            self.said.append(line)
            if found := re.search(pattern, line):
                return found[1] if found.groups() else found[0]

    def link(self) -> str:
        return self.hear(r"(http://\S+)")

    def children(self) -> list[int]:
        """Processes that run a screen for this server."""
        listing = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True
        )
        return [int(word) for word in listing.stdout.split()]

    def interrupt(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def served(command: Sequence[str] | None = None, *, host: str = "127.0.0.1") -> Iterator[Served]:
    """Serve ``command`` (by default a small screen made for tests) on a free port."""
    words = command or [sys.executable, str(SMALL_APP)]
    with running([sys.executable, "-c", SERVE, host, *words]) as server:
        yield server


@contextmanager
def running(command: Sequence[str], **environ: str) -> Iterator[Served]:
    """Any command that serves a screen, ended with the block."""
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY, env={**os.environ, **environ}
    )
    try:
        yield Served(process)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(PATIENCE)
        assert process.stderr is not None
        process.stderr.close()


def is_alive(pid: int) -> bool:
    """Is there a process, other than one that only waits to be counted?"""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_until(holds: Callable[[], object], what: str | Callable[[], str]) -> None:
    """Wait until ``holds`` says so."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain: {what if isinstance(what, str) else what()}")
        time.sleep(0.02)
