"""A provisional run whose terminal is closed: the process left behind undoes it when its time is over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from allowlist.simulator import Simulator, serve
from tests.helpers.cli import CONTOSO, FIREWALL_ONLY, allowlist
from tests.helpers.world import OURS

_PATIENCE_SECONDS = 120


@pytest.fixture
def azure(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    monkeypatch.delenv("CI")
    (workplace / "allowlist.yaml").write_text(FIREWALL_ONLY.read_text())
    simulator = Simulator()
    simulator.seed(CONTOSO)
    with serve(simulator) as running:
        monkeypatch.setenv("ALLOWLIST_ARM_ENDPOINT", running.url)
        monkeypatch.setenv("ALLOWLIST_CREDENTIAL", "none")
        allowlist("plan", "-o", "plan.json")
        allowlist("approve", "plan.json", "--all", "--reason", "ticket 1")
        yield simulator


def applied(until: str, *flags: str) -> tuple[subprocess.Popen[str], str]:
    """``apply`` in a process group of its own, once it has said ``until``; and that line."""
    command = [sys.executable, "-m", "allowlist", "apply", "plan.json", *flags]
    process = subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    told = []
    for line in process.stderr:
        told.append(line)
        if until in line:
            return process, line
    raise AssertionError("".join(told))


def eventually(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def state() -> str:
    runs = json.loads(allowlist("history", "--json").out)
    return str(next(run["state"] for run in runs if run["kind"] == "apply"))


def is_there(simulator: Simulator) -> bool:
    return simulator.exists(OURS)


def was_written(simulator: Simulator) -> bool:
    """Whether it ever came about: how long ago depends on how busy the machine is."""
    return any(asked.method == "PUT" and asked.path == OURS for asked in simulator.requests)


def test_what_nobody_confirms_is_undone_after_its_terminal_is_gone(azure: Simulator) -> None:
    process, told = applied("also when this terminal is closed", "--confirm-within", "3s")
    watcher = int(told.partition("process ")[2].split()[0])
    with process:
        assert was_written(azure)
        assert os.getsid(watcher) == watcher != process.pid
        os.killpg(process.pid, signal.SIGHUP)
        os.killpg(process.pid, signal.SIGKILL)
    assert eventually(lambda: state() == "rolled-back"), state()
    assert not is_there(azure)
    assert allowlist("history", "--verify").code == 0


def test_one_ctrl_c_stops_waiting_and_leaves_the_run_to_its_watcher(azure: Simulator) -> None:
    process, told = applied("also when this terminal is closed", "--confirm-within", "1h")
    watcher = int(told.partition("process ")[2].split()[0])
    try:
        with process:
            process.send_signal(signal.SIGINT)
            _, rest = process.communicate(timeout=_PATIENCE_SECONDS)
        assert process.returncode == 130
        assert "still provisional" in rest
        (run,) = json.loads(allowlist("history", "--json").out)
        assert f"allowlist confirm {run['run']}" in rest
        assert run["state"] == "provisional"
        assert allowlist("confirm", run["run"]).code == 0
        assert is_there(azure)
    finally:
        with suppress(ProcessLookupError):
            os.kill(watcher, signal.SIGTERM)
