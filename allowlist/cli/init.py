"""``allowlist init``."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from allowlist.cli import completing
from allowlist.cli.common import (
    arm_from,
    catalogs_option,
    parse_pair,
    placed_connection_options,
    snapshot_option,
)
from allowlist.cli.console import is_interactive, put, say
from allowlist.cli.exits import Exit
from allowlist.cli.open_choices import Choice, refuse_open
from allowlist.documents.words import counted
from allowlist.errors import AllowlistError

if TYPE_CHECKING:
    from allowlist.azure.connection import SignIn
    from allowlist.catalog import Library
    from allowlist.estate.bodies import Estate
    from allowlist.workflow.initialising import Candidate, CatalogChoice
    from allowlist.workflow.proposing import Proposal


@click.command()
@click.option("--name", help="Name of the workload.")
@click.option(
    "--catalog",
    "names",
    multiple=True,
    metavar="NAME[:SCENARIO,…]",
    shell_complete=completing.catalogs,
    help="A catalog it needs, with scenarios besides the default ones (repeatable); see allowlist catalog list.",
)
@click.option("--proposed", is_flag=True, help="Take the catalogs that are proposed for what is found.")
@click.option(
    "--source", "sources", multiple=True, metavar="ADDRESS", help="Where traffic starts (repeatable)."
)
@click.option(
    "--target", "resources", multiple=True, metavar="ID", help="Only these enforcement points (repeatable)."
)
@click.option(
    "--parameter",
    "parameters",
    multiple=True,
    shell_complete=completing.placeholders,
    metavar="NAME=VALUE",
    help="A catalog parameter (repeatable).",
)
@click.option(
    "--delete",
    type=click.Choice(["add-only", "no-remove", "sync"]),
    help="What may be removed: nothing by default.",
)
@click.option("--subscription", help="Look for enforcement points in this subscription.")
@snapshot_option
@placed_connection_options
@catalogs_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("allowlist.yaml"),
    show_default=True,
    help="The file to write.",
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
def init(
    name: str | None,
    names: tuple[str, ...],
    proposed: bool,
    sources: tuple[str, ...],
    resources: tuple[str, ...],
    parameters: tuple[str, ...],
    delete: str | None,
    subscription: str | None,
    snapshot: Path | None,
    sign_in: SignIn,
    catalogs: Path | None,
    output: Path,
    force: bool,
) -> int:
    """Write an allowlist.yaml for what is found in a subscription or a snapshot.

    Catalogs and values of parameters are proposed from the kinds of resources, their regions and names, each with the
    reason; a list of rule collection groups alone is enough to begin with. A file that names no target yet, as
    recommend writes it, keeps what it says and gets targets, sources and parameters. Without a terminal all that is
    open is told at once, with the command that answers it.

    \b
    Examples:
      allowlist init --subscription 00000000-0000-0000-0000-000000000001
      allowlist init --snapshot ./state --name research --proposed --source 10.40.0.0/23
      allowlist init --snapshot ./state --name research --catalog foundry-hub:vscode,hugging-face
    """
    from allowlist.catalog import load_library
    from allowlist.estate.snapshot import read_snapshot
    from allowlist.points.kind import kind_of
    from allowlist.workflow.files import write_bytes
    from allowlist.workflow.initialising import (
        CatalogChoice,
        agent_subnets,
        completed_text,
        discover,
        find_candidates,
        look_closer,
        needed_parameters,
        read_draft,
        unread_injections,
        with_listed,
        workload_text,
    )
    from allowlist.workflow.proposing import propose_sources
    from allowlist.workflow.workloads import read_workload

    if output.suffix.lower() == ".json":
        raise AllowlistError(
            f"{output} would be read as JSON, and a workload file is YAML", hint="name it -o NAME.yaml"
        )
    draft = None if force or not output.exists() else read_draft(output)
    if draft is None and output.exists() and not force:
        raise AllowlistError(
            f"{output} exists already, and names targets",
            hint="give another -o FILE, or --force to replace it",
        )
    library = load_library(catalogs)
    if snapshot is not None:
        estate = everything = read_snapshot(snapshot)
    else:
        subscription = subscription or _ask_subscription(
            [
                *([] if name or (draft and draft.name) else [_open_name(output)]),
                *([] if names or draft or proposed else [_unread_catalogs()]),
                *([] if sources else [_unread_sources()]),
            ]
        )
        with arm_from(sign_in.to()) as arm:
            estate = look_closer(
                arm, discover(arm, subscription, say), lambda error: say(f"not readable: {error}")
            )
            everything = with_listed(arm, estate, subscription)
    for account in unread_injections(estate):
        say(f"account {account}: the injections cannot be worked out, so where its agents run is not known")
    targets = _chosen(list(find_candidates(estate)), resources, estate)
    _tell_unread(estate, targets)
    subnets = agent_subnets(estate)
    given = dict(map(parse_pair, parameters))
    asks_sources = not sources and not subnets and any(kind_of(t.surface).names_sources for t in targets)
    origins = propose_sources(everything) if asks_sources else []
    found = [] if names or draft else _told_proposals(everything, targets, library)
    name = name or (draft.name if draft else "")
    named = names or (draft.catalogs if draft else ()) or (_likely(found) if proposed else ())
    if not is_interactive():
        refuse_open(
            [
                *([] if name else [_open_name(output)]),
                *([] if named else [_open_catalogs(found)]),
                *([_open_sources(origins)] if asks_sources else []),
            ],
            list(_open_parameters(everything, library, named or _likely(found), given)),
        )
    name = name or str(click.prompt("Name of the workload", err=True))
    named = named or _ask_catalogs(found)
    choices = [CatalogChoice.parse(text, library) for text in named]
    sources = _ask_sources(origins) if asks_sources else sources
    wanted = needed_parameters(library, choices)
    values = _values(everything, wanted, given)
    choices = choices if draft else _without_unknown(choices, library, values)
    wanted = needed_parameters(library, choices)
    if draft:
        text = completed_text(
            draft, [*wanted, *given], sources, targets, values, delete or "add-only", tuple(subnets.values())
        )
    else:
        text = workload_text(
            name, library, choices, sources, targets, values, delete or "add-only", tuple(subnets.values()),
            place=sign_in.to(),
        )  # fmt: skip
    write_bytes(output, text.encode())
    say(f"{output} written with {counted(len(targets), 'target')}")
    if output.is_file():
        read_workload(output)
    for target in targets:
        put(f"{target.surface}  {target.resource}  ({target.why})")
    for account, subnet in subnets.items():
        say(
            f"the agents of {account.rpartition('/')[2]} run in {subnet}: the firewall of that network decides"
        )
    missing = [parameter for parameter in wanted if not values.get(parameter)]
    for parameter in missing:
        say(f"fill in {output}:{_line_of(text, f'  {parameter}:')} {parameter}: {wanted[parameter]}")
    # A command that fails until then is no next step.
    say("next: write the value there" if missing else f"next: {_check_command(output, snapshot)}")
    return Exit.DONE


def _without_unknown(
    choices: list[CatalogChoice], library: Library, values: dict[str, str]
) -> list[CatalogChoice]:
    """``choices`` without the scenarios that need something of which nothing was found, each of them told."""
    kept = [item.without_unknown(library, values) for item in choices]
    for item in kept:
        for scenario in item.left_out:
            title = library.get(item.name).scenarios[scenario].title
            say(f"left out: {item.name}, scenario {scenario} ({title}): of what it needs nothing was found")
    return kept


def _line_of(text: str, start: str) -> int:
    return next((number for number, line in enumerate(text.split("\n"), 1) if line.startswith(start)), 1)


def _tell_unread(estate: Estate, targets: list[Candidate]) -> None:
    """Targets of which only parts were saved, with the command that brings the rest."""
    from allowlist.estate.unread import how_to_read, is_unread

    for target in targets:
        if is_unread(estate.get(target.resource) or {}):
            say(
                f"{target.name} itself was not read, so all about it stays unknown; beside the snapshot save:"
            )
            say(f"  {how_to_read(target.resource)}")


def _told_proposals(estate: Estate, targets: list[Candidate], library: Library) -> list[Proposal]:
    """What is proposed, told with its reasons and numbers."""
    from allowlist.workflow.initialising import rulesets_of
    from allowlist.workflow.proposing import propose_catalogs

    found = propose_catalogs(estate, library, rulesets_of(estate, targets))
    for number, item in enumerate(found, 1):
        say(f"{number}. {'*' if item.likely else ' '} {_as_asked(item)}: {item.why}")
    return found


def _likely(found: list[Proposal]) -> tuple[str, ...]:
    return tuple(_as_asked(item) for item in found if item.likely)


def _ask_catalogs(found: list[Proposal]) -> tuple[str, ...]:
    likely = _likely(found)
    said = click.prompt(
        "Catalogs: numbers or names, comma separated" + ("; Enter takes those marked *" if likely else ""),
        default=",".join(likely) or None,
        show_default=False,
        err=True,
    )
    by_number = {str(number): _as_asked(item) for number, item in enumerate(found, 1)}
    return tuple(by_number.get(word, word) for word in str(said).replace(" ", "").split(",") if word)


def _open_name(output: Path) -> Choice:
    return Choice("name of the workload, such as that of the folder", (), ("--name", _folder_name(output)))


def _folder_name(output: Path) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", output.absolute().parent.name.lower()).strip("-._") or "workload"


def _open_catalogs(found: list[Proposal]) -> Choice:
    values = tuple(f"--catalog {_as_asked(item)}" for item in found)
    also = () if _likely(found) else ("all there are: allowlist catalog list",)
    likely = ("--proposed",) if _likely(found) else ("--catalog", _as_asked(found[0]) if found else "NAME")
    return Choice("catalogs it needs, proposed above", values + also, likely)


def _open_sources(found: list[tuple[str, str]]) -> Choice:
    values = tuple(f"--source {prefix}  {subnet}" for prefix, subnet in found)
    return Choice("where traffic starts", values, ("--source", found[0][0] if found else "ADDRESS"))


def _open_parameters(
    estate: Estate, library: Library, named: tuple[str, ...], given: dict[str, str]
) -> Iterator[str]:
    """Values that are not known, which may be given now or filled in later."""
    from allowlist.workflow.initialising import CatalogChoice, needed_parameters
    from allowlist.workflow.proposing import propose_values

    wanted = needed_parameters(library, [CatalogChoice.parse(text, library) for text in named])
    found = propose_values(estate, list(wanted))
    for name, meaning in wanted.items():
        if name not in given and name not in found:
            yield f"--parameter {name}=…  {meaning}, or fill it in afterwards"
    yield "--delete add-only|no-remove|sync  what may be removed; add-only unless you say"


def _as_asked(item: Proposal) -> str:
    return f"{item.catalog}:{','.join(item.scenarios)}" if item.scenarios else item.catalog


def _ask_sources(found: list[tuple[str, str]]) -> tuple[str, ...]:
    """Where traffic starts, with the subnets that were found as choices."""
    for number, (prefix, subnet) in enumerate(found, 1):
        say(f"{number}. {prefix}  {subnet}")
    how = " (numbers or prefixes, comma separated)" if found else " (prefixes, comma separated)"
    said = str(click.prompt(f"Where traffic starts{how}", err=True))
    by_number = {str(number): prefix for number, (prefix, _) in enumerate(found, 1)}
    return tuple(by_number.get(word, word) for word in said.replace(" ", "").split(",") if word)


def _values(estate: Estate, wanted: dict[str, str], given: dict[str, str]) -> dict[str, str]:
    """What is given, else what the estate speaks for, else what this machine's package clients use, else asked."""
    from allowlist.workflow.proposing import propose_values

    found = propose_values(estate, list(wanted))
    hosts = _package_hosts() if set(wanted) - found.keys() - given.keys() else {}
    values = hosts | {name: item.value for name, item in found.items()} | given
    for name, meaning in wanted.items():
        proposal = found.get(name)
        if name in given:
            continue
        if proposal:
            others = f"; or {', '.join(proposal.others)}" if proposal.others else ""
            say(f"{name}: {proposal.value} ({proposal.why}{others})")
        if is_interactive() and (not values.get(name) or (proposal and proposal.others)):
            values[name] = click.prompt(
                f"{name} ({meaning})", default=values.get(name) or "", err=True, show_default=bool(proposal)
            )
    return values


