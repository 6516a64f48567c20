"""A review session: the plan, the ledger, the estate to explore, and the power to apply.

Nothing is read or opened before it is asked for, so a screen can paint first. What may not be done is refused
here, whoever asks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from allowlist.apply.events import OnEvent
from allowlist.apply.executor import RunContext
from allowlist.apply.result import RunResult
from allowlist.apply.stopping import Stop
from allowlist.azure.connection import Place
from allowlist.documents import canonical_json
from allowlist.documents.prepared import prepared
from allowlist.errors import AllowlistError
from allowlist.estate.bodies import Estate
from allowlist.plan.digest import require_intact
from allowlist.plan.findings import Finding
from allowlist.plan.model import Plan
from allowlist.points.point import ArmReader, ArmWriter
from allowlist.store import Clock, Ledger, PlanRecord, Run
from allowlist.store.identity import Identity
from allowlist.traffic.engine import Traffic
from allowlist.traffic.findings import Evidence
from allowlist.workflow.applying import ApplyOptions, apply_plan
from allowlist.workflow.approval_policy import rule_of_plan
from allowlist.workflow.confirming import confirm_run
from allowlist.workflow.evidence import Window, gather
from allowlist.workflow.explaining import Explanation
from allowlist.workflow.exploring import (
    RunStory,
    TargetRules,
    explain_question,
    find_all,
    rules_in_effect,
    story_of,
)
from allowlist.workflow.files import read_plan
from allowlist.workflow.known_names import KnownNames
from allowlist.workflow.planning import make_plan
from allowlist.workflow.project import Project, read_estate
from allowlist.workflow.review import Review
from allowlist.workflow.rolling import remembered
from allowlist.workflow.rolling_back import roll_back
from allowlist.workflow.upgrades import Upgrade, compare_pins
from allowlist.workload import TargetSpec

Narrate = Callable[[str], None]
"""Told in words what is being read, while it is being read."""

SleepFunction = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How the session reaches the world; what is None is not there.

    ``who`` is asked for where a plan, run or workload is. ``state`` opens where actual state comes from (a snapshot or Azure), ``azure`` a client that may write.
    ``makes_first``: somebody asked for a new plan. ``read_only`` is why nothing may be decided or applied, empty when it may.
    """

    ledger: Callable[[], Ledger]
    who: Callable[[Place], Identity]
    clock: Clock
    project: Callable[[], Project] | None = None
    targets: Callable[[Project], list[TargetSpec]] = lambda project: project.targets()
    state: Callable[[Narrate], AbstractContextManager[Path | ArmReader]] | None = None
    azure: Callable[[Narrate, SleepFunction], AbstractContextManager[ArmWriter]] | None = None
    plan: Path | None = None
    makes_first: bool = False
    read_only: str = ""
    confirm_within: timedelta | None = None
    leave_watcher: Callable[[str], str] | None = None
    """Leaves somebody behind who undoes a provisional run that nobody confirms, and says who; else the session does."""
    as_printed: Callable[[str], str] = str
    """A text with commands in it as it is shown: with the options of this session that they need."""
    traffic: Callable[[Project], AbstractContextManager[Traffic]] | None = None
    """Opens the logs that were named; without them what sync remembers in the ledger counts."""
    sleep: SleepFunction | None = None
    """Waits in place of the stop of a run, which wakes up for who asks twice."""


