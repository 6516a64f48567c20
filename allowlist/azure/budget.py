"""How many requests ARM lets through: token buckets of our own, corrected by what every answer says is left.

Buckets of a subscription and principal as documented since 2024: 250 reads and 25 more a second, 200 writes and
200 deletes and 10 more a second
(https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling). On top
Microsoft.Network takes 10,000 reads and 1,000 writes or deletes in five minutes (same page), and Resource Graph 15
queries in five seconds (https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests).
What the service says is left (``x-ms-ratelimit-remaining-…``) counts more than what we believe.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bucket:
    """``refill`` is in requests per second."""

    capacity: float
    refill: float


_SUBSCRIPTION = {"reads": Bucket(250, 25), "writes": Bucket(200, 10), "deletes": Bucket(200, 10)}
_NETWORK = {"reads": Bucket(10_000, 10_000 / 300), "changes": Bucket(1_000, 1_000 / 300)}
_RESOURCE_GRAPH = Bucket(15, 3)
_CLASSES = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}

_Key = tuple[str, str]


@dataclass(slots=True)
class _Level:
    bucket: Bucket
    tokens: float
    at: float
    in_flight: int = 0

    def refill(self, now: float) -> None:
        """Time brings tokens up to the capacity; what the service granted above it stays."""
        grown = self.tokens + (now - self.at) * self.bucket.refill
        self.tokens = max(self.tokens, min(self.bucket.capacity, grown))
        self.at = now


class Budgets:
    """The budgets of one principal. ``clock`` tells seconds; safe to use from several threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._levels: dict[_Key, _Level] = {}

    def take(self, method: str, path: str) -> float:
        """Take one token of each budget the request falls under; the seconds to wait before sending it."""
        with self._lock:
            return max(self._take(key, bucket) for key, bucket in _budgets_of(method, path))

    def answered(self, method: str, path: str, headers: Mapping[str, str], refused_for: float = 0.0) -> None:
        """Take in an answer, or that none came. ``refused_for`` is how long a 429 asks to wait: for everybody."""
        name = _CLASSES.get(method, "writes")
        left = headers.get(f"x-ms-ratelimit-remaining-subscription-{name}", "")
        with self._lock:
            for key, bucket in _budgets_of(method, path):
                level = self._level(key, bucket)
                level.in_flight -= 1
                if left.isdigit() and key[1] == name:
                    level.tokens = int(left) - level.in_flight
                if refused_for:
                    level.tokens = min(level.tokens, 1 - refused_for * bucket.refill)

    def _take(self, key: _Key, bucket: Bucket) -> float:
        level = self._level(key, bucket)
        level.tokens -= 1
        level.in_flight += 1
        return max(0.0, -level.tokens / bucket.refill)

    def _level(self, key: _Key, bucket: Bucket) -> _Level:
        now = self._clock()
        level = self._levels.setdefault(key, _Level(bucket, bucket.capacity, now))
        level.refill(now)
        return level


def _budgets_of(method: str, path: str) -> Iterator[tuple[_Key, Bucket]]:
    lowered = path.lower()
    if "/microsoft.resourcegraph/" in lowered:
        yield ("", "resource graph"), _RESOURCE_GRAPH
        return
    subscription, name = _subscription(lowered), _CLASSES.get(method, "writes")
    yield (subscription, name), _SUBSCRIPTION[name]
    if "/microsoft.network/" in lowered:
        kind = "reads" if name == "reads" else "changes"
        yield (subscription, f"network {kind}"), _NETWORK[kind]


def _subscription(path: str) -> str:
    parts = path.split("/")
    return parts[2] if len(parts) > 2 and parts[1] == "subscriptions" else ""
