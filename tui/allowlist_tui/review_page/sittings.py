"""Who sits at the page: sessions that end, one-time links, sign-ins that are under way, and how often somebody may try."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Final

from allowlist.workflow.review import Review
from allowlist_tui.review_page.oidc import Challenge, DeviceSignIn

IDLE_SECONDS: Final = 3600.0
LONGEST_SECONDS: Final = 8 * 3600.0
_SIGN_IN_SECONDS: Final = 600.0
_MOST_SIGN_INS: Final = 1000


@dataclass(slots=True)
class Sitting:
    """One browser of one person. ``csrf`` has to come with everything that decides.

    ``why_not_apply`` is why this person may not apply at all, empty for who may.
    """

    review: Review
    name: str
    why_not_apply: str
    begun: float
    seen: float
    csrf: str = field(default_factory=secrets.token_urlsafe)


class Sittings:
    """``clock`` is in seconds and only goes forward."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[str, Sitting] = {}
        self._begun: dict[str, tuple[Challenge | DeviceSignIn, float]] = {}
        self._link = secrets.token_urlsafe()

    @property
    def link(self) -> str:
        """What the next one-time link carries."""
        return self._link

    def takes_link(self, token: str) -> bool:
        """Is it the link that was printed? It works once."""
        with self._lock:
            if not compare_digest(token.encode(), self._link.encode()):
                return False
            self._link = secrets.token_urlsafe()
            return True

    def begin_sign_in(self, begun: Challenge | DeviceSignIn) -> None:
        """Keep a sign-in by its state until it ends or is too old."""
        with self._lock:
            now = self._clock()
            self._begun = {key: item for key, item in self._begun.items() if now - item[1] < _SIGN_IN_SECONDS}
            while len(self._begun) >= _MOST_SIGN_INS:
                self._begun.pop(next(iter(self._begun)))
            self._begun[begun.state] = (begun, now)

    def sign_in_of(self, state: str) -> Challenge | DeviceSignIn | None:
        """A sign-in that was begun here and may still end; None for any other, and for one too old."""
        with self._lock:
            found, begun = self._begun.get(state, (None, 0.0))
            return found if found and self._clock() - begun < _SIGN_IN_SECONDS else None

    def end_sign_in(self, state: str) -> Challenge | DeviceSignIn | None:
        """The same, once."""
        found = self.sign_in_of(state)
        with self._lock:
            return found if self._begun.pop(state, None) else None

    def open(self, review: Review, name: str, why_not_apply: str) -> tuple[str, Sitting]:
        """A new sitting and the cookie it goes by."""
        now, key = self._clock(), secrets.token_urlsafe(32)
        sitting = Sitting(review=review, name=name, why_not_apply=why_not_apply, begun=now, seen=now)
        with self._lock:
            self._open[key] = sitting
        return key, sitting

    def find(self, key: str, *, is_there: bool = True) -> Sitting | None:
        """The sitting of a cookie that has not ended; ``is_there`` where a person asks, and not a page left open."""
        with self._lock:
            sitting = self._open.get(key)
            if sitting is None:
                return None
            now = self._clock()
            if now - sitting.seen > IDLE_SECONDS or now - sitting.begun > LONGEST_SECONDS:
                del self._open[key]
                return None
            if is_there:
                sitting.seen = now
            return sitting

    def close(self, key: str) -> None:
        with self._lock:
            self._open.pop(key, None)


class Limit:
    """At most ``count`` in ``seconds`` for each of several callers."""

    def __init__(self, count: int, seconds: float, clock: Callable[[], float]) -> None:
        self._count, self._seconds, self._clock = count, seconds, clock
        self._seen: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def lets(self, caller: str) -> bool:
        with self._lock:
            now = self._clock()
            if len(self._seen) > 10_000:
                self._seen = {key: item for key, item in self._seen.items() if now - item[-1] < self._seconds}
            times = self._seen.setdefault(caller, deque())
            while times and now - times[0] >= self._seconds:
                times.popleft()
            if len(times) >= self._count:
                return False
            times.append(now)
            return True
