"""ARM's token buckets, one per subscription, principal and class of operation, and Resource Graph's per principal.

Refill rates as documented since 2024 (25 reads, 10 writes and 10 deletes per second). Capacities differ: the
documentation says 250 reads and 200 writes or deletes, the headers of recordings of 2025 show 1,100 and 800.
All principals together have fifteen times as much. Resource Graph lets 15 queries through in 5 seconds.
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


OBSERVED = {"reads": Bucket(1_100, 25), "writes": Bucket(800, 10), "deletes": Bucket(800, 10)}
DOCUMENTED = {"reads": Bucket(250, 25), "writes": Bucket(200, 10), "deletes": Bucket(200, 10)}
_GRAPH = Bucket(15, 3)
_GRAPH_SECONDS = 5
_CLASSES = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}


@dataclass(slots=True)
class _Level:
    tokens: float
    at: float


class Throttle:
    """Counts tokens and refuses when there is none; ``buckets`` by class, as observed unless they are given."""

    def __init__(self, clock: Callable[[], float], buckets: dict[str, Bucket] | None = None) -> None:
        self._clock = clock
        self._buckets = OBSERVED if buckets is None else buckets
        self._levels: dict[tuple[str, ...], _Level] = {}

    def take(self, method: str, subscription: str, principal: str = "") -> dict[str, str]:
        """Headers that tell what is left; refuses with 429 when nothing is."""
        name = _CLASSES.get(method, "writes")
        bucket = self._buckets[name]
        wait, left = self._spend((subscription.lower(), principal, name), bucket)
        if wait:
            raise _throttled(subscription, wait)
        if not subscription:
            return {f"x-ms-ratelimit-remaining-tenant-{name}": str(left)}
        everybody = int(bucket.capacity) * GLOBAL_FACTOR - (int(bucket.capacity) - left)
        return {
            f"x-ms-ratelimit-remaining-subscription-{name}": str(left),
            f"x-ms-ratelimit-remaining-subscription-global-{name}": str(everybody),
        }

    def take_query(self, principal: str) -> dict[str, str]:
        """The same for a Resource Graph query, in that service's headers."""
        wait, left = self._spend((principal, "graph"), _GRAPH)
        quota = {
            "x-ms-user-quota-remaining": str(left),
            "x-ms-user-quota-resets-after": f"00:00:{_GRAPH_SECONDS:02}",
        }
        if wait:
            message = (
                "Client application has been throttled and should not attempt to repeat the request yet."
            )
            raise front_door(429, "RateLimiting", message, headers={**quota, "retry-after": str(wait)})
        return quota

    def _spend(self, key: tuple[str, ...], bucket: Bucket) -> tuple[int, int]:
        """Seconds to wait, 0 when a token was taken; and the tokens left."""
        now = self._clock()
        level = self._levels.setdefault(key, _Level(bucket.capacity, now))
        level.tokens = min(bucket.capacity, level.tokens + (now - level.at) * bucket.refill)
        level.at = now
        if level.tokens < 1:
            return ceil((1 - level.tokens) / bucket.refill), 0
        level.tokens -= 1
        return 0, int(level.tokens)


def _throttled(subscription: str, seconds: int) -> Exception:
    message = (
        f"Number of requests for subscription '{subscription}' exceeded the limit. "
        f"Please try again after '{seconds}' seconds."
    )
    return front_door(429, "SubscriptionRequestsThrottled", message, headers={"retry-after": str(seconds)})
