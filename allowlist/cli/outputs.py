"""``--format`` and ``--report``: the same result as text, as JSON, or in the forms other tools read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allowlist.cli.console import plain, put, put_json
from allowlist.errors import AllowlistError, InvalidInput

if TYPE_CHECKING:
    from allowlist.render.notices import Report
    from allowlist.workflow.project import Project

REPORTS = ("sarif", "junit", "markdown", "comment", "github")
FORMS = ("text", "json", *REPORTS)


def _form_and_file(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> Any:
    del context, option
    return tuple(_split(value) for value in values)


def _split(value: str) -> tuple[str, Path]:
    form, _, file = value.partition("=")
    if form not in REPORTS or not file:
        raise click.BadParameter(f"'{value}' is not FORM=FILE with one of {', '.join(REPORTS)}")
    return form, Path(file)


format_option = click.option(
    "--format",
    "form",
    type=click.Choice(FORMS),
    default="text",
    show_default=True,
    help="What to print: for people, scripts, code scanning, test views, a step summary, a pull request, annotations.",
)

report_option = click.option(
    "--report",
    "reports",
    multiple=True,
    callback=_form_and_file,
    metavar="FORM=FILE",
    help=f"Also write it to a file, in one of the forms {', '.join(REPORTS)} (repeatable).",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What was asked for on the command line."""

    form: str
    reports: tuple[tuple[str, Path], ...]

    def show(self, lines: Iterable[str], data: Callable[[], Any], report: Callable[[], Report]) -> None:
        """Print in the chosen form, then write the files. Raises AllowlistError for one that cannot be written."""
        if self.form == "json":
            put_json(data())
        elif self.form == "text":
            for line in lines:
                put(line if "\x1b" in line else plain(line))
        else:
            put(_rendered(self.form, report()))
        for form, file in self.reports:
            _write(file, _rendered(form, report()))


def output_of(form: str, as_json: bool, reports: tuple[tuple[str, Path], ...]) -> Output:
    return Output(form="json" if as_json else form, reports=reports)


def _rendered(form: str, report: Report) -> str:
    from allowlist.render.reports import RENDERERS

    return RENDERERS[form](report)


def _write(file: Path, text: str) -> None:
    if file.is_dir():
        raise InvalidInput.of(file, "is a folder", hint="name a file: --report FORM=FILE")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise AllowlistError(f"could not write {file}: {error.strerror}") from None


def lines_of_targets(project: Project) -> dict[str, int]:
    """At which line of the workload file each target stands."""
    return {
        spec.name: project.source.problem(("targets", index), "").line
        for index, spec in enumerate(project.workload.targets)
    }


def shown_path(path: Path) -> str:
    """Relative to the working folder where that is possible, as code hosts want it."""
    try:
        return path.resolve().relative_to(Path.cwd().resolve()).as_posix()
    except ValueError:
        return path.as_posix()
