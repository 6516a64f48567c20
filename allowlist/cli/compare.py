"""``allowlist compare``."""

from __future__ import annotations

from pathlib import Path

import click

from allowlist.cli.common import exit_code_option, json_option, project_from, project_options
from allowlist.cli.console import plain, say
from allowlist.cli.counting import steps_shown
from allowlist.cli.exits import Exit
from allowlist.cli.outputs import format_option, lines_of_targets, output_of, report_option, shown_path


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
@format_option
@report_option
@json_option
@click.option(
    "--fail-on",
    type=click.Choice(["differs", "opens", "breaks"]),
    help="Exit 2 when anything differs, when something opens that nobody asked for, when a required flow breaks.",
)
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
    form: str,
    reports: tuple[tuple[str, Path], ...],
    as_json: bool,
    fail_on: str | None,
    exit_code: bool,
) -> int:
    """Compare two snapshots by effect: what the second opens, closes and breaks, however its rules are written.

    A plan of Terraform as AFTER is put over BEFORE: what a merge opens and closes, with all that is not in Terraform.
    Either may be git:REVISION:PATH, a folder as it was at a revision.

    \b
    Examples: allowlist compare ./last-week ./today --exit-code
      terraform show -json PLAN | allowlist compare ./live -
      allowlist compare ./live --between hub-firewall proxy
      allowlist compare git:origin/main:infra infra --report comment=comment.md --fail-on breaks
    """
    from allowlist.render.comparing import RULES, comparison_summary, of_comparison
    from allowlist.render.notices import Report
    from allowlist.render.rulesets import comparison_json, comparison_text
    from allowlist.workflow.comparing import compare_states, compare_targets
    from allowlist.workflow.revisions import at_revision

    project = project_from(workload_path, catalogs, facts_path)
    if (after is None) == (between is None):
        raise click.UsageError("give two states, or one state and --between TARGET TARGET")
    if between is not None:
        first, second = (project.targets([name])[0] for name in between)
        with at_revision(before) as state:
            comparison = compare_targets(project, first, second, state)
    elif after is not None:
        with at_revision(before) as old, at_revision(after) as new, steps_shown():
            comparison = compare_states(project, project.targets(only, exclude), old, new)
    found = comparison.targets
    for note in comparison.notes:
        say(f"note: {plain(note)}")
    output_of(form, as_json, reports).show(
        (line for item in found for line in comparison_text(item)),
        lambda: [comparison_json(item) for item in found],
        lambda: Report(
            title=f"allowlist compare: {project.workload.name}",
            name=f"compare {project.workload.name}",
            summary=comparison_summary(found),
            file=shown_path(workload_path),
            notices=tuple(of_comparison(found)),
            lines=lines_of_targets(project),
            rules=RULES,
        ),
    )
    failed = {
        "differs": any(item.relation != "same" for item in found),
        "opens": any(item.unasked or item.broken for item in found),
        "breaks": any(item.broken for item in found),
    }
    wanted = fail_on or ("differs" if exit_code else "")
    return Exit.PENDING if wanted and failed[wanted] else Exit.DONE
