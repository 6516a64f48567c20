"""Progress of a run on stderr: a live line where a person looks, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from allowlist.apply.events import ProgressEvent
from allowlist.cli.console import say, uses_colour
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

    console = Console(stderr=True)
    with Status("starting", console=console) as status:

        def show(event: ProgressEvent) -> None:
            line = f"{event.target}: {event.text}"
            if event.state in ("verified", "failed", "unknown"):
                console.print(f"  {_WORDS[event.state]} {line}", markup=False, highlight=False)
            status.update(line.replace("[", "\\["))

        yield show
