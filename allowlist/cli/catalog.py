"""``allowlist catalog``: look at the catalogs and compare their versions."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from msgspec.structs import replace

from allowlist.cli import completing
from allowlist.cli.catalog_common import FOLDER, JSON, library, print_json
from allowlist.cli.catalog_feed import changes, follow, index
from allowlist.cli.catalog_files import add, lint, release, review, schema
from allowlist.cli.catalog_find import find
from allowlist.cli.catalog_live import live
from allowlist.cli.common import credentials, log_options
from allowlist.cli.console import put_lines
from allowlist.cli.upstream import upstream
from allowlist.errors import CatalogError

if TYPE_CHECKING:
    from allowlist.azure.connection import SignIn
    from allowlist.catalog import Catalog
    from allowlist.catalog.hits import Hits

CLOUD = click.option("--cloud", type=click.Choice(["public", "usgov", "china"]), help="Only this cloud.")
SCENARIO = click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    shell_complete=completing.scenarios,
    help="Only this scenario; may be repeated.",
)


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

    found = library(folder)
    print_json([_summary(item) for item in found]) if as_json else put_lines(render_list(found))


@catalog.command()
@click.argument("name", metavar="NAME[@VERSION]", shell_complete=completing.versions)
@SCENARIO
@CLOUD
@FOLDER
@click.option(
    "--evidence",
    "classes",
    multiple=True,
    type=click.Choice(
        [
            "documented",
            "maintainer-said",
            "validated-alone",
            "validated-together",
            "observed",
            "denied-in-log",
            "endpoint-in-source",
            "rule-in-template",
        ]
    ),
    help="Only entries known in this way; may be repeated.",
)
@click.option(
    "--seen",
    "logs",
    multiple=True,
    metavar="LOGS",
    help="Your own traffic logs: a name that they let through makes its evidence fresh again; may be repeated.",
)
@log_options
@JSON
def show(
    name: str,
    scenarios: tuple[str, ...],
    cloud: str | None,
    folder: Path | None,
    classes: tuple[str, ...],
    logs: tuple[str, ...],
    sign_in: SignIn,
    as_json: bool,
) -> None:
    """Show one version of a catalog: what it asks for, and why.

    VERSION is an exact version, a prefix such as 1.2, 'latest' (the default) or 'next'.

    \b
    Example: allowlist catalog show foundry-hub@1.0.0 --scenario vscode
    Example: allowlist catalog show foundry-agents --evidence denied-in-log --seen ./logs
    """
    from allowlist.catalog.encode import encode_catalog, encode_with_evidence
    from allowlist.catalog.evidence import classes_of
    from allowlist.render.catalog import render_catalog

    title, _, version = name.partition("@")
    found = library(folder).get(title)
    _check_scenarios(found, scenarios)
    version = found.resolve(version or "latest")
    entries = [
        entry
        for entry in found.entries_at(version)
        if (not scenarios or entry.scenario in scenarios)
        and (not cloud or cloud in entry.clouds)
        and (not classes or not classes_of(entry).isdisjoint(classes))
    ]
    today = datetime.now(UTC).date()
    hits = _hits_of(logs, replace(sign_in, cloud=cloud or ""))
    if as_json:
        told = [encode_with_evidence(entry, today, hits.last(entry)) for entry in entries]
        print_json({**encode_catalog(found, version), "entries": told})
    else:
        put_lines(render_catalog(found, version, entries, today, hits))


def _hits_of(logs: tuple[str, ...], sign_in: SignIn) -> Hits:
    from allowlist.catalog.hits import Hits

    if not logs:
        return Hits()
    from allowlist.workflow.own_hits import hits_in_logs

    return hits_in_logs(logs, os.environ, credentials(sign_in.to()))


@catalog.command()
@click.argument("span", metavar="NAME@A..B", shell_complete=completing.spans)
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
    found = library(folder).get(name)
    _check_scenarios(found, scenarios)
    older, newer = found.resolve(older), found.resolve(newer)
    changes = changes_for(
        changes_between(found, older, newer),
        scenarios=scenarios or None,
        cloud=Cloud(cloud) if cloud else None,
    )
    if as_json:
        print_json(
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
        put_lines(render_changes(changes))


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
    from allowlist.workflow.workloads import read_workload

    found = find_upgrades(read_workload(file)[0], library(folder))
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
        print_json({"schema": "allowlist/catalog-upgrades/v1", "upgrades": items})
    else:
        put_lines(render_upgrades([(item.catalog, item.pinned, item.latest, item.changes) for item in found]))


def _parse_span(span: str) -> tuple[str, str, str]:
    name, at, versions = span.partition("@")
    older, dots, newer = versions.partition("..")
    if not (name and at and dots and older):
        raise click.UsageError(f"'{span}' is not NAME@A..B; write for example foundry-hub@1.0.0..latest")
    return name, older, newer or "latest"


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


for command in (find, lint, add, release, review, index, follow, changes, schema, live, upstream):
    catalog.add_command(command)
