"""``allowlist evidence``."""

from __future__ import annotations

import datetime as dt
import os
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from allowlist.cli.common import (
    credentials,
    exit_code_option,
    json_option,
    ledger_from,
    ledger_option,
    now,
    project_from,
    project_options,
    state_from,
    state_options,
)
from allowlist.cli.console import put, say, styled, uses_colour
from allowlist.cli.exits import Exit
from allowlist.cli.outputs import Output, form_for, format_option, output_option, report_option, shown_path
from allowlist.errors import AllowlistError

if TYPE_CHECKING:
    from allowlist.azure.connection import SignIn
    from allowlist.traffic.asking import Ask, Credentials
    from allowlist.traffic.engine import Traffic
    from allowlist.traffic.findings import Evidence
    from allowlist.workflow.evidence import Window


def zone_of(context: click.Context, option: click.Parameter, text: str) -> str:
    """UTC or an offset, as the question takes it."""
    del context, option
    if text and text.upper() != "UTC" and not re.fullmatch(r"[+-]\d\d:?\d\d", text):
        raise click.BadParameter(f"'{text}' is neither UTC nor an offset such as +01:00")
    return text


@click.command()
@click.argument("logs", nargs=-1, metavar="[LOGS…]")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    help="First day that counts, in UTC (default: as far as the logs go).",
)
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day that counts, in UTC.")
@click.option(
    "--zone",
    default="",
    callback=zone_of,
    metavar="ZONE",
    help="Zone of times that have none: UTC or an offset such as +01:00. Without it such lines are left out.",
)
@click.option(
    "--quiet-hours",
    type=click.IntRange(1),
    help="Hours without a line from which on something is missing (default: what the workload says, else 1).",
)
@click.option(
    "--min-days",
    type=click.IntRange(0),
    metavar="DAYS",
    help="Days of logs below which what is called unused is marked (default: what the workload says, else 14).",
)
@click.option(
    "--what-if",
    "what_if",
    type=click.Path(path_type=Path, exists=True),
    help="Replay the traffic over a plan of ours, a snapshot, or a plan of Terraform.",
)
@click.option(
    "--without",
    "removed",
    multiple=True,
    metavar="RULE",
    help="Replay the traffic without this rule (repeatable).",
)
@click.option(
    "--learn",
    "learning",
    is_flag=True,
    help="Print a draft of requirements from what was seen, never broader.",
)
@click.option(
    "--wildcards", is_flag=True, help="With --learn: one pattern for three names or more below the same name."
)
@click.option(
    "--logs-only",
    is_flag=True,
    help="Read no workload and no state: denied names and the catalogs that have them.",
)
@click.option(
    "--anonymise",
    is_flag=True,
    help="Replace addresses of clients, hosts of private networks and names of files, so that the result can be shared.",
)
@click.option(
    "--memory",
    "memory_mb",
    type=click.IntRange(75),
    default=240,
    show_default=True,
    metavar="MB",
    help="Bound of memory for reading logs.",
)
@click.option("--all", "everything", is_flag=True, help="Show every row, not the first of each kind.")
@project_options
@state_options
@ledger_option
@format_option
@report_option
@output_option
@json_option
@exit_code_option
def evidence(
    logs: tuple[str, ...],
    since: dt.datetime | None,
    until: dt.datetime | None,
    zone: str,
    quiet_hours: int | None,
    min_days: int | None,
    what_if: Path | None,
    removed: tuple[str, ...],
    learning: bool,
    wildcards: bool,
    logs_only: bool,
    anonymise: bool,
    memory_mb: int,
    everything: bool,
    workload_path: Path,
    catalogs: Path | None,
    facts_path: Path | None,
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    snapshot: Path | None,
    sign_in: SignIn,
    ledger_url: str | None,
    form: str,
    reports: tuple[tuple[str, Path], ...],
    output: Path | None,
    as_json: bool,
    exit_code: bool,
) -> int:
    """Tell what traffic logs say: denied and wanted, allowed and not required, unused, what if.

    LOGS are files, folders, abfss:// or blob addresses, or - for standard input: Azure Firewall logs as they come from a
    storage account, an event hub or Log Analytics, legacy diagnostics, virtual network flow logs, Squid and Envoy access
    logs; also packed with gzip or zstd, and Parquet. The shape is decided file by file. What is not understood is
    counted and told, and then nothing is called unused or redundant. Without LOGS what allowlist sync remembers in the
    ledger counts.

    \b
    Examples:
      allowlist evidence ./logs --snapshot ./state
      allowlist evidence ./logs --since 2026-11-01 --until 2026-11-30 -o evidence.html
      allowlist evidence ./logs --snapshot ./state --what-if plan.json
      allowlist evidence access.log.gz --logs-only --learn
      allowlist evidence --ledger sqlite:///ledger.db
    """
    from allowlist.render.anonymous import anonymised
    from allowlist.render.evidence import (
        evidence_json,
        evidence_report,
        evidence_text,
        summary_line,
    )
    from allowlist.workflow.evidence import Window
    from allowlist.workflow.logs import asking

    window = Window(
        since=since.date() if since else None, until=until.date() if until else None,
        quiet_hours=quiet_hours or 1, min_days=min_days or 0,
    )  # fmt: skip
    signed_in = credentials(sign_in.to())
    asked = asking(window.since, window.until, now(), signed_in, os.environ)
    if not logs and logs_only:
        raise click.UsageError("--logs-only needs LOGS: what the ledger remembers belongs to a workload")
    opened = (
        _traffic(logs, zone, memory_mb, asked, signed_in) if logs else _remembered(workload_path, ledger_url)
    )
    with _unnamed(logs if anonymise else None), opened as traffic:
        if learning:
            _put_draft(traffic, window, wildcards=wildcards, anonymise=anonymise)
            return Exit.DONE
        if logs_only:
            found = _from_logs_alone(catalogs, traffic, window)
        else:
            project = project_from(workload_path, catalogs, facts_path)
            said = Window.of(project.workload.evidence)
            window = replace(
                window, quiet_hours=quiet_hours or said.quiet_hours,
                min_days=said.min_days if min_days is None else min_days,
            )  # fmt: skip
            found = _with_workload(
                project,
                (only, exclude),
                snapshot,
                sign_in,
                traffic,
                window,
                what_if,
                removed,
            )
    about = shown_path(workload_path)
    if anonymise:
        found, about = anonymised(found, secrets.token_bytes(16)), workload_path.name
    form = form_for(form, output, as_json=as_json)
    own = {"html": lambda: _html(found)}
    Output(form=form, reports=reports, file=output).show(
        evidence_text(found, styled if output is None else str, everything=everything),
        lambda: evidence_json(found),
        lambda: evidence_report(found, about),
        own,
    )
    if output is not None:
        say(f"written to {output}")
    say(summary_line(found))
    return Exit.PENDING if exit_code and found.pending else Exit.DONE


