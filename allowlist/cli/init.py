"""``allowlist init``."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from allowlist.cli.common import arm_from, catalogs_option, placed_connection_options, snapshot_option
from allowlist.cli.console import is_interactive, put, say
from allowlist.cli.exits import Exit
from allowlist.documents.words import counted
from allowlist.errors import AllowlistError

if TYPE_CHECKING:
    from allowlist.azure.connection import SignIn
    from allowlist.estate.bodies import Estate
    from allowlist.workflow.initialising import Candidate


@click.command()
@click.option("--name", help="Name of the workload.")
@click.option(
    "--catalog", "names", multiple=True, help="A catalog it needs (repeatable); see allowlist catalog list."
)
@click.option(
    "--source", "sources", multiple=True, metavar="ADDRESS", help="Where traffic starts (repeatable)."
)
@click.option(
    "--target", "resources", multiple=True, metavar="ID", help="Only these enforcement points (repeatable)."
)
@click.option(
    "--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="A catalog parameter (repeatable)."
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

    \b
    Examples:
      allowlist init --subscription 00000000-0000-0000-0000-000000000001
      allowlist init --snapshot ./state --name research --catalog foundry-agents --source 10.40.0.0/23
    """
    from allowlist.catalog import load_library
    from allowlist.estate.snapshot import read_snapshot
    from allowlist.points.kind import kind_of
    from allowlist.workflow.files import write_bytes
    from allowlist.workflow.initialising import (
        agent_subnets,
        discover,
        find_candidates,
        look_closer,
        needed_parameters,
        unread_injections,
        workload_text,
    )
    from allowlist.workflow.package_hosts import find_package_hosts
    from allowlist.workflow.workloads import read_workload

    if output.exists() and not force:
        raise AllowlistError(
            f"{output} exists already", hint="give another -o FILE, or --force to replace it"
        )
    library = load_library(catalogs)
    if snapshot is not None:
        estate = read_snapshot(snapshot)
    else:
        subscription = subscription or _ask("Subscription id", "--subscription")
        with arm_from(sign_in.to()) as arm:
            estate = look_closer(arm, discover(arm, subscription, say))
    for account in unread_injections(estate):
        say(f"account {account}: the injections cannot be worked out, so where its agents run is not known")
    targets = _chosen(list(find_candidates(estate)), resources, estate)
    name = name or _ask("Name of the workload", "--name")
    names = names or tuple(_ask("Catalogs (comma separated)", "--catalog").replace(" ", "").split(","))
    subnets = agent_subnets(estate)
    if not sources and not subnets and any(kind_of(target.surface).names_sources for target in targets):
        sources = tuple(_ask("Source addresses (comma separated)", "--source").replace(" ", "").split(","))
    values = find_package_hosts(os.environ) | dict(_pair(text) for text in parameters)
    for parameter, meaning in needed_parameters(library, names).items():
        if not values.get(parameter) and is_interactive():
            values[parameter] = click.prompt(
                f"{parameter} ({meaning})", default="", err=True, show_default=False
            )
    text = workload_text(
        name, library, names, sources, targets, values, delete or "add-only", tuple(subnets.values()),
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
    say(f"next: {_check_command(output, snapshot)}")
    return Exit.DONE


def _check_command(output: Path, snapshot: Path | None) -> str:
    words = ["allowlist", "check"]
    words += ["--workload", str(output)] if output != Path("allowlist.yaml") else []
    words += ["--snapshot", str(snapshot)] if snapshot else []
    return shlex.join(words)


def _ask(question: str, flag: str) -> str:
    if not is_interactive():
        raise AllowlistError(f"{question.lower()} is not known", hint=f"give {flag}")
    return str(click.prompt(question, err=True))


def _chosen(found: list[Candidate], resources: tuple[str, ...], estate: Estate) -> list[Candidate]:
    from allowlist.points.kind import kinds

    if not found:
        raise AllowlistError(
            f"{estate.origin} holds no enforcement point",
            hint=f"kinds: {', '.join(kinds())}",
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


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise AllowlistError(f"'{text}' is not NAME=VALUE")
    return key, value
