"""What there is to tell, and what makes it the same news as last time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from allowlist.documents import digest_of
from allowlist.workload.document import EventKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One piece of news about a workload or one of its targets.

    ``parts`` say what it is about, each thing in it by a short digest. It is told when something joins that was not
    told before; what merely goes is remembered in silence, so that its return is news again. Without parts there is
    nothing of this kind now, and the event is never sent.
    """

    kind: EventKind
    workload: str
    target: str = ""
    title: str = ""
    lines: tuple[str, ...] = ()
    next: str = ""
    parts: frozenset[str]
    each: Mapping[str, str] = field(default_factory=dict)
    """A line for each part, where only what is new is to be told and not all of it again."""
    in_part: bool = False
    """Was not everything looked at? Then what is not among ``parts`` is not over."""

    def beside(self, known: frozenset[str]) -> Event:
        """The event with what it cannot say is over, for somebody who knows ``known``."""
        return replace(self, parts=self.parts | known) if self.in_part else self

    def since(self, known: frozenset[str]) -> Event:
        """The event as it is told to somebody who knows ``known`` already."""
        new = [part for part in self.each if part not in known]
        if not new:
            return self
        lines = tuple(self.each[part] for part in new)
        if len(lines) == 1:
            return replace(self, title=lines[0], lines=(), parts=frozenset(new))
        return replace(self, title=f"{len(lines)} {self.title}", lines=lines, parts=frozenset(new))

    @property
    def subject(self) -> str:
        return f"{self.workload}/{self.target}" if self.target else self.workload

    @property
    def key(self) -> str:
        """What this event replaces in the memory of a channel."""
        return f"{self.subject} {self.kind}"

    @property
    def meaning(self) -> str:
        """One text for the same parts; empty for none."""
        return digest_of(sorted(self.parts)) if self.parts else ""


def parts_of(things: Iterable[object]) -> frozenset[str]:
    """A short digest for each thing that is told apart."""
    return frozenset(digest_of(str(thing)).removeprefix("sha256:")[:12] for thing in things)


_CHANGING = re.compile(r"[0-9a-f]{8,}|\d+", re.IGNORECASE)


def gist(text: str) -> str:
    """``text`` without what differs from one occurrence to the next: numbers, moments, ids of requests and runs."""
    return _CHANGING.sub("#", text)
