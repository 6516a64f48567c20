"""``--format`` and ``--report``: the same result as text, as JSON, or in the forms other tools read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from allowlist.cli.console import json_text, plain, put_document, put_each, put_json
from allowlist.cli.given import with_given
from allowlist.documents.writing import write_bytes
from allowlist.errors import InvalidInput
from allowlist.render.escape import without_styles
from allowlist.render.formats import FORMATS, REPORTS

if TYPE_CHECKING:
    from allowlist.render.notices import Report
    from allowlist.workflow.project import Project


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
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="What to print: for people, scripts, code scanning, test views, a step summary, a pull request, annotations, "
    "a browser.",
)

report_option = click.option(
    "--report",
    "reports",
    multiple=True,
    callback=_form_and_file,
    metavar="FORM=FILE",
    help=f"Also write it to a file, in one of the forms {', '.join(REPORTS)} (repeatable).",
)

output_option = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the result to this file; its ending chooses the format where --format does not.",
)

_ENDINGS = {".html": "html", ".md": "markdown", ".json": "json", ".sarif": "sarif"}


def form_for(form: str, output: Path | None, *, as_json: bool) -> str:
    """The form of what is written: what was asked for, else what the ending of the file says."""
    if as_json:
        return "json"
    return _ENDINGS.get(output.suffix.lower(), form) if output is not None and form == "text" else form


NOTHING_OF_ITS_OWN: Mapping[str, Callable[[], str]] = {}


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for on the command line."""

    form: str
    reports: tuple[tuple[str, Path], ...]
    file: Path | None = None
    """Where the chosen form goes instead of standard output."""

    def show(
        self,
        lines: Iterable[str],
        data: Callable[[], Any],
        report: Callable[[], Report],
        own: Mapping[str, Callable[[], str]] = NOTHING_OF_ITS_OWN,
    ) -> None:
        """Print in the chosen form, then write the files; ``own`` are forms a command has better words for.

        Raises AllowlistError for a file that cannot be written.
        """
        if self.file is not None:
            write_report(self.file, self._whole(lines, data, report, own))
        elif self.form == "json":
            put_json(data())
        elif self.form == "text":
            put_each(lines)
        else:
            put_document(_rendered(self.form, report, own).rstrip("\n"))
        for form, file in self.reports:
            write_report(file, _rendered(form, report, own))

    def _whole(
        self,
        lines: Iterable[str],
        data: Callable[[], Any],
        report: Callable[[], Report],
        own: Mapping[str, Callable[[], str]],
    ) -> str:
        if self.form == "text":
            return "\n".join(without_styles(plain(with_given(line))) for line in lines)
        return json_text(data()) if self.form == "json" else _rendered(self.form, report, own)


def output_of(form: str, as_json: bool, reports: tuple[tuple[str, Path], ...]) -> Output:
    return Output(form="json" if as_json else form, reports=reports)


def _rendered(form: str, report: Callable[[], Report], own: Mapping[str, Callable[[], str]]) -> str:
    if form in own:
        return own[form]()
    shown = report()
    notices = tuple(replace(notice, remedy=with_given(notice.remedy)) for notice in shown.notices)
    return REPORTS[form](replace(shown, notices=notices))


def write_report(file: Path, text: str) -> None:
    if file.is_dir():
        raise InvalidInput.of(file, "is a folder", hint="name a file: --report FORM=FILE")
    write_bytes(file, (text if text.endswith("\n") else f"{text}\n").encode())


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
