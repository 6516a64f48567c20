"""ARM's four error envelopes and its many ways to say "busy", in our words."""

from __future__ import annotations

import json

import pytest

from allowlist.azure.answers import Answer, error_detail, error_of
from allowlist.errors import (
    TargetConflict,
    TargetDenied,
    TargetError,
    TargetNotFound,
    TargetThrottled,
    TargetUnavailable,
)

INNER = json.dumps(
    {
        "Status": "Failed",
        "Error": {"Code": "FirewallPolicyRuleInvalid", "Message": "no destination", "Target": None},
    }
)

ENVELOPES = {
    "arm": {"error": {"code": "FirewallPolicyRuleInvalid", "message": "no destination", "details": []}},
    "status": {
        "status": "Failed",
        "error": {"code": "FirewallPolicyRuleInvalid", "message": "no destination"},
    },
    "model-state": {"Message": "The request is invalid.", "ModelState": {"resource": [INNER]}},
}


@pytest.mark.parametrize("body", ENVELOPES.values(), ids=ENVELOPES)
def test_the_reason_is_found_in_every_envelope(body: dict[str, object]) -> None:
    detail = error_detail(json.dumps(body).encode())
    assert (detail.code, detail.message) == ("FirewallPolicyRuleInvalid", "no destination")


def test_a_model_state_without_json_inside_keeps_its_place_and_text() -> None:
    body = {
        "Message": "The request is invalid.",
        "ModelState": {"resource.properties.ruleCollections[0]": ["An error has occurred."]},
    }
    assert "ruleCollections[0]: An error has occurred." in error_detail(json.dumps(body).encode()).message


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'"text"'])
def test_a_body_that_is_no_error_document_does_not_hurt(body: bytes) -> None:
    assert error_detail(body).code == ""


def _answer(status: int, code: str = "X", **headers: str) -> Answer:
    body = json.dumps({"error": {"code": code, "message": "m"}}).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (
            _answer(400, "FirewallPolicyRuleCollectionGroupUpdateNotAllowedWhenUpdatingOrDeleting"),
            TargetConflict,
        ),
        (_answer(400, "FirewallPolicyUpdateNotAllowedWhenUpdatingOrDeleting"), TargetConflict),
        (_answer(409, "AnotherOperationInProgress"), TargetConflict),
        (_answer(429, "RetryableErrorDueToAnotherOperation"), TargetConflict),
        (_answer(412, "PreconditionFailed"), TargetConflict),
        (_answer(429, "SubscriptionRequestsThrottled"), TargetThrottled),
        (_answer(401), TargetDenied),
        (_answer(403, "AuthorizationFailed"), TargetDenied),
        (_answer(404, "ResourceNotFound"), TargetNotFound),
        (_answer(503), TargetUnavailable),
        (_answer(400, "InvalidRequest"), TargetError),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_answer_becomes_the_error_that_says_what_to_do(answer: Answer, kind: type[TargetError]) -> None:
    assert type(error_of(answer, "PUT x")) is kind


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "0"}, None),
        ({}, None),
        ({"retry_after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"x_ms_retry_after_ms": "250"}, 0.25),
    ],
)
def test_retry_after_is_seconds_or_unsaid(headers: dict[str, str], seconds: float | None) -> None:
    assert _answer(429, "", **headers).retry_after == seconds


def test_a_cut_answer_is_no_answer() -> None:
    with pytest.raises(TargetUnavailable):
        Answer(200, {}, b'{"value": [').json()
    assert Answer(200, {}, b"null").json() is None
    assert Answer(200, {}, b"").json() == {}