class ReviewSession:
    """What one person works at. Every method may be slow and may be called from any thread."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._lock = threading.RLock()
        self._reading = threading.Lock()
        self._ledger: Ledger | None = None
        self._project: Project | None = None
        self._estate: Estate | None = None
        self._weighing = threading.Lock()
        self._evidence: Evidence | None = None

    @property
    def read_only(self) -> str:
        return self._access.read_only

    @property
    def confirm_within(self) -> timedelta | None:
        return self._access.confirm_within

    def leave_watcher(self, run_id: str) -> str:
        """Who undoes a provisional run also when this session is gone; empty where only the session does."""
        return self._access.leave_watcher(run_id) if self._access.leave_watcher else ""

    def as_printed(self, text: str) -> str:
        """``text`` whose commands run as they stand, wherever this session keeps its ledger and reads Azure."""
        return self._access.as_printed(text)

    def now(self) -> datetime:
        return self._access.clock()

    # plans

    @property
    def names_a_plan(self) -> bool:
        return self._access.plan is not None

    @property
    def makes_first(self) -> bool:
        return self._access.makes_first

    @property
    def can_plan(self) -> bool:
        return self._access.project is not None and self._access.state is not None

    def named_plan(self) -> Plan:
        """The plan file that was named. Raises InvalidInput with every mistake in it."""
        if self._access.plan is None:
            raise AllowlistError("no plan was named", hint="allowlist review PLAN")
        return read_plan(self._access.plan)

    def pending_plans(self) -> tuple[PlanRecord, ...]:
        """Plans of the ledger that nobody began to apply, latest first."""
        return self.ledger().plans(pending_only=True)

    def stored_plan(self, plan_id: str) -> Plan:
        return require_intact(
            msgspec.json.decode(self.ledger().plan(plan_id), type=prepared(Plan)), f"plan {plan_id}"
        )

    def make_plan(self, narrate: Narrate) -> Plan:
        """A new plan for the state as it is now."""
        project = self.project()
        specs = self._access.targets(project)
        estate = self.estate(narrate, again=True)
        narrate("comparing and proving")
        return make_plan(project, estate, specs, self._access.who(project.workload).who)

    def review(self, plan: Plan) -> Review:
        """Open the review of ``plan``; it goes on record if it was not."""
        return self.review_as(plan, self._access.who(plan), self.read_only)

    def who(self, plan: Plan) -> Identity:
        """Who decides here where nobody signs in."""
        return self._access.who(plan)

    def review_as(self, plan: Plan, who: Identity, read_only: str = "") -> Review:
        """The review of ``plan`` by somebody who was vouched for elsewhere, such as one of several in browsers."""
        ledger, read_only = self.ledger(), self.read_only or read_only
        rule = self.project().approval.rule if self._access.project else rule_of_plan(plan)
        if not read_only:
            created = datetime.fromisoformat(plan.created)
            ledger.save_plan(
                plan.digest, canonical_json(plan), workload=plan.workload, created=created, who=who.who
            )
        review = Review(plan, ledger, who=who, clock=self._access.clock, rule=rule, read_only=read_only)
        review.refresh()
        return review

    # exploring

    def estate(self, narrate: Narrate, *, again: bool = False) -> Estate:
        """The actual state; kept until asked for ``again``."""
        with self._reading:
            if self._estate is None or again:
                project = self.project()
                if self._access.state is None:
                    raise AllowlistError(
                        "there is no estate to look at", hint="give --snapshot or sign in to Azure"
                    )
                narrate("reading the actual state")
                with self._access.state(narrate) as origin:
                    self._estate = read_estate(project, self._access.targets(project), origin)
            return self._estate

    def estate_source(self) -> str:
        """For a title: which snapshot was read; empty before reading, and for Azure as it is."""
        estate = self._estate
        known = estate is not None and estate.origin not in ("", "Azure")
        return f" · snapshot {Path(estate.origin).name}, not Azure" if estate is not None and known else ""

    def rules(self, narrate: Narrate) -> tuple[TargetRules, ...]:
        project, estate = self.project(), self.estate(narrate)
        return rules_in_effect(project, estate, self._access.targets(project))

    def findings(self, narrate: Narrate) -> tuple[Finding, ...]:
        project, estate = self.project(), self.estate(narrate)
        narrate("checking every requirement")
        return find_all(project, estate, self._access.targets(project))

    def evidence(self, narrate: Narrate, *, again: bool = False) -> Evidence:
        """What traffic says of the estate; kept until asked for ``again``. Raises AllowlistError where no log is known."""
        with self._weighing:
            if self._evidence is None or again:
                project, estate = self.project(), self.estate(narrate, again=again)
                narrate("reading logs")
                specs, window = self._access.targets(project), Window.of(project.workload.evidence)
                with self._traffic(project) as traffic:
                    self._evidence = gather(project, estate, specs, traffic, window, KnownNames(project.library))  # fmt: skip
            return self._evidence

    def _traffic(self, project: Project) -> AbstractContextManager[Traffic]:
        if self._access.traffic is not None:
            return self._access.traffic(project)
        return remembered(self.ledger(), project.workload.name)

    def explain(self, question: str, narrate: Narrate) -> tuple[Explanation, ...]:
        project, estate = self.project(), self.estate(narrate)
        return explain_question(question, project, estate, self._access.targets(project))

    def pins(self) -> tuple[Upgrade, ...]:
        """The pinned catalogs beside their latest releases."""
        project = self.project()
        return compare_pins(project.workload, project.library)

    def runs(self) -> tuple[Run, ...]:
        """The latest runs, latest first."""
        return self.ledger().runs(100)

    def story(self, run: Run) -> RunStory:
        return story_of(self.ledger(), run)

    # power

    def why_not_write(self) -> str:
        """Why nothing can be written to Azure from this session; empty when it can."""
        if self.read_only:
            return f"read-only: {self.read_only}"
        if self._access.project is None:
            return "no workload file says which targets there are; give --workload"
        if self._access.azure is None:
            return "the state is a snapshot; apply needs Azure"
        return ""

    def why_not_apply(self, review: Review) -> str:
        """Why the approved part of a review cannot be applied now; empty when it can."""
        return self.why_not_write() or review.why_not_apply()

    def apply(self, review: Review, watch: OnEvent, stop: Stop) -> RunResult:
        """Apply what is approved, verified; ``stop`` ends it as signals end a command.

        Raises AllowlistError before anything is written.
        """
        self._refuse(self.why_not_apply(review))
        project = self.project()
        options = ApplyOptions(
            approved_only=True,
            max_age=timedelta(hours=project.workload.gates.plan_age_hours),
            confirm_within=self._access.confirm_within,
        )
        with self._azure(stop) as arm:
            context = self._around(review.who, watch, stop)
            return apply_plan(project, review.plan, arm, context, options)

    def roll_back(self, run_id: str, watch: OnEvent, stop: Stop) -> RunResult:
        """Undo a run, verified; ``stop`` ends it as signals end a command.

        Raises StalePlan when a target was changed since.
        """
        self._refuse(self.why_not_write())
        project = self.project()
        with self._azure(stop) as arm:
            context = self._around(self._access.who(project.workload), watch, stop)
            return roll_back(project, run_id, arm, context)

    def run(self, run_id: str) -> Run:
        return self.ledger().run(run_id)

    def confirm(self, run_id: str) -> Run:
        """Make a provisional run final."""
        self._refuse(f"read-only: {self.read_only}" if self.read_only else "")
        who = self._access.who(self.ledger().run(run_id))
        return confirm_run(self.ledger(), run_id, who.who, self.now())

    # inside

    def ledger(self) -> Ledger:
        with self._lock:
            if self._ledger is None:
                self._ledger = self._access.ledger()
            return self._ledger

    def close(self) -> None:
        with self._lock:
            if self._ledger is not None:
                self._ledger.close()
                self._ledger = None

    def project(self) -> Project:
        """The workload and its catalogs. Raises InvalidInput with every mistake of both."""
        with self._lock:
            if self._project is None:
                if self._access.project is None:
                    raise AllowlistError("there is no workload file", hint="give --workload FILE")
                self._project = self._access.project()
            return self._project

    def _azure(self, stop: Stop) -> AbstractContextManager[ArmWriter]:
        if self._access.azure is None:
            raise AllowlistError(self.why_not_write())
        return self._access.azure(lambda _: None, stop.sleep)

    def _around(self, who: Identity, watch: OnEvent, stop: Stop) -> RunContext:
        return RunContext(
            ledger=self.ledger(),
            who=who.who,
            clock=self._access.clock,
            sleep=self._access.sleep or stop.sleep,
            on_event=watch,
            should_stop=stop.asked,
        )

    def _refuse(self, reason: str) -> None:
        if reason:
            raise AllowlistError(reason, hint="nothing was written")
