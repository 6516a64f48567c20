"""One ARM client for all surfaces: pages, long operations, throttling and retries, all of it visible.

What it keeps to (recorded traffic): no ``Retry-After`` on most answers, so polling has its own growing
interval, bounded; ``Retry-After`` is obeyed where it comes; operation URLs are passed back byte for byte and
never logged, for they carry signatures.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from allowlist.azure.answers import Answer, ErrorDetail, error_of, is_busy, is_lost
from allowlist.azure.budget import Budgets
from allowlist.azure.transport import Transport
from allowlist.documents import canonical_json
from allowlist.errors import TargetConflict, TargetError, TargetNotFound, TargetThrottled, TargetUnavailable
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
    ) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._transport_for = transport_for
        self._sleep = sleep
        self.patience = patience or Patience()
        self._notify = notify
        self._jitter = jitter
        self._budgets = Budgets(clock)
        self.traffic = Traffic()

    def get(self, resource_id: str, api_version: str) -> Body:
        body = self._request("GET", self._url(resource_id, api_version)).json()
        if not isinstance(body, dict):
            raise TargetUnavailable(f"{_short(resource_id)} was answered without a body")
        return body

    def list(self, path: str, api_version: str) -> Iterator[Body]:
        """All pages of a list."""
        url: str | None = self._url(path, api_version)
        while url:
            page = self._request("GET", url).json()
            yield from page.get("value") or ()
            url = page.get("nextLink")

    def put(self, resource_id: str, body: Body, api_version: str) -> Body:
        return self._write("PUT", self._url(resource_id, api_version), body)

    def patch(self, resource_id: str, body: Body, api_version: str) -> Body:
        return self._write("PATCH", self._url(resource_id, api_version), body)

    def post(self, path: str, body: Body, api_version: str) -> Body:
        return self._write("POST", self._url(path, api_version), body)

    def delete(self, resource_id: str, api_version: str) -> None:
        try:
            self._write("DELETE", self._url(resource_id, api_version), None)
        except TargetNotFound:
            return

    def _url(self, path: str, api_version: str) -> str:
        mark = "&" if "?" in path else "?"
        return f"{self._endpoint}{path}{mark}api-version={api_version}"

    def _write(self, method: str, url: str, body: Body | None) -> Body:
        answer = self._request(method, url, None if body is None else canonical_json(body))
        self._finish(answer, method, url)
        # An unchanged group is answered 200 with a body of null (azure-rest-api-specs issue 19505).
        found = answer.json()
        return found if isinstance(found, dict) else {}

    def _request(self, method: str, url: str, body: bytes | None = None) -> Answer:
        """Send, and send again where that is safe and sensible. Raises the TargetError tree."""
        waited = 0.0
        for attempt in range(1, self.patience.attempts + 1):
            try:
                return self._send(method, url, body)
            except (TargetThrottled, TargetUnavailable, TargetConflict) as error:
                pause = self._pause(error, attempt)
                if not _may_retry(method, error) or attempt == self.patience.attempts:
                    raise
                if waited + pause > self.patience.retry:
                    raise
                self._notify(f"{method} {_short(url)}: {_reason(error)}; trying again in {pause:.0f} s")
                self._sleep(pause)
                waited += pause
                self.traffic.wait(pause)
        raise AssertionError("the last attempt returns or raises")

    def _send(self, method: str, url: str, body: bytes | None) -> Answer:
        path = urlsplit(url).path
        self._wait_for_budget(method, path)
        try:
            answer = self._exchange(method, url, body)
        except TargetError:
            self._budgets.answered(method, path, {})
            raise
        self._budgets.answered(method, path, answer.headers, self._refused_for(answer))
        self.traffic.record(_subscription(url), method, answer)
        if answer.status >= 400:
            raise error_of(answer, f"{method} {_short(url)}")
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

    def _finish(self, answer: Answer, method: str, url: str) -> None:
        """Follow a long operation to its end. Raises TargetError with what the operation said if it failed."""
        operation = answer.headers.get("azure-asyncoperation")
        location = answer.headers.get("location") if answer.status == 202 or not operation else None
        if operation:
            self._poll(_with_api_version(operation, url), method, url, by_status=True)
        elif location and answer.status in (201, 202):
            self._poll(_with_api_version(location, url), method, url, by_status=False)

    def _poll(self, operation_url: str, method: str, url: str, *, by_status: bool) -> None:
        waited = 0.0
        interval = self.patience.first_poll
        while True:
            try:
                answer = self._request("GET", operation_url)
            except TargetNotFound:
                if method == "DELETE":
                    return
                raise
            except TargetError as error:
                raise _failed_operation(error, f"{method} {_short(url)}") from None
            if self._has_ended(answer, method, url, by_status=by_status):
                return
            pause = answer.retry_after or interval
            if waited + pause > self.patience.operation:
                raise TargetUnavailable(
                    f"{method} {_short(url)} is still running after {waited:.0f} s",
                    hint="the service goes on; run allowlist apply --resume later",
                )
            self._sleep(pause)
            waited += pause
            interval = min(interval * 1.6, self.patience.longest_poll)

    def _has_ended(self, answer: Answer, method: str, url: str, *, by_status: bool) -> bool:
        if not by_status:
            return answer.status != 202
        body = answer.json() or {}
        status = str(body.get("status", "")).lower() if isinstance(body, dict) else ""
        if status in ("failed", "canceled"):
            raise _operation_error(body, f"{method} {_short(url)}")
        return status == "succeeded"


def _failed_operation(error: TargetError, what: str) -> TargetError:
    """A Location tells of a failed operation by answering its error; other errors are those of the poll itself."""
    if type(error) is not TargetError:
        return error
    return TargetError(
        f"{what} was accepted and then failed: {error.code or error}", status=200, code=error.code
    )


def _operation_error(body: Body, what: str) -> TargetError:
    error = body.get("error") or {}
    detail = ErrorDetail(str(error.get("code") or "Failed"), str(error.get("message") or "no reason given"))
    message = f"{what} was accepted and then failed: {detail.code}: {detail.message}"
    if is_lost(detail):
        return TargetUnavailable(message, status=200, code=detail.code)
    if is_busy(detail):
        return TargetConflict(message, status=200, code=detail.code, is_busy=True)
    return TargetError(
        message, status=200, code=detail.code, hint="a Failed resource usually takes the same change again"
    )


def _may_retry(method: str, error: TargetError) -> bool:
    """Reads always; writes only when the service said it did nothing (429). A lost write is looked at first."""
    told_once = isinstance(error, TargetUnavailable) and 0 < error.status < 500
    return (method == "GET" and not told_once) or isinstance(error, TargetThrottled)


def _with_api_version(location: str, url: str) -> str:
    """Machine Learning sends operation locations without api-version and then refuses them (azapi issue 498)."""
    if "api-version=" in location:
        return location
    version = url.rpartition("api-version=")[2]
    return f"{location}{'&' if '?' in location else '?'}api-version={version}"


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
