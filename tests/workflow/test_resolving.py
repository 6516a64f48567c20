"""``--resolve`` asks a DNS server once and keeps the answers, with their time, as a facts file."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.message
import dns.rcode
import dns.rrset
import pytest
import yaml

from tests.helpers.shared import REPOSITORY
from tests.workflow.test_assumptions import ALLOWED, HOST, NARROW, Hub, _network


@contextmanager
def _dns_server(answers: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    """A server on loopback that knows ``answers`` and remembers what it was asked."""
    asked: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                data, sender = bound.recvfrom(4096)
                if data == b"stop":
                    return
                query = dns.message.from_wire(data)
                name = query.question[0].name.to_text(omit_final_dot=True)
                asked.append(name)
                reply = dns.message.make_response(query)
                if name in answers:
                    reply.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "A", answers[name]))
                else:
                    reply.set_rcode(dns.rcode.NXDOMAIN)
                bound.sendto(reply.to_wire(), sender)

        thread = threading.Thread(target=serve)
        thread.start()
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        try:
            yield address, asked
        finally:
            bound.sendto(b"stop", bound.getsockname())
            thread.join()


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path, ("Deny", _network("block", destinationAddresses=NARROW)), ALLOWED)


def test_answers_settle_the_assumption_and_are_kept(hub: Hub, tmp_path: Path) -> None:
    kept = tmp_path / "answers.yaml"
    with _dns_server({HOST: "192.0.2.9"}) as (server, asked):
        result = hub.run("check", "--all", "--json", "--resolve", kept, "--dns-server", server)
    (found,) = result.json["findings"]
    assert (found["status"], found.get("assumptions")) == ("covered", None)
    assert asked == [HOST]
    written = yaml.safe_load(kept.read_text())
    assert written["dns"] == {HOST: ["192.0.2.9"]}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]+\+00:00", written["recorded"])
    (again,) = hub.run("check", "--all", "--json", "--facts", kept).json["findings"]
    assert again == found


def test_an_answer_inside_the_blocklist_is_a_deny(hub: Hub, tmp_path: Path) -> None:
    with _dns_server({HOST: "198.51.100.7"}) as (server, _):
        arguments = ("--resolve", tmp_path / "a.yaml", "--dns-server", server)
        assert hub.run("explain", HOST, "--from", "10.0.0.5", "--json", *arguments).json["verdict"] == "deny"


def test_a_name_without_an_answer_is_told_and_stays_an_assumption(hub: Hub, tmp_path: Path) -> None:
    with _dns_server({}) as (server, _):
        arguments = ("--resolve", tmp_path / "a.yaml", "--dns-server", server)
        result = hub.run("check", "--all", "--json", *arguments)
    assert f"no answer for {HOST}" in result.err
    assert result.json["findings"][0]["assumptions"]


def test_given_facts_are_kept_beside_the_answers(hub: Hub, tmp_path: Path) -> None:
    facts = tmp_path / "facts.yaml"
    facts.write_text("schema: allowlist/facts/v1\nservice_tags: {AzureCloud: [20.0.0.0/8]}\n")
    kept = tmp_path / "answers.yaml"
    with _dns_server({HOST: "192.0.2.9"}) as (server, _):
        hub.run("check", "--facts", facts, "--resolve", kept, "--dns-server", server)
    assert yaml.safe_load(kept.read_text())["service_tags"] == {"AzureCloud": ["20.0.0.0/8"]}


def test_old_answers_are_told_of(hub: Hub, tmp_path: Path) -> None:
    facts = tmp_path / "facts.yaml"
    facts.write_text(
        "schema: allowlist/facts/v1\ndns: {a.example: [192.0.2.9]}\nrecorded: '2020-01-01T00:00:00Z'\n"
    )
    assert "days old; ask again with --resolve" in hub.run("check", "--facts", facts).err


def test_a_server_that_is_none_is_refused(hub: Hub, tmp_path: Path) -> None:
    result = hub.run("check", "--resolve", tmp_path / "a.yaml", "--dns-server", "nowhere:x")
    assert result.code == 1
    assert "is no DNS server" in result.err


def test_the_page_on_facts_shows_a_file_that_is_one(hub: Hub, tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "facts.md").read_text()
    (block,) = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    facts = tmp_path / "facts.yaml"
    facts.write_text(block)
    assert hub.run("check", "--facts", facts).code == 0
