"""``allowlist snapshot``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from allowlist.cli.common import (
    arm_from,
    now,
    placed_connection_options,
    project_from,
    project_options,
    tell_unread,
)
from allowlist.cli.console import say
from allowlist.cli.exits import Exit
from allowlist.documents.words import counted

if TYPE_CHECKING:
    from allowlist.azure.connection import SignIn


@click.command()
@project_options
@placed_connection_options
@click.option(
    "--subscription",
    metavar="ID",
    help="Everything that could be an enforcement point here, instead of a workload's targets.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write."
)
def snapshot(
    workload_path: Path,
    catalogs: Path | None,
    facts_path: Path | None,
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    sign_in: SignIn,
    subscription: str | None,
    output: Path,
) -> int:
    """Save actual state, raw, for use with --snapshot: of the workload's targets, or of a whole subscription.

    \b
    Examples:
      allowlist snapshot -o ./state
      allowlist snapshot --subscription 00000000-0000-0000-0000-000000000001 -o ./state
    """
    from allowlist.workflow.initialising import read_subscription
    from allowlist.workflow.project import read_estate
    from allowlist.workflow.snapshotting import save_snapshot

    project = None if subscription else project_from(workload_path, catalogs, facts_path)
    with arm_from(sign_in.to(*([project.workload] if project else []))) as arm:
        if project is None:
            estate = read_subscription(arm, str(subscription))
        else:
            estate = read_estate(project, project.targets(only, exclude), arm, whole=True)
        requests = arm.traffic.total
    count = save_snapshot(estate, output, now())
    tell_unread(estate.unreadable)
    say(f"{counted(count, 'resource')} written to {output} ({counted(requests, 'request')} to ARM)")
    return Exit.DONE
