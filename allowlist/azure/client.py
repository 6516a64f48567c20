"""One ARM client for all surfaces: pages, long operations, throttling and retries, all of it visible.

What it keeps to (recorded traffic): no ``Retry-After`` on most answers, so polling has its own growing
interval, bounded; ``Retry-After`` is obeyed where it comes; operation URLs are passed back byte for byte and
never logged, for they carry signatures. A URL of another host than the cloud's own is never asked: the token is for
that host alone.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from allowlist.azure.answers import Answer, error_of
from allowlist.azure.budget import Budgets
from allowlist.azure.operations import Follower
from allowlist.azure.transport import Transport
from allowlist.azure.versions import Versions
from allowlist.azure.wire import (
    Pages,
    check_written,
    host_of,
    is_same_host,
    no_answer,
    page_of,
    refuse_foreign,
    refuse_redirect,
    resource_of,
    rows_of,
)
from allowlist.documents import canonical_json
from allowlist.errors import (
    TargetConflict,
    TargetError,
    TargetNotFound,
    TargetThrottled,
    TargetUnavailable,
    TargetUntrusted,
)
from allowlist.observe.traces import span

Body = dict[str, Any]
Notify = Callable[[str], None]

TOLD_FROM = 5.0
"""Waits for the budget shorter than this many seconds are nobody's concern."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long is waited, in seconds. ``operation`` bounds one long operation, ``retry`` all waiting of one request."""

    first_poll: float = 0.5
    longest_poll: float = 10.0
    operation: float = 5400.0
    first_retry: float = 1.0
    longest_retry: float = 60.0
    retry: float = 300.0
    attempts: int = 6


