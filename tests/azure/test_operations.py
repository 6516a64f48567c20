"""A write is followed to its end: by its operation, or by the resource; every end is an end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from allowlist.azure.answers import Answer
from allowlist.azure.client import ArmClient
from allowlist.errors import (
    TargetConflict,
    TargetDenied,
    TargetError,
    TargetNotFound,
    TargetThrottled,
    TargetUnavailable,
)
from tests.azure.test_client import Script

ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/ipGroups/i"
OPERATION = (
    "https://arm.example/subscriptions/s/providers/Microsoft.Network/locations/w/operations/1?api-version=1"
)


def _arm(*answers: Answer | Exception) -> tuple[ArmClient, Script, list[float]]:
    script, slept = Script(*answers), list[float]()
    return ArmClient("https://arm.example", lambda _: script, sleep=slept.append), script, slept


def _answer(status: int, body: Any = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, b"" if body is None else json.dumps(body).encode())


def _in(state: str) -> Answer:
    return _answer(200, {"id": ID, "properties": {"provisioningState": state}})


ACCEPTED = _answer(202, azure_asyncoperation=OPERATION)


@pytest.mark.parametrize(
    "word", ["Running", "InProgress", "Accepted", "Updating", "Provisioning", "NotStarted"]
)
def test_a_status_on_its_way_is_waited_for(word: str) -> None:
    arm, script, slept = _arm(ACCEPTED, _answer(200, {"status": word}), _answer(200, {"status": "Succeeded"}))
    arm.put(ID, {}, "1")
    assert len(script.asked) == 3
    assert len(slept) == 1


FAILED = [
    {"status": "Failed", "error": {"code": "X", "message": "m"}},
    {"status": "Canceled"},
    {"status": "Cancelled"},
    {"status": "TimedOut"},
    {"status": "Odd", "error": {"code": "X", "message": "m"}},
    {"error": {"code": "X", "message": "m"}},
    {"error": "m"},
]


@pytest.mark.parametrize("body", FAILED, ids=str)
def test_an_operation_that_failed_ends_at_once_and_is_said(body: Any) -> None:
    arm, script, slept = _arm(ACCEPTED, _answer(200, body))
    with pytest.raises(TargetError, match="accepted and then failed") as caught:
        arm.put(ID, {}, "1")
    assert type(caught.value) is TargetError
    assert (len(script.asked), slept) == (2, [])


@pytest.mark.parametrize(
    "answer",
    [_answer(200, {"status": "Completed"}), _answer(200, {}), _answer(200), _answer(200, []), _answer(204)],
)
def test_an_end_that_says_nothing_leaves_open_what_happened(answer: Answer) -> None:
    arm, script, slept = _arm(ACCEPTED, answer)
    with pytest.raises(TargetUnavailable):
        arm.put(ID, {}, "1")
    assert (len(script.asked), slept) == (2, [])


@pytest.mark.parametrize(
    "headers", [{}, {"azure_asyncoperation": OPERATION}], ids=["bare", "with an operation"]
)
@pytest.mark.parametrize("status", [200, 201])
def test_an_answer_whose_resource_is_on_its_way_is_waited_for(status: int, headers: dict[str, str]) -> None:
    begun = _answer(status, {"id": ID, "properties": {"provisioningState": "Updating"}}, **headers)
    ended = [_answer(200, {"status": "Succeeded"})] if headers else []
    arm, script, slept = _arm(begun, *ended, _in("Updating"), _in("Succeeded"))
    arm.put(ID, {}, "1")
    assert [method for method, _ in script.asked] == ["PUT", *["GET"] * (len(ended) + 2)]
    assert len(slept) == 1


@pytest.mark.parametrize("state", ["Failed", "Canceled"])
def test_a_resource_that_failed_on_its_way_is_said(state: str) -> None:
    arm, *_ = _arm(_in("Updating"), _in(state))
    with pytest.raises(TargetError, match=f"accepted and then failed: {state}"):
        arm.put(ID, {}, "1")


def test_a_delete_that_names_no_operation_is_waited_for_until_the_resource_is_gone() -> None:
    gone = _answer(404, {"error": {"code": "ResourceNotFound", "message": "m"}})
    arm, script, _ = _arm(_answer(202), _in("Deleting"), gone)
    arm.delete(ID, "1")
    assert len(script.asked) == 3


def test_an_accepted_action_without_an_address_is_not_called_done() -> None:
    arm, script, _ = _arm(_answer(202))
    with pytest.raises(TargetUnavailable, match="does not say where to ask"):
        arm.post(f"{ID}/deploy", {}, "1")
    assert len(script.asked) == 1


REFUSALS = {
    403: TargetDenied,
    404: TargetNotFound,
    409: TargetConflict,
    412: TargetConflict,
    503: TargetUnavailable,
}


@pytest.mark.parametrize(("status", "kind"), REFUSALS.items())
@pytest.mark.parametrize("method", ["put", "patch", "post"])
def test_a_refused_write_is_not_sent_again_because_of_retry_after(
    method: str, status: int, kind: type[TargetError]
) -> None:
    refused = _answer(status, {"error": {"code": "No", "message": "m"}}, retry_after="1")
    arm, script, slept = _arm(refused)
    with pytest.raises(kind):
        getattr(arm, method)(ID, {}, "1")
    assert (len(script.asked), slept) == (1, [])


@pytest.mark.parametrize("status", [403, 404, 409])
def test_a_refused_read_is_an_answer_and_is_not_asked_again(status: int) -> None:
    arm, script, _ = _arm(_answer(status, {"error": {"code": "No", "message": "m"}}, retry_after="1"))
    with pytest.raises(TargetError):
        arm.get(ID, "1")
    assert len(script.asked) == 1


def test_a_throttled_action_is_sent_once() -> None:
    arm, script, _ = _arm(_answer(429, {}, retry_after="1"))
    with pytest.raises(TargetThrottled):
        arm.post(f"{ID}/deploy", {}, "1")
    assert len(script.asked) == 1
