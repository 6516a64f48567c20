"""Exit codes: the whole contract in one place."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What the process tells its caller; the code follows from what was printed."""

    DONE = 0
    FAILED = 1
    PENDING = 2
    GATE = 3
    STALE = 4
    NOT_APPROVED = 5
    LOCKED = 6
    IN_PART = 7
    INTERRUPTED = 130