@dataclass(slots=True)
class Traffic:
    """Requests counted per subscription and method; ``remaining`` holds the last budget header seen."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    remaining: dict[str, int] = field(default_factory=dict)
    waited: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def record(self, subscription: str, method: str, answer: Answer) -> None:
        with self.lock:
            self.counts[(subscription, method)] = self.counts.get((subscription, method), 0) + 1
            for name, value in answer.headers.items():
                if name.startswith("x-ms-ratelimit-remaining-") and value.isdigit():
                    self.remaining[name.removeprefix("x-ms-ratelimit-remaining-")] = int(value)

    def wait(self, seconds: float) -> None:
        with self.lock:
            self.waited += seconds

    @property
    def total(self) -> int:
        return sum(self.counts.values())


class ArmClient:
    """Reads and writes raw ARM JSON. Implements ``ArmReader`` and ``ArmWriter``; safe to share between threads."""

    def __init__(
        self,
        endpoint: str,
        transport_for: Callable[[str], Transport],
        *,
        sleep: Callable[[float], None],
        patience: Patience | None = None,
        notify: Notify = lambda _: None,
        jitter: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
        api_versions: Mapping[str, str] | None = None,
    ) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._transport_for = transport_for
        self._sleep = sleep
        self.patience = patience or Patience()
        self._notify = notify
        self._jitter = jitter
        self._budgets = Budgets(clock)
        self.traffic = Traffic()
        self._versions = Versions(api_versions or {}, notify)
        self._follower = Follower(
            endpoint=self._endpoint,
            ask=lambda url: self._request("GET", url),
            sleep=sleep,
            first=self.patience.first_poll,
            longest=self.patience.longest_poll,
            limit=self.patience.operation,
        )

    def get(self, resource_id: str, api_version: str) -> Body:
        """One resource, whole. Raises TargetUnavailable for whatever is no answer (see :mod:`.wire`)."""
        answer, url = self._read(resource_id, api_version)
        return resource_of(answer, url, f"GET {_short(url)}")

    def list(self, path: str, api_version: str) -> Iterator[Body]:
        """All pages of a list. Raises TargetUnavailable where one of them is none."""
        answer, url = self._read(path, api_version)
        what = f"GET {_short(url)}"
        pages = Pages(what, {url})
        while True:
            items, following = page_of(answer, url, what)
            yield from pages.add(answer, url, items, following)
            if following and not is_same_host(following, self._endpoint):
                raise no_answer(answer, url, what, f"with a nextLink to another host, {host_of(following)}")
            if not following:
                return
            answer, url = self._request("GET", following), following

    def _read(self, path: str, api_version: str) -> tuple[Answer, str]:
        """The answer and its URL. A version that Azure does not have here gives way to the newest known one it lists."""
        url = self._url(path, api_version)
        try:
            return self._request("GET", url), url
        except TargetError as error:
            if not self._versions.learn(path, error):
                raise
        url = self._url(path, api_version)
        return self._request("GET", url), url

    def query(self, path: str, body: Body, api_version: str) -> Iterator[Body]:
        """All rows of a query of Resource Graph: a POST that reads, sent again like a GET."""
        url, asked = self._url(path, api_version), body
        what = f"POST {_short(url)}"
        pages = Pages(what, set())
        while True:
            answer = self._request("POST", url, canonical_json(asked), reads=True)
            rows, token = rows_of(answer, url, what)
            yield from pages.add(answer, url, rows, token)
            if not token:
                return
            options = {**(body.get("options") or {}), "$skipToken": token}
            asked = {**body, "options": options}

    def put(self, resource_id: str, body: Body, api_version: str) -> Body:
        return self._write("PUT", self._write_url("PUT", resource_id, api_version), body)

    def patch(self, resource_id: str, body: Body, api_version: str) -> Body:
        return self._write("PATCH", self._write_url("PATCH", resource_id, api_version), body)

    def post(self, path: str, body: Body, api_version: str) -> Body:
        """An action. It is sent once: whether the first one did anything is for the caller to find out."""
        return self._write("POST", self._write_url("POST", path, api_version), body)

    def delete(self, resource_id: str, api_version: str) -> None:
        try:
            self._write("DELETE", self._write_url("DELETE", resource_id, api_version), None)
        except TargetNotFound:
            return

    def _url(self, path: str, api_version: str) -> str:
        mark, version = "&" if "?" in path else "?", self._versions.of(path, api_version)
        return f"{self._endpoint}{path}{mark}api-version={version}"

    def _write_url(self, method: str, path: str, api_version: str) -> str:
        """With the version that is read with: another one is never tried, for a write must not be older."""
        self._versions.refuse_older(path, api_version, f"{method} {_short(path)}")
        return self._url(path, api_version)

    def _write(self, method: str, url: str, body: Body | None) -> Body:
        answer, what = (
            self._request(method, url, None if body is None else canonical_json(body)),
            f"{method} {_short(url)}",
        )
        check_written(answer, method, url, what)
        self._follower.finish(answer, method, url, what)
        # An unchanged group is answered 200 with a body of null (azure-rest-api-specs issue 19505).
        found = answer.json()
        return found if isinstance(found, dict) else {}

    def _request(self, method: str, url: str, body: bytes | None = None, *, reads: bool = False) -> Answer:
        """Send, and send again where that is safe and sensible. Raises the TargetError tree."""
        waited = 0.0
        for attempt in range(1, self.patience.attempts + 1):
            try:
                return self._send(method, url, body)
            except (TargetThrottled, TargetUnavailable, TargetConflict) as error:
                pause = self._pause(error, attempt)
                if not _may_retry("GET" if reads else method, error) or attempt == self.patience.attempts:
                    raise
                if waited + pause > self.patience.retry:
                    raise
                self._notify(f"{method} {_short(url)}: {_reason(error)}; trying again in {pause:.0f} s")
                self._sleep(pause)
                waited += pause
                self.traffic.wait(pause)
        raise AssertionError("the last attempt returns or raises")

    def _send(self, method: str, url: str, body: bytes | None) -> Answer:
        if not is_same_host(url, self._endpoint):
            raise TargetUnavailable(
                f"{method} to {host_of(url)} is not sent: the token is for {host_of(self._endpoint)} alone"
            )
        path = urlsplit(url).path
        self._wait_for_budget(method, path)
        try:
            answer = self._exchange(method, url, body)
        except TargetError:
            self._budgets.answered(method, path, {})
            raise
        self._budgets.answered(method, path, answer.headers, self._refused_for(answer))
        self.traffic.record(_subscription(url), method, answer)
        refuse_redirect(answer, url, f"{method} {_short(url)}")
        if answer.status >= 400:
            refuse_foreign(answer, url, f"{method} {_short(url)}")
            raise error_of(answer, f"{method} {_short(url)}", path)
        return answer

    def _exchange(self, method: str, url: str, body: bytes | None) -> Answer:
        with span(f"ARM {method}", **{"http.request.method": method, "allowlist.resource": _short(url)}):
            return self._transport_for(urlsplit(url).path).send(method, url, body)

    def _wait_for_budget(self, method: str, path: str) -> None:
        """Wait for a token instead of being refused."""
        pause = self._budgets.take(method, path)
        if pause <= 0:
            return
        if pause >= TOLD_FROM:
            self._notify(f"{method} {_short(path)}: the request budget is used up; waiting {pause:.0f} s")
        self._sleep(pause)
        self.traffic.wait(pause)

    def _refused_for(self, answer: Answer) -> float:
        """What everybody waits after a 429; one that is too long is left to each request to judge."""
        asked = (answer.retry_after or 0.0) if answer.status == 429 else 0.0
        return asked if asked <= self.patience.retry else 0.0

    def _pause(self, error: TargetError, attempt: int) -> float:
        asked = error.retry_after if isinstance(error, TargetThrottled) else None
        if asked is not None:
            return asked
        grown: float = min(self.patience.first_retry * 2 ** (attempt - 1), self.patience.longest_retry)
        return grown * (0.5 + self._jitter() / 2)


def _may_retry(method: str, error: TargetError) -> bool:
    """Reads while Azure may still answer; writes only when it said that it did nothing (429), actions never.

    A refusal is an answer, with ``Retry-After`` or without: asking again brings the same. A lost write is looked at
    first.
    """
    if isinstance(error, TargetUntrusted):
        return False
    if isinstance(error, TargetThrottled):
        return method != "POST"
    told_once = isinstance(error, TargetUnavailable) and 0 < error.status < 500
    is_refused = isinstance(error, TargetConflict) and not error.is_busy
    return method == "GET" and not told_once and not is_refused


def _reason(error: TargetError) -> str:
    return (
        "throttled"
        if isinstance(error, TargetThrottled)
        else f"no answer ({error.status or 'connection lost'})"
    )


def _subscription(url: str) -> str:
    parts = urlsplit(url).path.split("/")
    return parts[2].lower() if len(parts) > 2 and parts[1].lower() == "subscriptions" else ""


def _short(url: str) -> str:
    """The last two segments of a path, never its query: enough for people, and no secret in it."""
    parts = urlsplit(url).path.rstrip("/").split("/")
    if any(part.lower().endswith(("operations", "operationresults", "operationsstatus")) for part in parts):
        return "the running operation"
    return "/".join(parts[-2:])
