"""A webhook can be trusted by its receiver, and never takes a run down."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest

from allowlist.notify.events import Event
from allowlist.notify.sending import ChannelFailed
from allowlist.notify.webhook import Webhook, key_of, may_post_to, signature
from tests.helpers.ledgers import NOON
from tests.helpers.receivers import Receiver, webhook_receiver

SECRET = "whsec_" + base64.b64encode(b"a key of twenty-four byt").decode()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with webhook_receiver() as found:
        yield found


def event(**changes: Any) -> Event:
    values: dict[str, Any] = {
        "kind": "failed", "workload": "agents", "target": "hub", "title": "Azure refused", "parts": frozenset({"m1"}),
    }  # fmt: skip
    return Event(**values | changes)


def hook(url: str, paused: list[float] | None = None, secret: str = SECRET) -> Webhook:
    return Webhook(
        url=url, secret=secret, clock=lambda: NOON, sleep=([] if paused is None else paused).append
    )


def test_the_signature_is_the_one_of_the_specification() -> None:
    """The example of https://www.standardwebhooks.com, as its reference libraries test it."""
    made = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_can_check_who_sent_what_and_when(receiver: Receiver) -> None:
    hook(receiver.url).send([event()], "run-1")
    (request,) = receiver.requests
    name, moment = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    signed = f"{name}.{moment}.".encode() + request.body
    expected = hmac.new(b"a key of twenty-four byt", signed, hashlib.sha256).digest()
    assert request.headers["webhook-signature"] == "v1," + base64.b64encode(expected).decode()
    assert int(moment) == NOON.timestamp()
    document = json.loads(request.body)
    assert document["schema"] == "allowlist/notification/v1"
    assert document["id"] == name
    assert document["events"][0] | {"event": "failed", "workload": "agents"} == document["events"][0]


def test_the_id_is_the_same_for_the_same_news_and_another_for_other_news(receiver: Receiver) -> None:
    for sent in (event(), event(title="worded otherwise"), event(parts=frozenset({"m2"}))):
        hook(receiver.url).send([sent], "run-1")
    first, second, third = (request.headers["webhook-id"] for request in receiver.requests)
    assert first == second != third


def test_a_busy_receiver_is_asked_again(receiver: Receiver) -> None:
    receiver.statuses = [503, 429, 200]
    paused: list[float] = []
    hook(receiver.url, paused).send([event()], "run-1")
    assert len(receiver.requests) == 3
    assert len(paused) == 2
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1


@pytest.mark.parametrize(("status", "requests"), [(500, 3), (403, 1), (404, 1), (302, 1)])
def test_a_receiver_that_refuses_is_a_failed_channel(receiver: Receiver, status: int, requests: int) -> None:
    receiver.statuses, receiver.headers = [status], {"Location": receiver.url}
    with pytest.raises(ChannelFailed, match=str(status)) as failed:
        hook(receiver.url).send([event()], "run-1")
    assert len(receiver.requests) == requests
    assert receiver.url not in str(failed.value)


def test_a_receiver_that_is_gone_is_a_failed_channel_and_its_address_is_not_told() -> None:
    with pytest.raises(ChannelFailed, match="no answer") as failed:
        hook("http://127.0.0.1:9/very-secret-path").send([event()], "run-1")
    assert "very-secret-path" not in str(failed.value)


@pytest.mark.parametrize("secret", ["", "short", "whsec_c2hvcnQ=", "whsec_not base64!"])
def test_a_secret_that_protects_nothing_is_refused(secret: str) -> None:
    with pytest.raises(ChannelFailed, match="secret"):
        key_of(secret)


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://hooks.contoso.example/x", True),
        ("http://127.0.0.1:8080/x", True),
        ("http://localhost/x", True),
        ("http://[::1]/x", True),
        ("http://hooks.contoso.example/x", False),
        ("ftp://hooks.contoso.example/x", False),
        ("http://[broken/x", False),
        ("", False),
    ],
)
def test_news_goes_out_encrypted_or_stays_on_this_machine(url: str, may: bool) -> None:
    assert may_post_to(url) is may


def test_a_message_is_bounded_and_says_how_much_was_left_out(receiver: Receiver) -> None:
    many = [event(target=f"t{number}", lines=tuple(f"line {n}" for n in range(500))) for number in range(300)]
    hook(receiver.url).send(many, "run-1")
    (request,) = receiver.requests
    document = json.loads(request.body)
    assert len(document["events"]) == 100
    assert document["left_out"] == 200
    assert len(request.body) < 200_000


def test_no_secret_of_azure_is_in_a_message(receiver: Receiver) -> None:
    url = (
        "https://management.azure.com/subscriptions/s/providers/Microsoft.Network/locations/l/operations/o"
        "?t=1&c=MII&s=signature&h=hash"
    )
    hook(receiver.url).send(
        [event(title=f"lost {url}", lines=("Bearer abcdefghijklmnopqrstuvwxyz",))], "run-1"
    )
    assert b"signature" not in receiver.requests[0].body
    assert b"abcdefghijklmnop" not in receiver.requests[0].body
