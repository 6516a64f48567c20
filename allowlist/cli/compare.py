"""``allowlist compare``."""

from __future__ import annotations

from pathlib import Path

import click

from allowlist.cli.common import exit_code_option, json_option, project_from, project_options
from allowlist.cli.console import plain, put, put_json, say
from allowlist.cli.exits import Exit


@click.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path), required=False)
@click.option(
    "--between",
    nargs=2,
    metavar="TARGET TARGET",
    help="Two targets in one state instead: does the second let through what the first does?",
)
@project_options
@json_option
@exit_code_option
def compare(
    before: Path,
    after: Path | None,
    between: tuple[str, str] | None,
    workload_path: Path,
    catalogs: Path | None,
    facts_path: Path | None,
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    as_json: bool,
    exit_code: bool,
) -> int:
    """Compare two snapshots by effect: which flows the second opens and closes, however its rules are written.

    A plan of Terraform as AFTER is put over BEFORE: what a merge opens and closes, with all that is not in Terraform.

    \b
    Examples: allowlist compare ./last-week ./today --exit-code
      terraform show -json PLAN | allowlist compare ./live -
      allowlist compare ./live --between hub-firewall proxy
    """
    from allowlist.render.rulesets import comparison_json, comparison_text
    from allowlist.workflow.comparing import compare_states, compare_targets

    project = project_from(workload_path, catalogs, facts_path)
    if (after is None) == (between is None):
        raise click.UsageError("give two states, or one state and --between TARGET TARGET")
    if between is not None:
        first, second = (project.targets([name])[0] for name in between)
        comparison = compare_targets(project, first, second, before)
    elif after is not None:
        comparison = compare_states(project, project.targets(only, exclude), before, after)
    found = comparison.targets
    for note in comparison.notes:
        say(f"note: {plain(note)}")
    if as_json:
        put_json([comparison_json(item.target, item.relation, item.differences) for item in found])
    else:
        for item in found:
            for line in comparison_text(item.target, item.relation, item.differences):
                put(line)
    differ = any(item.relation != "same" for item in found)
    return Exit.PENDING if exit_code and differ else Exit.DONE
