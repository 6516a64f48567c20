"""``sync`` keeps counts of traffic in the ledger, and tells of each denied name once."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from allowlist.simulator.traffic import Event
from allowlist.store.traffic import EDITED
from allowlist.workflow.rolling import days_of, remembered
from allowlist.workflow.syncing.context import Settings
from allowlist.workflow.syncing.news import Newsroom
from allowlist.workflow.syncing.run import Report, Work, sync
from tests.helpers.ledgers import HandClock, execute_raw, opened
from tests.helpers.many_logs import some_folder
from tests.helpers.receivers import Receiver, webhook_receiver
from tests.helpers.traffic import allowed, counted, event, reading, write
from tests.helpers.world import World, contoso_world

AGENT, NOTEBOOK, STRANGER = "10.40.0.4", "10.40.3.9", "10.77.0.1"
# Later than anything a ledger of now holds: its clock never goes back.
DAY = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
NINE = dt.datetime(DAY.year, DAY.month, DAY.day, 9, tzinfo=dt.UTC)
AT = NINE + dt.timedelta(hours=3)
ENVIRON = {"HOOK_SECRET": "a secret of a good length"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with webhook_receiver() as found:
        yield found


@pytest.fixture
def world(tmp_path: Path, receiver: Receiver) -> Iterator[World]:
    with contoso_world(tmp_path) as found:
        more = (
            f"notifications: [{{channel: webhook, url: '{receiver.url}', secret: env:HOOK_SECRET, events: [denied, failed]}}]\n"
            "evidence: {logs: [logs], days: 30}\n"
        )
        found.workload.write_text(f"{found.workload.read_text()}\n{more}")
        (found.workload.parent / "logs").mkdir()
        yield found


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))


def asked(minute: int, name: str, source: str) -> Event:
    return event(0, name, source=source, ticks=int((NINE + dt.timedelta(minutes=minute)).timestamp()) * 10**7)


def log(world: World, *events: Event, name: str = "a") -> None:
    write(world.workload.parent / "logs" / name, events)


def run(world: World, at: dt.datetime = AT) -> Report:
    project = world.project
    context = world.context(clock=lambda: at)
    room = Newsroom(world.ledger, context.clock)
    work = Work(
        workload=project.workload.name,
        file=world.workload,
        targets=tuple(spec.name for spec in project.targets()),
        resources=tuple(spec.resource for spec in project.targets()),
        arm=world.arm,
        load=lambda: replace(world.project, now=at),
    )
    report = sync([work], context, Settings(plan_only=True), room)
    for delivery in room.tell("tester", report.run_id, ENVIRON, lambda _: None):
        assert not delivery.error, delivery
    return report


def told(receiver: Receiver) -> list[str]:
    """What was told of denied names since the last look."""
    found = [item for request in receiver.requests for item in json.loads(request.body)["events"]]
    receiver.requests.clear()
    return [line for item in found if item["event"] == "denied" for line in item["lines"] or [item["title"]]]


def test_a_denied_name_is_told_once_with_who_has_it_and_strangers_are_no_news(
    world: World, receiver: Receiver
) -> None:
    log(
        world,
        *(asked(minute, "pytorch.org", AGENT) for minute in range(10, 22)),
        asked(11, "www.hugg1ngface.co", NOTEBOOK),
        asked(10, "telemetry.example.net", STRANGER),
    )
    run(world)
    assert sorted(told(receiver)) == [
        "pytorch.org denied 12 times since 09:10 from agents; catalogs azure-machine-learning, foundry-hub, python-packages have it",
        "www.hugg1ngface.co denied once at 09:11 from notebooks; nobody knows this name; it looks like huggingface.co",
    ]
    more = asked(60, "pytorch.org", AGENT), asked(70, "models.research.contoso.com", AGENT)
    log(world, *more, name="b")
    run(world)
    assert told(receiver) == [
        "models.research.contoso.com denied once at 10:10 from agents; required by own@research-agents#model-registry"
    ]


def with_account(world: World) -> None:
    """A second target of the workload, whose rules no log names either."""
    second = (
        "  - name: account\n    surface: account-network\n    delete: add-only\n"
        "    resource: /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-research-weu"
        "/providers/Microsoft.CognitiveServices/accounts/contoso-research\n"
    )
    text = world.workload.read_text()
    world.workload.write_text(text.replace("\napproval:", f"{second}\napproval:"))


def test_a_denial_that_several_targets_may_have_seen_is_told_once(world: World, receiver: Receiver) -> None:
    """A default names no policy, so its log may be about each target of the workload."""
    with_account(world)
    asks = [asked(10, "pytorch.org", AGENT), asked(12, "models.research.contoso.com", AGENT)]
    log(world, *asks)
    report = run(world)
    assert len({outcome.target for outcome in report.outcomes}) == 3
    (logs,) = (outcome for outcome in report.outcomes if outcome.denied)
    assert (logs.target, logs.text) == ("traffic logs", "2 names were denied")
    lines = told(receiver)
    assert [line.split()[:4] for line in lines] == [
        ["models.research.contoso.com", "denied", "once", "at"],
        ["pytorch.org", "denied", "once", "at"],
    ]
    assert not any(outcome.denied_in_part for outcome in report.outcomes)
    run(world)
    assert told(receiver) == []


def test_what_was_told_is_not_over_because_a_target_could_not_be_read(
    world: World, receiver: Receiver
) -> None:
    with_account(world)
    log(world, asked(10, "pytorch.org", AGENT))
    run(world)
    assert len(told(receiver)) == 1
    text = world.workload.read_text()
    world.workload.write_text(text.replace("accounts/contoso-research", "accounts/is-not-there"))
    (path,) = (world.workload.parent / "logs" / "a").rglob("*.json")
    path.unlink()
    log(world, asked(60 * 24 * 30, "www.hugg1ngface.co", AGENT), name="b")
    report = run(world, AT + dt.timedelta(days=30))
    assert any(outcome.state == "failed" for outcome in report.outcomes)
    assert [line.split()[0] for line in told(receiver)] == ["www.hugg1ngface.co"]
    log(world, asked(60 * 24 * 30, "pytorch.org", AGENT), name="c")
    run(world, AT + dt.timedelta(days=30))
    assert told(receiver) == []


def test_logs_that_were_rotated_away_are_remembered_and_forgotten_in_time(
    world: World, receiver: Receiver
) -> None:
    log(world, asked(10, "pytorch.org", AGENT))
    run(world)
    assert told(receiver)
    (path,) = (world.workload.parent / "logs" / "a").rglob("*.json")
    path.unlink()
    log(world, asked(60 * 24, "packages.example", STRANGER), name="b")
    later = AT + dt.timedelta(days=1)
    report = run(world, later)
    (outcome,) = (outcome for outcome in report.outcomes if outcome.denied)
    assert [item.text for item in outcome.denied] == [
        f"pytorch.org denied once at {DAY} 09:10 from agents; catalogs azure-machine-learning, foundry-hub, python-packages have it"
    ]
    assert told(receiver) == []
    run(world, AT + dt.timedelta(days=30))
    assert [day.day for day in world.ledger.traffic("research-agents")] == [DAY + dt.timedelta(days=1)]
    log(world, asked(60 * 24 * 30, "pytorch.org", AGENT), name="c")
    run(world, AT + dt.timedelta(days=30))
    assert len(told(receiver)) == 1


def test_logs_that_cannot_be_read_are_told_and_hold_nothing_up(world: World, receiver: Receiver) -> None:
    (world.workload.parent / "logs").rmdir()
    report = run(world)
    states = {outcome.target: outcome.state for outcome in report.outcomes}
    assert states == {"traffic logs": "failed", "hub-firewall": "pending"}
    assert [item["event"] for request in receiver.requests for item in json.loads(request.body)["events"]] == ["failed"]  # fmt: skip


def test_what_the_ledger_remembers_says_what_the_logs_say(tmp_path: Path) -> None:
    for seed in range(4):
        some_folder(tmp_path / "logs" / str(seed), Random(seed))
    clock = HandClock()
    with (
        opened(f"sqlite:///{tmp_path}/ledger.db", clock) as ledger,
        reading([tmp_path / "logs"], tmp_path, zone="UTC") as traffic,
    ):
        oldest = dt.date(2026, 1, 1)
        ledger.keep_traffic("w", days_of(traffic, oldest), oldest)
        with remembered(ledger, "w") as again:
            assert counted(again) == counted(traffic)
            assert bool(list(again.account.doubts())) == bool(list(traffic.account.doubts()))


def test_a_day_that_was_read_in_doubt_stays_in_doubt(tmp_path: Path) -> None:
    write(tmp_path / "logs", [allowed(0)])
    (tmp_path / "logs" / "broken.json").write_text("{\n")
    with (
        opened(f"sqlite:///{tmp_path}/ledger.db", HandClock()) as ledger,
        reading([tmp_path / "logs"], tmp_path) as traffic,
    ):
        ledger.keep_traffic("w", days_of(traffic, dt.date(2026, 1, 1)), dt.date(2026, 1, 1))
        with remembered(ledger, "w") as again:
            assert list(again.account.doubts()) == ["2026-11-23: 1 file was not read"]


def test_a_day_that_was_edited_is_no_ground_for_anything(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    write(tmp_path / "logs", [allowed(0), allowed(1, "b.example")])
    with opened(url, HandClock()) as ledger:
        with reading([tmp_path / "logs"], tmp_path) as traffic:
            ledger.keep_traffic("w", days_of(traffic, dt.date(2026, 1, 1)), dt.date(2026, 1, 1))
        with remembered(ledger, "w") as again:
            assert again.account.is_whole
        execute_raw(url, "DELETE FROM ledger_traffic WHERE name = 'b.example'")
        with remembered(ledger, "w") as again:
            assert not again.account.is_whole
            assert list(again.account.doubts()) == ["no line tells of traffic", f"2026-11-23: {EDITED}"]
            assert not counted(again)
