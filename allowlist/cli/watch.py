"""``allowlist watch``, and how ``apply`` leaves one behind."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from allowlist.cli import completing
from allowlist.cli.common import (
    arm_from,
    catalogs_option,
    facts_option,
    ledger_from,
    ledger_option,
    now,
    placed_connection_options,
    project_from,
    who_decides,
    workload_option,
)
from allowlist.cli.console import say
from allowlist.cli.exits import Exit
from allowlist.cli.given import handed_on
from allowlist.cli.progress import begun, next_lines, say_interrupted, show_progress
from allowlist.cli.stopping import stopping
from allowlist.errors import AllowlistError

if TYPE_CHECKING:
    from allowlist.azure.connection import SignIn
    from allowlist.store import Ledger

POLL_SECONDS = 1.0


@click.command()
@click.argument("run", shell_complete=completing.unfinished_runs)
@workload_option
@catalogs_option
@facts_option
@placed_connection_options
@ledger_option
def watch(
    run: str,
    workload_path: Path,
    catalogs: Path | None,
    facts_path: Path | None,
    sign_in: SignIn,
    ledger_url: str | None,
) -> int:
    """Undo a provisional RUN when its time is over, unless somebody confirms it before.

    apply --confirm-within leaves one of these behind, which does not end with its terminal. Run it yourself where
    something else looks after processes, such as a systemd unit.

    \b
    Example: systemd-run --user allowlist watch 20261124-101500-ab12cd
    """
    from allowlist.apply.executor import RunContext
    from allowlist.workflow.confirming import await_confirmation

    project = project_from(workload_path, catalogs, facts_path)
    with ExitStack() as stack:
        ledger = stack.enter_context(ledger_from(ledger_url))
        connection = sign_in.to(project.workload, ledger.run(run))
        stop = stack.enter_context(stopping(lambda run_id: next_lines(run_id, undoes=run)))
        arm = stack.enter_context(arm_from(connection, stop.sleep))
        seen = stack.enter_context(show_progress())
        context = RunContext(
            ledger=ledger, who=who_decides(connection).who, clock=now, sleep=stop.sleep, on_event=seen,
            should_stop=stop.asked, on_begin=begun(stop),
        )  # fmt: skip
        undone = await_confirmation(project, run, arm, context, say)
        ended = ledger.run(run)
    if undone is None:
        say(f"run {ended.run_id} is {ended.state}; nothing to undo")
    elif undone.interrupted:
        return say_interrupted(undone, undoes=run)
    else:
        say(f"run {ended.run_id} was not confirmed in time; run {undone.run_id} undid it, verified")
    return Exit.DONE


def refuse_unwatched(undone_by: str, ledger: Ledger) -> None:
    """Raises AllowlistError when nobody would be left to undo a run that this command does not wait for."""
    in_job = bool(os.environ.get("CI"))
    if undone_by == "watcher" and in_job:
        raise AllowlistError(
            "nobody would undo it: the processes of a CI job end with the job",
            hint="leave out --no-wait, or name a scheduled sync that shares this ledger: --undone-by sync",
        )
    if undone_by == "sync" and in_job and ledger.is_local:
        raise AllowlistError(
            "nobody would undo it: no sync elsewhere can see a ledger that is a file of this job",
            hint="give --ledger postgresql://…, or leave out --no-wait",
        )


def log_of(run_id: str) -> Path:
    """Where a watcher that was left behind writes what it does."""
    return Path(tempfile.gettempdir()) / f"allowlist-{run_id}.log"


def _log_opened(run_id: str) -> IO[bytes]:
    path = log_of(run_id)
    try:
        return open(path, "ab", opener=_as_ours)
    except OSError as error:
        raise AllowlistError(
            f"{path}: {error.strerror}, so nobody watches run {run_id}",
            hint=f"allowlist watch {run_id}, or allowlist rollback {run_id}",
        ) from error


def _as_ours(path: str, flags: int) -> int:
    """For its owner alone and through no link, as everybody may put one into the folder for temporary files."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


def leave_watcher(run_id: str) -> subprocess.Popen[bytes]:
    """A process of its own session: neither the end of this one nor of its terminal reaches it.

    It works in the same folder with the options that this command line gave. It does not look for modules in that
    folder, as nobody's ``allowlist`` does.
    """
    arguments, variables = handed_on(watch)
    command = [sys.executable, "-P", "-m", "allowlist", "watch", run_id, *arguments]
    with _log_opened(run_id) as out:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            env={**os.environ, **variables},
        )


def follow(ledger: Ledger, run_id: str, watcher: subprocess.Popen[bytes]) -> str:
    """The state of the run once it is provisional no more, or the watcher is gone."""
    while watcher.poll() is None and ledger.run(run_id).state == "provisional":
        time.sleep(POLL_SECONDS)
    return ledger.run(run_id).state
