"""``allowlist catalog live``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allowlist.cli import completing
from allowlist.cli.catalog_common import FOLDER, JSON, library, print_json
from allowlist.cli.common import arm_from, exit_code_option, now, placed_connection_options
from allowlist.cli.console import put, say
from allowlist.cli.exits import Exit
from allowlist.errors import AllowlistError

if TYPE_CHECKING:
    from allowlist.azure.connection import SignIn
    from allowlist.catalog.live import Comparison

_WORKSPACES = "/providers/microsoft.machinelearningservices/workspaces/"


@click.command()
@click.argument("workspace", metavar="WORKSPACE-ID")
@click.option(
    "--against",
    shell_complete=completing.catalogs,
    default="azure-machine-learning",
    show_default=True,
    metavar="NAME[@VERSION]",
    help="The catalog to compare with.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the answer as this catalog file; what is new or gone since is written into it as 'next'.",
)
@placed_connection_options
@FOLDER
@JSON
@exit_code_option
def live(
    workspace: str,
    against: str,
    output: Path | None,
    sign_in: SignIn,
    folder: Path | None,
    as_json: bool,
    exit_code: bool,
) -> int:
    """Ask a workspace itself what it must reach, and compare that with a catalog.

    Azure answers for Machine Learning workspaces and Foundry hubs; accounts have no such list.

    \b
    Examples:
      allowlist catalog live /subscriptions/…/workspaces/hub-research --against foundry-hub
      allowlist catalog live /subscriptions/…/workspaces/hub-research -o catalogs/hub-research.yaml
    """
    from allowlist.catalog.live import API_VERSION, PATH, compare, dependencies_of, write_revision

    if _WORKSPACES not in workspace.lower():
        raise AllowlistError(
            f"'{workspace}' is no workspace of Microsoft.MachineLearningServices",
            hint="give the resource id of a workspace or hub; accounts do not tell their dependencies",
        )
    name, _, version = against.partition("@")
    catalog = library(folder).get(name)
    entries = catalog.entries_at(version or "latest")
    workspace = workspace.rstrip("/")
    with arm_from(sign_in.to()) as arm:
        found = dependencies_of(arm.list(f"{workspace}/{PATH}", API_VERSION))
    result = compare(found, entries)
    print_json(_as_json(workspace, against, result)) if as_json else _tell(against, result)
    if output is not None:
        added, ended = write_revision(output, found, workspace, now().date())
        say(
            f"{output}: {len(added)} added, {len(ended)} ended; next: allowlist catalog lint {shlex.quote(str(output))}"
        )
    return Exit.PENDING if exit_code and result.unknown else Exit.DONE


def _tell(against: str, result: Comparison) -> None:
    for item, witness in result.unknown:
        put(
            f"+ {item.name} {' '.join(item.port_texts)}  ({item.category}): not in {against}; witness {witness}"
        )
    for entry in result.unmentioned:
        put(f"- {entry.value}  ({entry.id}, {entry.need}): the workspace does not name it")
    say(
        f"{len(result.known)} known, {len(result.unknown)} unknown to {against},"
        f" {len(result.unmentioned)} of its names not mentioned (most are for scenarios or clouds not in use)"
    )


def _as_json(workspace: str, against: str, result: Comparison) -> dict[str, Any]:
    return {
        "schema": "allowlist/catalog-live/v1",
        "workspace": workspace,
        "against": against,
        "unknown": [
            {"pattern": item.name, "ports": item.port_texts, "category": item.category, "witness": witness}
            for item, witness in result.unknown
        ],
        "known": [
            {"pattern": item.name, "ports": item.port_texts, "category": item.category}
            for item in result.known
        ],
        "unmentioned": [
            {"pattern": entry.value, "entry": entry.id, "need": entry.need} for entry in result.unmentioned
        ],
    }
