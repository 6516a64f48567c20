"""Long operations: what was accepted is followed to its end, by its operation or by the resource itself.

Real answers (recordings 2023 to 2026): PUT answers 200 or 201 with ``provisioningState`` on its way, with or without
``Azure-AsyncOperation``; DELETE and POST answer 202 with ``Location``; Machine Learning leaves ``api-version`` out of
operation URLs. Documented ends are Succeeded, Failed and Canceled
(https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations); every other word that does
not say "on its way" ends the waiting as well, and what became of the write is then read from the resource.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from allowlist.azure.answers import Answer, ErrorDetail, error_detail, is_busy, is_lost
from allowlist.azure.wire import host_of, is_another, is_same_host
from allowlist.errors import TargetConflict, TargetError, TargetNotFound, TargetUnavailable

Body = dict[str, Any]

_ON_ITS_WAY: Final = frozenset({"accepted", "inprogress", "notstarted", "queued", "scheduled", "started"})
_FAILED: Final = frozenset({"failed", "canceled", "cancelled", "timedout", "timeout", "aborted", "rejected"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """Waits for operations. ``ask`` sends a GET; ``first``, ``longest`` and ``limit`` are seconds."""

    endpoint: str
    ask: Callable[[str], Answer]
    sleep: Callable[[float], None]
    first: float
    longest: float
    limit: float

    def finish(self, answer: Answer, method: str, url: str, what: str) -> None:
        """Follow an accepted write to its end. Raises TargetError with what the operation said if it failed."""
        operation = answer.headers.get("azure-asyncoperation", "")
        location = "" if operation or answer.status not in (201, 202) else answer.headers.get("location", "")
        address = with_api_version(operation or location, url) if operation or location else ""
        if address and is_same_host(address, self.endpoint):
            self._wait(lambda: self._operation_ended(address, method, what, by_status=bool(operation)), what)
            if state_of(answer) and method in ("PUT", "PATCH"):
                self._watch(method, url, what)
        elif address or answer.status == 202 or is_on_its_way(state_of(answer)):
            # An operation elsewhere is not followed: the token is for this host alone.
            self._watch(method, url, what)
        elif method in ("PUT", "PATCH") and state_of(answer).lower() in _FAILED:
            raise _failed(answer, what)

    def _watch(self, method: str, url: str, what: str) -> None:
        """Ask the resource itself; an action has none, so what became of it is for the caller to find out."""
        if method == "POST":
            raise TargetUnavailable(
                f"{what} was accepted by {host_of(url)}, which does not say where to ask for its end"
            )
        self._wait(lambda: self._resource_ended(method, url, what), what)

    def _wait(self, has_ended: Callable[[], float | None], what: str) -> None:
        """``has_ended`` gives None at the end, else the seconds the service asks to wait (0: it does not say)."""
        waited, interval = 0.0, self.first
        while (asked := has_ended()) is not None:
            pause = asked or interval
            if waited + pause > self.limit:
                raise TargetUnavailable(
                    f"{what} is still running after {waited:.0f} s",
                    hint="the operation is still running in Azure; run allowlist apply --resume RUN later",
                )
            self.sleep(pause)
            waited += pause
            interval = min(interval * 1.6, self.longest)

    def _operation_ended(self, address: str, method: str, what: str, *, by_status: bool) -> float | None:
        try:
            answer = self.ask(address)
        except TargetNotFound:
            if method == "DELETE":
                return None
            raise
        except TargetError as error:
            raise _failed_operation(error, what) from None
        if answer.status == 202 or (by_status and is_on_its_way(_status_of(answer))):
            return answer.retry_after or 0.0
        if by_status:
            _check_end(answer, what)
        return None

    def _resource_ended(self, method: str, url: str, what: str) -> float | None:
        try:
            answer = self.ask(url)
        except TargetNotFound:
            return None  # gone, as a DELETE wants it; for a PUT the reading back tells
        if is_another(_object(answer), url):
            raise TargetUnavailable(
                f"{what}: its end was asked for, and {host_of(url)} answered with another resource, {_object(answer)['id']}",
                status=answer.status,
            )
        if method == "DELETE" or answer.status == 202 or is_on_its_way(state_of(answer)):
            return answer.retry_after or 0.0
        if state_of(answer).lower() in _FAILED:
            raise _failed(answer, what)
        return None


def is_on_its_way(status: str) -> bool:
    """Does a status say that work goes on? ``Updating``, ``Provisioning``, ``Running`` and their like all end alike."""
    word = status.lower()
    return word in _ON_ITS_WAY or word.endswith("ing")


def state_of(answer: Answer) -> str:
    """The ``provisioningState`` of a resource in an answer; empty where there is none."""
    properties = _object(answer).get("properties")
    return str(properties.get("provisioningState") or "") if isinstance(properties, dict) else ""


def with_api_version(location: str, url: str) -> str:
    """Machine Learning sends operation locations without api-version and then refuses them (azapi issue 498)."""
    if "api-version=" in location:
        return location
    version = url.rpartition("api-version=")[2]
    return f"{location}{'&' if '?' in location else '?'}api-version={version}"


def _status_of(answer: Answer) -> str:
    status = _object(answer).get("status")
    return status if isinstance(status, str) else state_of(answer)


def _object(answer: Answer) -> Body:
    try:
        body = answer.json()
    except TargetUnavailable:
        return {}
    return body if isinstance(body, dict) else {}


def _check_end(answer: Answer, what: str) -> None:
    status, error = _status_of(answer), _object(answer).get("error")
    if status.lower() == "succeeded":
        return
    if status.lower() in _FAILED or error:
        raise _failed(answer, what)
    raise TargetUnavailable(
        f"{what} ended as '{status}', which Azure does not document"
        if status
        else f"{what}: its operation was answered without a status",
        status=200,
    )


def _failed(answer: Answer, what: str) -> TargetError:
    said = error_detail(answer.body) if _object(answer).get("error") else ErrorDetail("", "")
    status = _status_of(answer) or "Failed"
    detail = ErrorDetail(said.code or status, said.message or "no reason given")
    message = f"{what} was accepted and then failed: {detail.code}: {detail.message}"
    if is_lost(detail):
        return TargetUnavailable(message, status=200, code=detail.code)
    if is_busy(detail):
        return TargetConflict(message, status=200, code=detail.code, is_busy=True)
    return TargetError(
        message, status=200, code=detail.code, hint="a Failed resource usually takes the same change again"
    )


def _failed_operation(error: TargetError, what: str) -> TargetError:
    """A Location tells of a failed operation by answering its error; other errors are those of the poll itself."""
    if type(error) is not TargetError:
        return error
    return TargetError(
        f"{what} was accepted and then failed: {error.code or error}", status=200, code=error.code
    )
