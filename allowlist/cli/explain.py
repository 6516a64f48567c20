"""``allowlist explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from allowlist.cli.common import (
    exit_code_option,
    json_option,
    named_parent,
    parent_option,
    project_from,
    project_options,
    resolve_options,
    resolved,
    state_from,
    state_options,
    tell_unread,
)
from allowlist.cli.console import put, put_json, put_json_lines, styled
from allowlist.cli.counting import Progress
from allowlist.cli.exits import Exit
from allowlist.errors import AllowlistError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from allowlist.azure.connection import SignIn
    from allowlist.estate.bodies import Estate
    from allowlist.workflow.explaining import FlowLine
    from allowlist.workflow.flow_files import FlowFile
    from allowlist.workflow.project import Project
    from allowlist.workload import TargetSpec


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
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Many flows, as JSON Lines or CSV; - is standard input. Answers are JSON Lines.",
)
@project_options
@state_options
@parent_option
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
      allowlist explain --flows - --snapshot ./state < flows.csv
    """
    from allowlist.workflow.explaining import line_of_address
    from allowlist.workflow.project import read_estate

    flows = _flows_of(flows_path, snapshot) if flows_path is not None else None
    if flows is None and not (fqdn or destination):
        raise AllowlistError("which flow?", hint="give a host or a URL, --to ADDRESS, or --flows FILE")
    line = line_of_address(
        fqdn or "", source=source or "", port=port, protocol=protocol or "", destination=destination
    )
    project = project_from(workload_path, catalogs, facts_path)
    specs = project.targets(only, exclude)
    with state_from(snapshot, sign_in.to(project.workload)) as origin:
        estate = read_estate(project, specs, origin, parent=named_parent())
    tell_unread(estate.unreadable)
    names = flows.names if flows is not None else [line.fqdn]
    project = resolved(project, estate, specs, facts_path, also=list(filter(None, names)))
    if flows is not None:
        allowed = _answer_all(project, estate, specs, flows)
    else:
        allowed = _answer_one(project, estate, specs, line, as_json=as_json)
    return Exit.PENDING if exit_code and not allowed else Exit.DONE


def _flows_of(path: Path, snapshot: Path | None) -> FlowFile:
    from allowlist.workflow.flow_files import STANDARD_INPUT, FlowFile

    if path == STANDARD_INPUT == snapshot:
        raise AllowlistError(
            "flows and state cannot both be standard input", hint="write one of them to a file"
        )
    return FlowFile.read(path)


def _answer_all(project: Project, estate: Estate, specs: Sequence[TargetSpec], flows: FlowFile) -> bool:
    """Write an answer a line, and tell whether all flows are allowed."""
    from allowlist.workflow.explaining import Explainer
    from allowlist.workflow.explaining_many import answers

    allowed, done = True, 0
    with Progress("flows", len(flows) * len(specs)) as progress:
        for block in answers(Explainer(project, estate, specs), flows.blocks()):
            allowed = allowed and block.allowed
            put_json_lines(block.lines)
            done += len(block.lines)
            progress.at(done)
    return allowed


def _answer_one(
    project: Project, estate: Estate, specs: Sequence[TargetSpec], line: FlowLine, *, as_json: bool
) -> bool:
    from allowlist.workflow.explaining import explain_flows, explanation_json, explanation_text

    allowed = True
    for answer in explain_flows(project, estate, specs, [line]):
        allowed = allowed and answer.verdict.word == "allow"
        if as_json:
            put_json(explanation_json(answer))
        else:
            for text in explanation_text(answer, styled):
                put(text)
    return allowed
