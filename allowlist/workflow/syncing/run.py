"""One scheduled run over workloads and their targets: continues past what fails, and ends with the worst code."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

from allowlist.apply.executor import Surroundings
from allowlist.errors import AllowlistError
from allowlist.surfaces.base import ArmWriter
from allowlist.workflow.applying import new_run_id
from allowlist.workflow.project import Project
from allowlist.workflow.syncing.context import Pass, Settings
from allowlist.workflow.syncing.outcome import Outcome, failed, worst
from allowlist.workflow.syncing.process import this_process
from allowlist.workflow.syncing.reads import SharedReads
from allowlist.workflow.syncing.recovery import free_dead_locks, recover
from allowlist.workflow.syncing.target import sync_target
from allowlist.workload import TargetSpec

LEASE = dt.timedelta(minutes=2)

OnOutcome = Callable[[Outcome], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One workload file and the targets of it that this run takes care of."""

    project: Project
    file: Path
    specs: tuple[TargetSpec, ...]
    arm: ArmWriter


@dataclass(slots=True)
class Report:
    """The run so far: counts, and the outcomes that somebody has to look at."""

    run_id: str
    begun: dt.datetime
    outcomes: list[Outcome] = field(default_factory=list)
    freed: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, outcome: Outcome) -> None:
        with self.lock:
            self.outcomes.append(outcome)

    @property
    def code(self) -> int:
        return worst(outcome.code for outcome in self.outcomes)

    def count(self, state: str) -> int:
        return sum(outcome.state == state for outcome in self.outcomes)


def sync(
    works: Iterable[Work],
    around: Surroundings,
    settings: Settings,
    host: str,
    on_outcome: OnOutcome = lambda _: None,
) -> Report:
    """One run. Never raises for what happens to a workload or target; that is told in its outcome."""
    now = around.clock()
    report = Report(run_id=new_run_id(now), begun=now)
    around = replace(around, who=str(this_process(around.who, host)), lock_wait=settings.lock_wait)
    report.freed = free_dead_locks(around.ledger, around.who, host)
    run = _Run(report, around, settings, host, on_outcome)
    with ThreadPoolExecutor(max_workers=settings.parallel) as pool:
        list(pool.map(run.workload, works))
    return report


class _Run:
    def __init__(
        self, report: Report, around: Surroundings, settings: Settings, host: str, on_outcome: OnOutcome
    ) -> None:
        self._report = report
        self._around = around
        self._settings = settings
        self._host = host
        self._on_outcome = on_outcome
        self._slots = threading.BoundedSemaphore(settings.parallel)
        self._reads: dict[int, SharedReads] = {}
        self._lock = threading.Lock()

    def workload(self, work: Work) -> None:
        try:
            with self._exclusive(work):
                self._targets(self._pass(work))
        except AllowlistError as error:
            self._tell(failed(work.project.workload.name, "all targets", error))

    def _exclusive(self, work: Work) -> AbstractContextManager[object]:
        """Two runs over one workload do not mix: the second is told who is at work."""
        name = f"sync {work.project.workload.name}"
        return self._around.ledger.lock(
            name, owner=self._around.who, lease=LEASE, wait=self._settings.lock_wait
        )

    def _pass(self, work: Work) -> Pass:
        return Pass(
            project=work.project,
            specs=work.specs,
            folder=work.file.parent,
            arm=work.arm,
            reads=self._shared(work.arm),
            around=self._around,
            settings=self._settings,
            host=self._host,
        )

    def _shared(self, arm: ArmWriter) -> SharedReads:
        with self._lock:
            return self._reads.setdefault(id(arm), SharedReads(arm))

    def _targets(self, given: Pass) -> None:
        recovered = [*recover(given)]
        for outcome in recovered:
            self._tell(outcome)
        given = replace(given, blocked=dict(_blocked(recovered)))
        with ThreadPoolExecutor(max_workers=min(self._settings.parallel, len(given.specs))) as pool:
            list(pool.map(lambda spec: self._target(given, spec), given.specs))

    def _target(self, given: Pass, spec: TargetSpec) -> None:
        with self._slots:
            if self._around.should_stop():
                return
            outcome = sync_target(given, spec)
            if outcome.applied or outcome.code:
                self._shared(given.arm).forget(spec.resource)
        self._tell(outcome)

    def _tell(self, outcome: Outcome) -> None:
        self._report.add(outcome)
        self._on_outcome(outcome)


def _blocked(recovered: Sequence[Outcome]) -> Iterator[tuple[str, str]]:
    """Where an earlier run is still open, nothing new is written."""
    for outcome in recovered:
        if outcome.code:
            yield outcome.target, outcome.text
