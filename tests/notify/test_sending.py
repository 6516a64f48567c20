"""The same news is told once per channel, whatever happens in between; what failed to go out is told next time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allowlist.notify.channels import channels_of
from allowlist.notify.events import Event, gist
from allowlist.notify.sending import Delivery, deliver
from allowlist.store import Ledger
from allowlist.workload.document import Notification, Workload
from tests.helpers.laws import examples
from tests.helpers.ledgers import NOON, opened
from tests.helpers.receivers import Receiver, webhook_receiver

SECRET = "a secret of a good length"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with webhook_receiver() as found:
        yield found


@pytest.fixture(autouse=True)
def _nothing_arrived_yet(receiver: Receiver) -> None:
    receiver.requests.clear()
    receiver.statuses = [200]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with opened(f"sqlite:///{tmp_path}/ledger.db") as found:
        yield found


def workload(*notifications: Notification, name: str = "agents") -> Workload:
    return msgspec.convert(
        {"schema": "allowlist/workload/v1", "name": name, "sources": {}, "targets": [
            {"name": "hub", "surface": "firewall-policy", "resource": "/subscriptions/s", "delete": "add-only"}
        ], "notifications": [msgspec.to_builtins(item) for item in notifications]},
        Workload,
    )  # fmt: skip


def to(url: str, *events: Any) -> Notification:
    return Notification(channel="webhook", url=url, secret="env:SECRET", events=list(events))


def event(**changes: Any) -> Event:
    values: dict[str, Any] = {
        "kind": "plan-ready", "workload": "agents", "target": "hub", "title": "2 wait", "parts": frozenset({"m1"}),
    }  # fmt: skip
    return Event(**values | changes)


def told(
    ledger: Ledger, events: list[Event], *workloads: Workload, environ: dict[str, str] | None = None
) -> tuple[Delivery, ...]:
    found = {"SECRET": SECRET} if environ is None else environ
    channels = channels_of(workloads, found, lambda: NOON, lambda _: None)
    return deliver(events, channels, ledger, "tester", "run-1")


def test_the_same_news_is_told_once(receiver: Receiver, ledger: Ledger) -> None:
    mine = workload(to(receiver.url))
    first = told(ledger, [event()], mine)
    assert [(item.told, item.error) for item in first] == [(1, "")]
    rows = len(ledger.entries())
    assert [told(ledger, [event()], mine) for _ in range(5)] == [()] * 5
    assert len(receiver.requests) == 1
    assert len(ledger.entries()) == rows


def test_other_news_on_the_same_subject_is_told(receiver: Receiver, ledger: Ledger) -> None:
    mine = workload(to(receiver.url))
    for meaning in ("m1", "m2", "m1"):
        told(ledger, [event(parts=frozenset(meaning.split()))], mine)
    assert len(receiver.requests) == 3


def test_what_is_over_is_not_told_and_its_return_is(receiver: Receiver, ledger: Ledger) -> None:
    mine = workload(to(receiver.url))
    for meaning in ("m1", "", "", "m1"):
        told(ledger, [event(parts=frozenset(meaning.split()))], mine)
    assert len(receiver.requests) == 2


@settings(max_examples=examples(25))
@given(st.lists(st.frozensets(st.sampled_from("abc")), max_size=12))
def test_messages_count_what_joins_and_not_the_runs(told_sets: list[frozenset[str]]) -> None:
    with webhook_receiver() as receiver, TemporaryDirectory() as folder:
        mine = workload(to(receiver.url))
        with opened(f"sqlite:///{folder}/ledger.db") as ledger:
            for parts in told_sets:
                told(ledger, [event(parts=parts)], mine)
        before: list[frozenset[str]] = [frozenset(), *told_sets]
        joined = [new for old, new in zip(before, told_sets, strict=False) if new - old]
        assert len(receiver.requests) == len(joined)


def test_what_merely_goes_is_no_news(receiver: Receiver, ledger: Ledger) -> None:
    mine = workload(to(receiver.url))
    for parts in ("a b c", "a b", "a", "a b"):
        told(ledger, [event(parts=frozenset(parts.split()))], mine)
    assert len(receiver.requests) == 2


def test_a_message_that_did_not_go_out_is_told_by_the_next_run(receiver: Receiver, ledger: Ledger) -> None:
    mine = workload(to(receiver.url))
    receiver.statuses = [403]
    (failed,) = told(ledger, [event()], mine)
    assert (failed.told, failed.error) == (0, "it was answered 403")
    receiver.statuses = [200]
    (sent,) = told(ledger, [event()], mine)
    assert sent.told == 1


def test_one_channel_that_fails_does_not_keep_another_from_being_told(
    receiver: Receiver, ledger: Ledger
) -> None:
    mine = workload(to("http://127.0.0.1:9/gone"), to(receiver.url))
    first, second = told(ledger, [event()], mine)
    assert first.error
    assert second.told == 1
    (again,) = told(ledger, [event()], mine)
    assert again.error
    assert len(receiver.requests) == 1


def test_many_workloads_share_one_message_per_channel(receiver: Receiver, ledger: Ledger) -> None:
    fleet = [workload(to(receiver.url), name=f"w{number}") for number in range(20)]
    events = [event(workload=f"w{number}") for number in range(20)]
    (sent,) = told(ledger, events, *fleet)
    assert sent.told == 20
    assert len(receiver.requests) == 1


def test_a_channel_is_told_only_what_it_asked_for(receiver: Receiver, ledger: Ledger) -> None:
    mine = workload(to(receiver.url, "failed"))
    assert told(ledger, [event()], mine) == ()
    (sent,) = told(ledger, [event(), event(kind="failed")], mine)
    assert sent.told == 1
    assert b'"failed"' in receiver.requests[0].body
    assert b'"plan-ready"' not in receiver.requests[0].body


def test_a_channel_of_one_workload_hears_nothing_of_another(receiver: Receiver, ledger: Ledger) -> None:
    assert told(ledger, [event(workload="others")], workload(to(receiver.url))) == ()


def test_a_variable_that_is_not_set_is_named(ledger: Ledger) -> None:
    (failed,) = told(ledger, [event()], workload(to("env:HOOK")), environ={})
    assert failed.error == "the environment variable HOOK is not set"
    assert failed.channel == "webhook:HOOK"


def test_no_secret_enters_the_ledger_or_the_answer(receiver: Receiver, ledger: Ledger) -> None:
    receiver.statuses = [200, 500]
    environ = {"SECRET": SECRET, "HOOK": f"{receiver.url}/very-secret-path"}
    mine = workload(to("env:HOOK"))
    found = [
        told(ledger, [event(parts=frozenset(meaning.split()))], mine, environ=environ)
        for meaning in ("m1", "m2")
    ]
    stored = msgspec.json.encode([[entry.subject, entry.state, entry.body] for entry in ledger.entries()])
    for secret in ("very-secret-path", SECRET):
        assert secret not in str(found)
        assert secret.encode() not in stored


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("request 7f2c1a90-1111 failed after 12 s", "request 0b1d2e3f-2222 failed after 7 s", True),
        ("hub changed at 2026-01-02T10:00:00Z", "hub changed at 2026-03-04T11:22:33Z", True),
        ("AuthorizationFailed on hub", "ResourceNotFound on hub", False),
        ("hub-a refused", "hub-b refused", False),
    ],
)
def test_a_failure_is_known_by_what_it_says_and_not_by_its_numbers(one: str, other: str, same: bool) -> None:
    assert (gist(one) == gist(other)) is same
