"""``allowlist recommend``: what a workload needs, with the line that asks for each name."""

from __future__ import annotations

import os
import shlex
from datetime import UTC, datetime
from pathlib import Path

import click

from allowlist.cli.catalog_common import FOLDER, JSON, library, print_json
from allowlist.cli.console import put, put_document, say
from allowlist.cli.exits import Exit
from allowlist.names import is_host_name


@click.command()
@click.argument("arguments", metavar="[PATH|ESTATE]… [-- COMMAND…]", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--run",
    "run",
    is_flag=True,
    help="Run COMMAND in a network of its own that records what it asks for, or behind a proxy where there is none.",
)
@click.option("--closed", is_flag=True, help="With --run: refuse every name, so that nothing leaves.")
@click.option(
    "--proxy-only", is_flag=True, help="With --run: only the proxy, such as for services of this machine."
)
@click.option(
    "--timeout", default=300.0, show_default=True, help="With --run: seconds after which COMMAND is ended."
)
@click.option(
    "--workload",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    default="allowlist.yaml",
    show_default=True,
    help="The workload file that --diff and --write are about.",
)
@click.option("--diff", "as_diff", is_flag=True, help="Show the proposals as a diff of the workload file.")
@click.option(
    "--write", is_flag=True, help="Write them into the workload file; what is only mentioned stays out."
)
@FOLDER
@JSON
def recommend(
    arguments: tuple[str, ...],
    run: bool,
    closed: bool,
    proxy_only: bool,
    timeout: float,
    file: Path,
    as_diff: bool,
    write: bool,
    folder: Path | None,
    as_json: bool,
) -> int:
    """Propose catalogs, scenarios, parameters and own requirements for what is found in files, an estate or a log.

    Reads dependency lists, Dockerfiles and compose files, notebooks, manifests, agent, flow and tool server
    definitions, OpenAPI documents, Terraform, Bicep and ARM, settings, code, and logs of denied names. Nothing is run or
    fetched, unless --run says so. Each proposal names the lines that ask for it; what could not be placed is told.

    \b
    Examples:
      allowlist recommend .
      allowlist recommend src estate.json denied.jsonl --diff
      allowlist recommend --run --closed -- python -c "import onnxruntime, time; time.sleep(12)"
    """
    from allowlist.workflow.package_hosts import find_package_hosts
    from allowlist.workflow.recommending.recommend import recommend as recommend_for
    from allowlist.workflow.recommending.signs import Sign
    from allowlist.workflow.recommending.telling import recommend_json, recommend_lines

    signs: list[Sign] = []
    paths = [Path(one) for one in arguments]
    if run:
        from allowlist.workflow.recommending.running import record, signs_of

        if not arguments:
            raise click.UsageError("say what to run: allowlist recommend --run -- COMMAND")
        recorded = record(list(arguments), is_open=not closed, timeout=timeout, isolate=not proxy_only)
        say(recorded.summary)
        signs, paths = signs_of(recorded), []
    registries = {name: host for name, host in find_package_hosts(os.environ).items() if is_host_name(host)}
    made = recommend_for(paths or ([] if run else [Path()]), library(folder), signs, registries)
    if as_json:
        print_json(recommend_json(made))
    elif not as_diff:
        for line in recommend_lines(made):
            put(line)
    if as_diff or write:
        from allowlist.documents.writing import write_bytes
        from allowlist.workflow.recommending.writing import diff_text, proposed_text

        before, after = proposed_text(made, file, datetime.now(UTC).date())
        if as_diff and not as_json:
            put_document(diff_text(before, after, file).rstrip("\n"))
        if write and before != after:
            write_bytes(file, after.encode())
            say(f"wrote {file}; look at owners and parameters, then {_next_step(after, file)}")
    return Exit.DONE


def _next_step(text: str, file: Path) -> str:
    """A file without targets has nothing to be checked against yet."""
    place = shlex.quote(str(file))
    if "\ntargets:" in text:
        return f"check it: allowlist check --workload {place}"
    return f"name its targets: allowlist init -o {place}"
