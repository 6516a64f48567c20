"""The rules of a target as a change would leave them: a plan of ours, or any other state."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from allowlist.documents.words import counted
from allowlist.estate.bodies import Estate
from allowlist.estate.snapshot import read_snapshot
from allowlist.plan.build import SeenChanges
from allowlist.plan.model import SCHEMA, Change
from allowlist.rules.columns.verdicts import compile_verdicts
from allowlist.rules.flow import Verdict
from allowlist.rules.model import Ruleset
from allowlist.traffic.account import Account, is_logged
from allowlist.traffic.findings import Seen
from allowlist.workflow.evidence import (
    Judge,
    Window,
    account_in,
    effect_word,
    flow_of_seen,
    seen_in,
    with_estate,
)
from allowlist.workflow.files import read_plan
from allowlist.workflow.logs import reading_logs
from allowlist.workflow.own_hits import hits_in
from allowlist.workflow.project import Project
from allowlist.workload import TargetSpec

ChangeOf = Callable[[TargetSpec, Ruleset], Ruleset]


def change_of(project: Project, estate: Estate, specs: Sequence[TargetSpec], file: Path) -> ChangeOf:
    """What ``file`` makes of a target's rules. Raises InvalidInput and PlanRefused."""
    if file.is_file() and SCHEMA.encode() in file.read_bytes()[:4096]:
        plan = read_plan(file)
        return with_changes(project, estate, plan.changes)
    other = read_snapshot(file, cloud=project.workload.cloud, subscription="", beneath=estate)
    return with_estate(project, other)


def with_changes(project: Project, estate: Estate, changes: Sequence[Change]) -> ChangeOf:
    """A target's rules after those of ``changes`` that are its own, written as ``apply`` would write them."""

    def change(spec: TargetSpec, ruleset: Ruleset) -> Ruleset:
        mine = [item.operation for item in changes if item.target == spec.name]
        if not mine:
            return ruleset
        point = project.point(spec)
        return point.ruleset(point.after(estate, point.compose(estate, mine)))

    return change


@contextmanager
def with_traffic(
    project: Project,
    logs: Sequence[str],
    environ: Mapping[str, str],
    credentials: Callable[[str], Any],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Project]:
    """``project`` with the traffic of ``logs``, if any are named: plans then say what was really seen."""
    if not logs:
        yield project
        return
    with (
        TemporaryDirectory(prefix="allowlist-logs-") as spool,
        reading_logs(logs, Path(spool), environ, progress=progress, credentials=credentials) as traffic,
    ):
        yield replace(project, traffic=traffic, hits=hits_in(traffic))


def seen_changes(
    project: Project, estate: Estate, specs: Sequence[TargetSpec]
) -> Callable[[Sequence[Change]], SeenChanges]:
    """What the traffic of ``project`` says about changes, once there are any."""

    def seen(changes: Sequence[Change]) -> SeenChanges:
        traffic = project.traffic
        if traffic is None or not changes:
            return SeenChanges()
        replay = _Replay(project, estate, specs, changes)
        window = Window.of(project.workload.evidence)
        for flow in seen_in(traffic, window):
            replay.take(flow)
        return replay.told(account_in(traffic, window))

    return seen


