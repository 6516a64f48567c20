"""``allowlist export``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from allowlist.cli import completing
from allowlist.cli.common import (
    catalogs_option,
    facts_option,
    json_option,
    ledger_from,
    ledger_option,
    named_policy,
    now,
    policy_option,
    read_plan,
    snapshot_option,
    who_decides,
    workload_option,
)
from allowlist.cli.console import plain, put, put_document, put_json, say
from allowlist.cli.exits import Exit
from allowlist.documents.words import counted
from allowlist.errors import AllowlistError, BlockedByGate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from allowlist.filters.export import Export
    from allowlist.filters.format import Format
    from allowlist.plan.model import Plan
    from allowlist.store import Ledger
    from allowlist.workflow.approval_policy import PolicyInForce
    from allowlist.workflow.exporting import Wanted


def _complete_formats(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    del context, parameter
    from allowlist.filters.registry import FORMATS
    from allowlist.workflow.declaring import LANGUAGES

    return [name for name in (*FORMATS, *LANGUAGES) if name.startswith(incomplete)]


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
    "--allow-wider",
    is_flag=True,
    help="Write a wider entry where the engine cannot say one exactly and its approval is on record.",
)
@click.option(
    "--propose",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write what would open beyond what is wanted as a plan, for allowlist approve and review.",
)
@click.option(
    "--approvals",
    "approval_files",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="With --allow-wider: a file with decisions, signed or not (repeatable).",
)
@click.option("--leave-out", is_flag=True, help="Leave out what the engine cannot say at all.")
@click.option(
    "--moved",
    multiple=True,
    metavar="ADDRESS=ID",
    callback=_parameters,
    help="terraform: a resource's address so far (repeatable); it is moved from there, not imported.",
)
@snapshot_option
@workload_option
@catalogs_option
@facts_option
@policy_option
@ledger_option
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
    propose: Path | None,
    approval_files: tuple[Path, ...],
    leave_out: bool,
    moved: dict[str, str],
    snapshot: Path | None,
    workload_path: Path,
    catalogs: Path | None,
    facts_path: Path | None,
    ledger_url: str | None,
    as_json: bool,
) -> int:
    """Write the list of a workload, a catalog or a plan for another filter, proved to mean the same, else refused.

    SUBJECT is a workload file, CATALOG[@VERSION] or a plan; without it ./allowlist.yaml. --to terraform and --to bicep
    write what a plan would write to Azure, for a pipeline of your own, and need the state it is for. What the engine cannot say exactly is
    refused with a witness (exit 3). --leave-out leaves it out by name; --allow-wider writes it wider where somebody
    approved that: --propose writes what would open as a plan, and decisions about it count as about any widening.

    \b
    Examples:
      allowlist export --list
      allowlist export --to squid -o proxy
      allowlist export plan.json --to terraform --snapshot ./state -o infra
      allowlist export --to unbound --propose wider.json
      allowlist export python-packages --to rpz --set python_index=pip.contoso.com --set python_files=files.contoso.com
    """
    from allowlist.render.exports import export_json, export_summary, export_text
    from allowlist.workflow.exporting import exported, format_of

    if listing:
        return _list_formats(as_json)
    if to is None:
        raise click.UsageError("--to FORMAT is missing; 'allowlist export --list' shows the formats")
    if to in _LANGUAGES:
        return _declare(
            to,
            subject,
            targets,
            workload_path,
            catalogs,
            facts_path,
            snapshot,
            output,
            {address_id: address for address, address_id in moved.items()},
            approval_files,
            ledger_url,
            allow_wider=allow_wider,
            leave_out=leave_out,
            as_json=as_json,
        )
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
    if propose is not None:
        return _propose(found, engine, wanted, ledger_url, propose)
    _refuse(found, engine.title, allow_wider=allow_wider, leave_out=leave_out)
    if found.widenings:
        _require_approved(found, engine, wanted, ledger_url, approval_files)
    _deliver(found.files, output, as_json=as_json)
    say(export_summary(found, engine, wanted.title))
    return Exit.DONE


def _deliver(files: Mapping[str, str], output: Path | None, *, as_json: bool) -> None:
    """Into the folder, else to standard output unless JSON was written there."""
    from allowlist.workflow.exporting import write_folder

    if output is not None:
        for path in write_folder(output, files):
            say(f"wrote {path}")
    elif not as_json:
        for name, text in files.items():
            put(f"# --- {name}" if len(files) > 1 else "")
            put_document(text)


_LANGUAGES = ("terraform", "bicep")


def _declare(
    language: str,
    subject: str | None,
    targets: tuple[str, ...],
    workload_path: Path,
    catalogs: Path | None,
    facts_path: Path | None,
    snapshot: Path | None,
    output: Path | None,
    moved: dict[str, str],
    approval_files: tuple[Path, ...],
    ledger_url: str | None,
    *,
    allow_wider: bool,
    leave_out: bool,
    as_json: bool,
) -> int:
    from allowlist.cli.common import project_from
    from allowlist.cli.plan import accepting
    from allowlist.render.exports import declaration_json
    from allowlist.workflow.declaring import declare, in_question
    from allowlist.workflow.exporting import is_plan_file
    from allowlist.workflow.planning import make_plan
    from allowlist.workflow.project import in_azure, read_estate
    from allowlist.workflow.widening import require_approved

    if snapshot is None:
        raise click.UsageError(
            f"--to {language} needs the state it is for: --snapshot PATH ('allowlist snapshot -o PATH' saves it)"
        )
    plan_path = Path(subject) if subject and is_plan_file(Path(subject)) else None
    project = project_from(
        workload_path if plan_path or not subject else Path(subject), catalogs, facts_path, ledger_url
    )
    specs = in_azure(project.targets(targets))
    estate = read_estate(project, specs, snapshot)
    plan = read_plan(plan_path) if plan_path else make_plan(project, estate, specs)
    known = {target.name for target in plan.targets}
    specs = [spec for spec in specs if targets or spec.name in known]
    doubtful = in_question(plan, specs)
    if allow_wider and doubtful:
        place = shlex.quote(str(plan_path)) if plan_path else "plan.json"
        first = "" if plan_path else f"allowlist plan -o {place}, then "
        with ledger_from(ledger_url) as ledger:
            require_approved(
                ledger,
                plan,
                doubtful,
                project.approval,
                now(),
                files=approval_files,
                made_here=plan_path is None,
                hint=f"put it on record: {first}allowlist approve {place} --all{accepting(plan)} --reason TEXT",
            )
    found = declare(
        language,
        project,
        plan,
        estate,
        specs,
        allow_wider=allow_wider,
        moved=moved,
    )
    for text in found.left_out:
        say(plain(f"left out: {text}"))
    if found.left_out and not leave_out:
        raise BlockedByGate(
            f"{language} cannot say {len(found.left_out)} of the changes: {found.left_out[0]}",
            hint="nothing was written; apply those with allowlist and give --leave-out",
        )
    if as_json:
        put_json(declaration_json(language, found.files, found.resources, found.left_out))
    _deliver(found.files, output, as_json=as_json)
    say(f"{counted(len(found.resources), 'resource')}, read back and proved to have the effect of the plan")
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
    from allowlist.workflow.exporting import (
        is_plan_file,
        wanted_by_catalog,
        wanted_by_plan,
        wanted_by_workload,
    )
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
    if subject and is_plan_file(path):
        return wanted_by_plan(read_plan(path), targets, workload_path)
    if subject and not path.exists():
        raise AllowlistError(
            f"'{subject}' is neither a workload file, a plan nor a catalog",
            hint="'allowlist catalog list' shows the catalogs",
        )
    workload, source = read_workload(path, kinds())
    return wanted_by_workload(workload, source, library, targets, now().date())


def _refuse(found: Export, title: str, *, allow_wider: bool, leave_out: bool) -> None:
    """Raises BlockedByGate for what was not let through by name."""
    if found.widenings and not allow_wider:
        first = found.widenings[0]
        raise BlockedByGate(
            f"{title} cannot say {len(found.widenings)} of {counted(found.entries, 'entry')} exactly: "
            f"{first.wanted} would let {first.witness} through",
            hint="nothing was written; --propose FILE writes what is listed above as a plan, and --allow-wider writes "
            "what of it is approved; or choose another format",
        )
    if found.left_out and not leave_out:
        raise BlockedByGate(
            f"{title} cannot say {len(found.left_out)} of what is wanted: {found.left_out[0].what}",
            hint="nothing was written; carry it elsewhere and give --leave-out",
        )


def _require_approved(
    found: Export, engine: Format, wanted: Wanted, ledger_url: str | None, files: tuple[Path, ...]
) -> None:
    """Raises NotApproved for a widening that nobody approved under the policy in force."""
    from allowlist.workflow.widening import require_approved

    with ledger_from(ledger_url) as ledger:
        plan, policy = _widenings(found, engine, wanted, ledger)
        standings = require_approved(
            ledger,
            plan,
            plan.changes,
            policy,
            now(),
            files=files,
            made_here=True,
            hint="put it on record: --propose FILE in place of --allow-wider, then "
            "allowlist approve FILE --all --reason TEXT",
        )
    for item in standings:
        say(plain(f"{item.change.id} {item.change.title}: {item.text}"))


def _propose(found: Export, engine: Format, wanted: Wanted, ledger_url: str | None, file: Path) -> int:
    """The widenings as a plan in ``file``; without any there is nothing to approve."""
    from allowlist.cli.plan import put_on_record
    from allowlist.workflow.files import write_file

    if not found.widenings:
        say(f"{engine.title} says every entry exactly or not at all, so there is nothing to approve")
        return Exit.DONE
    with ledger_from(ledger_url) as ledger:
        plan, _ = _widenings(found, engine, wanted, ledger)
    put_on_record(plan, ledger_url)
    write_file(file, plan)
    say(f"{counted(len(plan.changes), 'widening')} written to {file}; nothing else was written")
    say(f"next: allowlist approve {shlex.quote(str(file))} --all --reason TEXT")
    return Exit.DONE


def _widenings(found: Export, engine: Format, wanted: Wanted, ledger: Ledger) -> tuple[Plan, PolicyInForce]:
    """What opens beyond as a plan, under the policy that --policy names or else under that of the subject."""
    from allowlist.azure.connection import SignIn
    from allowlist.workflow.approval_policy import FROM_LEDGER, policy_from_ledger, read_policy
    from allowlist.workflow.widening import widening_plan

    place = named_policy()
    policy = wanted.policy
    if place:
        policy = policy_from_ledger(ledger, wanted.workload) if place == FROM_LEDGER else read_policy(place)
    asker = who_decides(SignIn().without_credential().to()).who
    return widening_plan(found, engine, wanted, policy, asker, now()), policy


def _list_formats(as_json: bool) -> int:
    from allowlist.filters.registry import FORMATS
    from allowlist.workflow.declaring import LANGUAGES

    if as_json:
        put_json(
            [
                {"name": item.name, "title": item.title, "says": sorted(item.says), "notes": list(item.notes)}
                for item in FORMATS.values()
            ]
        )
        return Exit.DONE
    for name, title in [*((item.name, item.title) for item in FORMATS.values()), *LANGUAGES.items()]:
        put(f"{name:<16} {title}")
    return Exit.DONE
