"""The one retry and polling policy, over real HTTP against the simulator and on scripted answers."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from allowlist.azure.answers import Answer
from allowlist.azure.client import ArmClient, Patience
from allowlist.azure.clouds import choose_cloud
from allowlist.azure.connection import Connection, connect
from allowlist.errors import AllowlistError, TargetConflict, TargetError, TargetThrottled, TargetUnavailable
from allowlist.simulator import Running, Simulator, parse_fault, serve
from tests.helpers.cli import CONTOSO

NET = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-hub-weu/providers/Microsoft.Network"
POLICY = f"{NET}/firewallPolicies/afwp-weu"
API = "2024-05-01"


class Script:
    """Answers in order; what was asked is kept."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str]] = []

    def send(self, method: str, url: str, body: bytes | None) -> Answer:
        del body
        self.asked.append((method, url))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.answers.clear()


def _client(script: Script, slept: list[float], told: list[str] | None = None) -> ArmClient:
    return ArmClient(
        "https://arm.example",
        lambda _: script,
        sleep=slept.append,
        patience=Patience(),
        notify=(told if told is not None else []).append,
        jitter=lambda: 1.0,
        clock=lambda: sum(slept),
    )


def _ok(body: object = None, **headers: str) -> Answer:
    return Answer(
        200,
        {name.replace("_", "-"): value for name, value in headers.items()},
        json.dumps(body or {}).encode(),
    )


THROTTLED = Answer(429, {"retry-after": "3"}, b'{"error":{"code":"TooMany","message":"m"}}')


def test_retry_after_is_obeyed_and_told() -> None:
    slept: list[float] = []
    told: list[str] = []
    script = Script(THROTTLED, _ok({"name": "x"}))
    assert _client(script, slept, told).get("/subscriptions/s", API) == {"name": "x"}
    assert slept == [3.0]
    assert "throttled; trying again in 3 s" in told[0]


def test_an_absurd_retry_after_is_not_waited_for() -> None:
    absurd = Answer(429, {"retry-after": "86400"}, b"{}")
    slept: list[float] = []
    with pytest.raises(TargetThrottled):
        _client(Script(absurd), slept).get("/subscriptions/s", API)
    assert not slept


def test_reads_are_tried_again_with_growing_pauses_and_then_given_up() -> None:
    slept: list[float] = []
    with pytest.raises(TargetUnavailable):
        _client(Script(*[TargetUnavailable("gone")] * 6), slept).get("/subscriptions/s", API)
    assert slept == sorted(slept)
    assert len(slept) == 5


def test_a_write_without_an_answer_is_never_sent_twice() -> None:
    script = Script(TargetUnavailable("connection lost"))
    with pytest.raises(TargetUnavailable):
        _client(script, []).put("/subscriptions/s/x", {}, API)
    assert len(script.asked) == 1


def test_operation_urls_go_back_byte_for_byte_and_never_into_words() -> None:
    url = "https://arm.example/subscriptions/s/providers/Microsoft.Network/locations/w/nfvOperations/1?api-version=1&t=%2BA&s=b%3D%3D"
    told: list[str] = []
    script = Script(
        _ok(azure_asyncoperation=url), THROTTLED, _ok({"status": "InProgress"}), _ok({"status": "Succeeded"})
    )
    _client(script, [], told).put("/subscriptions/s/x", {}, API)
    assert [asked for _, asked in script.asked[1:]] == [url] * 3
    assert "%2BA" not in " ".join(told)


def test_a_failed_operation_says_what_the_service_said() -> None:
    failed = _ok(
        {
            "status": "Failed",
            "error": {"code": "FirewallPolicyUpdateFailed", "message": "1 faulted referenced firewalls"},
        }
    )
    with pytest.raises(TargetError, match="1 faulted referenced firewalls"):
        _client(Script(_ok(azure_asyncoperation="https://arm.example/op"), failed), []).put(
            "/subscriptions/s/x", {}, API
        )


def test_a_location_without_api_version_is_completed() -> None:
    accepted = Answer(202, {"location": "https://arm.example/subscriptions/s/op"}, b"")
    script = Script(accepted, _ok())
    _client(script, []).delete("/subscriptions/s/x", "2025-01-01")
    assert script.asked[1][1].endswith("/op?api-version=2025-01-01")


