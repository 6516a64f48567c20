"""``allowlist snapshot``."""

from __future__ import annotations

from pathlib import Path

import click

from allowlist.cli.common import arm_from, connection_options, now, project_from, project_options
from allowlist.cli.console import say
from allowlist.cli.exits import Exit


@click.command()
@project_options
@connection_options
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write."
)
def snapshot(
    workload_path: Path,
    catalogs: Path | None,
    facts_path: Path | None,
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    arm_endpoint: str | None,
    credential: str,
    ca_file: str | None,
    output: Path,
) -> int:
    """Save the actual state of the workload's targets, raw, for use with --snapshot.

    \b
    Example: allowlist snapshot -o ./state
    """
    from allowlist.workflow.project import read_estate
    from allowlist.workflow.snapshotting import save_snapshot

    project = project_from(workload_path, catalogs, facts_path)
    specs = project.targets(only, exclude)
    with arm_from(project.workload.cloud, arm_endpoint, credential, ca_file, project.workload.tenant) as arm:
        estate = read_estate(project, specs, arm, whole=True)
        requests = arm.traffic.total
    count = save_snapshot(estate, output, now())
    say(f"{count} resources written to {output} ({requests} requests to ARM)")
    return Exit.DONE
