"""``allowlist catalog``: look at the catalogs, compare their versions, check and change their files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from allowlist.cli.upstream import upstream
from allowlist.errors import CatalogError, InvalidInput

if TYPE_CHECKING:
    from allowlist.catalog import Catalog, Library
    from allowlist.catalog.lint import Base
    from allowlist.catalog.review import CatalogReview

FOLDER = click.option(
    "--catalogs",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="A folder with catalogs instead of the ones that came with the product.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
CLOUD = click.option("--cloud", type=click.Choice(["public", "usgov", "china"]), help="Only this cloud.")
SCENARIO = click.option("--scenario", "scenarios", multiple=True, help="Only this scenario; may be repeated.")
BASE = click.option("--base", metavar="REF", help="Compare with this commit or branch of the repository.")
BASE_FOLDER = click.option(
    "--base-folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Compare with the catalogs in this folder.",
)
FILES = click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False, exists=True))


@click.group()
def catalog() -> None:
    """Look at catalogs, compare their versions, check and change their files.

    \b
    Example: allowlist catalog show foundry-hub@1.0.0
    """


@catalog.command("list")
@FOLDER
@JSON
def list_command(folder: Path | None, as_json: bool) -> None:
    """List every catalog with its latest version.

    \b
    Example: allowlist catalog list
    """
    from allowlist.render.catalog import render_list

    library = _library(folder)
    _print_json([_summary(item) for item in library]) if as_json else click.echo(render_list(library))


@catalog.command()
@click.argument("name", metavar="NAME[@VERSION]")
@SCENARIO
@CLOUD
@FOLDER
@JSON
def show(
    name: str, scenarios: tuple[str, ...], cloud: str | None, folder: Path | None, as_json: bool
) -> None:
    """Show one version of a catalog: what it asks for, and why.

    VERSION is an exact version, a prefix such as 1.2, 'latest' (the default) or 'next'.

    \b
    Example: allowlist catalog show foundry-hub@1.0.0 --scenario vscode
    """
    from allowlist.catalog.encode import encode_catalog, encode_entry
    from allowlist.render.catalog import render_catalog

    title, _, version = name.partition("@")
    found = _library(folder).get(title)
    _check_scenarios(found, scenarios)
    version = found.resolve(version or "latest")
    entries = [
        entry
        for entry in found.entries_at(version)
        if (not scenarios or entry.scenario in scenarios) and (not cloud or cloud in entry.clouds)
    ]
    if as_json:
        _print_json({**encode_catalog(found, version), "entries": [encode_entry(entry) for entry in entries]})
    else:
        click.echo(render_catalog(found, version, entries))


@catalog.command()
@click.argument("span", metavar="NAME@A..B")
@SCENARIO
@CLOUD
@FOLDER
@JSON
def diff(
    span: str, scenarios: tuple[str, ...], cloud: str | None, folder: Path | None, as_json: bool
) -> None:
    """Show what changed between two versions, by meaning.

    \b
    Example: allowlist catalog diff foundry-hub@1.0.0..latest --scenario core
    """
    from allowlist.catalog import Cloud, changes_between, changes_for, required_bump
    from allowlist.catalog.encode import encode_change
    from allowlist.render.catalog import render_changes

    name, older, newer = _parse_span(span)
    found = _library(folder).get(name)
    _check_scenarios(found, scenarios)
    older, newer = found.resolve(older), found.resolve(newer)
    changes = changes_for(
        changes_between(found, older, newer),
        scenarios=scenarios or None,
        cloud=Cloud(cloud) if cloud else None,
    )
    if as_json:
        _print_json(
            {
                "schema": "allowlist/catalog-diff/v1",
                "catalog": name,
                "from": older,
                "to": newer,
                "bump": required_bump(changes).word,
                "changes": [encode_change(change) for change in changes],
            }
        )
    else:
        click.echo(render_changes(changes))


@catalog.command()
@click.option(
    "--since", required=True, type=click.DateTime(["%Y-%m-%d"]), help="First day, such as 2025-01-01."
)
@FOLDER
@JSON
def changes(since: datetime, folder: Path | None, as_json: bool) -> None:
    """List what changed in all catalogs since a day: a feed for people and machines.

    \b
    Example: allowlist catalog changes --since 2025-01-01 --json
    """
    from allowlist.catalog.feed import FEED_SCHEMA, feed_since
    from allowlist.render.catalog import render_feed

    items = feed_since(_library(folder), since.date())
    if as_json:
        _print_json(
            {"schema": FEED_SCHEMA, "since": since.date().isoformat(), "changes": msgspec.to_builtins(items)}
        )
    else:
        click.echo(render_feed(items))


@catalog.command()
@click.option(
    "--workload",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    default="allowlist.yaml",
    show_default=True,
    help="The workload whose pins are compared with the latest releases.",
)
@FOLDER
@JSON
def upgrades(file: Path, folder: Path | None, as_json: bool) -> None:
    """Show what newer catalogs would change for a workload, before anything is planned.

    \b
    Example: allowlist catalog upgrades --workload allowlist.yaml
    """
    from allowlist.catalog.encode import encode_change
    from allowlist.render.catalog import render_upgrades
    from allowlist.workflow.upgrades import find_upgrades
    from allowlist.workload import read_workload

    found = find_upgrades(read_workload(file)[0], _library(folder))
    if as_json:
        items = [
            {
                "catalog": item.catalog,
                "pinned": item.pinned,
                "latest": item.latest,
                "changes": [encode_change(change) for change in item.changes],
            }
            for item in found
        ]
        _print_json({"schema": "allowlist/catalog-upgrades/v1", "upgrades": items})
    else:
        click.echo(
            render_upgrades([(item.catalog, item.pinned, item.latest, item.changes) for item in found])
        )


@catalog.command()
@FILES
@click.option(
    "--format", "style", type=click.Choice(["text", "json", "sarif"]), default="text", show_default=True
)
@JSON
@BASE
@BASE_FOLDER
@FOLDER
def lint(
    files: tuple[Path, ...],
    style: str,
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
    from allowlist.render.lint import RENDERERS

    report = lint_files(_files(files, folder), base=_base(base, base_folder), known=_trusted_catalogs(folder))
    click.echo(RENDERERS["json" if as_json else style](report))
    if not report.is_clean:
        raise click.exceptions.Exit(1)


@catalog.command()
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
    from allowlist.catalog.encode import encode_change
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
        _print_json(
            [
                {
                    "catalog": item.catalog,
                    "file": item.file,
                    "bump": item.bump.word,
                    "next_version": item.next_version,
                    "changes": [encode_change(change) for change in item.changes],
                }
                for item in reviews
            ]
        )
    else:
        click.echo(render_review(reviews, report, _affected(examples, reviews, folder)), nl=False)
    if not report.is_clean:
        raise click.exceptions.Exit(1)


@catalog.command()
@click.argument("name")
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
    click.echo(f"{name} {released.latest}")
    click.echo(f"wrote {path}", err=True)


@catalog.command()
@click.argument("name")
@click.option("--id", "entry_id", required=True, help="A short name for the entry, such as 'vscode-dev'.")
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
@click.option("--purpose", required=True, help="What it is for, in your own words.")
@click.option("--breaks", help="What stops working without it.")
@click.option("--risk", help="What letting it out exposes.")
@click.option(
    "--source", "source", required=True, metavar="REPO:PATH[@COMMIT]", help="The page that documents it."
)
@FOLDER
def add(name: str, folder: Path | None, entry_id: str, source: str, **fields: Any) -> None:
    """Add an entry to a catalog file, keeping its comments and order. It says 'since: next' until released.

    \b
    Example:
      allowlist catalog add vscode --id vscode-new-cdn --pattern "*.new-cdn.vscode.dev" --port https:443
        --consumer client --purpose "loads the editor" --source microsoft/vscode-docs:docs/setup/network.md
    """
    from allowlist.catalog.editing import add_entry

    path = _path_of(name, folder)
    chosen = {key: list(value) if isinstance(value, tuple) else value for key, value in fields.items()}
    add_entry(path, {**chosen, "id": entry_id, "since": "next", "sources": [_parse_source(source)]})
    click.echo(f"added '{entry_id}' to {path}; run 'allowlist catalog lint {path}'", err=True)


@catalog.command()
@click.option(
    "-o",
    "--output",
    "into",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write.",
)
@FOLDER
def index(into: Path, folder: Path | None) -> None:
    """Write the catalogs with an index of their digests, ready to be published over HTTPS.

    \b
    Example: allowlist catalog index -o public/catalogs
    """
    from allowlist.catalog.index import INDEX_FILE, write_index
    from allowlist.catalog.library import shipped_catalogs

    written = write_index(folder or shipped_catalogs(), into)
    click.echo(f"wrote {into / INDEX_FILE} with {len(written.catalogs)} catalogs", err=True)


@catalog.command()
def schema() -> None:
    """Print the JSON Schema of a catalog file, for editors.

    \b
    Example: allowlist catalog schema > catalog.schema.json
    """
    from allowlist.catalog.document import json_schema

    _print_json(json_schema())


def _library(folder: Path | None) -> Library:
    from allowlist.catalog import load_library

    return load_library(folder)


def _trusted_catalogs(folder: Path | None) -> Iterator[Catalog]:
    """The catalogs whose spelling counts; a broken neighbour must not keep one file from being checked."""
    try:
        yield from _library(folder)
    except InvalidInput:
        return


def _files(files: tuple[Path, ...], folder: Path | None) -> list[Path]:
    from allowlist.catalog.library import catalog_files, shipped_catalogs

    return list(files) or [_relative(path) for path in catalog_files(folder or shipped_catalogs())]


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

    return affected_workloads(examples, reviews, _library(folder)) if examples and reviews else {}


def _path_of(name: str, folder: Path | None) -> Path:
    from allowlist.catalog.library import shipped_catalogs

    path = (folder or shipped_catalogs()) / f"{name}.yaml"
    if not path.is_file():
        raise CatalogError(f"there is no file {path}", hint="'allowlist catalog list' shows the names")
    return _relative(path)


def _parse_span(span: str) -> tuple[str, str, str]:
    name, at, versions = span.partition("@")
    older, dots, newer = versions.partition("..")
    if not (name and at and dots and older):
        raise click.UsageError(f"'{span}' is not NAME@A..B; write for example foundry-hub@1.0.0..latest")
    return name, older, newer or "latest"


def _parse_source(text: str) -> dict[str, str]:
    place, _, commit = text.partition("@")
    repo, colon, path = place.partition(":")
    if not (repo and colon and path):
        raise click.UsageError(f"'{text}' is not REPO:PATH[@COMMIT]")
    return {"repo": repo, "path": path} | ({"commit": commit} if commit else {})


def _check_scenarios(found: Catalog, scenarios: tuple[str, ...]) -> None:
    from allowlist.documents.reader import near_miss

    for name in scenarios:
        if name not in found.scenarios:
            raise CatalogError(
                f"catalog {found.name} has no scenario '{name}'{near_miss(name, found.scenarios)}",
                hint=f"it has {', '.join(found.scenarios)}",
            )


def _summary(item: Catalog) -> dict[str, Any]:
    version = item.latest if item.releases else "next"
    return {
        "name": item.name,
        "title": item.title,
        "latest": version,
        "date": item.release(version).date,
        "entries": len(item.entries_at(version)),
        "scenarios": msgspec.to_builtins(item.scenarios),
        "releases": [released.version for released in item.releases],
    }


def _today() -> date:
    return datetime.now(UTC).date()


def _print_json(value: Any) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


catalog.add_command(upstream)
