"""What a key costs at the review screen as people use it: ``allowlist review`` on a terminal of its own.

The kernel counts the CPU of the process between two keys, so nothing of this bench is in it. Keys come one by one, each
when the screen has fallen silent after the one before, and all together as they do when one is held down.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from allowlist.workflow.files import write_file
from tests.bench.table import Row
from tests.helpers.plans import a_change, a_plan

SIZE = (200, 50)
CHANGES = 10_000
KEYS = 40
GOAL = 0.008
_DOWN = b"\x1b[B"
_SILENCE = 0.15
"""Seconds without a word after which the screen is taken to be done."""
_AT_REST = 0.001
"""CPU seconds in a silence below which nothing is under way any more."""
_PATIENCE = 120.0


def run() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="allowlist-bench-") as name:
        with _screen(_plan(Path(name)), Path(name)) as screen:
            alone = statistics.median(screen.cost_of(_DOWN) for _ in range(KEYS))
            together = screen.cost_of(_DOWN * KEYS) / KEYS
        width, height = SIZE
        what = f"a key at the review screen, {width}x{height}, {CHANGES:,} changes"
        yield Row(f"{what}, one by one", alone, GOAL, "8 ms", "<= 1")
        yield Row(f"{what}, held down", together, GOAL, "8 ms", "<= 1")


def _plan(folder: Path) -> Path:
    file = folder / "plan.json"
    names = (f"host{number}.example.com" for number in range(CHANGES))
    write_file(file, a_plan(*(a_change(name) for name in names)))
    return file


class _Screen:
    def __init__(self, process: int, terminal: int) -> None:
        self._process = process
        self._terminal = terminal

    def cost_of(self, keys: bytes) -> float:
        """CPU seconds of the process from ``keys`` until it has nothing to say."""
        before = self._spent()
        os.write(self._terminal, keys)
        self.settle()
        return self._spent() - before

    def settle(self) -> int:
        """Read until the screen is silent; how many bytes came."""
        count = 0
        while select.select([self._terminal], [], [], _SILENCE)[0]:
            count += len(os.read(self._terminal, 1 << 16))
        return count

    def _spent(self) -> float:
        """Of all threads, from the scheduler: clock ticks are as long as a key."""
        tasks = Path(f"/proc/{self._process}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9


@contextmanager
def _screen(plan: Path, home: Path) -> Iterator[_Screen]:
    process, terminal = pty.fork()
    if process == 0:
        os.environ |= {"XDG_STATE_HOME": str(home), "XDG_CACHE_HOME": str(home), "TERM": "xterm-256color"}
        os.chdir(home)
        os.execv(sys.executable, [sys.executable, "-m", "allowlist", "review", str(plan), "--read-only"])
    width, height = SIZE
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    screen = _Screen(process, terminal)
    try:
        _wait(lambda: screen.settle() > width * height)
        _wait(lambda: screen.cost_of(b"") < _AT_REST)
        yield screen
    finally:
        os.write(terminal, b"\x11")
        screen.settle()
        os.close(terminal)
        os.waitpid(process, 0)


def _wait(is_there: Callable[[], bool]) -> None:
    until = time.monotonic() + _PATIENCE
    while not is_there():
        if time.monotonic() > until:
            raise TimeoutError("the review screen did not come")
