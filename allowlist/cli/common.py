"""Options that several commands share, and how they become values."""

from __future__ import annotations

import datetime as dt
import functools
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from allowlist.azure.clouds import CLOUD_NAMES
from allowlist.azure.credential import CHOICES
from allowlist.cli import completing
from allowlist.cli.console import say
from allowlist.cli.given import Carried
from allowlist.documents.words import counted

if TYPE_CHECKING:
    from allowlist.azure.client import ArmClient
    from allowlist.azure.connection import Connection
    from allowlist.estate.bodies import Estate
    from allowlist.estate.unreadable import Unreadable
    from allowlist.plan.model import Plan
    from allowlist.points.point import ArmReader
    from allowlist.store import Ledger
    from allowlist.store.identity import Identity
    from allowlist.workflow.project import Project
    from allowlist.workload import TargetSpec

Command = TypeVar("Command", bound=Callable[..., Any])

_FILE = click.Path(path_type=Path, dir_okay=False)


def _all(*decorators: Callable[[Any], Any]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


workload_option = click.option(
    "--workload",
    "workload_path",
    cls=Carried,
    type=_FILE,
    default=Path("allowlist.yaml"),
    show_default=True,
    help="The workload file.",
)

catalogs_option = click.option(
    "--catalogs",
    cls=Carried,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with catalogs instead of the shipped ones.",
)

facts_option = click.option(
    "--facts", "facts_path", cls=Carried, type=_FILE, help="What ARM cannot tell: DNS answers, tag members …"
)

snapshot_option = click.option(
    "--snapshot",
    cls=Carried,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Read state from a folder or file of ARM JSON, templates too; - is standard input.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

evidence_option = click.option(
    "--evidence",
    "logs",
    multiple=True,
    metavar="LOGS",
    help="Traffic logs (a file or folder, as in allowlist evidence): which real flows each change opens or closes. "
    "Repeatable.",
)

exit_code_option = click.option("--exit-code", is_flag=True, help="Exit 2 when something is pending.")


ledger_option = click.option(
    "--ledger",
    "ledger_url",
    cls=Carried,
    envvar="ALLOWLIST_LEDGER",
    metavar="URL",
    help="Where decisions and runs are kept: sqlite:///… or postgresql://… (default: a file in your state folder).",
)


def _name_ca_file(place: str | None) -> str | None:
    if place or "allowlist.trust" in sys.modules:
        from allowlist.trust import name_ca_file

        name_ca_file(place)
    return place


ca_file_option = click.option(
    "--ca-file",
    cls=Carried,
    envvar="ALLOWLIST_CA_FILE",
    metavar="FILE",
    expose_value=False,
    callback=lambda context, option, place: _name_ca_file(place),
    help="Certificate authority to trust beside the system's (else REQUESTS_CA_BUNDLE or SSL_CERT_FILE).",
)
"""For commands that ask others than Azure."""

_ca_file_option = click.option(
    "--ca-file",
    cls=Carried,
    envvar="ALLOWLIST_CA_FILE",
    metavar="FILE",
    callback=lambda context, option, place: _name_ca_file(place),
    help="Certificate authority to trust beside the system's, for sign-in and for every request "
    "(else REQUESTS_CA_BUNDLE or SSL_CERT_FILE).",
)

_sign_in_options = (
    click.option(
        "--arm-endpoint",
        cls=Carried,
        envvar="ALLOWLIST_ARM_ENDPOINT",
        metavar="URL",
        help="Another Resource Manager than the cloud's, such as allowlist simulate.",
    ),
    _ca_file_option,
    click.option(
        "--api-version",
        "api_versions",
        cls=Carried,
        multiple=True,
        metavar="KIND=VERSION",
        shell_complete=completing.api_versions,
        callback=lambda context, option, texts: _api_versions(texts),
        help="Read a kind of target or a resource type with this api-version (repeatable).",
    ),
)


def _api_versions(texts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Resource types and versions; a kind of target stands for its type."""
    if not texts:
        return ()
    from allowlist.azure.versions import parse_choice
    from allowlist.errors import AllowlistError
    from allowlist.points.kind import kind_of

    pairs = [parse_choice(text) for text in texts]
    types = {kind: kind if "." in kind else kind_of(kind).arm_type for kind, _ in pairs}
    if local := next((kind for kind, found in types.items() if not found), ""):
        raise AllowlistError(f"--api-version {local}: targets of this kind are not read from Azure")
    return tuple((types[kind], version) for kind, version in pairs)


_credential_option = click.option(
    "--credential",
    cls=Carried,
    type=click.Choice(CHOICES),
    metavar="HOW",
    envvar="ALLOWLIST_CREDENTIAL",
    default="default",
    show_default=True,
    help=f"How to sign in: {', '.join(CHOICES)}.",
)

_decider_option = click.option(
    "--credential",
    type=click.Choice(CHOICES),
    metavar="HOW",
    default="none",
    show_default=True,
    help=f"Decide as who is signed in so ({', '.join(CHOICES)}); none is the user of this machine, unverified.",
)

_place_options = (
    click.option(
        "--cloud",
        cls=Carried,
        type=click.Choice(CLOUD_NAMES),
        metavar="CLOUD",
        help=f"Where no workload, plan or run says it: {', '.join(CLOUD_NAMES)} (default: public).",
    ),
    click.option(
        "--tenant",
        cls=Carried,
        metavar="ID",
        help="Entra tenant, where that is not the home of whoever signs in.",
    ),
)


def _one_value(*options: Callable[[Any], Any], filters: bool = False) -> Callable[[Command], Command]:
    """``options`` reach the command as one ``sign_in``: a command never holds a cloud, tenant or credential alone.

    ``filters``: the command takes ``--cloud`` for what it shows, too.
    """

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def with_sign_in(
            *args: Any,
            arm_endpoint: str | None = None,
            credential: str,
            ca_file: str | None,
            cloud: str | None = None,
            tenant: str | None = None,
            api_versions: tuple[tuple[str, str], ...] = (),
            **values: Any,
        ) -> Any:
            from allowlist.azure.sign_in import SignIn

            sign_in = SignIn(
                endpoint=arm_endpoint,
                credential=credential,
                ca_file=ca_file,
                cloud=cloud or "",
                tenant=tenant or "",
                api_versions=api_versions,
            )
            filtered = {"cloud": cloud} if filters else {}
            return command(*args, sign_in=sign_in, **filtered, **values)

        return cast("Command", _all(*options)(with_sign_in))

    return decorate


connection_options = _one_value(*_sign_in_options, _credential_option)
"""For commands whose workload says cloud and tenant."""

placed_connection_options = _one_value(*_sign_in_options, _credential_option, *_place_options)
"""For commands that work without a workload."""

log_options = _one_value(_ca_file_option, _credential_option, _place_options[1], filters=True)
"""For commands that read logs wherever these lie, and nothing else of Azure."""

decider_options = _one_value(*_sign_in_options, _decider_option, *_place_options)
"""For commands that only ask who somebody is: by default the user of this machine."""

_POLICY = "allowlist.policy"


def _name_policy(context: click.Context, option: click.Parameter, place: str | None) -> None:
    del option
    context.meta[_POLICY] = place


policy_option = click.option(
    "--policy",
    cls=Carried,
    envvar="ALLOWLIST_POLICY",
    metavar="PLACE",
    expose_value=False,
    callback=_name_policy,
    help="Where the approval policy comes from, instead of the workload file: FILE, FILE@sha256:…, URL@sha256:… or ledger.",
)


def named_policy() -> str:
    """The place that --policy named for the command that runs, empty if none was."""
    context = click.get_current_context(silent=True)
    return (context.meta.get(_POLICY) or "") if context else ""


def under_policy(project: Project, ledger_url: str | None, place: str) -> Project:
    """``project`` under the approval policy at ``place``, if one is named."""
    from allowlist.workflow.approval_policy import FROM_LEDGER, policy_from_ledger, read_policy

    if not place:
        return project
    if place != FROM_LEDGER:
        return replace(project, policy=read_policy(place))
    with ledger_from(ledger_url or os.environ.get("ALLOWLIST_LEDGER")) as ledger:
        return replace(project, policy=policy_from_ledger(ledger, project.workload.name))


def _keep(key: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def keep(context: click.Context, option: click.Parameter, value: Any) -> None:
        del option
        context.meta[key] = value

    return keep


_RESOLVE, _SERVER = "allowlist.resolve", "allowlist.dns-server"


resolve_options = _all(
    click.option(
        "--resolve",
        type=_FILE,
        metavar="FILE",
        expose_value=False,
        callback=_keep(_RESOLVE),
        help="Ask DNS once for the names in question and keep the answers, with the time, as this facts file.",
    ),
    click.option(
        "--dns-server",
        metavar="ADDRESS[:PORT]",
        envvar="ALLOWLIST_DNS_SERVER",
        expose_value=False,
        callback=_keep(_SERVER),
        help="Whom --resolve asks, such as the resolver of the hub; without it, as this machine resolves names.",
    ),
)


def resolved(
    project: Project,
    estate: Estate,
    specs: Sequence[TargetSpec],
    facts_path: Path | None,
    also: Sequence[str] = (),
) -> Project:
    """``project`` with the DNS answers that --resolve asks for; old answers of a facts file are told of."""
    from allowlist.workflow.facts import age_of_answers, read_facts_file

    meta = click.get_current_context().meta
    path: Path | None = meta.get(_RESOLVE)
    if path is None:
        days = age_of_answers(read_facts_file(facts_path), project.now) if facts_path else None
        if days is not None and days >= OLD_ANSWERS:
            say(
                f"note: the DNS answers of {facts_path} are {counted(days, 'day')} old; ask again with --resolve {facts_path}"
            )
        return project
    from allowlist.workflow.resolving import with_answers

    found, recorded = with_answers(
        project, estate, specs, path, server=meta.get(_SERVER) or "", facts_path=facts_path, also=also
    )
    say(
        f"DNS answers for {counted(len(recorded.file.dns), 'name')} are kept in {path}; use them again: --facts {path}"
    )
    if recorded.unanswered:
        say(f"note: no answer for {', '.join(recorded.unanswered[:5])}{_more(recorded.unanswered)}")
    return found


OLD_ANSWERS = 7
"""Days after which a note says how old DNS answers are."""


def _more(names: Sequence[str]) -> str:
    return f" and {len(names) - 5} more" if len(names) > 5 else ""


target_options = _all(
    click.option(
        "--only",
        cls=Carried,
        multiple=True,
        metavar="TARGET",
        shell_complete=completing.targets,
        help="Only this target (repeatable).",
    ),
    click.option(
        "--exclude",
        cls=Carried,
        multiple=True,
        metavar="TARGET",
        shell_complete=completing.targets,
        help="All targets but this one (repeatable).",
    ),
)

project_options = _all(workload_option, catalogs_option, facts_option, target_options)


_PARENT = "allowlist.parent"

parent_option = click.option(
    "--parent",
    cls=Carried,
    metavar="ID",
    expose_value=False,
    callback=_keep(_PARENT),
    help="What a list without ids belongs to: a policy, group, firewall, workspace or account.",
)


def named_parent() -> str:
    """The resource that --parent named for the command that runs; empty if none was."""
    context = click.get_current_context(silent=True)
    return (context.meta.get(_PARENT) or "") if context else ""


state_options = _all(snapshot_option, connection_options)


def parse_pair(text: str) -> tuple[str, str]:
    """``NAME=VALUE`` as a pair. Raises AllowlistError."""
    from allowlist.errors import AllowlistError

    key, equals, value = text.partition("=")
    if not equals:
        raise AllowlistError(f"'{text}' is not NAME=VALUE")
    return key, value


def now() -> dt.datetime:
    """The present moment; the one place where commands look at the clock."""
    return dt.datetime.now(dt.UTC)


def project_from(
    workload_path: Path, catalogs: Path | None, facts_path: Path | None, ledger_url: str | None = None
) -> Project:
    """The workload; where a surface has no room for marks, with what the ledger remembers as its own."""
    from allowlist.workflow.facts import read_facts
    from allowlist.workflow.project import load_project
    from allowlist.workflow.remembering import needs_memory

    project = load_project(workload_path, catalogs=catalogs, facts=read_facts(facts_path), now=now())
    project = under_policy(project, ledger_url, named_policy())
    return _remembered(project, ledger_url) if needs_memory(project) else project


def _remembered(project: Project, ledger_url: str | None) -> Project:
    """Without a ledger nothing is remembered, so nothing is removed."""
    from allowlist.errors import AllowlistError
    from allowlist.workflow.remembering import remembering

    try:
        with ledger_from(ledger_url or os.environ.get("ALLOWLIST_LEDGER")) as ledger:
            return remembering(project, ledger)
    except AllowlistError as error:
        say(f"the ledger cannot say which entries are ours, so none is removed: {error}")
        return project


@contextmanager
def arm_from(connection: Connection, sleep: Callable[[float], None] = time.sleep) -> Iterator[ArmClient]:
    """An open ARM client that tells on stderr when it has to wait."""
    from allowlist.azure.connection import connect

    with connect(connection, notify=say, sleep=sleep) as arm:
        yield arm


@contextmanager
def state_from(snapshot: Path | None, connection: Connection) -> Iterator[Path | ArmReader]:
    """Where actual state comes from: a snapshot on disk, or ARM."""
    if snapshot is not None:
        yield snapshot
        return
    with arm_from(connection) as arm:
        yield arm


def tell_unread(lost: Iterable[Unreadable]) -> None:
    """What could not be read is told where the answer is given: nobody is to take it for what is not there."""
    for text in lost:
        say(f"note: not readable: {text}")


def who_decides(connection: Connection) -> Identity:
    """The Entra identity that is signed in there, or the user of this machine (unverified)."""
    from allowlist.store.identity import identity_of_os_user, identity_of_token

    if not connection.is_signed_in:
        return identity_of_os_user(_os_user(), platform.node())
    from allowlist.azure.connection import access_token

    return identity_of_token(access_token(connection))


def _os_user() -> dict[str, str]:
    import getpass

    try:
        return {"LOGNAME": getpass.getuser()}
    except (KeyError, OSError):
        return {}


@contextmanager
def ledger_from(ledger_url: str | None) -> Iterator[Ledger]:
    from allowlist.cli.stopping import uninterrupted
    from allowlist.store import open_ledger

    ledger = open_ledger(ledger_url, environ=os.environ, clock=now)
    try:
        yield ledger
    finally:
        with uninterrupted():
            ledger.close()


def credentials(connection: Connection) -> Callable[[str], Any]:
    """Whoever signs in, for hosts beside Resource Manager; nobody does before one is asked."""

    def made(host: str) -> Any:
        from allowlist.azure.connection import credential_for

        return credential_for(connection, host)

    return made


def read_plan(path: Path) -> Plan:
    """A plan file, whole and unedited. Raises InvalidInput or PlanRefused."""
    from allowlist.workflow import files

    return files.read_plan(path)
