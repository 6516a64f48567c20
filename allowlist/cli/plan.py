"""``allowlist plan``."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allowlist.cli.common import (
    credentials,
    evidence_option,
    exit_code_option,
    json_option,
    ledger_from,
    ledger_option,
    named_parent,
    now,
    parent_option,
    policy_option,
    project_from,
    project_options,
    resolve_options,
    resolved,
    state_from,
    state_options,
    tell_unread,
    who_decides,
)
from allowlist.cli.console import say
from allowlist.cli.counting import steps_shown
from allowlist.cli.exits import Exit
from allowlist.cli.given import with_given
from allowlist.cli.outputs import format_option, lines_of_targets, output_of, report_option, shown_path

if TYPE_CHECKING:
    from allowlist.azure.connection import SignIn
    from allowlist.plan.model import Plan
    from allowlist.render.notices import Report
    from allowlist.workflow.project import Project
    from allowlist.workflow.reuse import Asked


@click.command()
@project_options
@state_options
@parent_option
@resolve_options
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the plan to this file; one that ends in .html is a page for people (repeatable).",
)
@click.option(
    "--check-only",
    is_flag=True,
    help="Only say what a plan would do, such as before a deployment: it is not kept, and nobody can approve it.",
)
@click.option("--details", is_flag=True, help="Show every change with its proofs, however many there are.")
@click.option(
    "--page",
    metavar="URL",
    envvar="ALLOWLIST_PAGE",
    help="Where the page of the plan will be seen; the comment of a pull request links to it.",
)
@evidence_option
@format_option
@report_option
@policy_option
@ledger_option
@json_option
@exit_code_option
def plan(
    workload_path: Path,
    catalogs: Path | None,
    facts_path: Path | None,
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    snapshot: Path | None,
    sign_in: SignIn,
    logs: tuple[str, ...],
    outputs: tuple[Path, ...],
    check_only: bool,
    details: bool,
    page: str | None,
    form: str,
    reports: tuple[tuple[str, Path], ...],
    ledger_url: str | None,
    as_json: bool,
    exit_code: bool,
) -> int:
    """Make a plan: the fewest changes, each proved. Never writes to Azure.

    \b
    Examples:
      allowlist plan -o plan.json -o plan.html
      allowlist plan --snapshot ./state --exit-code
      allowlist plan -o plan.json --report comment=comment.md --report markdown=summary.md
    """
    from allowlist.render.plan import plan_text, summary_text
    from allowlist.workflow.files import write_bytes, write_file
    from allowlist.workflow.project import read_estate
    from allowlist.workflow.reuse import Asked

    if check_only and outputs:
        raise click.UsageError("--check-only keeps no plan: leave out -o")
    project = project_from(workload_path, catalogs, facts_path, ledger_url)
    specs = project.targets(only, exclude)
    with state_from(snapshot, sign_in.to(project.workload)) as origin:
        estate = read_estate(project, specs, origin, parent=named_parent())
    # Of what is no list a concern tells at its target.
    tell_unread(item for item in estate.unreadable if item.kind)
    project = resolved(project, estate, specs, facts_path)
    asked_by = who_decides((sign_in.without_credential() if snapshot else sign_in).to(project.workload)).who
    with _with_traffic(project, logs, lambda: credentials(sign_in.to(project.workload))) as witnessed:
        asked = Asked(witnessed, specs, estate, ("plan",))
        made = _made(asked, asked_by) if outputs else _known_or_made(asked, asked_by)
    for file in outputs:
        write_bytes(file, _page(made).encode()) if _is_page(file) else write_file(file, made)
    output = next((file for file in outputs if not _is_page(file)), None)
    if output is not None:
        put_on_record(made, ledger_url)
    output_of(form, as_json, reports).show(
        plan_text(made, details=details),
        lambda: made,
        lambda: _report(project, made, workload_path),
        {
            "html": lambda: _page(made),
            "comment": lambda: _comment(made, page or ""),
            "markdown": lambda: _summary(made, page or ""),
        },
    )
    if (
        output is not None and not made.is_empty and output.is_file()
    ):  # from a pipe or a device nothing is read again
        place = shlex.quote(str(output))
        say(f"next: allowlist review {place}")
        say(f"or: allowlist approve {place} --all --reason TEXT{accepting(made)}")
    elif output is None:
        say(summary_text(made) if check_only else f"{summary_text(made)}; keep it with -o FILE")
    return Exit.PENDING if exit_code and not made.is_settled else Exit.DONE


def _report(project: Project, made: Plan, workload_path: Path) -> Report:
    from allowlist.render.notices import Report, of_plan
    from allowlist.render.plan import summary_text

    return Report(
        title=f"allowlist plan: {made.workload}",
        name=f"plan {made.workload}",
        summary=summary_text(made),
        file=shown_path(workload_path),
        notices=tuple(of_plan(made)),
        lines=lines_of_targets(project),
    )


def _made(asked: Asked, asked_by: str) -> Plan:
    from allowlist.workflow.memory import kept_to_the_end
    from allowlist.workflow.planning import make_plan

    with kept_to_the_end(), steps_shown():
        return make_plan(asked.project, asked.estate, asked.specs, asked_by)


def _known_or_made(asked: Asked, asked_by: str) -> Plan:
    """A plan that nobody keeps, so nobody can approve: it may be told again while it would be made the same."""
    from allowlist.workflow.reuse import Memory

    return Memory(os.environ).plan(asked, asked_by, lambda: _made(asked, asked_by))


@contextmanager
def _with_traffic(
    project: Project, logs: tuple[str, ...], signed_in: Callable[[], Callable[[str], Any]]
) -> Iterator[Project]:
    """``project`` with the traffic of ``logs``; what reads them is only loaded where there are any."""
    if not logs:
        yield project
        return
    from allowlist.cli.evidence import told_progress
    from allowlist.workflow.replaying import with_traffic

    with (
        told_progress() as progress,
        with_traffic(project, logs, os.environ, signed_in(), progress) as witnessed,
    ):
        yield witnessed


def _page(made: Plan) -> str:
    from allowlist.render.plan_html import plan_html

    return plan_html(made, with_given)


def _comment(made: Plan, page: str) -> str:
    from allowlist.render.plan_comment import plan_comment

    return plan_comment(made, page, with_given)


def _summary(made: Plan, page: str) -> str:
    from allowlist.render.plan_comment import plan_summary

    return plan_summary(made, page, with_given)


def _is_page(file: Path) -> bool:
    return file.suffix.lower() in (".html", ".htm")


def put_on_record(made: Plan, ledger_url: str | None) -> None:
    """With four eyes it matters who asked, and a name in a file proves nothing: the ledger remembers it."""
    if made.approval is None or not made.approval.four_eyes:
        return
    from allowlist.documents import canonical_json

    with ledger_from(ledger_url) as ledger:
        created = now()
        ledger.save_plan(
            made.digest, canonical_json(made), workload=made.workload, created=created, who=made.asked_by
        )
    say(f"four eyes: on record that {made.asked_by} asked for this plan")


def accepting(plan: Plan) -> str:
    """The gates that are closed and that a person may accept."""
    return "".join(f" --accept {gate.id}" for gate in plan.gates if not gate.passed and not gate.final)
