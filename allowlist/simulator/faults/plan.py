"""Which request meets which fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from allowlist.simulator.faults.effects import PRESETS, Effect

_FOR_READS = (
    "server-error",
    "unavailable",
    "throttled",
    "throttled-silently",
    "reset-before",
    "stale-etag",
    "clock-skew",
)
_NO_ANSWERS = (
    "unregistered",
    "old-cloud",
    "redirect",
    "no-content",
    "empty-body",
    "empty-object",
    "empty-array",
    "error-inside",
    "html-page",
    "no-value",
    "cut-body",
    "blocked",
    "no-ids",
    "another",
    "link-again",
    "link-elsewhere",
)
_NAMED_ONLY = (
    "delete-poll-404",
    "rule-fails",
    "transient-after",
    "transient-operation",
    "location-bare",
    "state-lags",
    *_NO_ANSWERS,
)
"""Chance takes these only when ``only`` names them."""
_FOR_WRITES = tuple(
    name for name in PRESETS if name not in ("stale-etag", "clock-skew", "throttled-absurdly", *_NAMED_ONLY)
)


@dataclass(slots=True, kw_only=True)
class Fault:
    """One effect and the requests it meets: the ``first`` to ``last`` match, each with ``chance``."""

    effect: Effect
    method: str = "*"
    kind: str = "*"
    """A type path or its last part, ``operations`` for polls, or ``*``."""
    contains: str = ""
    """A part of the request path, without regard to case."""
    first: int = 1
    last: int = 10**9
    chance: float = 1.0
    label: str = ""
    seen: int = 0
    random: Random = field(default_factory=lambda: Random(0))

    def meets(self, method: str, type_path: str, path: str) -> bool:
        """Whether this request is hit; counts it when it matches."""
        if not self._matches(method, type_path, path):
            return False
        self.seen += 1
        return self.first <= self.seen <= self.last and self.random.random() < self.chance

    def _matches(self, method: str, type_path: str, path: str) -> bool:
        kind, types = self.kind.lower(), type_path.lower()
        fits = kind == "*" or types == kind or types.rsplit("/", 1)[-1] == kind
        return self.method in ("*", method) and fits and self.contains.lower() in path.lower()


@dataclass(slots=True, kw_only=True)
class Chance:
    """Faults by chance: each request is hit with probability ``rate``, always the same for one ``seed``."""

    rate: float
    seed: int = 0
    only: tuple[str, ...] = ()
    """Names from :data:`PRESETS`; empty means every one that fits."""
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)

    def draw(self, method: str) -> tuple[str, Effect] | None:
        if self._random.random() >= self.rate:
            return None
        fitting = (*_FOR_READS, *_NO_ANSWERS) if method == "GET" else (*_FOR_WRITES, *_NAMED_ONLY)
        default = _FOR_READS if method == "GET" else _FOR_WRITES
        names = [name for name in fitting if name in self.only] if self.only else list(default)
        if not names:
            return None
        name = self._random.choice(names)
        return name, PRESETS[name]


class FaultPlan:
    """All faults in force; ``injected`` counts what really happened, by label."""

    def __init__(self, faults: Iterable[Fault | Chance] = ()) -> None:
        self.faults: list[Fault | Chance] = list(faults)
        self.injected: Counter[str] = Counter()

    def add(self, fault: Fault | Chance) -> None:
        self.faults.append(fault)

    def clear(self) -> None:
        self.faults.clear()

    def draw(self, method: str, type_path: str, path: str) -> list[tuple[str, Effect]]:
        """The effects that meet one request, with their labels."""
        met = [found for fault in self.faults if (found := _met(fault, method, type_path, path))]
        self.injected.update(label for label, _ in met)
        return met


def _met(fault: Fault | Chance, method: str, type_path: str, path: str) -> tuple[str, Effect] | None:
    if isinstance(fault, Chance):
        return fault.draw(method)
    return (fault.label, fault.effect) if fault.meets(method, type_path, path) else None
