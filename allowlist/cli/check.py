"""``allowlist check``."""

from __future__ import annotations

import os
from collections.abc import Sequence
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
)
from allowlist.cli.console import say, styled
from allowlist.cli.counting import steps_shown
from allowlist.cli.exits import Exit
from allowlist.cli.outputs import format_option, lines_of_targets, output_of, report_option, shown_path

if TYPE_CHECKING:
    from allowlist.azure.connection import SignIn
    from allowlist.plan.findings import Finding
    from allowlist.render.notices import Report
    from allowlist.workflow.checked import Checked
    from allowlist.workflow.checking import TargetCheck
    from allowlist.workflow.paths import PathCheck
    from allowlist.workflow.project import Project
    from allowlist.workflow.reuse import Asked


@click.command()
@project_options
@state_options
@parent_option
@resolve_options
@click.option("--all", "everything", is_flag=True, help="Also show what is covered and what is redundant.")
@click.option("--details", is_flag=True, help="Show every finding, however many there are.")
@format_option
@report_option
@json_option
@exit_code_option
def check(
    workload_path: Path,
    catalogs: Path | None,
    facts_path: Path | None,
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    snapshot: Path | None,
    sign_in: SignIn,
    everything: bool,
    details: bool,
    form: str,
    reports: tuple[tuple[str, Path], ...],
    as_json: bool,
    exit_code: bool,
) -> int:
    """Compare what the workload needs with what Azure lets through.

    \b
    Examples:
      allowlist check --snapshot ./state
      allowlist check --only hub-firewall --exit-code
      allowlist check --format github --report sarif=allowlist.sarif --report junit=allowlist.xml
    """
    from allowlist.render.findings import findings_json, findings_text, summary_text
    from allowlist.workflow.checked import Checked
    from allowlist.workflow.project import read_estate
    from allowlist.workflow.reuse import Asked, Memory

    project = project_from(workload_path, catalogs, facts_path)
    specs = project.targets(only, exclude)
    with state_from(snapshot, sign_in.to(project.workload)) as origin:
        estate = read_estate(project, specs, origin, parent=named_parent())
    project = resolved(project, estate, specs, facts_path)
    is_brief = form == "text" and not (as_json or reports or everything or details)
    asked = Asked(project, specs, estate, ("check", "brief" if is_brief else "in full"))
    found = Memory(os.environ).answer(asked, Checked, lambda: _checked(asked, is_brief=is_brief))
    findings = found.findings
    output_of(form, as_json, reports).show(
        findings_text(findings, styled, everything=everything, details=details),
        lambda: findings_json(findings),
        lambda: _report(project, findings, workload_path),
    )
    for note in found.notes:
        say(f"note: {note}")
    say(summary_text(findings))
    return Exit.PENDING if exit_code and not all(item.is_fine for item in findings) else Exit.DONE


def _report(project: Project, findings: Sequence[Finding], workload_path: Path) -> Report:
    from allowlist.render.findings import summary_text
    from allowlist.render.notices import Report, of_findings

    return Report(
        title=f"allowlist check: {project.workload.name}",
        name=f"check {project.workload.name}",
        summary=summary_text(findings),
        file=shown_path(workload_path),
        notices=tuple(of_findings(findings)),
        lines=lines_of_targets(project),
    )


def _checked(asked: Asked, *, is_brief: bool) -> Checked:
    from allowlist.render.findings import told_in_full
    from allowlist.workflow.checked import Checked
    from allowlist.workflow.checking import check_targets, every
    from allowlist.workflow.memory import kept_to_the_end
    from allowlist.workflow.paths import check_paths

    project, specs, estate = asked.project, asked.specs, asked.estate
    with kept_to_the_end(), steps_shown():
        checks = check_targets(project, estate, specs, told_in_full if is_brief else every)
    told: list[TargetCheck | PathCheck] = [*checks]
    told += check_paths(project, specs, {spec.name: estate for spec in specs})
    return Checked(
        findings=tuple(finding for item in told for finding in item.findings),
        notes=tuple(dict.fromkeys(note for item in told for note in item.notes)),
    )
