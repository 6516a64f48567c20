"""``allowlist review``."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from allowlist.cli.apply import duration
from allowlist.cli.common import (
    credentials,
    evidence_option,
    ledger_option,
    named_policy,
    now,
    placed_connection_options,
    policy_option,
    project_from,
    project_options,
    snapshot_option,
    under_policy,
    who_decides,
)
from allowlist.cli.console import say
from allowlist.cli.exits import Exit
from allowlist.cli.given import with_given
from allowlist.errors import AllowlistError

if TYPE_CHECKING:
    from allowlist.azure.connection import Connection, Place, SignIn
    from allowlist.plan.model import Plan
    from allowlist.store import Ledger
    from allowlist.store.identity import Identity
    from allowlist.traffic.engine import Traffic
    from allowlist.workflow.project import Project
    from allowlist.workflow.review_session import Access, ReviewSession
    from allowlist_tui.app import ReviewApp
    from allowlist_tui.review_page.oidc import Client


@click.command()
@click.argument(
    "plan_path", metavar="[PLAN]", type=click.Path(path_type=Path, dir_okay=False), required=False
)
@project_options
@snapshot_option
@placed_connection_options
@policy_option
@ledger_option
@evidence_option
@click.option("--read-only", is_flag=True, help="Look only: nothing can be decided or applied.")
@click.option(
    "--confirm-within", metavar="TIME", help="Apply provisionally: undone unless confirmed in time (10m)."
)
@click.option(
    "--web", is_flag=True, help="Serve the plan as a page to browsers, with decisions; stop with Ctrl-C."
)
@click.option("--screen", is_flag=True, help="With --web: serve the terminal screen in place of the page.")
@click.option(
    "--oidc-issuer",
    metavar="URL",
    envvar="ALLOWLIST_OIDC_ISSUER",
    help="With --web: people sign in there by OpenID Connect, and decide as themselves "
    "(of Entra: the tenant's issuer, which ends in /TENANT/v2.0).",
)
@click.option(
    "--oidc-client",
    metavar="ID",
    envvar="ALLOWLIST_OIDC_CLIENT",
    help="Client id of this site at the provider.",
)
@click.option(
    "--oidc-role",
    "oidc_roles",
    multiple=True,
    metavar="ROLE",
    help="Only who has this role may decide, others may look (repeatable).",
)
@click.option(
    "--oidc-apply-role",
    "oidc_apply_roles",
    multiple=True,
    metavar="ROLE",
    help="Who has this role besides may apply from the page; nobody without it (repeatable).",
)
@click.option(
    "--oidc-device",
    is_flag=True,
    help="People enter a code at the provider (device code), where it cannot send browsers back to this site.",
)
@click.option(
    "--oidc-role-claim",
    default="roles",
    show_default=True,
    metavar="CLAIM",
    help="Where the ID token names roles.",
)
@click.option(
    "--public-url", metavar="URL", help="With --web behind a reverse proxy: the address that browsers see."
)
@click.option(
    "--proxied-by", default="", metavar="ADDRESSES", help="Reverse proxies whose forwarded headers count."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), help="With --web: port to listen on (8484); 0 takes a free one."
)
@click.option("--host", help="With --web: address to listen on (127.0.0.1).")
@click.pass_context
def review(
    context: click.Context,
    plan_path: Path | None,
    workload_path: Path,
    catalogs: Path | None,
    facts_path: Path | None,
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    snapshot: Path | None,
    sign_in: SignIn,
    ledger_url: str | None,
    logs: tuple[str, ...],
    read_only: bool,
    confirm_within: str | None,
    web: bool,
    screen: bool,
    oidc_issuer: str | None,
    oidc_client: str | None,
    oidc_roles: tuple[str, ...],
    oidc_apply_roles: tuple[str, ...],
    oidc_device: bool,
    oidc_role_claim: str,
    public_url: str | None,
    proxied_by: str,
    port: int | None,
    host: str | None,
) -> int:
    """Review changes on a screen: what each opens, its proofs, who wants it; approve, reject, apply.

    Decides as the user of this machine, unverified; with --credential, or where the workload lists approvers, as
    the signed-in identity.

    Opens PLAN; without it the pending plans of the ledger; with --snapshot or --arm-endpoint it makes a new one.
    Keys, theme: $XDG_CONFIG_HOME/allowlist/review.yaml.

    \b
    Examples:
      allowlist review plan.json
      allowlist review --snapshot ./state
      allowlist review --snapshot ./state --evidence ./logs
      allowlist review --read-only
      allowlist review --web plan.json
      allowlist review --web plan.json --oidc-issuer https://id.contoso.example --oidc-client ID
    """
    from allowlist.workflow.review_session import Access

    policy = named_policy()
    _require_plan(plan_path)
    source = context.get_parameter_source("credential")
    asked = source is not None and source.name not in ("DEFAULT", "DEFAULT_MAP")
    has_workload = workload_path.is_file()
    if not has_workload and (snapshot or sign_in.endpoint or workload_path != Path("allowlist.yaml")):
        raise AllowlistError(f"{workload_path} is not there", hint="write one: allowlist init")

    if web and screen:
        return _serve(host or "127.0.0.1", port)
    if not web:
        _refuse_without_web(port, host, screen, public_url, proxied_by)

    def project() -> Project:
        return under_policy(project_from(workload_path, catalogs, facts_path), ledger_url, policy)

    def who(place: Place) -> Identity:
        """The signed-in identity where that was asked for or only listed people may approve; else the user here."""
        places = [project().workload, place] if has_workload else [place]
        here = who_decides(sign_in.without_credential().to(*places))
        listed = has_workload and bool(project().workload.approval.approvers)
        if not asked and not listed:
            return here
        try:
            return who_decides(sign_in.to(*places))
        except AllowlistError:
            if asked:
                raise
            return here

    def connection(
        narrate: Callable[[str], None], sleep: Callable[[float], None] = time.sleep
    ) -> AbstractContextManager[Any]:
        from allowlist.azure.connection import connect

        return connect(sign_in.to(project().workload), notify=narrate, sleep=sleep)

    def watcher(run_id: str) -> str:
        from allowlist.cli.watch import leave_watcher, log_of

        return f"process {leave_watcher(run_id).pid} (log: {log_of(run_id)})"

    access = Access(
        ledger=lambda: _open_ledger(ledger_url),
        who=who,
        clock=now,
        project=project if has_workload else None,
        targets=lambda project: project.targets(only, exclude),
        state=(lambda narrate: nullcontext(snapshot)) if snapshot else connection,
        azure=None if snapshot else connection,
        plan=plan_path,
        makes_first=bool(snapshot or sign_in.endpoint),
        read_only="asked for with --read-only" if read_only else "",
        confirm_within=duration(confirm_within) if confirm_within else None,
        leave_watcher=watcher,
        as_printed=with_given,
        traffic=(lambda project: _named_traffic(logs, sign_in.to(project.workload))) if logs else None,
    )
    if not web:
        return show(access)
    client = _client(
        oidc_issuer,
        oidc_client,
        oidc_roles,
        oidc_role_claim,
        apply_roles=oidc_apply_roles,
        by_device=oidc_device,
    )
    return _serve_page(access, client, host or "127.0.0.1", port, public_url or "", proxied_by)


@contextmanager
def _named_traffic(logs: tuple[str, ...], connection: Connection) -> Iterator[Traffic]:
    """The logs that were named, as ``allowlist evidence`` reads them."""
    from allowlist.workflow.logs import reading_logs

    with (
        TemporaryDirectory(prefix="allowlist-logs-") as spool,
        reading_logs(logs, Path(spool), os.environ, credentials=credentials(connection)) as traffic,
    ):
        yield traffic


def _require_plan(plan_path: Path | None) -> None:
    if plan_path is not None and not plan_path.is_file():
        raise AllowlistError(f"{plan_path} is not there", hint="make it: allowlist plan -o FILE")


def _refuse_without_web(*given: object) -> None:
    if any(value is not None and value not in (False, "") for value in given):
        raise click.UsageError("--port, --host, --screen, --public-url and --proxied-by belong to --web")


def _client(
    issuer: str | None,
    client_id: str | None,
    roles: tuple[str, ...],
    claim: str,
    *,
    apply_roles: tuple[str, ...],
    by_device: bool,
) -> Client | None:
    """Who this site is to the provider where people sign in; None where nobody does."""
    from allowlist_tui.review_page.oidc import Client

    if bool(issuer) != bool(client_id):
        raise click.UsageError("--oidc-issuer and --oidc-client belong together")
    if not issuer or not client_id:
        return None
    secret = os.environ.get("ALLOWLIST_OIDC_SECRET", "")
    return Client(
        issuer=issuer,
        client_id=client_id,
        secret=secret,
        roles=roles,
        role_claim=claim,
        apply_roles=apply_roles,
        by_device=by_device,
    )


def _serve_page(
    access: Access, client: Client | None, host: str, port: int | None, public_url: str, proxied_by: str
) -> int:
    """The page of one plan, for everybody who signs in, or for who has the one-time link."""
    from allowlist.workflow.review_session import ReviewSession
    from allowlist_tui.review_page import DEFAULT_PORT, ReviewSite, serve_page
    from allowlist_tui.review_page.applying import Applying
    from allowlist_tui.review_page.oidc import Provider

    session = ReviewSession(access)
    applying = Applying(session)
    try:
        plan = _plan_of(session)
        number = free_port(host) if port == 0 else port or DEFAULT_PORT
        site = ReviewSite.of(
            plan,
            lambda who, read_only: session.review_as(plan, who, read_only),
            session.who(plan),
            public_url or f"http://{f'[{host}]' if ':' in host else host}:{number}",
            Provider(client) if client else None,
            applying=applying,
        )
        say(f"open {site.link}")
        if client is None:
            say(
                "nobody signs in here: the link works once, and decisions are marked unverified (--oidc-issuer)"
            )
        serve_page(site, host=host, port=number, proxied=proxied_by)
        if told := applying.finish():
            say(told)
    finally:
        applying.finish()
        session.close()
    return Exit.DONE


def free_port(host: str) -> int:
    """A port that nobody listens on now."""
    import socket

    with socket.create_server((host, 0)) as listening:
        return int(listening.getsockname()[1])


def _plan_of(session: ReviewSession) -> Plan:
    """The plan that is named, a new one, or the latest that waits. Raises AllowlistError when there is none."""
    if session.names_a_plan:
        return session.named_plan()
    if session.makes_first and session.can_plan:
        return session.make_plan(say)
    waiting = session.pending_plans()
    if not waiting:
        raise AllowlistError("no plan waits", hint="name one: allowlist review --web PLAN")
    return session.stored_plan(waiting[0].plan_id)


def _serve(host: str, port: int | None) -> int:
    """Each browser page runs this same command, without the options about serving it."""
    from allowlist_tui.web import DEFAULT_PORT, serve, served_command

    command = served_command(click.get_current_context(), without=("web", "screen", "port", "host"))
    serve(command, host=host, port=DEFAULT_PORT if port is None else port, say=say)
    return Exit.DONE


def show(access: Access) -> int:
    """Run the app in this terminal until the person leaves."""
    if "TEXTUAL_DRIVER" not in os.environ and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise AllowlistError(
            "review needs a terminal", hint="allowlist approve PLAN --all --reason TEXT works without one"
        )
    from allowlist.workflow.review_session import ReviewSession
    from allowlist_tui.app import ReviewApp
    from allowlist_tui.config import settings_file

    session = ReviewSession(access)
    app = ReviewApp(session, settings_file(os.environ))
    try:
        app.run()
        _finish(app)
    finally:
        session.close()
    if app.failure is not None:
        raise app.failure
    return Exit.DONE


def _finish(app: ReviewApp) -> None:
    """What is being written is finished before the process ends; Ctrl-C leaves it to the journal."""
    busy = [thread for thread in app.writing if thread.is_alive()]
    if busy:
        say("finishing the step in flight; ctrl+c leaves it, and allowlist history tells how to go on")
    for thread in busy:
        thread.join()
    for text in app.parting_words:
        say(text)


def _open_ledger(url: str | None) -> Ledger:
    from allowlist.store import open_ledger

    return open_ledger(url, environ=os.environ, clock=now)
