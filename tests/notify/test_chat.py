"""Slack, Teams and mail get plain words; what goes wrong there is told without the address."""

from __future__ import annotations

import json
import sys
from email import message_from_string, policy
from pathlib import Path
from typing import Any

import pytest

from allowlist.notify.chat import Chat
from allowlist.notify.events import Event
from allowlist.notify.message import text_of, title_of
from allowlist.notify.sending import ChannelFailed
from tests.helpers.receivers import internet, mail_server, webhook_receiver

SLACK = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
TEAMS_HOST = "prod-12.westeurope.logic.azure.com"
TEAMS = (
    f"https://{TEAMS_HOST}:443/workflows/643e69f83c8944438d68119179a10a64/triggers/manual/paths/invoke"
    "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=KODuebWbDGYFr0z0eu"
)


def event(**changes: Any) -> Event:
    values: dict[str, Any] = {
        "kind": "plan-ready", "workload": "agents", "target": "hub", "title": "2 changes wait", "parts": frozenset({"m1"}),
        "lines": ("1a2b add *.vscode.dev https:443",), "next": "allowlist review plan.json",
    }  # fmt: skip
    return Event(**values | changes)


@pytest.mark.parametrize(
    ("channel", "host", "url"), [("slack", "hooks.slack.com", SLACK), ("teams", TEAMS_HOST, TEAMS)]
)
def test_a_chat_is_told_what_and_what_next(
    channel: str, host: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with internet(tmp_path, host) as (proxy, authority, receiver):
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
        Chat(channel=channel, url=url).send([event()], "run-1")
    (request,) = receiver.requests
    assert request.host == host
    said = json.dumps(json.loads(request.body), ensure_ascii=False)
    assert "agents/hub: 2 changes wait" in said
    assert "*.vscode.dev" in said
    assert "allowlist review plan.json" in said


@pytest.mark.parametrize(
    ("channel", "host", "url"), [("slack", "hooks.slack.com", SLACK), ("teams", TEAMS_HOST, TEAMS)]
)
def test_a_hook_that_leads_elsewhere_has_not_delivered(
    channel: str, host: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A followed redirect arrives as a GET without the message, at a page that answers 200."""
    with internet(tmp_path, host) as (proxy, authority, receiver):
        receiver.statuses, receiver.headers = [302, 200], {"Location": "/signin"}
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
        with pytest.raises(ChannelFailed):
            Chat(channel=channel, url=url).send([event()], "run-1")
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("kind", ["json", "form", "xml"])
def test_a_service_of_apprise_that_leads_elsewhere_has_not_delivered(kind: str) -> None:
    with webhook_receiver() as receiver:
        receiver.statuses, receiver.headers = [302, 200], {"Location": "/signin"}
        with pytest.raises(ChannelFailed):
            Chat(channel="apprise", url=receiver.url.replace("http://", f"{kind}://")).send(
                [event()], "run-1"
            )
    assert len(receiver.requests) == 1


def test_a_chat_that_refuses_is_a_failed_channel_and_its_address_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with internet(tmp_path, "hooks.slack.com") as (proxy, authority, receiver):
        receiver.statuses = [403]
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
        with pytest.raises(ChannelFailed) as failed:
            Chat(channel="slack", url=SLACK).send([event()], "run-1")
    printed = "".join(capfd.readouterr()) + str(failed.value)
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in printed
    assert "403" in str(failed.value)


def test_a_mail_says_it_in_its_subject() -> None:
    with mail_server() as (port, mails):
        url = f"mailto://127.0.0.1:{port}?from=allowlist@contoso.example&to=net@contoso.example&format=text"
        Chat(channel="email", url=url).send(
            [event(), event(kind="failed", target="spoke", title="refused")], "r"
        )
    mail = message_from_string(mails[0], policy=policy.default)
    assert mail["Subject"] == "allowlist: 1 plan ready, 1 FAILED"
    body = mail.get_body(("plain",))
    assert body is not None
    assert "FAILED: agents/spoke: refused" in body.get_content()


@pytest.mark.parametrize(
    ("channel", "url", "why"),
    [
        ("slack", "not an address", "cannot read"),
        ("slack", "mailto://u:p@mail.contoso.example?to=a@contoso.example", "not for slack"),
        ("teams", SLACK, "not for teams"),
        ("apprise", "https://contoso.example/x", "cannot read"),
    ],
)
def test_an_address_of_the_wrong_kind_is_told(channel: str, url: str, why: str) -> None:
    with pytest.raises(ChannelFailed, match=why) as failed:
        Chat(channel=channel, url=url).send([event()], "run-1")
    assert url not in str(failed.value)


def test_without_apprise_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ChannelFailed, match=r"allowlist\[notify\]"):
        Chat(channel="slack", url=SLACK).send([event()], "run-1")


def test_a_message_puts_what_failed_first_and_stays_short() -> None:
    many = [event(target=f"t{number:03}") for number in range(100)]
    text = text_of([*many, event(kind="failed", target="last", title="x" * 5000)])
    lines = text.splitlines()
    assert lines[0].startswith("FAILED: agents/last")
    assert lines[-1] == "… and 81 more"
    assert max(len(line) for line in lines) <= 300
    assert title_of(many) == "allowlist: 100 plan ready"
