"""ARM's token buckets, one per subscription and class of operation.

Refill rates as documented since 2024 (25 reads, 10 writes and 10 deletes per second); capacities as the
headers of 2025 recordings show them (800 writes and deletes, 1,100 reads, fifteen times that globally).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from allowlist.simulator.arm.refusals import front_door

GLOBAL_FACTOR = 15


@dataclass(frozen=True, slots=True)
class Bucket:
    capacity: float
    refill: float
    """Tokens per second."""


DOCUMENTED = {"reads": Bucket(1_100, 25), "writes": Bucket(800, 10), "deletes": Bucket(800, 10)}
_CLASSES = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}


@dataclass(slots=True)
class _Level:
    tokens: float
    at: float


class Throttle:
    """Counts tokens; ``buckets`` None switches refusal off but keeps the headers."""

    def __init__(self, clock: Callable[[], float], buckets: dict[str, Bucket] | None = None) -> None:
        self._clock = clock
        self._buckets = DOCUMENTED if buckets is None else buckets
        self._levels: dict[tuple[str, str], _Level] = {}

    def take(self, method: str, subscription: str) -> dict[str, str]:
        """Headers that tell what is left; refuses with 429 when nothing is."""
        name = _CLASSES.get(method, "writes")
        bucket = self._buckets[name]
        level = self._refilled(name, subscription.lower(), bucket)
        if level.tokens < 1:
            raise _throttled(subscription, ceil((1 - level.tokens) / bucket.refill))
        level.tokens -= 1
        used = int(bucket.capacity - level.tokens)
        return {
            f"x-ms-ratelimit-remaining-subscription-{name}": str(int(level.tokens)),
            f"x-ms-ratelimit-remaining-subscription-global-{name}": str(
                int(bucket.capacity) * GLOBAL_FACTOR - used
            ),
        }

    def _refilled(self, name: str, subscription: str, bucket: Bucket) -> _Level:
        now = self._clock()
        level = self._levels.setdefault((subscription, name), _Level(bucket.capacity, now))
        level.tokens = min(bucket.capacity, level.tokens + (now - level.at) * bucket.refill)
        level.at = now
        return level


def _throttled(subscription: str, seconds: int) -> Exception:
    message = (
        f"Number of requests for subscription '{subscription}' exceeded the limit. "
        f"Please try again after '{seconds}' seconds."
    )
    return front_door(429, "SubscriptionRequestsThrottled", message, headers={"retry-after": str(seconds)})
