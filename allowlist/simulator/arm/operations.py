"""Long-running operations: they end when the clock says so, and their URLs are opaque, signed and long.

Real operation URLs carry signed query parameters ``t c s h`` and are 3,225 to 3,233 characters long
(recordings of 2025). A client that rebuilds, re-encodes or shortens one is refused here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import ceil
from random import Random
from typing import Any

from allowlist.simulator.arm.address import key_of
from allowlist.simulator.arm.message import Reply, Request, json_reply
from allowlist.simulator.arm.refusals import front_door
from allowlist.simulator.arm.versions import required_version

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_CERTIFICATE_LENGTH, _SIGNATURE_LENGTH, _HASH_LENGTH = 2_500, 342, 43

Error = dict[str, Any]


def _nothing(*_: Any) -> None:
    return None


@dataclass(slots=True, kw_only=True)
class Operation:
    """One operation. ``touches`` are the keys of resources nobody else may write until it ended."""

    id: str
    ends: float
    touches: frozenset[str]
    succeed: Callable[[], None] = _nothing
    fail: Callable[[Error], None] = _nothing
    failure: Error | None = None
    lost: bool = False
    gone: bool = False
    status: str = "InProgress"
    polls: int = 0
    hint: float = 0.0
    """Seconds a poll asks to wait where ``polls`` does not say."""
    describe: Callable[[Operation], dict[str, Any]] = field(default=lambda operation: operation.body())
    conclude: Callable[[], Reply] = field(default=lambda: Reply(status=204))

    @property
    def running(self) -> bool:
        return self.status == "InProgress"

    def body(self) -> dict[str, Any]:
        """What a poll shows: the status and nothing else, and the error of a failed one (E4)."""
        return {"status": self.status, **({"error": self.failure} if self.status == "Failed" else {})}

    def end(self) -> None:
        self.status = "Failed" if self.failure else "Succeeded"
        if self.failure:
            self.fail(self.failure)
        else:
            self.succeed()


@dataclass(frozen=True, slots=True)
class _Link:
    operation: Operation
    path: str
    query: str
    """Empty when the URL is not signed."""
    result: bool


class Operations:
    """All operations of one simulated Azure; ``polls`` are the seconds a poll answer asks to wait.

    Without ``polls`` no answer carries Retry-After, as in all recordings; the last value repeats.
    """

    def __init__(self, clock: Callable[[], float], random: Random, polls: tuple[float, ...] = ()) -> None:
        self._clock = clock
        self._random = random
        self._polls = polls
        self._running: list[Operation] = []
        self._links: dict[str, _Link] = {}

    def start(self, operation: Operation) -> Operation:
        self._running.append(operation)
        return operation

    def settle(self) -> None:
        """End every operation whose time has come, in the order of their ends."""
        now = self._clock()
        due = sorted((each for each in self._running if each.ends <= now), key=lambda each: each.ends)
        self._running = [each for each in self._running if each.ends > now]
        for operation in due:
            operation.end()

    def touching(self, keys: Iterable[str]) -> Operation | None:
        """A running operation that holds one of ``keys``."""
        wanted = frozenset(keys)
        return next((each for each in self._running if not wanted.isdisjoint(each.touches)), None)

    @property
    def running(self) -> tuple[Operation, ...]:
        return tuple(self._running)

    def link(
        self,
        operation: Operation,
        base_url: str,
        path: str,
        version: str,
        *,
        result: bool = False,
        signed: bool = True,
    ) -> str:
        """A URL for polling (or, with ``result``, for the final answer) that only works unchanged.

        Without ``signed`` it carries nothing but the api-version, and any api-version opens it.
        """
        query = self._sign(version) if signed else f"api-version={version}"
        self._links[key_of(path)] = _Link(operation, path, query if signed else "", result)
        return f"{base_url}{path}?{query}"

    def _sign(self, version: str) -> str:
        when = 638_000_000_000_000_000 + int(self._clock() * 10_000_000) % 10**15
        parts = (f"api-version={version}", f"t={when}", f"c={self._letters(_CERTIFICATE_LENGTH)}")
        return "&".join((*parts, f"s={self._letters(_SIGNATURE_LENGTH)}", f"h={self._letters(_HASH_LENGTH)}"))

    def _letters(self, length: int) -> str:
        return "".join(self._random.choices(_LETTERS, k=length))

    def answer(self, request: Request) -> Reply | None:
        """The answer to a poll, or None when this is no operation URL."""
        link = self._links.get(key_of(request.path))
        if link is None or request.method != "GET":
            return None
        if link.operation.lost:
            raise front_door(404, "OperationNotFound", "The operation was not found.")
        if link.operation.gone and not link.operation.running:
            raise front_door(404, "NotFound", "The operation was not found.")
        if not link.query:
            required_version(request.parameters())
        elif (request.path, request.query) != (link.path, link.query):
            raise front_door(
                403, "InvalidOperationUrl", "The operation URL is not the one that was given out."
            )
        return self._result(link.operation) if link.result else self._status(link.operation)

    def _status(self, operation: Operation) -> Reply:
        headers = self.retry_after(operation) if operation.running else {}
        return json_reply(200, operation.describe(operation), headers=headers)

    def _result(self, operation: Operation) -> Reply:
        return (
            Reply(status=202, headers=self.retry_after(operation))
            if operation.running
            else operation.conclude()
        )

    def retry_after(self, operation: Operation) -> dict[str, str]:
        """The header that asks to wait before the next poll, whole seconds or milliseconds."""
        seconds = operation.hint
        if self._polls:
            seconds = self._polls[min(operation.polls, len(self._polls) - 1)]
            operation.polls += 1
        elif not seconds:
            return {}
        if seconds == int(seconds):
            return {"retry-after": str(int(seconds))}
        return {"x-ms-retry-after-ms": str(ceil(seconds * 1000))}