def _package_hosts() -> dict[str, str]:
    """A folder on this machine is an index too, and no host."""
    from allowlist.names import is_host_name
    from allowlist.workflow.package_hosts import find_package_hosts

    return {name: host for name, host in find_package_hosts(os.environ).items() if is_host_name(host)}


def _check_command(output: Path, snapshot: Path | None) -> str:
    words = ["allowlist", "check"]
    words += ["--workload", str(output)] if output != Path("allowlist.yaml") else []
    words += ["--snapshot", str(snapshot)] if snapshot else []
    return shlex.join(words)


def _ask_subscription(besides: Sequence[Choice]) -> str:
    """``besides`` is what will be asked once something was read: told along, so that one command answers all of it."""
    if not is_interactive():
        state = Choice(
            "where state is read",
            (
                "--subscription ID  one of: az account list -o table",
                "--snapshot PATH  a folder or file of ARM JSON",
            ),
            ("--subscription", "ID"),
        )
        refuse_open([state, *besides])
    return str(click.prompt("Subscription id", err=True))


def _unread_catalogs() -> Choice:
    values = (
        "--proposed  those that what is found speaks for",
        "--catalog NAME  see: allowlist catalog list",
    )
    return Choice("catalogs it needs", values, ("--proposed",))


def _unread_sources() -> Choice:
    how = "--source ADDRESS  a prefix; not asked where only managed networks are found"
    return Choice("where traffic starts", (how,), ("--source", "ADDRESS"))


def _chosen(found: list[Candidate], resources: tuple[str, ...], estate: Estate) -> list[Candidate]:
    from allowlist.points.kind import kinds

    if not found:
        raise AllowlistError(
            f"{estate.origin} holds no enforcement point",
            hint="looked for a firewall policy, workspace or account: save one beside it, for example with "
            f"az network firewall policy show; kinds: {', '.join(kinds())}",
        )
    if not resources:
        return found
    wanted = {resource.lower() for resource in resources}
    chosen = [item for item in found if item.resource.lower() in wanted or item.name.lower() in wanted]
    if not chosen:
        raise AllowlistError(
            "none of the given targets was found", hint=", ".join(item.resource for item in found)
        )
    return chosen
