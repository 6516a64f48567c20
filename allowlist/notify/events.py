"""What there is to tell, and what makes it the same news as last time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from allowlist.documents import digest_of
from allowlist.workload.document import EventKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One piece of news about a workload or one of its targets.

    ``meaning`` says what it is about: the same kind with the same meaning on the same subject is told once. An empty
    ``meaning`` says that there is nothing of this kind any more, so that its return is news again; that is never sent.
    """

    kind: EventKind
    workload: str
    target: str = ""
    title: str = ""
    lines: tuple[str, ...] = ()
    next: str = ""
    meaning: str = ""

    @property
    def subject(self) -> str:
        return f"{self.workload}/{self.target}" if self.target else self.workload

    @property
    def key(self) -> str:
        """What this event replaces in the memory of a channel."""
        return f"{self.subject} {self.kind}"


def meaning_of(parts: Iterable[object]) -> str:
    """One short text for the same parts in any order; empty for none."""
    texts = sorted({str(part) for part in parts})
    return digest_of(texts) if texts else ""


_CHANGING = re.compile(r"[0-9a-f]{8,}|\d+", re.IGNORECASE)


def gist(text: str) -> str:
    """``text`` without what differs from one occurrence to the next: numbers, moments, ids of requests and runs."""
    return _CHANGING.sub("#", text)
