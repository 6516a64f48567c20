"""Several runs at once, and runs that die: nothing is done twice, nothing is left half done, and somebody is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from allowlist.simulator import Simulator, serve
from allowlist.workflow.syncing.shards import share_of
from tests.helpers.cli import allowlist
from tests.helpers.fleet import policy_id, seed_fleet, write_fleet
from tests.helpers.postgresql import crash, empty_database, postgresql, restart

POLICIES = 6


@pytest.fixture(scope="module")
def server_folder() -> Iterator[Path]:
    """Not below pytest's own folder, which every session that starts closes to the server's user."""
    with tempfile.TemporaryDirectory(prefix="allowlist-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def server_url(server_folder: Path) -> Iterator[str]:
    with postgresql(server_folder) as url:
        yield url


@dataclass
class Estate:
    simulator: Simulator
    arguments: list[str]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """``allowlist sync`` in a process of its own."""
        command = [sys.executable, "-m", "allowlist", "sync", *self.arguments, *arguments]
        return subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip

    def wait_for_write(self, process: subprocess.Popen[str]) -> None:
        """Until ``process`` has begun to write, which it must before it ends."""
        end = time.monotonic() + 240
        while not any(self.writes()):
            assert process.poll() is None, told(process)
            assert time.monotonic() < end
            time.sleep(0.02)

    def writes(self) -> Counter[str]:
        """Writes of rule collection groups, by policy."""
        return Counter(
            request.path.split("/")[8] for request in self.simulator.requests if request.method == "PUT"
        )

    def is_in_line(self) -> bool:
        groups = (
            f"{policy_id(number)}/ruleCollectionGroups/allowlist-team-000" for number in range(POLICIES)
        )
        return all(self.simulator.exists(group) for group in groups)


@pytest.fixture
def estate(workplace: Path) -> Iterator[Estate]:
    simulator = Simulator()
    seed_fleet(simulator, POLICIES)
    (file,) = write_fleet(workplace / "fleet", POLICIES)
    with serve(simulator) as running:
        yield Estate(
            simulator,
            ["--workload", str(file), "--arm-endpoint", running.url, "--credential", "none", "--json"],
        )


@pytest.fixture
def team(estate: Estate, server_url: str) -> Estate:
    """The same with a ledger in PostgreSQL."""
    estate.arguments += ["--ledger", empty_database(server_url)]
    return estate


def told(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any], str]:
    out, err = process.communicate(timeout=300)
    return process.returncode, json.loads(out or "{}"), err


def in_process(estate: Estate, *arguments: str) -> tuple[int, dict[str, Any], str]:
    result = allowlist("sync", *estate.arguments, *arguments)
    return result.code, json.loads(result.out or "{}"), result.err


def targets(document: dict[str, Any]) -> list[str]:
    return [item["target"] for item in document["targets"]]


def test_of_two_runs_at_once_one_works_and_the_other_says_who_and_exits_six(estate: Estate) -> None:
    estate.simulator.inject("PUT:ruleCollectionGroups:times=1,delay=600")
    first = estate.start()
    estate.wait_for_write(first)
    code, document, _ = in_process(estate)
    assert code == 6
    assert "is held by" in document["targets"][0]["text"]
    estate.simulator.hurry()
    assert told(first)[0] == 0
    assert estate.is_in_line()
    assert set(estate.writes().values()) == {1}


def test_after_kill_nine_the_next_run_finishes_what_was_begun(estate: Estate) -> None:
    estate.simulator.inject("PUT:ruleCollectionGroups:times=1,delay=600")
    first = estate.start()
    estate.wait_for_write(first)
    first.kill()
    first.communicate()
    code, document, err = in_process(estate)
    assert code == 0, err
    assert any("resumed run" in item["text"] for item in document["targets"])
    assert estate.is_in_line()
    assert in_process(estate)[1]["summary"]["in_sync"] == POLICIES
    assert allowlist("history", "--verify").code == 0


def test_two_workers_share_a_fleet_and_do_nothing_twice(team: Estate) -> None:
    workers = [team.start("--shard", f"{index}/2") for index in (1, 2)]
    endings = [told(worker) for worker in workers]
    assert [code for code, _, _ in endings] == [0, 0], endings
    done = [targets(document) for _, document, _ in endings]
    assert sorted(done[0] + done[1]) == [f"policy-{number:03}" for number in range(POLICIES)]
    assert done[0]
    assert done[1]
    assert team.is_in_line()
    assert set(team.writes().values()) == {1}


def test_the_share_of_a_dead_worker_is_taken_over_with_what_it_had_begun(team: Estate) -> None:
    team.simulator.inject("PUT:ruleCollectionGroups:times=1,delay=600")
    second = team.start("--shard", "2/2")
    team.wait_for_write(second)
    second.kill()
    second.communicate()
    code, document, err = in_process(team, "--shard", "1/2")
    assert code == 0, err
    assert "share 2 of 2, which its worker left" in err
    assert set(targets(document)) == {f"policy-{number:03}" for number in range(POLICIES)}
    assert any("resumed run" in item["text"] for item in document["targets"])
    assert team.is_in_line()


def test_a_worker_without_index_takes_a_free_share_or_says_that_there_is_none(
    team: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.simulator.inject("PUT:ruleCollectionGroups:times=1,delay=600")
    first = team.start("--shard", "auto/1")
    team.wait_for_write(first)
    code, _, err = in_process(team, "--shard", "auto/1")
    assert code == 6
    assert "all 1 shares are being worked on" in err
    team.simulator.hurry()
    assert told(first)[0] == 0
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "1")
    _, document, err = in_process(team, "--shard", "auto/2")
    assert "share 2 of 2" in err
    mine = [number for number in range(POLICIES) if share_of(policy_id(number), 2) == 2]
    assert targets(document) == [f"policy-{number:03}" for number in mine]


@pytest.mark.parametrize("shard", ["3/2", "0/2", "2", "a/b", "1/0"])
def test_a_share_that_cannot_be_is_refused(estate: Estate, shard: str) -> None:
    code, _, err = in_process(estate, "--shard", shard)
    assert code == 1
    assert "--shard" in err
    assert not estate.simulator.requests


def test_when_the_database_goes_away_nothing_goes_unnoticed_and_the_next_run_finishes(
    team: Estate, server_folder: Path
) -> None:
    team.simulator.inject("PUT:ruleCollectionGroups:times=1,delay=600")
    run = team.start()
    team.wait_for_write(run)
    crash(server_folder)
    try:
        team.simulator.hurry()
        code, document, err = told(run)
    finally:
        restart(server_folder)
    assert code == 7, document
    assert "Traceback" not in err
    assert "defect" not in err
    (begun,) = [item for item in document["targets"] if item["exit_code"] == 7]
    assert "lost its ledger" in begun["text"]
    assert in_process(team)[0] == 0
    assert allowlist("history", "--verify", *team.arguments[-2:]).code == 0
    assert team.is_in_line()