class _Replay:
    """Flows that were seen, before and after all changes; each is put down to the change whose rule decides it."""

    def __init__(
        self, project: Project, estate: Estate, specs: Sequence[TargetSpec], changes: Sequence[Change]
    ) -> None:
        after = with_changes(project, estate, changes)
        self._project, self._changes = project, changes
        self._judges = [Judge.of(project, estate, spec) for spec in specs]
        self._after = [
            compile_verdicts(after(spec, judge.ruleset), project.facts)
            for spec, judge in zip(specs, self._judges, strict=True)
        ]
        self._carriers = {spec.name: project.point(spec).logged_at(estate) for spec in specs}
        self._rules = {(change.target, *_rule_of(change)): change.id for change in changes}
        self._effects: dict[str, dict[tuple[str, str], int]] = {}
        self._used: dict[str, int] = {}

    def take(self, seen: Seen) -> None:
        flow = flow_of_seen(seen)
        for judge, after in zip(self._judges, self._after, strict=True):
            if not judge.is_about(seen):
                continue
            logged = self._rules.get((judge.target, seen.collection.lower(), seen.rule.lower()))
            before = judge.verdicts.verdict(flow) if flow is not None else None
            mine = logged or (self._change_of(judge.target, before) if before else None)
            if mine and seen.action == "allow":
                self._used[mine] = self._used.get(mine, 0) + seen.count
            if before is not None and flow is not None:
                self._compare(judge.target, seen, before, after.verdict(flow))

    def _compare(self, target: str, seen: Seen, before: Verdict, after: Verdict) -> None:
        word = effect_word(before, after)
        if word:
            change = self._change_of(target, after) or self._change_of(target, before)
            ends = self._effects.setdefault(change or "", {})
            ends[word, seen.end] = ends.get((word, seen.end), 0) + seen.count

    def _change_of(self, target: str, verdict: Verdict) -> str | None:
        ref = verdict.ref
        return self._rules.get((target, ref.collection.lower(), ref.rule.lower())) if ref else None

    def told(self, account: Account) -> SeenChanges:
        """In words, and which removals nothing used for as long as the workload asks for."""
        unused = frozenset(
            change.id
            for change in self._changes
            if change.operation.action == "remove" and self._is_idle(change, account)
        )
        return SeenChanges(
            {change.id: tuple(self._lines(change, account)) for change in self._changes}, unused
        )

    def _is_idle(self, change: Change, account: Account) -> bool:
        days = self._project.workload.gates.unused_days
        touched = self._used.get(change.id) or self._effects.get(change.id) or self._effects.get("")
        if not days or touched or not account.is_whole or account.first is None or account.last is None:
            return False
        now = self._project.now
        reaches = account.last >= now - dt.timedelta(days=1)
        return reaches and self._is_logged(change, now - dt.timedelta(days=days), account.last)

    def _is_logged(self, change: Change, first: dt.datetime, last: dt.datetime) -> bool:
        """Do the logs of every firewall that carries the rule of ``change`` tell of all that time? Those of others do not."""
        traffic, log = self._project.traffic, _log_of(change)
        places = self._carriers[change.target]
        return (
            traffic is not None
            and bool(places)
            and all(is_logged(traffic.connection, place, log, first, last) for place in places)
        )

    def _lines(self, change: Change, account: Account) -> Iterator[str]:
        effects = self._effects.get(change.id, {})
        for word, said in _SAID.items():
            ends = {end: count for (found, end), count in effects.items() if found == word}
            if ends:
                most = sorted(ends, key=lambda end: (-ends[end], end))
                more = f" and {len(most) - _ENDS} more" if len(most) > _ENDS else ""
                yield f"{said} {counted(sum(ends.values()), 'flow')} seen: {', '.join(most[:_ENDS])}{more}"
        if change.operation.action == "remove" and self._used.get(change.id):
            yield f"its rule let through {counted(self._used[change.id], 'flow')} seen"
        if not effects and not self._used.get(change.id):
            yield f"touches no flow that was seen{_between(account)}"
        yield from (f"the logs are not whole: {doubt}" for doubt in account.doubts())


_ENDS = 3
_SAID = {
    "opens": "opens",
    "closes": "closes",
    "unknown": "leaves open what becomes of",
    "moves": "decides anew",
}


def _rule_of(change: Change) -> tuple[str, str]:
    """Collection and rule that a change writes or removes, in lower case."""
    path = change.operation.path
    return (path[-2] if len(path) > 1 else "").lower(), path[-1].lower() if path else ""


def _log_of(change: Change) -> str:
    """The log that tells of the rule a change takes away."""
    rule = change.operation.before or {}
    return "network" if {"ipProtocols", "destinationPorts"} & set(rule) else "application"


def _between(account: Account) -> str:
    first, last = account.first, account.last
    if first is None or last is None:
        return ""
    return f" from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC, {account.lasted}"
