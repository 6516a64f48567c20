"""Narration can be read by machines, its lines belong together, and no secret is in one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from allowlist.cli.console import say
from allowlist.observe.logs import LOG
from tests.helpers.cli import allowlist, on_contoso
from tests.helpers.world import OURS, World, contoso_world


@pytest.fixture(autouse=True)
def _log_of_its_own() -> Iterator[None]:
    LOG.begin()
    yield
    LOG.begin()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with contoso_world(tmp_path) as found:
        yield found


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def operation_urls(world: World) -> list[str]:
    """Addresses of running operations as the simulated Azure hands them out: signed, and thousands of characters."""
    body = {"properties": {"priority": 1000, "ruleCollections": []}}
    answer = httpx.put(
        f"{world.running.url}{OURS}?api-version=2024-05-01",
        json=body,
        headers={"Authorization": "Bearer none"},
    )
    found = [answer.headers[name] for name in ("azure-asyncoperation", "location") if name in answer.headers]
    assert found, answer.headers
    return found


@pytest.mark.parametrize("place", ["option", "environment"])
def test_every_line_of_narration_is_one_json_object_of_one_run(
    place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    options = ["--log-format", "json"] if place == "option" else []
    if place == "environment":
        monkeypatch.setenv("ALLOWLIST_LOG_FORMAT", "json")
    with contoso_world(tmp_path) as world:
        result = allowlist(
            *options, "check", "--workload", world.workload, "--arm-endpoint", world.running.url,
            "--credential", "none",
        )  # fmt: skip
    found = lines_of(result.err)
    assert found
    assert {line["level"] for line in found} == {"info"}
    assert len({line["run"] for line in found}) == 1
    assert all(line["time"].endswith("+00:00") and line["message"] for line in found)


def test_an_error_is_one_line_with_its_hint_and_exit_code() -> None:
    result = allowlist("--log-format", "json", "check", "--workload", "missing.yaml", "--snapshot", ".")
    (line,) = lines_of(result.err)
    assert line["level"] == "error"
    assert line["exit_code"] == result.code == 1
    assert "allowlist init" in line["hint"]


def test_a_wrong_option_is_told_as_json_too() -> None:
    result = allowlist("--log-format", "json", "check", "--nonsense")
    assert lines_of(result.err)[0]["level"] == "error"
    assert result.code == 1


def test_two_runs_have_two_ids() -> None:
    first = on_contoso("check").err
    assert not first.startswith("{")
    ids = {lines_of(allowlist("--log-format", "json", "check", "-x").err)[0]["run"] for _ in range(2)}
    assert len(ids) == 2


@pytest.mark.parametrize("form", ["text", "json"])
def test_operation_urls_are_taken_out_of_every_line(
    world: World, form: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    LOG.form = form
    for url in operation_urls(world):
        say(f"polling {url} again in 3 s", "info", resource=url)
        printed = capsys.readouterr().err
        assert "again in 3 s" in printed
        assert url not in printed
        query = url.partition("?")[2]
        assert all(part.partition("=")[2] not in printed for part in query.split("&") if len(part) > 20)


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    "secret",
    [
        "Bearer abcdefghijklmnopqrstuvwxyz0123456789",
        "eyJhbGciOiJub25lIn0.eyJvaWQiOiJhYmMifQ.c2lnbmF0dXJl",
        "postgresql://ledger:hunter2hunter2@db.contoso.example/allowlist",
        "https://contoso.blob.core.windows.net/c?sp=r&sig=abc%2Fdef",
    ],
)
def test_credentials_are_taken_out_of_every_line(
    form: Any, secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    LOG.form = form
    say(f"trying with {secret} now")
    printed = capsys.readouterr().err
    assert secret not in printed
    assert "trying with" in printed


def test_a_secret_this_process_was_given_is_taken_out_wherever_it_stands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    LOG.form = "json"
    LOG.keep_secret("T000/B000/quite-a-secret")
    say("could not post to https://chat.example/T000/B000/quite-a-secret: 404")
    assert "quite-a-secret" not in capsys.readouterr().err


def test_a_run_that_writes_and_stumbles_shows_no_operation_url(world: World, workplace: Path) -> None:
    for fault in ("PUT:ruleCollectionGroups:times=1:operation-fails", "GET:*:times=2:unavailable"):
        world.fault(fault)
    common = ["--workload", world.workload, "--arm-endpoint", world.running.url, "--credential", "none"]
    ledger = ["--ledger", f"sqlite:///{workplace}/ledger.db"]
    assert allowlist("plan", *common, "-o", "plan.json").code == 0
    assert allowlist("approve", "plan.json", "--all", "--reason", "ok", *ledger).code == 0
    result = allowlist("--log-format", "json", "apply", "plan.json", *common, *ledger)
    printed = result.err + result.out
    assert lines_of(result.err)
    polls = [entry for entry in world.simulator.requests if "operations" in entry.path.lower()]
    assert polls
    for poll in polls:
        assert poll.path not in printed
    assert "api-version" not in printed
