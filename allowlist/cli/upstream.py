"""``allowlist catalog upstream``: compare the catalogs with the pages that document them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from allowlist.cli import completing
from allowlist.cli.common import ca_file_option
from allowlist.cli.console import put_json, put_lines, say
from allowlist.cli.exits import Exit
from allowlist.documents.words import counted
from allowlist.documents.writing import write_bytes

if TYPE_CHECKING:
    from allowlist.catalog.upstream.findings import WatchReport
    from allowlist.catalog.upstream.pages import PageSource

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("name", required=False, shell_complete=completing.catalogs)
@click.option("--pages", type=_FOLDER, help="Read the pages from a folder, not from the web.")
@click.option("--catalogs", "folder", type=_FOLDER, help="Folder with catalogs instead of the shipped ones.")
@click.option(
    "--state",
    "state_file",
    type=_FILE,
    help="What the last run saw and what waits; without it nothing becomes ready.",
)
@click.option(
    "--quarantine-days",
    type=click.IntRange(min=0),
    default=14,
    show_default=True,
    help="How long findings wait.",
)
@click.option(
    "--shrink",
    type=click.FloatRange(0, 1),
    default=0.3,
    show_default=True,
    help="A page that loses this share of its rows at once proposes no removal.",
)
@click.option(
    "--parameter",
    "parameters",
    multiple=True,
    metavar="NAME=HOST",
    help="A host the catalogs keep as a placeholder, such as python_index; may be repeated.",
)
@click.option("--cache", type=_FOLDER, help="Where fetched pages are kept; your cache folder by default.")
@click.option(
    "--discover/--no-discover",
    "look_around",
    default=True,
    show_default=True,
    help="Also look for pages that nobody cites: beside the cited ones, or linked from them.",
)
@ca_file_option
@click.option("--write", is_flag=True, help="Write what is ready into the catalog files.")
@click.option(
    "--pull-request", "pull_request", type=_FILE, help="With --write: the text of the pull request."
)
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The day of the run; today by default.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--exit-code", is_flag=True, help="Exit 2 when a finding is ready to be proposed.")
def upstream(
    name: str | None,
    pages: Path | None,
    folder: Path | None,
    state_file: Path | None,
    quarantine_days: int,
    shrink: float,
    parameters: tuple[str, ...],
    cache: Path | None,
    look_around: bool,
    write: bool,
    pull_request: Path | None,
    as_of: datetime | None,
    as_json: bool,
    exit_code: bool,
) -> None:
    """Tell how the documentation drifted from the catalogs, with the line that says so.

    Pages are compared as sets of what they ask for. New findings wait some days, because documentation takes
    things back; a page that empties, shrinks at once or moves its content away proposes no removal.

    \b
    Examples:
      allowlist catalog upstream foundry-hub --state upstream.json
      allowlist catalog upstream --pages docs/ --json
      allowlist catalog upstream --state upstream.json --write --pull-request body.md
    """
    from allowlist.catalog import load_library
    from allowlist.catalog.upstream.findings import WatchOptions
    from allowlist.catalog.upstream.state import load_state, save_state
    from allowlist.catalog.upstream.watch import watch

    library = load_library(folder)
    only = [library.get(name).name] if name else []
    hosts = dict(_parameter(text) for text in parameters)
    options = WatchOptions(
        today=_today(as_of),
        quarantine_days=quarantine_days,
        shrink=shrink,
        parameters=hosts,
        discover=look_around,
    )
    with _source(pages, cache) as source:
        report = watch(list(library), source, load_state(state_file), options, only=only, notify=say)
    _refuse_nothing(report)
    _show(report, as_json=as_json)
    if write:
        _write(report, folder, hosts, pull_request)
    if state_file is not None:
        save_state(state_file, report.state)
    if exit_code and report.ready:
        raise click.exceptions.Exit(Exit.PENDING)


def _refuse_nothing(report: WatchReport) -> None:
    """Where no page could be asked for nothing was compared, and what the last run saw stays as it is."""
    from allowlist.errors import CatalogError

    if report.pages and all(page.hint for page in report.pages):
        many = len(report.pages)
        which = "the page" if many == 1 else f"none of {counted(many, 'page')}"
        could = "could not be read" if many == 1 else "could be read"
        raise CatalogError(f"{which} {could}: {report.pages[0].trouble}", hint=report.pages[0].hint)


def _show(report: WatchReport, *, as_json: bool) -> None:
    from allowlist.catalog.upstream.report import encode_report, render_text

    put_json(encode_report(report)) if as_json else put_lines(render_text(report))


def _write(
    report: WatchReport, folder: Path | None, hosts: dict[str, str], pull_request: Path | None
) -> None:
    from allowlist.catalog import shipped_catalogs
    from allowlist.catalog.upstream.propose import write_proposal
    from allowlist.catalog.upstream.report import pull_request_text

    proposal = write_proposal(report.ready, folder or shipped_catalogs(), hosts)
    for path in proposal.changed:
        say(f"wrote {path}")
    for finding, reason in proposal.refused:
        say(f"left to you: {finding.catalog}: {finding.delta.place.subject.value}: {reason}")
    if pull_request is not None:
        write_bytes(pull_request, pull_request_text(proposal, report).encode())
        say(f"wrote {pull_request}")


@contextmanager
def _source(pages: Path | None, cache: Path | None) -> Iterator[PageSource]:
    from allowlist.catalog.upstream.folder import FolderPages
    from allowlist.catalog.upstream.web import WebPages
    from allowlist.trust import trust_here, web_client

    if pages is not None:
        yield FolderPages(pages)
        return
    with web_client(trust_here(), timeout=30.0, headers={"User-Agent": "allowlist-upstream-watch"}) as client:
        yield WebPages(client=client, cache=cache or _cache_folder(), sleep=time.sleep)


def _cache_folder() -> Path:
    from allowlist.documents.compiled import cache_folder

    catalogs = cache_folder(os.environ, "catalogs")
    return catalogs.with_name("pages") if catalogs else Path(".allowlist") / "pages"


def _parameter(text: str) -> tuple[str, str]:
    name, equals, host = text.partition("=")
    if not (name and equals and host):
        raise click.BadParameter(f"'{text}' is not NAME=HOST", param_hint="--parameter")
    return name, host.lower()


def _today(as_of: datetime | None) -> date:
    return as_of.date() if as_of else datetime.now(UTC).date()
