"""What a scheduled run is given, and what one pass over one workload works with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from allowlist.apply.executor import Surroundings
from allowlist.surfaces.base import ArmReader, ArmWriter
from allowlist.workflow.project import Project
from allowlist.workflow.syncing.calendar import closed_because
from allowlist.workload import TargetSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a run behaves. ``plan_only`` never writes to Azure; ``plans`` is a folder for plans that wait."""

    plan_only: bool = False
    parallel: int = 8
    lock_wait: dt.timedelta = dt.timedelta()
    plans: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One workload of one run. ``reads`` answers repeated reads once; ``arm`` always asks Azure.

    ``blocked`` maps target names to the reason why nothing may be written there in this run.
    """

    project: Project
    specs: tuple[TargetSpec, ...]
    folder: Path
    arm: ArmWriter
    reads: ArmReader
    around: Surroundings
    settings: Settings
    host: str
    blocked: Mapping[str, str] = field(default_factory=dict)

    @property
    def workload(self) -> str:
        return self.project.workload.name

    def closed(self, target: str) -> str:
        """Why nothing may be changed on ``target`` now; empty if it may."""
        if self.settings.plan_only:
            return "this run only plans"
        return self.blocked.get(target) or closed_because(
            self.project.workload.automation, self.around.clock()
        )
