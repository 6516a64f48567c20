"""``allowlist apply``."""

from __future__ import annotations

import datetime as dt
import os
import re
import shlex
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from allowlist.cli import completing
from allowlist.cli.common import (
    arm_from,
    catalogs_option,
    connection_options,
    credentials,
    evidence_option,
    exit_code_option,
    facts_option,
    json_option,
    ledger_from,
    ledger_option,
    now,
    policy_option,
    project_from,
    read_plan,
    who_decides,
    workload_option,
)
from allowlist.cli.console import plain, put_json, say
from allowlist.cli.exits import Exit
from allowlist.cli.progress import begun, next_lines, say_interrupted, show_progress
from allowlist.cli.stopping import stopping
from allowlist.cli.watch import follow, leave_watcher, log_of, refuse_unwatched
from allowlist.documents.words import counted
from allowlist.errors import AllowlistError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str | None) -> dt.timedelta:
    """``90s``, ``10m``, ``2h`` or ``1d``. Raises AllowlistError."""
    match = re.fullmatch(r"(\d+)([smhd])", text or "0s")
    if match is None:
        raise AllowlistError(f"'{text}' is no duration", hint="write 90s, 10m, 2h or 1d")
    return dt.timedelta(seconds=int(match.group(1)) * _UNITS[match.group(2)])


if TYPE_CHECKING:
    from allowlist.apply.result import RunResult
    from allowlist.azure.connection import SignIn
    from allowlist.store import Ledger


