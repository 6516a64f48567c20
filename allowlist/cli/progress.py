"""Progress of a run on stderr: a live line where a person looks, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, TextIO, cast

from allowlist.apply.events import ProgressEvent
from allowlist.apply.result import RunResult
from allowlist.apply.stopping import Stop
from allowlist.cli.console import plain, say, uses_colour
from allowlist.cli.exits import Exit
from allowlist.observe.logs import LOG

_WORDS = {
    "intended": "…",
    "sent": "→",
    "landed": "↓",
    "verified": "✓",
    "failed": "✗",
    "unknown": "?",
    "waiting": "⧗",
}


@contextmanager
def show_progress() -> Iterator[Callable[[ProgressEvent], None]]:
    """A callable to give to the executor."""
    if LOG.is_json or not (sys.stderr.isatty() and uses_colour(sys.stderr)):
        yield lambda event: say(f"  {_WORDS.get(event.state, '·')} {event.target}: {event.text}")
        return
    from rich.console import Console
    from rich.status import Status

    # A live line is written by the run itself: a terminal that went away must not end it in the middle of a step.
    console = Console(file=cast("IO[str]", _Lasting(sys.stderr)))
    with Status("starting", console=console) as status:

        def show(event: ProgressEvent) -> None:
            line = plain(f"{event.target}: {event.text}")
            if event.state in ("verified", "failed", "unknown", "waiting"):
                console.print(f"  {_WORDS[event.state]} {line}", markup=False, highlight=False)
            status.update(line.replace("[", "\\["))

        yield show


class _Lasting:
    """A text stream that goes on silently when nobody can read it any more."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def begun(stop: Stop) -> Callable[[str], None]:
    """Says which run it is as soon as there is one, so that nobody has to look for it after a crash."""

    def tell(run_id: str) -> None:
        stop.run_id = run_id
        say(f"run {run_id}")

    return tell


def next_lines(run_id: str, undoes: str = "") -> list[str]:
    from allowlist.workflow.applying import next_steps

    return next_steps(run_id, undoes=undoes).split("\n") if run_id else []


def say_interrupted(result: RunResult, undoes: str = "") -> int:
    """How an interrupted run stands, and what can be done about it."""
    say(f"interrupted: run {result.run_id}: {result.summary()}: {result.error}")
    for line in next_lines(result.run_id, undoes):
        say(f"next: {line}")
    return Exit.INTERRUPTED
