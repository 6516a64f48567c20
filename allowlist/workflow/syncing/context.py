"""What a scheduled run is given, and what one pass over one workload works with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from allowlist.apply.executor import RunContext
from allowlist.points.point import ArmWriter
from allowlist.workflow.project import Project
from allowlist.workflow.reuse import Kept
from allowlist.workflow.syncing.approvals import SignedApprovals
from allowlist.workflow.syncing.calendar import closed_because
from allowlist.workflow.syncing.denials import SeenDenied
from allowlist.workflow.syncing.lock_groups import LockGroups
from allowlist.workflow.syncing.notes import Notes
from allowlist.workflow.syncing.outcome import Outcome
from allowlist.workflow.syncing.reads import SharedReads
from allowlist.workload import TargetSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a run behaves. ``plan_only`` never writes to Azure; ``plans`` is a folder for plans that wait."""

    plan_only: bool = False
    parallel: int = 8
    lock_wait: dt.timedelta = dt.timedelta()
    plans: Path | None = None


class Watcher(Protocol):
    """Who wants to know how a run goes: messages, metrics, the terminal. Called from several threads at once."""

    def workload(self, project: Project, file: Path) -> None:
        """Before the first target of a workload is looked at."""
        ...

    def outcome(self, outcome: Outcome) -> None:
        """As soon as a target is done."""
        ...


class NobodyWatches:
    def workload(self, project: Project, file: Path) -> None:
        del project, file

    def outcome(self, outcome: Outcome) -> None:
        del outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One workload of one run. ``reads`` answers repeated reads once; ``arm`` always asks Azure.

    ``blocked`` maps target names to the reason why nothing may be written there in this run. ``trust_ledger``
    raises AllowlistError when the ledger was edited. ``kept`` is what earlier runs found out, ``notes`` what they
    noted, ``seen`` what this one will say of denied names.
    """

    project: Project
    specs: tuple[TargetSpec, ...]
    arm: ArmWriter
    reads: SharedReads
    lock_groups: LockGroups
    approvals: SignedApprovals
    context: RunContext
    settings: Settings
    trust_ledger: Callable[[], None]
    kept: Kept
    notes: Notes
    seen: SeenDenied = field(default_factory=SeenDenied)
    blocked: Mapping[str, str] = field(default_factory=dict)

    @property
    def workload(self) -> str:
        return self.project.workload.name

    def closed(self, target: str) -> str:
        """Why nothing may be changed on ``target`` now; empty if it may."""
        if self.settings.plan_only:
            return "this run only plans"
        return self.blocked.get(target) or closed_because(
            self.project.workload.automation, self.context.clock()
        )
