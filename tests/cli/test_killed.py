"""kill -9 at every line of the journal: the next run tells what happened, finishes it, and Azure is as planned."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from allowlist.apply.events import ProgressEvent
from allowlist.cli.given import begin
from allowlist.cli.main import main
from allowlist.cli.progress import show_progress
from allowlist.cli.stopping import stopping
from allowlist.simulator import Simulator, serve
from tests.helpers.cli import CONTOSO, FIREWALL_ONLY, allowlist

CLOSING = """
import os, signal, time
from allowlist.cli.stopping import stopping
with stopping(lambda run: []):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
    finally:
        os.kill(os.getpid(), signal.SIGINT)  # while connections and ledger are being closed
        time.sleep(60)
"""
IN_A_DESTRUCTOR = """
import sys, time, types
import click
from allowlist.cli import main

class Connection:
    def __del__(self):
        raise KeyboardInterrupt

@click.command()
def closing():
    Connection()
    print("waiting", flush=True)
    time.sleep(60)

main.COMMANDS["closing"] = "A command of which a destructor catches the Ctrl-C."
sys.modules["allowlist.cli.closing"] = types.SimpleNamespace(closing=closing)
sys.argv = ["allowlist", "closing"]
main.run()
"""
MOMENTS = ("reading the actual state", ": intended", ": sent", ": landed", ": verified")


def apply_until(moment: str, workplace: Path, *arguments: str) -> int:
    """Start ``apply`` in a process of its own and kill it when it says ``moment``. Returns its exit code."""
    command = [sys.executable, "-m", "allowlist", "apply", "plan.json", *arguments]
    with subprocess.Popen(
        command,
        cwd=workplace,
        env=dict(os.environ),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if moment in line:
                process.kill()
                break
    return process.returncode


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_apply_is_told_and_finished_by_the_next(moment: str, workplace: Path) -> None:
    (workplace / "allowlist.yaml").write_text((FIREWALL_ONLY).read_text())
    simulator = Simulator()
    simulator.seed(CONTOSO)
    with serve(simulator) as running:
        azure = ("--arm-endpoint", running.url, "--credential", "none")
        allowlist("plan", "-o", "plan.json", *azure)
        allowlist("approve", "plan.json", "--all", "--reason", "ticket 1")

        assert apply_until(moment, workplace, *azure) == -9

        runs = json.loads(allowlist("history", "--json").out)
        unfinished = [run["run"] for run in runs if run["state"] == "interrupted"]
        assert len(unfinished) == 1
        resumed = allowlist("apply", "--resume", unfinished[0], *azure, "--json")
        assert resumed.code == 0, resumed.err
        assert (
            resumed.json["converged"] is None
        )  # nothing is left to write; two denies of others are left to them
        again = allowlist("plan", "--exit-code", "--json", *azure)
        assert again.json["changes"] == []
        assert again.code == 2, (
            "two names stay denied by a rule of somebody else, and that is never called fine"
        )
        assert allowlist("history", "--verify").code == 0


def test_a_second_ctrl_c_while_a_command_closes_what_it_opened_ends_it_without_a_traceback() -> None:
    ended = subprocess.run([sys.executable, "-c", CLOSING], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stderr) == (130, "interrupted\n")


CLOSING_THE_LEDGER = """
import os, signal, sys
from allowlist.store import Ledger
close = Ledger.close
def interrupted(self):
    os.kill(os.getpid(), signal.SIGINT)
    close(self)
    print("closed", flush=True)
Ledger.close = interrupted
sys.argv = ["allowlist", "history"]
from allowlist.cli.main import run
run()
"""


def test_ctrl_c_while_the_ledger_is_closed_waits_until_it_is_closed(workplace: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", CLOSING_THE_LEDGER], capture_output=True, text=True, timeout=120
    )
    assert (ended.returncode, ended.stdout, ended.stderr.strip()) == (130, "closed\n", "interrupted")


def test_without_standard_streams_nothing_is_narrated_into_a_file_of_ours(workplace: Path) -> None:
    """A file that is opened gets the lowest number that is free, and narration goes to number 2."""
    ledger = workplace / "ledger.db"
    history = f"{sys.executable} -m allowlist history --ledger sqlite:///{ledger} --verify"
    for closed in (">&- 2>&-", "<&- >&- 2>&-", "2>&-"):
        assert subprocess.run(["sh", "-c", f"{history} {closed}"], timeout=120).returncode == 0
    assert allowlist("history", "--verify", "--ledger", f"sqlite:///{ledger}").code == 0


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no SIGHUP")
def test_a_run_that_was_started_to_outlive_its_terminal_is_not_ended_by_it() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopping(lambda run: []) as stop:
            stop.run_id = "20261128-000000-abcdef"
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.asked()
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop.asked()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_run_in_the_background_of_a_shell_that_ignores_ctrl_c_still_ends_by_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stopping(lambda run: []) as stop:
            stop.run_id = "20261128-000000-abcdef"
            os.kill(os.getpid(), signal.SIGINT)
            assert stop.asked()
    finally:
        signal.signal(signal.SIGINT, before)


class Terminal(io.StringIO):
    """One that a person looks at, until it is closed."""

    gone = False

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self.gone:
            raise OSError(errno.EIO, "Input/output error")
        return super().write(text)

    def flush(self) -> None:
        self.write("")


def test_a_terminal_that_is_closed_ends_no_run_in_the_middle_of_a_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NO_COLOR", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with show_progress() as show:
        show(ProgressEvent(target="hub", step="put", state="verified", text="first"))
        terminal.gone = True
        for state in ("sent", "landed", "verified"):
            show(ProgressEvent(target="hub", step="put", state=state, text="second"))
    assert "first" in terminal.getvalue()
    assert "second" not in terminal.getvalue()


def test_the_second_ctrl_c_of_a_run_says_that_it_leaves(capfd: pytest.CaptureFixture[str]) -> None:
    begin(main)
    with stopping(lambda run: [f"go on with it: allowlist apply --resume {run}"]) as stop:
        stop.run_id = "20261128-000000-abcdef"
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
    once, how, again = capfd.readouterr().err.splitlines()
    assert once.startswith("finishing the steps in flight")
    # No workload file is in this folder, so the command says that it takes one.
    assert how == "go on with it: allowlist apply --resume 20261128-000000-abcdef --workload WORKLOAD"
    assert again.startswith("leaving at the next safe point")
    assert stop.asked()
    assert stop.at_once


def test_a_ctrl_c_in_a_destructor_ends_a_command_that_waits() -> None:
    """Python writes "Exception ignored in" and goes on; the command would wait for a minute."""
    ended = subprocess.run(
        [sys.executable, "-c", IN_A_DESTRUCTOR], capture_output=True, text=True, timeout=50, check=False
    )
    assert (ended.returncode, ended.stdout) == (130, "waiting\n")
    assert ended.stderr.split() == ["interrupted"]
