"""``allowlist sync``."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allowlist.cli.apply import duration
from allowlist.cli.common import (
    arm_from,
    catalogs_option,
    connection_options,
    credentials,
    exit_code_option,
    facts_option,
    json_option,
    ledger_from,
    ledger_option,
    named_policy,
    now,
    policy_option,
    target_options,
    under_policy,
    who_decides,
)
from allowlist.cli.console import plain, say
from allowlist.cli.exits import Exit
from allowlist.cli.log_format import log_format_option
from allowlist.cli.observing import metrics_file_option, metrics_port_option, observed
from allowlist.cli.outputs import format_option, output_of, report_option, shown_path
from allowlist.cli.progress import next_lines
from allowlist.cli.stopping import stopping
from allowlist.errors import AllowlistError

if TYPE_CHECKING:
    from allowlist.apply.executor import RunContext
    from allowlist.apply.stopping import Stop
    from allowlist.azure.client import ArmClient
    from allowlist.azure.connection import Connection, SignIn
    from allowlist.catalog import Library
    from allowlist.rules.flow import Facts
    from allowlist.workflow.project import Project
    from allowlist.workflow.syncing.context import Settings, Watcher
    from allowlist.workflow.syncing.fleet import Member
    from allowlist.workflow.syncing.outcome import Outcome
    from allowlist.workflow.syncing.run import Report, Work


@click.command()
@click.option(
    "--workload",
    "workload_paths",
    multiple=True,
    type=click.Path(path_type=Path),
    default=(Path("allowlist.yaml"),),
    show_default=True,
    help="A workload file, or a folder with many of them (repeatable).",
)
@catalogs_option
@facts_option
@target_options
@connection_options
@policy_option
@ledger_option
@click.option("--plan-only", is_flag=True, help="Read, check, plan and tell; never write to Azure.")
@click.option(
    "--plans",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write plans that wait for people into this folder.",
)
@click.option("--parallel", type=click.IntRange(1, 64), default=8, show_default=True, help="Targets at once.")
@click.option(
    "--shard",
    metavar="I/N",
    envvar="ALLOWLIST_SHARD",
    help="Share I of N, coordinated through the ledger; auto/N takes JOB_COMPLETION_INDEX or a free one.",
)
@click.option(
    "--lock-timeout",
    metavar="TIME",
    help="How long to wait for a lock.  [default: 0s; 15m with --shard]",
)
@click.option(
    "--quiet", is_flag=True, help="Print only what went wrong or was changed, so that cron mails no more."
)
@log_format_option
@metrics_file_option
@metrics_port_option
@format_option
@report_option
@json_option
@exit_code_option
def sync(
    workload_paths: tuple[Path, ...],
    catalogs: Path | None,
    facts_path: Path | None,
    only: tuple[str, ...],
    exclude: tuple[str, ...],
    sign_in: SignIn,
    ledger_url: str | None,
    plan_only: bool,
    plans: Path | None,
    parallel: int,
    shard: str | None,
    lock_timeout: str | None,
    quiet: bool,
    metrics_file: Path | None,
    metrics_port: int | None,
    form: str,
    reports: tuple[tuple[str, Path], ...],
    as_json: bool,
    exit_code: bool,
) -> int:
    """One scheduled run: read, check, plan, apply what policy allows or people approved, verify, record.

    What may be applied without a person stands in the workload file (automation); by default nothing. Safe to run
    twice: the second run says who is at work and exits 6. What a crashed run left is finished first. Many workers
    share a fleet with --shard and one ledger in PostgreSQL; the share of a worker that died is taken over.

    \b
    Examples:
      allowlist sync
      allowlist sync --workload fleet/ --parallel 16 --json
      allowlist sync --plan-only --plans plans/ --exit-code
      allowlist sync --workload fleet/ --shard 2/8 --ledger postgresql://allowlist@db/allowlist
    """
    from allowlist.apply.executor import RunContext
    from allowlist.catalog import load_library
    from allowlist.render.notices import Report as SyncReport
    from allowlist.render.notices import of_outcomes
    from allowlist.render.sync import counts_text, deliveries_json, sync_json, sync_text
    from allowlist.workflow.facts import read_facts
    from allowlist.workflow.syncing.context import Settings
    from allowlist.workflow.syncing.fleet import located, read_fleet
    from allowlist.workflow.syncing.outcome import failed, worst

    fleet = read_fleet(workload_paths)
    if not fleet.members:
        raise fleet.broken[0][1]
    with ExitStack() as stack:
        stop = stack.enter_context(stopping(next_lines, at_any_time=True))
        ledger = stack.enter_context(ledger_from(ledger_url))
        arms = _Arms(stack, sign_in, stop)
        fleet, lost = located(fleet, arms.of)
        members = list(fleet.chosen(only, exclude))
        if not members and not lost:
            raise AllowlistError("no target is left to look at", hint="give fewer --exclude")
        load = partial(under_policy, ledger_url=ledger_url, place=named_policy())
        works, unsigned = _works(members, arms, load_library(catalogs), read_facts(facts_path), load)
        context = RunContext(
            ledger=ledger, who=works[0].who if works else "", clock=now,
            sleep=stop.sleep, should_stop=stop.asked,
        )  # fmt: skip
        wait = lock_timeout or ("15m" if shard else "0s")
        settings = Settings(plan_only=plan_only, parallel=parallel, lock_wait=duration(wait), plans=plans)
        observer = stack.enter_context(observed(ledger, metrics_file, metrics_port, quiet=quiet))
        report = _run(works, shard, context, settings, observer)
        outcomes: Sequence[Outcome] = [
            *(failed(str(path), "all targets", error) for path, error in fleet.broken),
            *(failed(member.workload, "what it discovers", error) for member, error in lost),
            *(failed(member.workload, "all targets", error) for member, error in unsigned),
            *sorted(report.outcomes, key=lambda item: item.key),
        ]
        requests = arms.requests()
        code = worst(item.code for item in outcomes)
        if code == Exit.PENDING and not exit_code:
            code = Exit.DONE
        deliveries = observer.tell(context.who, report.run_id)
        observer.measure(outcomes, deliveries, arms.traffic(), arms.waited(), int(code))
    output_of(form, as_json, reports).show(
        map(plain, [] if quiet else sync_text(outcomes)),
        lambda: sync_json(
            report.run_id, int(code), outcomes, requests, {"notifications": deliveries_json(deliveries)}
        ),
        lambda: SyncReport(
            title="allowlist sync",
            name="sync",
            summary=counts_text(outcomes),
            file=shown_path(workload_paths[0]),
            notices=tuple(of_outcomes(outcomes)),
        ),
    )
    if not quiet:
        say(f"{sum(requests.values())} ARM requests", run_id=report.run_id)
    return code


def _run(
    works: Sequence[Work], shard: str | None, context: RunContext, settings: Settings, watcher: Watcher
) -> Report:
    """The whole fleet, or our share of it and what dead workers left of theirs."""
    from allowlist.workflow.syncing.run import sync as run_sync
    from allowlist.workflow.syncing.shards import Shares, parse_shard, works_of_share

    if shard is None:
        return run_sync(works, context, settings, watcher)
    found = parse_shard(shard, os.environ)
    if context.ledger.is_local:
        say("the ledger is a file of this machine: only workers on it share the fleet")
    report: Report | None = None
    for index in Shares(context, [work.workload for work in works], found).to_do():
        say(f"share {index} of {found.count}" + (", which its worker left" if report else ""))
        done = run_sync(works_of_share(works, index, found.count), context, settings, watcher)
        if report:
            report.take_in(done)
        report = report or done
    if report is None:
        raise AllowlistError("no share was worked on")
    return report


class _Arms:
    """One client and one identity per cloud and tenant, opened and asked for when first needed."""

    def __init__(self, stack: ExitStack, sign_in: SignIn, stop: Stop) -> None:
        self._stack = stack
        self._stop = stop
        self._sign_in = sign_in
        self._open: dict[Connection, ArmClient] = {}
        self._who: dict[Connection, str] = {}

    def of(self, member: Member) -> ArmClient:
        connection = self._sign_in.to(member)
        if connection not in self._open:
            self._open[connection] = self._stack.enter_context(arm_from(connection, self._stop.sleep))
        return self._open[connection]

    def who(self, member: Member) -> str:
        """Who is signed in where ``member`` is: an identity belongs to its tenant."""
        connection = self._sign_in.to(member)
        if connection not in self._who:
            self._who[connection] = who_decides(connection).who
        return self._who[connection]

    def credential(self, member: Member) -> Callable[[str], Any]:
        """Makes a credential for a host, for whoever is signed in where ``member`` is."""
        return credentials(self._sign_in.to(member))

    def requests(self) -> dict[str, int]:
        """ARM requests by method."""
        counts: dict[str, int] = {}
        for (_, method), count in self.traffic().items():
            counts[method] = counts.get(method, 0) + count
        return counts

    def traffic(self) -> dict[tuple[str, str], int]:
        """ARM requests by subscription and method."""
        counts: dict[tuple[str, str], int] = {}
        for arm in self._open.values():
            for key, count in arm.traffic.counts.items():
                counts[key] = counts.get(key, 0) + count
        return counts

    def waited(self) -> float:
        """Seconds spent waiting for Azure to take requests again."""
        return sum(arm.traffic.waited for arm in self._open.values())


def _works(
    members: Sequence[Member], arms: _Arms, library: Library, facts: Facts, load: Callable[[Project], Project]
) -> tuple[list[Work], list[tuple[Member, AllowlistError]]]:
    """What is to be done, and the members in whose tenant nobody could sign in: they do not keep the others back."""
    works: list[Work] = []
    unsigned: list[tuple[Member, AllowlistError]] = []
    for member in members:
        try:
            works.append(_work(member, arms, library, facts, load))
        except AllowlistError as error:
            unsigned.append((member, error))
    return works, unsigned


def _work(
    member: Member, arms: _Arms, library: Library, facts: Facts, load: Callable[[Project], Project]
) -> Work:
    from allowlist.workflow.syncing.fleet import load_member
    from allowlist.workflow.syncing.run import Work

    return Work(
        workload=member.workload,
        file=member.file,
        targets=tuple(name for name, _ in member.targets),
        resources=tuple(resource for _, resource in member.targets),
        arm=arms.of(member),
        who=arms.who(member),
        load=lambda: load(load_member(member, library, facts, now())),
        credential=arms.credential(member),
    )
