"""One scheduled run over workloads and their targets: continues past what fails, and ends with the worst code."""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from allowlist.apply.executor import RunContext
from allowlist.errors import AllowlistError
from allowlist.points.point import ArmWriter
from allowlist.workflow.applying import new_run_id, refuse_edited_ledger
from allowlist.workflow.approval_policy import refuse_other_policy
from allowlist.workflow.project import Project
from allowlist.workflow.reuse import Kept
from allowlist.workflow.rolling import rolled
from allowlist.workflow.syncing.approvals import SignedApprovals
from allowlist.workflow.syncing.context import NobodyWatches, Pass, Settings, Watcher
from allowlist.workflow.syncing.lock_groups import LockGroups
from allowlist.workflow.syncing.notes import Notes
from allowlist.workflow.syncing.outcome import LOGS, Outcome, failed, not_reached, worst
from allowlist.workflow.syncing.reads import SharedReads
from allowlist.workflow.syncing.recovery import LeftBehind, left_behind, recover
from allowlist.workflow.syncing.target import sync_target
from allowlist.workload import TargetSpec

LEASE = dt.timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One workload file and the targets of it that this run takes care of.

    ``load`` reads the file when its turn comes, so that a fleet is never in memory as a whole; ``resources`` are
    those of the targets, in the same order as their names.
    """

    workload: str
    file: Path
    targets: tuple[str, ...]
    resources: tuple[str, ...]
    arm: ArmWriter
    load: Callable[[], Project]
    who: str = ""
    """Who is signed in where it is; empty: whoever carries out the run as a whole."""
    credential: Callable[[str], Any] | None = None
    """Makes a credential for a host, where traffic logs are asked of a service."""
    is_shared: bool = False
    """Other workers take care of other targets of the same workload at the same time."""


@dataclass(slots=True)
class Report:
    """The run so far: one small outcome per target."""

    run_id: str
    begun: dt.datetime
    outcomes: list[Outcome] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, outcome: Outcome) -> None:
        with self.lock:
            self.outcomes.append(outcome)

    def take_in(self, other: Report) -> None:
        """Go on with what a later part of the same run says."""
        self.outcomes += other.outcomes

    @property
    def code(self) -> int:
        return worst(outcome.code for outcome in self.outcomes)


def sync(
    works: Sequence[Work], context: RunContext, settings: Settings, watcher: Watcher | None = None
) -> Report:
    """One run. Never raises for what happens to a workload or target; that is told in its outcome."""
    context = replace(context, clock=context.ledger.bounded(context.clock))
    now = context.clock()
    report = Report(run_id=new_run_id(now), begun=now)
    run = _Run(report, works, replace(context, lock_wait=settings.lock_wait), settings, watcher)
    with ThreadPoolExecutor(max_workers=settings.parallel) as pool:
        list(pool.map(run.workload, works))
    return report


class _Run:
    def __init__(
        self,
        report: Report,
        works: Sequence[Work],
        context: RunContext,
        settings: Settings,
        watcher: Watcher | None,
    ) -> None:
        self._report = report
        self._around = context
        self._settings = settings
        self._watcher = watcher or NobodyWatches()
        self._slots = threading.BoundedSemaphore(settings.parallel)
        self._lock_groups = LockGroups()
        self._reads = _shared_reads(works, settings.parallel)
        self._left: Mapping[str, Sequence[LeftBehind]] = left_behind(context.ledger)
        self._trust_ledger = _Once(lambda: refuse_edited_ledger(context.ledger))

    def workload(self, work: Work) -> None:
        try:
            with self._exclusive(work):
                project = work.load()
                self._watcher.workload(project, work.file)
                with self._traffic(work, project) as project:
                    given = self._pass(work, project)
                    self._targets(given)
                    self._denied(given)
                    self._keep(given)
        except AllowlistError as error:
            self._tell(failed(work.workload, "all targets", error))

    @contextmanager
    def _traffic(self, work: Work, project: Project) -> Iterator[Project]:
        """``project`` with the traffic of its logs; logs that cannot be read are told, and hold nothing up."""
        logs = project.workload.evidence
        with ExitStack() as stack:
            if logs.logs:
                try:
                    traffic = stack.enter_context(rolled(
                        logs, work.file.parent, self._around.ledger, work.workload, os.environ, self._around.clock(),
                        work.credential or _nobody,
                    ))  # fmt: skip
                    project = replace(project, traffic=traffic)
                except AllowlistError as error:
                    self._tell(failed(work.workload, LOGS, error))
            yield project

    def _exclusive(self, work: Work) -> AbstractContextManager[object]:
        """Two runs over one workload do not mix: the second is told who is at work."""
        if work.is_shared:
            return nullcontext()
        return self._around.ledger.lock(
            f"sync {work.workload}",
            owner=work.who or self._around.who,
            lease=LEASE,
            wait=self._settings.lock_wait,
        )

    def _pass(self, work: Work, project: Project) -> Pass:
        return Pass(
            project=project,
            specs=tuple(spec for spec in project.workload.targets if spec.name in work.targets),
            arm=work.arm,
            reads=self._reads[id(work.arm)],
            lock_groups=self._lock_groups,
            approvals=SignedApprovals(project, work.file.parent, self._around.clock()),
            context=replace(self._around, who=work.who or self._around.who),
            settings=self._settings,
            trust_ledger=self._trust_ledger,
            kept=Kept(self._around.ledger, project, work.who or self._around.who),
            notes=Notes(self._around.ledger, project.workload.name),
        )

    def _targets(self, given: Pass) -> None:
        recovered = [*recover(given, self._left.get(given.workload, ()))]
        for _, outcome in recovered:
            self._tell(outcome)
        refuse_other_policy(self._around.ledger, given.workload, given.project.approval)
        given = replace(given, blocked=dict(_blocked(recovered)))
        if len(given.specs) == 1:
            self._target(given, given.specs[0])
            return
        with ThreadPoolExecutor(max_workers=self._settings.parallel) as pool:
            list(pool.map(lambda spec: self._target(given, spec), given.specs))

    def _denied(self, given: Pass) -> None:
        """Once for all targets; where nothing was denied the run has nothing to say, but what was told is over."""
        outcome = given.seen.outcome(given.project, given.specs)
        if outcome is not None and outcome.denied:
            self._tell(outcome)
        elif outcome is not None:
            self._watcher.outcome(outcome)

    def _keep(self, given: Pass) -> None:
        """What was found out serves the next run; a ledger that is busy holds nothing up."""
        with suppress(AllowlistError):
            given.kept.write()

    def _target(self, given: Pass, spec: TargetSpec) -> None:
        with self._slots:
            if self._around.should_stop():
                outcome = not_reached(given.workload, spec.name)
            else:
                outcome = sync_target(given, spec)
            given.reads.done_with(spec.resource)
        self._tell(outcome)

    def _tell(self, outcome: Outcome) -> None:
        self._report.add(outcome)
        self._watcher.outcome(outcome)


def _nobody(host: str) -> Any:
    raise AllowlistError(f"nobody is signed in who could ask {host}")


class _Once:
    """Looks once, however many threads ask; what it raised, everybody gets."""

    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._error: AllowlistError | None = None
        self._done = False

    def __call__(self) -> None:
        with self._lock:
            if not self._done:
                try:
                    self._look()
                except AllowlistError as error:
                    self._error = error
                self._done = True
        if self._error is not None:
            raise self._error


def _shared_reads(works: Sequence[Work], parallel: int) -> dict[int, SharedReads]:
    """One for every ARM, told beforehand what its targets are."""
    arms = {id(work.arm): work.arm for work in works}
    return {
        key: SharedReads(
            arm,
            [resource for work in works if work.arm is arm for resource in work.resources],
            kept=32 + 4 * parallel,
        )
        for key, arm in arms.items()
    }


def _blocked(recovered: Sequence[tuple[LeftBehind, Outcome]]) -> Iterator[tuple[str, str]]:
    """Where an earlier run is still open, nothing new is written, and what it did is not taken for drift."""
    for left, outcome in recovered:
        if outcome.code and not left.is_unbegun:
            yield from ((target, outcome.text) for target in left.targets)
