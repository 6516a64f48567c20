"""What a library logs about traces, as narration; apart from traces, so that runs without them load no logging."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def told(warn: Callable[[str], None]) -> Iterator[None]:
    """What the SDK says of an export goes where the run is narrated, each thing once."""
    logger, handler = logging.getLogger("opentelemetry"), _Telling(warn)
    before = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = before
        logger.removeHandler(handler)


class _Telling(logging.Handler):
    def __init__(self, warn: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._warn = warn
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        text = f"traces: {record.getMessage()}"
        if text not in self._said:
            self._said.add(text)
            self._warn(text)
