"""Which process holds what, so that one that died on this machine is told at once from one that works."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FORM = re.compile(r"^(?P<where>\S+) (?P<pid>\d+) (?P<started>\d+)$")


@dataclass(frozen=True, slots=True)
class Process:
    """``started`` tells two processes with one number apart; 0 where the system does not report it."""

    where: str
    pid: int
    started: int

    def __str__(self) -> str:
        return f"{self.where} {self.pid} {self.started}"

    @property
    def is_gone(self) -> bool:
        """Certain only on the machine it ran on; of others nothing is known, and their lease decides."""
        if self.where != this_place():
            return False
        return not _is_running(self.pid) or _started(self.pid) != self.started


def this_process() -> Process:
    pid = os.getpid()
    return Process(this_place(), pid, _started(pid))


def parse_process(text: str) -> Process | None:
    found = _FORM.match(text)
    return Process(found["where"], int(found["pid"]), int(found["started"])) if found else None


@cache
def this_place() -> str:
    """The host with its boot and its process name space: two containers of one host name stay two places."""
    marks = [_text("/proc/sys/kernel/random/boot_id")]
    with suppress(OSError):
        marks.append(os.readlink("/proc/self/ns/pid"))
    host = platform.node().replace(" ", "-") or "localhost"
    return f"{host}/{hashlib.sha256(' '.join(marks).encode()).hexdigest()[:8]}"


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return next(iter(_stat(pid)), "") != "Z"


def _started(pid: int) -> int:
    """Clock ticks between boot and the start of the process (proc(5), field 22)."""
    with suppress(IndexError, ValueError):
        return int(_stat(pid)[19])
    return 0


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the third on; the second may hold blanks and brackets."""
    return _text(f"/proc/{pid}/stat").rpartition(")")[2].split()


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace")
    except OSError:
        return ""
