"""``allowlist rollback``."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

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
from allowlist.cli.console import plain, put, say
from allowlist.cli.exits import Exit
from allowlist.cli.progress import show_progress

if TYPE_CHECKING:
    from allowlist.azure.connection import SignIn
    from allowlist.workflow.rolling_back import WayBack


@click.command()
@click.argument("run")
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
    from allowlist.apply.executor import Surroundings
    from allowlist.workflow.rolling_back import plan_way_back, roll_back

    project = project_from(workload_path, catalogs, facts_path)
    with ExitStack() as stack:
        ledger = stack.enter_context(ledger_from(ledger_url))
        connection = sign_in.to(project.workload, ledger.run(run))
        who = who_decides(connection).who
        arm = stack.enter_context(arm_from(connection))
        watch = stack.enter_context(show_progress())
        around = Surroundings(
            ledger=ledger,
            who=who,
            clock=now,
            sleep=time.sleep,
            on_event=watch,
            lock_wait=duration(lock_timeout),
        )
        way = plan_way_back(project, run, arm, ledger)
        _show(way)
        if dry_run:
            return Exit.DONE
        result = roll_back(project, run, arm, around)
    say(f"run {result.run_id}: {len(result.fates)} changes of {run} undone and verified")
    return Exit.DONE


def _show(way: WayBack) -> None:
    for change in way.changes:
        put(plain(change.title))
    for word, witnesses in (("closes", way.closes), ("opens", way.opens)):
        for witness in witnesses:
            put(plain(f"  {word} {witness}"))
    for target in way.exact:
        put(plain(f"  {target}: back to exactly the state the plan was made on"))
    if not way.changes:
        say(f"run {way.run.run_id} left nothing to undo")
