"""``allowlist posture``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from allowlist.cli.common import (
    exit_code_option,
    json_option,
    project_from,
    project_options,
    state_from,
    state_options,
)
from allowlist.cli.console import say, styled
from allowlist.cli.exits import Exit
from allowlist.cli.given import with_given
from allowlist.cli.outputs import Output, form_for, format_option, output_option, report_option, shown_path

if TYPE_CHECKING:
    from allowlist.azure.connection import SignIn
    from allowlist.network.posture import Finding, Posture


@click.command()
@project_options
@state_options
@click.option("--all", "everything", is_flag=True, help="Also show what is met, with its evidence.")
@format_option
@report_option
@output_option
@json_option
@exit_code_option
def posture(
    workload_path: Path,
    catalogs: Path | None,
    facts_path: Path | None,
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    snapshot: Path | None,
    sign_in: SignIn,
    everything: bool,
    form: str,
    reports: tuple[tuple[str, Path], ...],
    output: Path | None,
    as_json: bool,
    exit_code: bool,
) -> int:
    """Tell what is recommended for a workload's network, what is so, what is not, and the next step.

    Reads only. Findings somebody answers for stand under 'suppressions:' in the workload file, by id, with owner,
    reason and expiry.

    \b
    Examples:
      allowlist posture --snapshot ./state
      allowlist posture --snapshot ./state -o posture.html
      allowlist posture --format sarif --exit-code
    """
    from allowlist.render.posture import posture_json, posture_report, posture_text, summary_line
    from allowlist.workflow.posture import assess
    from allowlist.workflow.project import read_estate

    project = project_from(workload_path, catalogs, facts_path)
    specs = project.targets(only, exclude)
    with state_from(snapshot, sign_in.to(project.workload)) as origin:
        estate = read_estate(project, specs, origin, whole=True)
    report = assess(project, estate, specs)
    form = form_for(form, output, as_json=as_json)
    lines = posture_text(report, styled if output is None else str, everything=everything)
    own = {"markdown": lambda: _markdown(_with_given(report)), "html": lambda: _html(_with_given(report))}
    made = Output(form=form, reports=reports, file=output)
    made.show(
        lines, lambda: posture_json(report), lambda: posture_report(report, shown_path(workload_path)), own
    )
    if output is not None:
        say(f"written to {output}")
    say(summary_line(report))
    return Exit.PENDING if exit_code and report.is_pending else Exit.DONE


def _with_given(report: Posture) -> Posture:
    """``report`` whose next steps run as printed, for the forms that have a page of their own."""
    rows = (
        replace(row, findings=tuple(_finding_with_given(item) for item in row.findings))
        for row in report.rows
    )
    return replace(report, rows=tuple(rows))


def _finding_with_given(finding: Finding) -> Finding:
    item = finding.observation
    return replace(finding, observation=replace(item, remedy=with_given(item.remedy)))


def _markdown(report: Posture) -> str:
    from allowlist.render.posture import posture_markdown

    return "\n".join(posture_markdown(report)) + "\n"


def _html(report: Posture) -> str:
    from allowlist.render.posture_html import posture_html

    return posture_html(report)
