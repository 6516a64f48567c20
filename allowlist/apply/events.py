"""What happens while changes are applied, for whoever watches."""

from __future__ import annotations

from collections.abc import Callable

import msgspec


class ProgressEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One moment of a run. ``elapsed`` and ``expected`` are minutes of the step; ``state`` is a step state or waiting.

    ``changes`` are the ids of what the step writes, where that is known.
    """

    target: str
    step: str
    state: str
    text: str
    elapsed: float = 0.0
    expected: float = 0.0
    changes: tuple[str, ...] = ()


OnEvent = Callable[[ProgressEvent], None]


def nobody_watches(event: ProgressEvent) -> None:
    del event
