"""``allowlist rollback``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from allowlist.cli import completing
from allowlist.cli.apply import duration
from allowlist.cli.common import (
    arm_from,
    catalogs_option,
    connection_options,
    facts_option,
    ledger_from,
    ledger_option,
    now,
    project_from,
    who_decides,
    workload_option,
)
from allowlist.cli.console import put, say
from allowlist.cli.exits import Exit
from allowlist.cli.progress import begun, next_lines, say_interrupted, show_progress
from allowlist.cli.stopping import stopping
from allowlist.documents.words import counted

if TYPE_CHECKING:
    from allowlist.azure.connection import SignIn
    from allowlist.workflow.rolling_back import WayBack


@click.command()
@click.argument("run", shell_complete=completing.runs)
@click.option("--dry-run", is_flag=True, help="Show what it would do, proved; write nothing.")
@click.option(
    "--lock-timeout", metavar="TIME", default="0s", show_default=True, help="How long to wait for a lock."
)
@workload_option
@catalogs_option
@facts_option
@connection_options
@ledger_option
def rollback(
    run: str,
    dry_run: bool,
    lock_timeout: str,
    workload_path: Path,
    catalogs: Path | None,
    facts_path: Path | None,
    sign_in: SignIn,
    ledger_url: str | None,
) -> int:
    """Undo what RUN did, verified; refused when somebody else changed the same resource since.

    \b
    Example: allowlist rollback 20261124-101500-ab12cd
    """
    from allowlist.apply.executor import RunContext
    from allowlist.workflow.rolling_back import plan_way_back, roll_back

    project = project_from(workload_path, catalogs, facts_path)
    with ExitStack() as stack:
        ledger = stack.enter_context(ledger_from(ledger_url))
        connection = sign_in.to(project.workload, ledger.run(run))
        who = who_decides(connection).who
        stop = stack.enter_context(stopping(lambda run_id: next_lines(run_id, undoes=run)))
        arm = stack.enter_context(arm_from(connection, stop.sleep))
        watch = stack.enter_context(show_progress())
        context = RunContext(
            ledger=ledger,
            who=who,
            clock=now,
            sleep=stop.sleep,
            on_event=watch,
            lock_wait=duration(lock_timeout),
            should_stop=stop.asked,
            on_begin=begun(stop),
        )
        way = plan_way_back(project, run, arm, context)
        _show(way)
        if dry_run:
            return Exit.DONE
        result = roll_back(project, run, arm, context, way)
    if result.interrupted:
        return say_interrupted(result, undoes=way.run.run_id)
    say(
        f"run {result.run_id}: {counted(len(result.fates), 'change')} of {way.run.run_id} undone and verified"
    )
    return Exit.DONE


def _show(way: WayBack) -> None:
    if way.continues:
        say(f"goes on with the rollback {way.continues.run_id}, which was left {way.continues.state}")
    for change in way.changes:
        put(change.title)
    for word, witnesses in (("closes", way.closes), ("opens", way.opens)):
        for witness in witnesses:
            put(f"  {word} {witness}")
    for target in way.exact:
        put(f"  {target}: back to exactly the state the plan was made on")
    if way.changes:
        for item in way.work:
            say(item.text)
    else:
        say(f"run {way.run.run_id} left nothing to undo")