@click.command()
@click.argument("plan_path", metavar="PLAN", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option(
    "--resume", metavar="RUN", shell_complete=completing.unfinished_runs, help="Finish what this run left."
)
@click.option("--approved-only", is_flag=True, help="Apply the approved part of the plan.")
@click.option(
    "--approvals",
    "approval_files",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file with decisions, signed or not (repeatable).",
)
@click.option(
    "--confirm-within", metavar="TIME", help="Provisional: undone unless confirmed in time (10m, 2h)."
)
@click.option("--no-wait", is_flag=True, help="Leave a provisional run to whoever undoes it.")
@click.option(
    "--undone-by",
    type=click.Choice(("watcher", "sync")),
    default="watcher",
    show_default=True,
    help="Who undoes it when nobody confirms: a process left behind, or a scheduled sync of yours.",
)
@click.option(
    "--lock-timeout", metavar="TIME", default="0s", show_default=True, help="How long to wait for a lock."
)
@click.option(
    "--parallel", type=click.IntRange(1, 32), default=4, show_default=True, help="Policy families at once."
)
@evidence_option
@workload_option
@catalogs_option
@facts_option
@connection_options
@policy_option
@ledger_option
@json_option
@exit_code_option
def apply(
    plan_path: Path | None,
    resume: str | None,
    approved_only: bool,
    approval_files: tuple[Path, ...],
    confirm_within: str | None,
    no_wait: bool,
    undone_by: str,
    lock_timeout: str,
    parallel: int,
    logs: tuple[str, ...],
    workload_path: Path,
    catalogs: Path | None,
    facts_path: Path | None,
    sign_in: SignIn,
    ledger_url: str | None,
    as_json: bool,
    exit_code: bool,
) -> int:
    """Apply what is approved of PLAN, read it back and verify it.

    Says "converged" only where every requirement is covered; else what is not, and at which rule. --exit-code gives 2
    for that.

    With --confirm-within the change is provisional: it is undone unless somebody runs allowlist confirm RUN in
    time. A process that does not end with the terminal sees to that; it is refused where nobody would.

    \b
    Examples:
      allowlist apply plan.json
      allowlist apply plan.json --confirm-within 10m
      allowlist apply --resume 20261124-101500-ab12cd
    """
    from allowlist.apply.executor import RunContext
    from allowlist.workflow.applying import ApplyOptions, apply_plan, raise_if_incomplete
    from allowlist.workflow.deciding import import_decisions
    from allowlist.workflow.lives import life_of
    from allowlist.workflow.replaying import with_traffic
    from allowlist.workflow.resuming import resume_run
    from allowlist.workflow.rolling_back import is_rollback

    if (plan_path is None) == (resume is None):
        raise AllowlistError("what is to be applied?", hint="give PLAN, or --resume RUN")
    project = project_from(workload_path, catalogs, facts_path, ledger_url)
    plan = read_plan(plan_path) if plan_path else None
    options = ApplyOptions(
        approved_only=approved_only,
        max_age=dt.timedelta(hours=project.workload.gates.plan_age_hours),
        confirm_within=duration(confirm_within) if confirm_within else None,
        plan_name=shlex.quote(str(plan_path)),
    )
    with ExitStack() as stack:
        ledger = stack.enter_context(ledger_from(ledger_url))
        if confirm_within and no_wait:
            refuse_unwatched(undone_by, ledger)
        connection = sign_in.to(project.workload, plan or ledger.run(str(resume)))
        who = who_decides(connection).who
        stop = stack.enter_context(stopping(next_lines))
        arm = stack.enter_context(arm_from(connection, stop.sleep))
        project = stack.enter_context(with_traffic(project, logs, os.environ, credentials(connection)))
        watch = stack.enter_context(show_progress())
        context = RunContext(
            ledger=ledger, who=who, clock=now, sleep=stop.sleep, on_event=watch,
            lock_wait=duration(lock_timeout), parallel=parallel, should_stop=stop.asked,
            on_begin=begun(stop),
        )  # fmt: skip
        undone_by_resuming = plan is None and is_rollback(ledger, str(resume))
        if plan is None:
            asked = life_of(ledger, str(resume)).plan
            import_decisions(ledger, asked, approval_files, project.approval.signers, now())
            result = resume_run(project, str(resume), arm, context, options)
        else:
            import_decisions(ledger, plan, approval_files, project.approval.signers, now())
            result = apply_plan(project, plan, arm, context, options)
        undone = False
        if options.confirm_within and result.is_complete and result.converged:
            say(f"provisional for {confirm_within}: keep it: allowlist confirm {result.run_id}")
            stop.run_id = ""  # all is written: from here on a signal ends the waiting, not the run
            undone = _leave_provisional(ledger, result.run_id, undone_by, no_wait=no_wait)
    if as_json:
        put_json(
            {
                "run": result.run_id,
                "fates": result.fates,
                "converged": result.convergence,
                "open": _open(result),
                "error": result.error,
            }
        )
    if result.interrupted:
        return say_interrupted(result, undoes=str(resume) if undone_by_resuming else "")
    raise_if_incomplete(result)
    if undone:
        say(f"run {result.run_id} was not confirmed in time and was undone, verified")
        return Exit.IN_PART
    if undone_by_resuming:
        say(
            f"run {result.run_id}: the rollback is finished: {counted(len(result.fates), 'change')} undone and verified"
        )
        return Exit.DONE
    _say_afterwards(result)
    return Exit.PENDING if exit_code and not result.is_settled else Exit.DONE


def _open(result: RunResult) -> list[str]:
    """What is not as it should be by the plan made after the run."""
    from allowlist.render.plan import afterwards_lines

    return list(afterwards_lines(result.afterwards)) if result.afterwards else []


def _say_afterwards(result: RunResult) -> None:
    """How a complete run ended: converged, or what is still open and at which rule."""
    from allowlist.render.plan import afterwards_text

    found = _open(result)
    told = afterwards_text(result.afterwards) if result.afterwards else "not judged again"
    say(f"run {result.run_id}: {result.summary()}; verified, {told}")
    for line in found[:_SHOWN]:
        say(plain(line))
    if len(found) > _SHOWN:
        say(f"… and {len(found) - _SHOWN} more: allowlist check")


_SHOWN = 12


def _leave_provisional(ledger: Ledger, run_id: str, undone_by: str, *, no_wait: bool) -> bool:
    """Say who undoes the run, and wait for the end of its time unless told not to. True when it was undone."""
    if undone_by == "sync":
        say("unless it is confirmed, your next sync with this ledger undoes it; nothing else does")
        if no_wait:
            return False
    log = log_of(run_id)
    watcher = leave_watcher(run_id)
    try:
        say(
            f"unless it is confirmed, process {watcher.pid} undoes it, "
            f"also when this terminal is closed; log: {log}"
        )
        if no_wait:
            return False
        state = follow(ledger, run_id, watcher)
    except KeyboardInterrupt:
        say(f"run {run_id} is still provisional, and process {watcher.pid} goes on watching it")
        say(f"keep it: allowlist confirm {run_id}")
        say(f"or undo it now: allowlist rollback {run_id}")
        raise
    if state == "provisional":
        raise AllowlistError(
            f"process {watcher.pid} ended before the time of run {run_id} was over; see {log}",
            hint=f"undo it now: allowlist rollback {run_id}\nor keep it: allowlist confirm {run_id}",
        )
    return state == "rolled-back"
