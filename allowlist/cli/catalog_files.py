"""``allowlist catalog lint|add|release|review|schema``: for those who write catalog files."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allowlist.cli import completing
from allowlist.cli.catalog_common import FOLDER, JSON, library, print_json
from allowlist.cli.console import put, put_document, say
from allowlist.cli.outputs import format_option, output_of, report_option
from allowlist.documents.reader import near_miss
from allowlist.errors import CatalogError, InvalidInput

if TYPE_CHECKING:
    from allowlist.catalog import Catalog
    from allowlist.catalog.contributing import Seen
    from allowlist.catalog.lint import Base
    from allowlist.catalog.review import CatalogReview

BASE = click.option("--base", metavar="REF", help="Compare with this commit or branch of the repository.")
BASE_FOLDER = click.option(
    "--base-folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Compare with the catalogs in this folder.",
)
_SHOWN = ("id", "pattern", "service_tag", "fqdn_tag", "private_endpoint", "addresses", "ports")
FILES = click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False, exists=True))


@click.command()
@FILES
@format_option
@report_option
@JSON
@BASE
@BASE_FOLDER
@FOLDER
def lint(
    files: tuple[Path, ...],
    form: str,
    reports: tuple[tuple[str, Path], ...],
    as_json: bool,
    base: str | None,
    base_folder: Path | None,
    folder: Path | None,
) -> None:
    """Check catalog files, all of them by default. Every mistake has its place and its remedy.

    With --base or --base-folder, released versions are compared as well. The exit code is 1 when there are errors.

    \b
    Example: allowlist catalog lint catalogs/foundry-hub.yaml --base origin/main
    """
    from allowlist.catalog.lint import lint_files
    from allowlist.render.lint import lint_json, lint_report, lint_text

    report = lint_files(_files(files, folder), base=_base(base, base_folder), known=_trusted_catalogs(folder))
    output_of(form, as_json, reports).show(
        lint_text(report), lambda: lint_json(report), lambda: lint_report(report)
    )
    if not report.is_clean:
        raise click.exceptions.Exit(1)


@click.command()
@FILES
@BASE
@BASE_FOLDER
@FOLDER
@JSON
@click.option(
    "--examples",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder with example workloads, to tell which of them are affected.",
)
def review(
    files: tuple[Path, ...],
    base: str | None,
    base_folder: Path | None,
    folder: Path | None,
    as_json: bool,
    examples: Path | None,
) -> None:
    """Summarise a change of catalog files for its reviewers, as Markdown.

    \b
    Example: allowlist catalog review --base origin/main >> "$GITHUB_STEP_SUMMARY"
    """
    from allowlist.catalog.encode import encode_change, encode_evidence_change
    from allowlist.catalog.lint import lint_files
    from allowlist.catalog.review import review_files
    from allowlist.render.catalog import render_review

    before = _base(base, base_folder)
    if before is None:
        raise click.UsageError("say what to compare with: --base REF or --base-folder DIR")
    paths = _files(files, folder)
    report = lint_files(paths, base=before, known=_trusted_catalogs(folder))
    broken = {finding.file for finding in report.findings if finding.rule == "format"}
    reviews = review_files([path for path in paths if str(path) not in broken], before)
    if as_json:
        print_json(
            [
                {
                    "catalog": item.catalog,
                    "file": item.file,
                    "bump": item.bump.word,
                    "next_version": item.next_version,
                    "changes": [encode_change(change, _today()) for change in item.changes],
                    "evidence": [encode_evidence_change(change, _today()) for change in item.evidence],
                }
                for item in reviews
            ]
        )
    else:
        put_document(
            render_review(reviews, report, _affected(examples, reviews, folder), _today()).rstrip("\n")
        )
    if not report.is_clean:
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("name", shell_complete=completing.catalogs)
@click.option("--note", default="", help="One line for the readers of the release.")
@click.option("--date", "on", type=click.DateTime(["%Y-%m-%d"]), help="Day of the release; today by default.")
@click.option(
    "--bump", type=click.Choice(["patch", "minor", "major"]), help="A larger step than the changes need."
)
@FOLDER
def release(name: str, note: str, on: datetime | None, bump: str | None, folder: Path | None) -> None:
    """Stamp the unreleased entries of a catalog with the version their meaning asks for.

    \b
    Example: allowlist catalog release foundry-hub --note "hosts of the new image registry"
    """
    from allowlist.catalog import Bump
    from allowlist.catalog.editing import release as release_catalog

    path = _path_of(name, folder)
    step = Bump[bump.upper()] if bump else Bump.NONE
    released = release_catalog(path, on=on.date() if on else _today(), note=note, bump=step)
    put(f"{name} {released.latest}")
    say(f"wrote {path}")


@click.command()
@click.argument("name", shell_complete=completing.catalogs)
@click.option(
    "--id", "entry_id", help="A short name for the entry, such as 'vscode-dev'; from a log, made of the host."
)
@click.option("--pattern", help="A host name, or '*.' before one.")
@click.option("--service-tag", help="A service tag.")
@click.option("--fqdn-tag", help="An FQDN tag of Azure Firewall.")
@click.option("--private-endpoint", help="A resource or a private DNS zone.")
@click.option("--sub-resource", help="The sub-resource of the private endpoint.")
@click.option("--address", "addresses", multiple=True, help="An address or prefix; may be repeated.")
@click.option("--port", "ports", multiple=True, help="Such as https:443; may be repeated.")
@click.option(
    "--need",
    type=click.Choice(["required", "conditional", "optional"]),
    default="required",
    show_default=True,
)
@click.option("--condition", help="When it is needed; goes with '--need conditional'.")
@click.option(
    "--cloud", "clouds", multiple=True, default=["public"], show_default=True, help="May be repeated."
)
@click.option("--scenario", default="core", show_default=True, help="A scenario the catalog declares.")
@click.option(
    "--consumer",
    "consumers",
    multiple=True,
    default=["customer-firewall"],
    show_default=True,
    help="May be repeated.",
)
@click.option(
    "--evidence",
    "evidence",
    metavar="CLASS",
    help="Known from the field: maintainer-said, validated-alone, validated-together, observed, denied-in-log, "
    "endpoint-in-source or rule-in-template. Goes with --issue.",
)
@click.option(
    "--seen",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A log in which the name was refused, as JSON Lines; the entry is made from it.",
)
@click.option(
    "--fixed",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A log after it was opened; 'validated-alone' asks for it.",
)
@click.option("--issue", metavar="URL", help="The issue, pull request or commit that tells of it.")
@click.option("--region", default="", help="The region in which it was seen, such as swedencentral.")
@click.option("--seen-version", "version", default="", help="The version of the program that asked.")
@click.option("--purpose", required=True, help="What it is for, in your own words.")
@click.option("--breaks", help="What stops working without it.")
@click.option("--risk", help="What letting it out exposes.")
@click.option("--source", "source", metavar="REPO:PATH[@COMMIT]", help="The page that documents it.")
@JSON
@FOLDER
def add(
    name: str,
    folder: Path | None,
    entry_id: str | None,
    source: str | None,
    evidence: str | None,
    seen: Path | None,
    fixed: Path | None,
    issue: str | None,
    region: str,
    version: str,
    as_json: bool,
    **fields: Any,
) -> None:
    """Add an entry to a catalog file, keeping its comments and order. It says 'since: next' until released.

    With --evidence it goes into the scenario 'field'. From a log (--seen) the narrowest entries are made, one for each
    name; addresses and ids stay in the log. A name that --fixed does not show let through is left out, and told.

    \b
    Examples:
      allowlist catalog add foundry-agents --evidence denied-in-log --seen denied.jsonl --fixed allowed.jsonl
        --issue https://github.com/contoso/landing-zone/issues/40 --purpose "traces of agents"
      allowlist catalog add vscode --id vscode-new-cdn --pattern "*.new-cdn.vscode.dev" --port https:443
        --consumer client --purpose "loads the editor" --source microsoft/vscode-docs:docs/setup/network.md
    """
    from allowlist.catalog.editing import add_entry, add_from_field

    path = _path_of(name, folder)
    chosen = {key: list(value) if isinstance(value, tuple) else value for key, value in fields.items()}
    sources = [_parse_source(source)] if source else []
    if evidence:
        from allowlist.cli.contributing import entries_from_field

        told = entries_from_field(
            path,
            evidence,
            chosen,
            entry_id,
            seen=seen,
            fixed=fixed,
            issue=issue,
            region=region,
            version=version,
        )
        add_from_field(path, [{**one, "sources": sources} for one in told.entries])
        _tell_added(path, told.entries, told.left_out, as_json=as_json)
        return
    if not source:
        raise click.UsageError(
            "say which page documents it (--source REPO:PATH), or how the field knows (--evidence)"
        )
    if not entry_id:
        raise click.UsageError("say how the entry is called: --id")
    entry = {**chosen, "id": entry_id, "since": "next", "sources": sources}
    add_entry(path, entry)
    _tell_added(path, [entry], [], as_json=as_json)


def _tell_added(
    path: Path, entries: Sequence[Mapping[str, Any]], left_out: Sequence[Seen], *, as_json: bool
) -> None:
    if as_json:
        print_json(
            {
                "schema": "allowlist/catalog-add/v1",
                "file": str(path),
                "added": [{key: one[key] for key in _SHOWN if one.get(key)} for one in entries],
                "left_out": [
                    {"name": one.name, "port": one.port, "why": "refused, and not let through afterwards"}
                    for one in left_out
                ],
            }
        )
        return
    for one in entries:
        say(f"added '{one['id']}' to {path}; next: allowlist catalog lint {shlex.quote(str(path))}")
    for gone in left_out:
        say(
            f"left out '{gone.name}' ({gone.port}): it was refused, and the log of --fixed does not show it let through"
        )


@click.command()
def schema() -> None:
    """Print the JSON Schema of a catalog file, for editors.

    \b
    Example: allowlist catalog schema > catalog.schema.json
    """
    from allowlist.catalog.document import json_schema

    print_json(json_schema())


def _trusted_catalogs(folder: Path | None) -> Iterator[Catalog]:
    """The catalogs whose spelling counts; a broken neighbour must not keep one file from being checked."""
    try:
        yield from library(folder)
    except InvalidInput:
        return


def _files(files: tuple[Path, ...], folder: Path | None) -> list[Path]:
    from allowlist.catalog.library import catalog_files, shipped_catalogs

    return list(files) or [_relative(path) for path in catalog_files(folder or _here() or shipped_catalogs())]


def _here() -> Path | None:
    """The catalogs of the checkout one stands in, which come before those of the installed tool."""
    found = Path.cwd() / "catalogs"
    return found if any(found.glob("*.yaml")) else None


def _path_of(name: str, folder: Path | None) -> Path:
    """The file to edit: never one of the installed tool."""
    where = folder or _here()
    if where is None:
        raise CatalogError(
            "there is no folder 'catalogs' here",
            hint="change into a checkout of the repository, or say --catalogs FOLDER",
        )
    path = _relative(where / f"{name}.yaml")
    if not path.is_file():
        names = sorted(found.stem for found in where.glob("*.yaml"))
        raise CatalogError(
            f"there is no file {path}{near_miss(name, names)}", hint=f"known: {', '.join(names)}"
        )
    return path


def _relative(path: Path) -> Path:
    """As seen from here, which is how people and code hosts name files."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _base(ref: str | None, folder: Path | None) -> Base | None:
    from allowlist.catalog.lint import FolderBase, GitBase

    if ref and folder:
        raise click.UsageError("give --base or --base-folder, not both")
    return GitBase(ref) if ref else FolderBase(folder) if folder else None


def _affected(
    examples: Path | None, reviews: tuple[CatalogReview, ...], folder: Path | None
) -> Mapping[str, tuple[str, ...]]:
    from allowlist.workflow.upgrades import affected_workloads

    return affected_workloads(examples, reviews, library(folder)) if examples and reviews else {}


def _parse_source(text: str) -> dict[str, str]:
    place, _, commit = text.partition("@")
    repo, colon, path = place.partition(":")
    if not (repo and colon and path):
        raise click.UsageError(f"'{text}' is not REPO:PATH[@COMMIT]")
    return {"repo": repo, "path": path} | ({"commit": commit} if commit else {})


def _today() -> date:
    return datetime.now(UTC).date()
