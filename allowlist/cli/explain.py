"""``allowlist explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from allowlist.cli.common import (
    exit_code_option,
    json_option,
    project_from,
    project_options,
    resolve_options,
    resolved,
    state_from,
    state_options,
)
from allowlist.cli.console import put, put_json, put_json_line, styled
from allowlist.cli.exits import Exit
from allowlist.errors import AllowlistError

if TYPE_CHECKING:
    from allowlist.azure.connection import SignIn


@click.command()
@click.argument("fqdn", metavar="FQDN|URL", required=False)
@click.option(
    "--from", "source", metavar="ADDRESS", help="Where the flow starts (default: anywhere the workload does)."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=None, help="Default: the protocol's usual port."
)
@click.option(
    "--protocol",
    type=click.Choice(["https", "http", "mssql", "tcp", "udp"]),
    default=None,
    help="Default: what the URL says, else https.",
)
@click.option(
    "--to", "destination", metavar="ADDRESS", default="", help="The address the client dials, if known."
)
@click.option(
    "--flows",
    "flows_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Many flows, as JSON Lines.",
)
@project_options
@state_options
@resolve_options
@json_option
@exit_code_option
def explain(
    fqdn: str | None,
    source: str | None,
    port: int | None,
    protocol: str | None,
    destination: str,
    flows_path: Path | None,
    workload_path: Path,
    catalogs: Path | None,
    facts_path: Path | None,
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    snapshot: Path | None,
    sign_in: SignIn,
    as_json: bool,
    exit_code: bool,
) -> int:
    """Tell which rule decides a flow, what it hides, who wants the name, and which plan line would fix it.

    \b
    Examples:
      allowlist explain download.pytorch.org --from 10.0.0.4
      allowlist explain https://huggingface.co/models
      allowlist explain --flows flows.jsonl --snapshot ./state
    """
    from allowlist.workflow.explaining import (
        explain_flows,
        explanation_json,
        explanation_text,
        line_of_address,
        read_flows,
    )
    from allowlist.workflow.project import read_estate

    if flows_path is not None:
        lines = read_flows(flows_path)
    elif fqdn or destination:
        lines = [
            line_of_address(
                fqdn or "", source=source or "", port=port, protocol=protocol or "", destination=destination
            )
        ]
    else:
        raise AllowlistError("which flow?", hint="give a host or a URL, --to ADDRESS, or --flows FILE")
    project = project_from(workload_path, catalogs, facts_path)
    specs = project.targets(only, exclude)
    with state_from(snapshot, sign_in.to(project.workload)) as origin:
        estate = read_estate(project, specs, origin)
    project = resolved(project, estate, specs, facts_path, also=[line.fqdn for line in lines if line.fqdn])
    denied = False
    for answer in explain_flows(project, estate, specs, lines):
        denied = denied or answer.verdict.word != "allow"
        if flows_path is not None:
            put_json_line(explanation_json(answer))
        elif as_json:
            put_json(explanation_json(answer))
        else:
            for text in explanation_text(answer, styled):
                put(text)
    return Exit.PENDING if exit_code and denied else Exit.DONE
