"""A process that dies at any moment, and many that write at once, leave a whole and readable ledger."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from allowlist.store import Ledger
from tests.helpers.ledgers import opened, step, with_run


@pytest.mark.parametrize("acknowledged", [1, 2, 17])
def test_every_step_that_was_acknowledged_survives_kill_9(ledger_url: str, acknowledged: int) -> None:
    opened(ledger_url).close()
    with subprocess.Popen(
        [sys.executable, "-c", _JOURNAL, ledger_url], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        for _ in range(acknowledged):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    with opened(ledger_url) as ledger:
        (run,) = ledger.unfinished_runs()
        assert run.state == "interrupted"
        assert [line.index for line in run.steps] == list(range(len(run.steps)))
        assert len(run.steps) >= acknowledged
        assert ledger.verify() == ()
        ledger.record_step(run.run_id, step(len(run.steps), state="unknown"))
        assert ledger.run(run.run_id).standing[-1].state == "unknown"


def test_a_lock_of_a_killed_process_can_be_seen_and_freed(ledger_url: str) -> None:
    opened(ledger_url).close()
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, ledger_url], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    with opened(ledger_url) as ledger:
        assert [lease.owner for lease in ledger.locks()] == ["the dead"]
        ledger.unlock("hub", "ada", "it died")
        assert ledger.locks() == ()


def test_threads_that_write_at_once_keep_the_chain_whole(ledger: Ledger) -> None:
    run_ids = [with_run(ledger, f"run-{number}") for number in range(4)]

    def journal(run_id: str) -> None:
        for index in range(15):
            ledger.record_step(run_id, step(index))

    with ThreadPoolExecutor(len(run_ids)) as pool:
        list(pool.map(journal, run_ids))
    assert ledger.verify() == ()
    for run_id in run_ids:
        assert [line.index for line in ledger.run(run_id).steps] == list(range(15))


def test_threads_wait_for_their_turn_and_none_is_told_that_another_process_writes(tmp_path: Path) -> None:
    """SQLite's own patience is for other processes: who waits tries again after pauses, in no order."""
    with opened(f"sqlite:///{tmp_path / 'ledger.db'}?timeout=0") as ledger:
        run_ids = [with_run(ledger, f"run-{number}") for number in range(16)]

        def journal(run_id: str) -> None:
            for index in range(3):
                ledger.record_step(run_id, step(index))

        with ThreadPoolExecutor(len(run_ids)) as pool:
            list(pool.map(journal, run_ids))
        assert all(len(ledger.run(run_id).steps) == 3 for run_id in run_ids)


def test_processes_that_write_at_once_keep_the_chain_whole(ledger_url: str) -> None:
    with opened(ledger_url) as ledger:
        run_ids = [with_run(ledger, f"run-{number}") for number in range(3)]
    processes = [subprocess.Popen([sys.executable, "-c", _WRITE, ledger_url, run_id]) for run_id in run_ids]
    assert [process.wait() for process in processes] == [0, 0, 0]
    with opened(ledger_url) as ledger:
        assert ledger.verify() == ()
        assert [len(ledger.run(run_id).steps) for run_id in run_ids] == [20, 20, 20]


_JOURNAL = """
import itertools, sys
from tests.helpers.ledgers import opened, step, with_run
ledger = opened(sys.argv[1])
run_id = with_run(ledger)
for index in itertools.count():
    ledger.record_step(run_id, step(index))
    print(index, flush=True)
"""

_HOLD = """
import sys, time
from datetime import timedelta
from tests.helpers.ledgers import opened
with opened(sys.argv[1]) as ledger, ledger.lock("hub", owner="the dead", lease=timedelta(hours=1)):
    print("held", flush=True)
    time.sleep(600)
"""

_WRITE = """
import sys
from tests.helpers.ledgers import opened, step
with opened(sys.argv[1]) as ledger:
    for index in range(20):
        ledger.record_step(sys.argv[2], step(index))
"""
