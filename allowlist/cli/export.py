"""``allowlist export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from allowlist.cli import completing
from allowlist.cli.common import catalogs_option, json_option, now, workload_option
from allowlist.cli.console import plain, put, put_document, put_json, say
from allowlist.cli.exits import Exit
from allowlist.errors import AllowlistError, BlockedByGate

if TYPE_CHECKING:
    from allowlist.filters.export import Export
    from allowlist.workflow.exporting import Wanted


def _complete_formats(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    del context, parameter
    from allowlist.filters.registry import FORMATS

    return [name for name in FORMATS if name.startswith(incomplete)]


def _parameters(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    del context, parameter
    pairs = [value.partition("=") for value in values]
    for name, sign, _ in pairs:
        if not sign or not name:
            raise click.BadParameter(f"'{name}' is not NAME=VALUE")
    return {name: value for name, _, value in pairs}


@click.command()
@click.argument("subject", required=False, shell_complete=completing.versions)
@click.option(
    "--to", "to", metavar="FORMAT", shell_complete=_complete_formats, help="The engine to write for."
)
@click.option("--list", "listing", is_flag=True, help="Show the formats and what each can say.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="Folder for the files."
)
@click.option(
    "--target",
    "targets",
    multiple=True,
    shell_complete=completing.targets,
    help="Only what this target of the workload needs (repeatable).",
)
@click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    shell_complete=completing.scenarios,
    help="Of a catalog: this scenario (repeatable).",
)
@click.option(
    "--need",
    "needs",
    multiple=True,
    type=click.Choice(("required", "conditional", "optional")),
    help="Of a catalog: how much of it (repeatable; default: required).",
)
@click.option(
    "--set",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_parameters,
    help="Of a catalog: a parameter.",
)
@click.option("--cloud", type=click.Choice(("public", "usgov", "china")), default="public", show_default=True)
@click.option(
    "--allow-wider", is_flag=True, help="Write a wider entry where the engine cannot say one exactly."
)
@click.option("--leave-out", is_flag=True, help="Leave out what the engine cannot say at all.")
@workload_option
@catalogs_option
@json_option
def export(
    subject: str | None,
    to: str | None,
    listing: bool,
    output: Path | None,
    targets: tuple[str, ...],
    scenarios: tuple[str, ...],
    needs: tuple[str, ...],
    parameters: dict[str, str],
    cloud: str,
    allow_wider: bool,
    leave_out: bool,
    workload_path: Path,
    catalogs: Path | None,
    as_json: bool,
) -> int:
    """Write the list of a workload or a catalog for another filter, proved to mean the same, else refused.

    SUBJECT is a workload file or CATALOG[@VERSION]; without it ./allowlist.yaml. What the engine cannot say exactly is
    refused with a witness (exit 3); --allow-wider and --leave-out let it through by name, and it is listed.

    \b
    Examples:
      allowlist export --list
      allowlist export --to squid -o proxy
      allowlist export python-packages --to rpz --set python_index=pip.contoso.com --set python_files=files.contoso.com
    """
    from allowlist.render.exports import export_json, export_summary, export_text
    from allowlist.workflow.exporting import exported, format_of, write_folder

    if listing:
        return _list_formats(as_json)
    if to is None:
        raise click.UsageError("--to FORMAT is missing; 'allowlist export --list' shows the formats")
    engine = format_of(to)
    wanted = _wanted(subject, workload_path, catalogs, targets, scenarios, needs, parameters, cloud)
    found = exported(wanted, engine)
    if as_json:
        put_json(export_json(found, engine, wanted.title))
    else:
        for line in export_text(found, engine):
            say(plain(line))
    for note in wanted.notes:
        say(f"note: {note}")
    _refuse(found, engine.title, allow_wider=allow_wider, leave_out=leave_out)
    if output is not None:
        for path in write_folder(output, found.files):
            say(f"wrote {path}")
    elif not as_json:
        for name, text in found.files.items():
            put(f"# --- {name}" if len(found.files) > 1 else "")
            put_document(text)
    say(export_summary(found, engine, wanted.title))
    return Exit.DONE


def _wanted(
    subject: str | None,
    workload_path: Path,
    catalogs: Path | None,
    targets: tuple[str, ...],
    scenarios: tuple[str, ...],
    needs: tuple[str, ...],
    parameters: dict[str, str],
    cloud: str,
) -> Wanted:
    from allowlist.catalog import load_library
    from allowlist.points.kind import kinds
    from allowlist.workflow.exporting import wanted_by_catalog, wanted_by_workload
    from allowlist.workload import read_workload

    library = load_library(catalogs)
    name, _, version = (subject or "").partition("@")
    if name in library.catalogs:
        return wanted_by_catalog(
            library,
            name,
            version or "latest",
            scenarios=scenarios,
            needs=needs,
            parameters=parameters,
            cloud=cloud,
            today=now().date(),
        )
    path = Path(subject) if subject else workload_path
    if subject and not path.exists():
        raise AllowlistError(
            f"'{subject}' is neither a workload file nor a catalog",
            hint="'allowlist catalog list' shows the catalogs",
        )
    workload, source = read_workload(path, kinds())
    return wanted_by_workload(workload, source, library, targets, now().date())


def _refuse(found: Export, title: str, *, allow_wider: bool, leave_out: bool) -> None:
    """Raises BlockedByGate for what was not let through by name."""
    if found.widenings and not allow_wider:
        first = found.widenings[0]
        raise BlockedByGate(
            f"{title} cannot say {len(found.widenings)} of {found.entries} entries exactly: "
            f"{first.wanted} would let {first.witness} through",
            hint="nothing was written; accept what is listed above with --allow-wider, or choose another format",
        )
    if found.left_out and not leave_out:
        raise BlockedByGate(
            f"{title} cannot say {len(found.left_out)} of what is wanted: {found.left_out[0].what}",
            hint="nothing was written; carry it elsewhere and give --leave-out",
        )


def _list_formats(as_json: bool) -> int:
    from allowlist.filters.registry import FORMATS

    if as_json:
        put_json(
            [
                {"name": item.name, "title": item.title, "says": sorted(item.says), "notes": list(item.notes)}
                for item in FORMATS.values()
            ]
        )
        return Exit.DONE
    for item in FORMATS.values():
        put(f"{item.name:<16} {item.title}")
    return Exit.DONE
