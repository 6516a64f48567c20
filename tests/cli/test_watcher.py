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

from allowlist.cli.apply import apply
from allowlist.cli.given import begin, handed_on
from allowlist.cli.main import main
from allowlist.cli.watch import leave_watcher, log_of, watch
from allowlist.errors import AllowlistError
from allowlist.simulator import Simulator, serve
from tests.helpers.cli import CONTOSO, FIREWALL_ONLY, allowlist
from tests.helpers.world import OURS

_PATIENCE_SECONDS = 120
OWN = ("--ledger", "sqlite:///own.db")


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


def state(*where: str) -> str:
    runs = json.loads(allowlist("history", "--json", *where).out)
    return str(next(run["state"] for run in runs if run["kind"] == "apply"))


def is_there(simulator: Simulator) -> bool:
    return simulator.exists(OURS)


def was_written(simulator: Simulator) -> bool:
    """Whether it ever came about: how long ago depends on how busy the machine is."""
    return any(asked.method == "PUT" and asked.path == OURS for asked in simulator.requests)


def approve(*where: str) -> None:
    assert allowlist("approve", "plan.json", "--all", "--reason", "ticket 1", *where).code == 0


def arguments_of(process: int) -> str:
    """As everybody on this machine can read them."""
    command = ["ps", "-ww", "-o", "args=", "-p", str(process)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_what_nobody_confirms_is_undone_after_its_terminal_is_gone(azure: Simulator) -> None:
    approve(*OWN)
    process, told = applied("also when this terminal is closed", "--confirm-within", "3s", *OWN)
    watcher = int(told.partition("process ")[2].split()[0])
    with process:
        assert was_written(azure)
        assert os.getsid(watcher) == watcher != process.pid
        os.killpg(process.pid, signal.SIGHUP)
        os.killpg(process.pid, signal.SIGKILL)
    assert eventually(lambda: state(*OWN) == "rolled-back"), state(*OWN)
    assert not is_there(azure)
    assert allowlist("history", "--verify", *OWN).code == 0


def test_what_a_killed_watcher_leaves_is_undone_by_the_next_sync(azure: Simulator) -> None:
    approve(*OWN)
    process, told = applied(
        "also when this terminal is closed", "--confirm-within", "6s", "--no-wait", *OWN,
        "--api-version", "firewall-policy=2026-03-01",
    )  # fmt: skip
    watcher = int(told.partition("process ")[2].split()[0])
    seen = arguments_of(watcher)
    os.kill(watcher, signal.SIGKILL)
    with process:
        assert process.wait(_PATIENCE_SECONDS) == 0
    assert " --api-version firewall-policy=2026-03-01" in seen
    assert "own.db" not in seen
    assert state(*OWN) == "provisional"
    assert eventually(lambda: allowlist("sync", *OWN).code == 0 and state(*OWN) == "rolled-back")
    assert not is_there(azure)


def test_a_watcher_gets_what_was_given_and_no_address_among_its_arguments() -> None:
    begin(main)
    arguments = (
        "--facts", "facts.yaml", "--api-version", "firewall-policy=2026-03-01",
        "--api-version", "Microsoft.Network/networkSecurityGroups=2024-05-01",
    )  # fmt: skip
    addresses = {
        "ALLOWLIST_LEDGER": "postgresql://me:secret@db/ledger",
        "ALLOWLIST_ARM_ENDPOINT": "https://me:secret@arm.contoso.example",
    }
    given = [*arguments, "--ledger", addresses["ALLOWLIST_LEDGER"], "--credential", "cli"]
    apply.make_context("apply", ["plan.json", *given, "--arm-endpoint", addresses["ALLOWLIST_ARM_ENDPOINT"]])
    assert handed_on(watch) == (list(arguments), {**addresses, "ALLOWLIST_CREDENTIAL": "cli"})


def test_the_log_of_a_watcher_is_its_owners_and_written_through_no_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "theirs").write_text("untouched")
    log_of("20261128-000000-abcdef").symlink_to(tmp_path / "theirs")
    begin(main)
    with pytest.raises(AllowlistError, match="nobody watches run 20261128-000000-abcdef"):
        leave_watcher("20261128-000000-abcdef")
    assert (tmp_path / "theirs").read_text() == "untouched"


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
