"""What a scheduled run tells, over real HTTP: each piece of news once, and silence while nothing changes."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from allowlist.workflow.syncing.context import Settings
from allowlist.workflow.syncing.news import Newsroom
from allowlist.workflow.syncing.run import Work, sync
from tests.helpers.receivers import Receiver, webhook_receiver
from tests.helpers.world import FOREIGN, World, contoso_world, now

REFUSED = "status=403:code=AuthorizationFailed"
ENVIRON = {"HOOK_SECRET": "a secret of a good length"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with webhook_receiver() as found:
        yield found


@pytest.fixture
def world(tmp_path: Path, receiver: Receiver) -> Iterator[World]:
    with contoso_world(tmp_path) as found:
        channel = f"notifications: [{{channel: webhook, url: '{receiver.url}', secret: env:HOOK_SECRET}}]"
        found.workload.write_text(f"{found.workload.read_text()}\n{channel}\n")
        yield found


def write(world: World, section: str) -> None:
    """Add a section to the workload file, in place of an earlier one of that name."""
    name = section.partition(":")[0]
    kept = [line for line in world.workload.read_text().splitlines() if not line.startswith(f"{name}:")]
    world.workload.write_text("\n".join([*kept, section, ""]))


def run(world: World, at: dt.datetime | None = None) -> None:
    project = world.project
    specs = project.targets()
    context = world.context(**({"clock": lambda: at} if at else {}))
    room = Newsroom(world.ledger, context.clock)
    work = Work(
        workload=project.workload.name,
        file=world.workload,
        targets=tuple(spec.name for spec in specs),
        resources=tuple(spec.resource for spec in specs),
        arm=world.arm,
        load=lambda: project,
    )
    report = sync([work], context, Settings(), room)
    for delivery in room.tell("tester", report.run_id, ENVIRON, lambda _: None):
        assert not delivery.error, delivery


def kinds(receiver: Receiver) -> list[str]:
    """The kinds of news told since the last look."""
    found = [event["event"] for request in receiver.requests for event in json.loads(request.body)["events"]]
    receiver.requests.clear()
    return sorted(found)


def kinds_besides_releases(receiver: Receiver) -> list[str]:
    """The workload's pins grow old with every release of a catalog, which is news of its own, told once."""
    found = kinds(receiver)
    assert found.count("catalog-update-available") <= 1
    return [kind for kind in found if kind != "catalog-update-available"]


def events(receiver: Receiver) -> list[dict[str, Any]]:
    return [event for request in receiver.requests for event in json.loads(request.body)["events"]]


def _touch(number: int, body: dict[str, Any]) -> None:
    body["properties"].update(provisioningState="Succeeded", etag=number)


def test_fifty_runs_tell_what_changed_and_nothing_else(world: World, receiver: Receiver) -> None:
    """A plan waits; neighbours write, Azure fails for a while in ever other words: four pieces of news."""
    rows = 0
    for number in range(50):
        if number % 5 == 4:  # a neighbour edits a rule of theirs, so every fingerprint is another one
            world.edit(FOREIGN, partial(_touch, number))
        if 20 <= number < 30:
            world.simulator.faults.clear()
            world.fault(f"GET:ruleCollectionGroups:{REFUSED}:message=no right today {number}")
        if number == 30:
            world.simulator.faults.clear()
        if number == 40:
            plan = world.plan()
            world.approve(plan)
            write(world, "automation: {apply: approved}")
        run(world)
        if number in (19, 29, 39, 49):
            rows = len(world.ledger.entries(10_000))
    told = kinds_besides_releases(receiver)
    assert told == ["applied", "approved", "failed", "plan-ready"], told
    run(world)
    assert len(world.ledger.entries(10_000)) == rows


def test_a_plan_that_waits_is_news_once_and_again_when_it_changes(world: World, receiver: Receiver) -> None:
    for _ in range(3):
        run(world)
    assert kinds_besides_releases(receiver) == ["plan-ready"]
    world.workload.write_text(world.workload.read_text().replace("10.40.2.0/24", "10.40.4.0/24"))
    run(world)
    assert kinds_besides_releases(receiver) == ["plan-ready"]


def test_a_newer_catalog_that_changes_something_here_is_told_once(world: World, receiver: Receiver) -> None:
    text = world.workload.read_text()
    newer = "name: azure-ai-services, version: 1.6.0"
    assert newer in text
    world.workload.write_text(text.replace(newer, "name: azure-ai-services, version: 1.5.0"))
    run(world)
    (event,) = [item for item in events(receiver) if item["event"] == "catalog-update-available"]
    assert any(line.startswith("azure-ai-services 1.5.0 → 1.7.0: ") for line in event["lines"])
    run(world)
    assert kinds(receiver).count("catalog-update-available") == 1


def test_who_approved_and_what_was_applied_is_told(world: World, receiver: Receiver) -> None:
    run(world)
    kinds(receiver)
    world.approve(world.plan())
    write(world, "automation: {apply: approved}")
    run(world)
    found = {event["event"]: event for event in events(receiver)}
    assert set(found) == {"approved", "applied"}
    assert "alice@contoso.example approved 35 changes" in found["approved"]["title"]
    assert "35 applied and verified" in found["applied"]["title"]
    receiver.requests.clear()
    run(world)
    assert kinds(receiver) == []


def test_a_failure_that_goes_away_and_comes_back_is_news_again(world: World, receiver: Receiver) -> None:
    run(world)
    kinds(receiver)
    for _ in range(2):
        world.fault(f"GET:ruleCollectionGroups:{REFUSED}")
        run(world)
        run(world)
        assert kinds(receiver) == ["failed"]
        world.simulator.faults.clear()
        run(world)
        assert kinds(receiver) == []


def test_dates_that_come_close_are_told_once_and_once_more_when_they_are_past(
    world: World, receiver: Receiver
) -> None:
    today = now()
    ends = (today + dt.timedelta(days=20)).date()
    write(world, f"waivers: [{{id: growth, owner: net-team, reason: lab, expires: '{ends}'}}]")
    told = []
    for days in range(0, 24, 2):
        run(world, today + dt.timedelta(days=days))
        told.append(kinds(receiver).count("expiring"))
    assert sum(told) == 2
    assert told[3] == 1


def test_an_approval_that_ends_before_it_was_used_is_told(world: World, receiver: Receiver) -> None:
    run(world)
    world.approve(world.plan())
    run(world)
    kinds(receiver)
    run(world, now() + dt.timedelta(days=12))
    (event,) = [item for item in events(receiver) if item["event"] == "expiring"]
    assert "approval by alice@contoso.example expires on" in event["lines"][0]
    assert event["target"] == "hub-firewall"


def test_another_run_at_work_is_no_news(world: World, receiver: Receiver) -> None:
    run(world)
    kinds(receiver)
    lock = f"sync {world.project.workload.name}"
    with world.ledger.lock(lock, owner="bob", lease=dt.timedelta(minutes=1)):
        run(world)
    assert kinds(receiver) == []


def test_a_workload_without_channels_leaves_no_trace(world: World, receiver: Receiver) -> None:
    write(world, "notifications: []")
    run(world)
    assert not receiver.requests
    assert not world.ledger.latest_notes("told")
