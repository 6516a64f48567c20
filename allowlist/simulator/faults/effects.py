"""What can go wrong with one request."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from allowlist.simulator.arm.message import Reply
from allowlist.simulator.arm.refusals import Refusal, bare_status, front_door, model_state

Envelope = Literal["E1", "E2", "E3", "empty", "page"]
When = Literal["", "before", "after"]
OperationFault = Literal["", "fail", "lost", "slow", "half", "gone", "unfit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Everything is off by default; several may be on at once."""

    status: int = 0
    """Answer with this status instead of doing anything."""
    code: str = ""
    message: str = ""
    envelope: Envelope = "E1"
    retry_after: str = ""
    """Sent as it stands, so absurd values and HTTP dates are possible."""
    reset: When = ""
    """Drop the connection before the request is looked at, or after it was carried out."""
    operation: OperationFault = ""
    """The long operation fails, is forgotten (its URL answers 404), is slow, fails half done, is forgotten once
    it ended, or succeeds although what it wrote ends up failed."""
    factor: float = 20.0
    """How much slower a slow operation is."""
    edit: When = ""
    """Somebody else changes the same resource just before or just after this request."""
    landed: bool = False
    """The request is carried out although the answer (``status``) or the operation (``fail``) says otherwise."""
    bare_location: bool = False
    """Operation URLs come without api-version."""
    lag: float = 0.0
    """Seconds by which a resource's provisioning state trails its operation."""
    body: str = ""
    """What comes back instead of the body, although the request was carried out: a name of :data:`BODIES` or
    :data:`BENT`, or ``cut``."""
    redirect: str = ""
    """Where a 3xx leads."""
    newest: str = ""
    """The newest api-version of this cloud; a newer one is refused with ``NoRegisteredProviderFound``."""
    stale_etag: bool = False
    skew: float = 0.0
    """Seconds by which the Date header is wrong."""
    delay: float = 0.0

    def refusal(self, type_path: str, action: str, scope: str) -> Reply:
        """The answer for ``status``, in the envelope asked for; a 403 names the right and where it lacks."""
        code = self.code or default_code(self.status, type_path)
        namespace = action.partition("/")[0]
        message = self.message or _MESSAGES.get(code, _ASKED_TO).format(
            action=action, scope=scope, namespace=namespace
        )
        reply = _ENVELOPES[self.envelope](self.status, code, message).reply
        reply.status = self.status
        if self.redirect:
            reply.headers["location"] = self.redirect
        if self.retry_after:
            reply.headers["retry-after"] = self.retry_after
        return reply


def _empty(status: int, code: str, message: str) -> Refusal:
    return Refusal(Reply(status=status))


def _page(status: int, code: str, message: str) -> Refusal:
    """What stands before Azure and answers itself names no code."""
    headers = {"content-type": "text/html; charset=utf-8"}
    return Refusal(Reply(status=status, body=BODIES["html"], headers=headers))


def _validation(status: int, code: str, message: str) -> Refusal:
    return model_state(code, message)


_ENVELOPES: dict[Envelope, Callable[[int, str, str], Refusal]] = {
    "E1": front_door,
    "E2": bare_status,
    "E3": _validation,
    "empty": _empty,
    "page": _page,
}

_BUSY = {
    "firewallpolicies": "FirewallPolicyUpdateNotAllowedWhenUpdatingOrDeleting",
    "firewallpolicies/rulecollectiongroups": (
        "FirewallPolicyRuleCollectionGroupUpdateNotAllowedWhenUpdatingOrDeleting"
    ),
}
_CODES = {
    400: "BadRequest",
    403: "AuthorizationFailed",
    404: "ResourceNotFound",
    409: "AnotherOperationInProgress",
    412: "PreconditionFailed",
    429: "SubscriptionRequestsThrottled",
    500: "InternalServerError",
    502: "BadGateway",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}
_ASKED_TO = "The simulator was asked to refuse this request."
_MESSAGES = {
    "AuthorizationFailed": (
        "The client 'simulated' with object id '33333333-3333-3333-3333-333333333333' does not have authorization "
        "to perform action '{action}' over scope '{scope}' or the scope is invalid. If access was recently "
        "granted, please refresh your credentials."
    ),
    "MissingSubscriptionRegistration": (
        "The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found for how "
        "to register subscriptions."
    ),
    "AnotherOperationInProgress": "Another operation on this or dependent resource is in progress.",
    "PreconditionFailed": "Precondition failed.",
    "InternalServerError": "An error occurred.",
    "ServiceUnavailable": "The service is temporarily unavailable.",
    "SubscriptionRequestsThrottled": "Number of requests exceeded the limit. Please try again later.",
    "RetryableError": "A retryable error occurred.",
    "TransientError": "The operation timed out. Please try again later.",
}


