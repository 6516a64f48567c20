"""What is told of traffic, as values: flows that were seen, what was denied, let through, unused, or would change."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from allowlist.traffic.account import Account

_SOURCES = 5


@dataclass(frozen=True, slots=True)
class Named:
    """``entries`` say who has the name; ``looks_like`` is a known domain that an unknown name resembles."""

    entries: tuple[str, ...] = ()
    looks_like: str = ""
    catalogs: tuple[str, ...] = ()
    """The catalogs of ``entries``, by name."""

    def __str__(self) -> str:
        if self.entries:
            return "; ".join(self.entries[:3]) + (
                f" and {len(self.entries) - 3} more" if len(self.entries) > 3 else ""
            )
        return (
            f"nobody knows this name; it looks like {self.looks_like}"
            if self.looks_like
            else "nobody knows this name"
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """Flows that differ in nothing that decides, and how often they were seen."""

    log: str
    source: str
    name: str
    destination: str
    port: int
    protocol: str
    action: str
    reason: str
    policy: str
    group: str
    collection: str
    rule: str
    count: int
    first: dt.datetime
    last: dt.datetime

    @property
    def end(self) -> str:
        return f"{self.name or self.destination or '(no name)'} {self.protocol}:{self.port}"

    @property
    def decided_by(self) -> str:
        """The rule that the log names, or what else it says."""
        if self.log == "flow":
            return f"network security group rule {self.rule}"
        path = "/".join(filter(None, (self.policy, self.group, self.collection, self.rule)))
        return path or self.reason or ("the default" if self.action == "deny" else "")


@dataclass(slots=True)
class Tally:
    """Flows to one end, gathered; ``sources`` holds the first few, ``more`` says how many others there were."""

    count: int = 0
    first: dt.datetime | None = None
    last: dt.datetime | None = None
    sources: dict[str, int] = field(default_factory=dict)

    def add(self, seen: Seen) -> None:
        self.count += seen.count
        self.first = seen.first if self.first is None else min(self.first, seen.first)
        self.last = seen.last if self.last is None else max(self.last, seen.last)
        self.sources[seen.source] = self.sources.get(seen.source, 0) + seen.count

    def with_(self, other: Tally) -> Tally:
        """Both together, as a new tally."""
        moments = [moment for moment in (self.first, other.first) if moment is not None]
        ends = [moment for moment in (self.last, other.last) if moment is not None]
        sources = dict(self.sources)
        for source, count in other.sources.items():
            sources[source] = sources.get(source, 0) + count
        return Tally(self.count + other.count, min(moments, default=None), max(ends, default=None), sources)

    @property
    def shown_sources(self) -> tuple[str, ...]:
        """Those that asked most, most first."""
        return tuple(sorted(self.sources, key=lambda item: (-self.sources[item], item))[:_SOURCES])


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """Something that was asked for and denied. ``now`` is what the rules as read do with it: allow, deny, unknown."""

    end: str
    name: str
    by: str
    tally: Tally
    now: str
    now_by: str
    wanted_by: tuple[str, ...] = ()
    """Requirements of this workload, as catalog@version#entry."""
    known: Named = Named()
    ours: bool = True
    """Does a source of this workload ask for it?"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """Something that is let through from this workload's sources and that it does not require."""

    end: str
    name: str
    by: str
    tally: Tally
    known: Named = Named()
    tighten: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """An entry that stands on more than a page and whose name was let through on ``day``: what that makes of it."""

    entry: str
    pattern: str
    day: dt.date
    before: str
    after: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unused:
    """A rule, requirement or target without traffic in the whole window, which ``lasted`` so long."""

    kind: str
    subject: str
    why: str
    lasted: str
    short: bool
    """Is the window shorter than what the workload calls enough?"""

    @property
    def text(self) -> str:
        return f"{self.why} in {self.lasted}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Redundant:
    """A rule without which every flow that was seen is decided as it was, by the rules ``instead``.

    ``tally`` counts the flows that fit it; ``decides`` says whether it decides any, or another rule always comes first.
    """

    target: str
    rule: str
    tally: Tally
    instead: tuple[str, ...]
    decides: bool
    lasted: str = ""
    short: bool = False

    @property
    def text(self) -> str:
        by = ", ".join(self.instead)
        seen = f" (seen in {self.lasted})" if self.lasted else ""
        return (
            f"its flows would be decided the same by {by}{seen}"
            if self.decides
            else f"its flows are decided before by {by}{seen}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a change would have done to flows that were seen: ``opens``, ``closes``, ``moves`` or ``unknown``."""

    word: str
    end: str
    tally: Tally
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything ``allowlist evidence`` tells."""

    account: Account
    workload: str = ""
    denied: tuple[Denied, ...] = ()
    excess: tuple[Excess, ...] = ()
    unused: tuple[Unused, ...] = ()
    redundant: tuple[Redundant, ...] = ()
    """Rules whose traffic another rule always decides as well; all of them together may go."""
    refused: tuple[str, ...] = ()
    """Why nothing is said about what is unused or redundant."""
    effects: tuple[Effect, ...] = ()
    what_if: str = ""
    confirmed: tuple[Confirmed, ...] = ()
    """Entries of catalogs that these logs make fresh again."""
    days: tuple[tuple[dt.date, int, int], ...] = ()
    """Day, flows let through, flows denied."""

    @property
    def pending(self) -> bool:
        """Is something denied that this workload requires, or was anything left out?"""
        return any(item.wanted_by for item in self.denied) or not self.account.is_whole
