"""Finds the patterns inside a pattern without looking at all of them."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator


class SuffixIndex:
    """Pattern texts sorted from their ends, so that everything below a wildcard lies side by side."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._reversed = sorted(text[::-1] for text in texts)

    def below(self, pattern: str) -> Iterator[str]:
        """The texts strictly inside wildcard ``pattern``; nothing is inside an exact name."""
        if pattern[:1] != "*":
            return
        prefix = pattern[:0:-1]
        at = bisect.bisect_left(self._reversed, prefix)
        while at < len(self._reversed) and self._reversed[at].startswith(prefix):
            text = self._reversed[at][::-1]
            if text != pattern:
                yield text
            at += 1