def default_code(status: int, type_path: str) -> str:
    """The code Azure uses for a status; 400 on a policy or a group means busy."""
    if status == 400 and type_path.lower() in _BUSY:
        return _BUSY[type_path.lower()]
    return _CODES.get(status, "InternalServerError")


BODIES = {
    "null": b"null",
    "empty": b"",
    "object": b"{}",
    "array": b"[]",
    "no-content": b"",
    "no-value": b'{"nextLink": null}',
    "error": b'{"error": {"code": "InternalServerError", "message": "An error occurred."}}',
    "html": b"<!DOCTYPE html><html><body>Please sign in to the proxy.</body></html>",
}
"""What may come back in place of a body, by name."""


def bent(form: str, body: bytes, asked: str) -> bytes:
    """A body with one thing wrong, a form of :data:`BENT`; ``asked`` is the URL of the request."""
    document = json.loads(body or b"null")
    if isinstance(document, dict):
        BENT[form](document, asked)
    return json.dumps(document).encode()


def _without(name: str) -> Callable[[dict[str, Any], str], None]:
    def take_away(document: dict[str, Any], asked: str) -> None:
        for each in _resources_in(document):
            each.pop(name, None)

    return take_away


def _resources_in(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The resource itself, the items of a list or the rows of a query."""
    listed = document.get("value", document.get("data"))
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else [document]


def _of_another(document: dict[str, Any], asked: str) -> None:
    """The same resources, in another subscription and under another name."""
    for each in _resources_in(document):
        for name in ("id", "name"):
            if isinstance(each.get(name), str):
                parts = each[name].split("/")
                parts[2:3] = ["99999999-0000-0000-0000-000000000000"] if len(parts) > 2 else parts[2:3]
                each[name] = "/".join([*parts[:-1], f"{parts[-1]}-of-another"])


def _leads(link: str) -> Callable[[dict[str, Any], str], None]:
    def lead(document: dict[str, Any], asked: str) -> None:
        if "value" in document:
            document["nextLink"] = link or asked
        elif "data" in document:
            document["$skipToken"] = "again"

    return lead


BENT: dict[str, Callable[[dict[str, Any], str], None]] = {
    "no-id": _without("id"),
    "no-properties": _without("properties"),
    "another": _of_another,
    "link-again": _leads(""),
    "link-elsewhere": _leads("https://elsewhere.example/subscriptions?api-version=1"),
}
"""What may be wrong with an answer that is one otherwise, by name."""

PRESETS: dict[str, Effect] = {
    "busy": Effect(status=400),
    "conflict": Effect(status=409),
    "precondition": Effect(status=412),
    "throttled": Effect(status=429, retry_after="1"),
    "throttled-silently": Effect(status=429, code="RetryableError"),
    "throttled-absurdly": Effect(status=429, retry_after="86400"),
    "server-error": Effect(status=500, envelope="empty"),
    "unavailable": Effect(status=503),
    "reset-before": Effect(reset="before"),
    "reset-after": Effect(reset="after"),
    "operation-fails": Effect(operation="fail"),
    "operation-lost": Effect(operation="lost"),
    "operation-slow": Effect(operation="slow"),
    "half-updated": Effect(operation="half"),
    "delete-poll-404": Effect(operation="gone"),
    "rule-fails": Effect(operation="unfit"),
    "transient-after": Effect(status=500, code="TransientError", landed=True),
    "transient-operation": Effect(operation="fail", code="TransientError", landed=True),
    "location-bare": Effect(bare_location=True),
    "state-lags": Effect(lag=60.0),
    "stale-etag": Effect(stale_etag=True),
    "null-body": Effect(body="null"),
    "unregistered": Effect(status=409, code="MissingSubscriptionRegistration"),
    "old-cloud": Effect(newest="2024-03-01"),
    "redirect": Effect(status=302, envelope="empty", redirect="https://signin.proxy.example/"),
    "no-content": Effect(body="no-content"),
    "empty-body": Effect(body="empty"),
    "empty-object": Effect(body="object"),
    "empty-array": Effect(body="array"),
    "error-inside": Effect(body="error"),
    "html-page": Effect(body="html"),
    "no-value": Effect(body="no-value"),
    "cut-body": Effect(body="cut"),
    "blocked": Effect(status=403, envelope="page"),
    "no-ids": Effect(body="no-id"),
    "another": Effect(body="another"),
    "link-again": Effect(body="link-again"),
    "link-elsewhere": Effect(body="link-elsewhere"),
    "foreign-edit": Effect(edit="before"),
    "foreign-edit-after": Effect(edit="after"),
    "clock-skew": Effect(skew=-3_600.0),
}
"""Faults by name, for texts and for chance."""
