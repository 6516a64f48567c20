"""Which process holds what: so that one that died on this machine is told from one that works."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_HOLDER = re.compile(r"^(?P<who>.*) \[(?P<host>[^\[\] ]+) (?P<pid>\d+) (?P<started>\d+)\]$")


@dataclass(frozen=True, slots=True)
class Holder:
    """Who acts, in which process. ``started`` tells two processes with one number apart; 0 where nothing tells it."""

    who: str
    host: str
    pid: int
    started: int

    def __str__(self) -> str:
        return f"{self.who} [{self.host} {self.pid} {self.started}]"


def this_process(who: str, host: str) -> Holder:
    pid = os.getpid()
    return Holder(who=who, host=host, pid=pid, started=_started(pid))


def parse_holder(text: str) -> Holder | None:
    """The holder written by a scheduled run; None for anybody else."""
    found = _HOLDER.match(text)
    if found is None:
        return None
    return Holder(found["who"], found["host"], int(found["pid"]), int(found["started"]))


def is_dead(holder: Holder, host: str) -> bool:
    """Certain only for processes of this host; elsewhere the lease decides."""
    if holder.host != host:
        return False
    return not _is_running(holder.pid) or _started(holder.pid) != holder.started


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return _state(pid) != "Z"


def _state(pid: int) -> str:
    return next(iter(_stat(pid)), "")


def _started(pid: int) -> int:
    """Clock ticks between boot and the start of the process (proc(5), field 22)."""
    with suppress(IndexError, ValueError):
        return int(_stat(pid)[19])
    return 0


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the third on; the second may hold blanks and brackets."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return []
