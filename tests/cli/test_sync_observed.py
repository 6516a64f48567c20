"""A scheduled run from the command line as a monitor sees it: log lines, metrics, reports, messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.helpers.cli import Result, allowlist
from tests.helpers.receivers import webhook_receiver
from tests.helpers.world import World, contoso_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with contoso_world(tmp_path) as found:
        yield found


def sync(world: World, *options: object) -> Result:
    folder = world.workload.parent
    return allowlist(
        "sync", "--workload", world.workload, "--arm-endpoint", world.running.url, "--credential", "none",
        "--ledger", f"sqlite:///{folder}/ledger.db", *options,
    )  # fmt: skip


def measured(path: Path) -> dict[str, float]:
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(path.read_text())
        for sample in family.samples
    }


def test_metrics_say_what_waits_and_count_as_azure_counts(world: World) -> None:
    path = world.workload.parent / "allowlist.prom"
    for number in (1, 2):
        assert sync(world, "--metrics-file", path).code == 0
        found = measured(path)
        assert found["allowlist_pending_changes"] == 35
        assert found["allowlist_missing_requirements"] == 37
        assert found["allowlist_runs_total"] == number
        assert found["allowlist_arm_requests_total"] == len(world.simulator.requests)
        assert found["allowlist_last_success_timestamp_seconds"] == pytest.approx(
            found["allowlist_last_run_timestamp_seconds"]
        )
    world.fault("GET:ruleCollectionGroups:status=403,code=AuthorizationFailed")
    assert sync(world, "--metrics-file", path).code == 1
    failed = measured(path)
    assert failed["allowlist_last_success_timestamp_seconds"] < failed["allowlist_last_run_timestamp_seconds"]
    assert failed["allowlist_target_failed"] == 1


def test_a_file_of_somebody_else_stops_the_run_before_it_begins(world: World) -> None:
    path = world.workload.parent / "notes.prom"
    path.write_text("node_load1 0.2\n")
    result = sync(world, "--metrics-file", path)
    assert result.code == 1
    assert "not a metrics file of allowlist" in result.err
    assert not world.simulator.requests


def test_log_lines_name_workload_target_and_state(world: World) -> None:
    result = sync(world, "--log-format", "json", "--exit-code")
    lines = [json.loads(line) for line in result.err.splitlines()]
    (line,) = [item for item in lines if item.get("target")]
    assert (line["workload"], line["target"], line["state"]) == ("research-agents", "hub-firewall", "pending")
    assert line["exit_code"] == result.code == 2


def test_one_run_leaves_every_report(world: World) -> None:
    folder = world.workload.parent
    forms = ("sarif", "junit", "markdown", "comment", "github")
    result = sync(world, "--json", *(f"--report={form}={folder}/{form}.out" for form in forms))
    assert result.json["schema"] == "allowlist/sync/v1"
    assert json.loads((folder / "sarif.out").read_text())["runs"][0]["results"][0]["ruleId"] == "pending"
    assert ET.parse(folder / "junit.out").getroot().get("skipped") == "1"
    assert (folder / "comment.out").read_text().startswith("<!-- allowlist: sync -->\n## allowlist sync")
    assert "35 changes wait" in (folder / "markdown.out").read_text()
    assert (folder / "github.out").read_text().startswith("::warning ")


def test_messages_go_out_and_a_channel_that_fails_is_told_and_fails_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", "a secret of a good length")
    with webhook_receiver() as receiver:
        world.workload.write_text(
            f"{world.workload.read_text()}\nnotifications:\n"
            f"  - {{channel: webhook, url: '{receiver.url}', secret: env:HOOK_SECRET}}\n"
            "  - {channel: slack, url: env:SLACK_WEBHOOK}\n"
        )
        first = sync(world, "--json")
        second = sync(world, "--json")
    assert (first.code, second.code) == (0, 0)
    assert len(receiver.requests) == 1
    told = {item["channel"]: item for item in first.json["notifications"]}
    events = [event["event"] for event in json.loads(receiver.requests[0].body)["events"]]
    assert "plan-ready" in events
    assert told[f"webhook:{receiver.url}"]["told"] == len(events)
    assert told["slack:SLACK_WEBHOOK"]["error"] == "the environment variable SLACK_WEBHOOK is not set"
    assert "could not tell slack:SLACK_WEBHOOK" in first.err
    assert [item["channel"] for item in second.json["notifications"]] == ["slack:SLACK_WEBHOOK"]