@contextmanager
def _unnamed(places: tuple[str, ...] | None) -> Iterator[None]:
    """Errors tell no more of people than what is printed would: of one that nobody foresaw only its kind, as it may hold lines of logs."""
    try:
        yield
    except (click.ClickException, click.Abort, click.exceptions.Exit):
        raise
    except Exception as error:
        if places is None:
            raise
        from allowlist.render.anonymous import error_text

        key = secrets.token_bytes(16)
        if isinstance(error, AllowlistError):
            told = AllowlistError(
                error_text(str(error), places, key), hint=error_text(error.hint, places, key)
            )
            told.exit_code = error.exit_code
            raise told from None
        kind = f"{type(error).__name__} (what it says is left out: run again without --anonymise)"
        raise RuntimeError(kind).with_traceback(error.__traceback__) from None


@contextmanager
def _traffic(
    logs: tuple[str, ...], zone: str, memory_mb: int, ask: Ask, signed_in: Credentials
) -> Iterator[Traffic]:
    from allowlist.workflow.logs import reading_logs

    with (
        TemporaryDirectory(prefix="allowlist-logs-") as spool,
        told_progress() as progress,
        reading_logs(
            logs,
            Path(spool),
            os.environ,
            zone=zone,
            memory_mb=memory_mb,
            progress=progress,
            ask=ask,
            credentials=signed_in,
        ) as traffic,
    ):
        yield traffic


@contextmanager
def _remembered(workload_path: Path, ledger_url: str | None) -> Iterator[Traffic]:
    """What sync remembers of the workload's traffic."""
    from allowlist.workflow.rolling import remembered
    from allowlist.workflow.workloads import read_workload

    document, _ = read_workload(workload_path)
    with ledger_from(ledger_url) as ledger, remembered(ledger, document.name) as traffic:
        yield traffic


@contextmanager
def told_progress() -> Iterator[Callable[[int, int], None]]:
    """Bytes and rate, on a terminal only."""
    if not (sys.stderr.isatty() and uses_colour(sys.stderr)):
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("reading logs"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task, last = bar.add_task("", total=None), [0.0]

        def show(done: int, total: int) -> None:
            if time.monotonic() - last[0] > 0.1 or done >= total:
                last[0] = time.monotonic()
                bar.update(task, completed=done, total=total)

        yield show


def _put_draft(traffic: Traffic, window: Window, *, wildcards: bool, anonymise: bool) -> None:
    """Requirements as they were seen; names of a private network are left out where nobody shall see them."""
    from allowlist.render.anonymous import anonymous_account, is_own
    from allowlist.workflow.evidence import account_in, seen_in
    from allowlist.workflow.learning import draft_text, learn

    expires, account = now().date() + dt.timedelta(days=180), account_in(traffic, window)
    flows = (flow for flow in seen_in(traffic, window) if not (anonymise and is_own(flow.name)))
    for line in draft_text(learn(flows, wildcards=wildcards), expires).splitlines():
        put(line)
    if anonymise:
        say("note: the draft lacks names of private networks")
        account = anonymous_account(account, secrets.token_bytes(16))
    for doubt in account.doubts():
        say(f"note: the draft may lack names: {doubt}")


def _from_logs_alone(catalogs: Path | None, traffic: Traffic, window: Window) -> Evidence:
    from allowlist.catalog import load_library
    from allowlist.workflow.evidence import evidence_without_workload
    from allowlist.workflow.known_names import KnownNames

    return evidence_without_workload(traffic, window, KnownNames(load_library(catalogs)), now().date())


def _with_workload(
    project: Any,
    chosen: tuple[tuple[str, ...], tuple[str, ...]],
    snapshot: Path | None,
    sign_in: SignIn,
    traffic: Traffic,
    window: Window,
    what_if: Path | None,
    removed: tuple[str, ...],
) -> Evidence:
    from allowlist.workflow.evidence import gather, without_rules
    from allowlist.workflow.known_names import KnownNames
    from allowlist.workflow.project import read_estate
    from allowlist.workflow.replaying import change_of

    specs = project.targets(*chosen)
    with state_from(snapshot, sign_in.to(project.workload)) as origin:
        estate = read_estate(project, specs, origin)
    change, told = None, ""
    if what_if is not None:
        change, told = change_of(project, estate, specs, what_if), str(what_if)
    elif removed:
        change, told = without_rules(removed), f"without {', '.join(removed)}"
    return gather(project, estate, specs, traffic, window, KnownNames(project.library), change, told)


def _html(found: Evidence) -> str:
    from allowlist.render.evidence_html import evidence_html

    return evidence_html(found)