def test_gone_while_polling_a_delete_is_done() -> None:
    gone = Answer(404, {}, b'{"error":{"code":"ResourceNotFound","message":"m"}}')
    accepted = Answer(202, {"location": "https://arm.example/subscriptions/s/op?api-version=1"}, b"")
    _client(Script(accepted, gone), []).delete("/subscriptions/s/x", API)


def test_a_null_answer_to_an_unchanged_group_is_no_accident() -> None:
    assert _client(Script(Answer(200, {}, b"null")), []).put("/subscriptions/s/x", {}, API) == {}


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Simulator, Running]]:
    simulator = Simulator()
    simulator.seed(CONTOSO)
    with serve(simulator) as server:
        yield simulator, server


def test_lists_are_read_through_the_sdk_over_http(running: tuple[Simulator, Running]) -> None:
    with connect(Connection(endpoint=running[1].url, credential="none")) as arm:
        groups = list(arm.list(f"{POLICY}/ruleCollectionGroups", API))
        assert len(groups) == 6
        assert arm.traffic.total == 1
        assert arm.traffic.remaining


def test_other_providers_are_read_through_httpx(running: tuple[Simulator, Running]) -> None:
    with connect(Connection(endpoint=running[1].url, credential="none")) as arm:
        assert list(
            arm.list("/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups", "2022-09-01")
        )


def test_busy_is_told_apart_from_other_refusals(running: tuple[Simulator, Running]) -> None:
    simulator, server = running
    with connect(Connection(endpoint=server.url, credential="none")) as arm:
        group = arm.get(f"{POLICY}/ruleCollectionGroups/rcg-web", API)
        simulator.faults.add(parse_fault("PUT:ruleCollectionGroups:busy"))
        with pytest.raises(TargetConflict):
            arm.put(group["id"], {"properties": group["properties"]}, API)


@pytest.mark.parametrize(
    ("endpoint", "credential", "fits"),
    [
        ("https://arm.example", "default", True),
        ("http://127.0.0.1:1", "none", True),
        ("http://127.0.0.1:1", "default", False),
        ("http://arm.example", "none", False),
    ],
)
def test_plain_http_only_to_this_machine_and_without_credential(
    endpoint: str, credential: str, fits: bool
) -> None:
    if fits:
        assert choose_cloud("public", endpoint, credential).endpoint == endpoint
    else:
        with pytest.raises(AllowlistError):
            choose_cloud("public", endpoint, credential)


LOCATION = Answer(202, {"location": "https://arm.example/subscriptions/s/results/1?api-version=1"}, b"")


def test_a_location_that_answers_an_error_tells_of_a_failed_operation() -> None:
    failed = Answer(400, {}, b'{"error":{"code":"Broken","message":"no route"}}')
    with pytest.raises(TargetError, match="accepted and then failed: Broken") as caught:
        _client(Script(LOCATION, failed), []).put("/subscriptions/s/x", {}, API)
    assert caught.value.status == 200


def test_a_transient_error_leaves_open_what_happened_and_is_not_asked_for_again() -> None:
    told = Answer(400, {}, b'{"error":{"code":"TransientError","message":"m"}}')
    script = Script(LOCATION, told)
    with pytest.raises(TargetUnavailable):
        _client(script, []).put("/subscriptions/s/x", {}, API)
    assert len(script.asked) == 2


@pytest.mark.parametrize("header", ["location", "azure-asyncoperation"])
def test_a_poll_url_without_api_version_gets_the_one_of_the_write(header: str) -> None:
    accepted = Answer(202, {header: "https://arm.example/subscriptions/s/results/1"}, b"")
    script = Script(accepted, _ok({"status": "Succeeded"}))
    _client(script, []).put("/subscriptions/s/x", {}, API)
    assert script.asked[1][1].endswith(f"/results/1?api-version={API}")


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (409, "RequestConflict", "the provisioning state is not terminal"),
        (400, "AccountProvisioningStateInvalid", "in state Accepted"),
        (409, "Conflict", "it has an ongoing operation running"),
    ],
)
def test_the_ways_accounts_and_networks_say_busy_are_understood(status: int, code: str, message: str) -> None:
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    with pytest.raises(TargetConflict) as caught:
        _client(Script(Answer(status, {}, body)), []).put("/subscriptions/s/x", {}, API)
    assert caught.value.is_busy
