"""Denied names of one workload, told of all its targets at once: the log of a default names none of them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from allowlist.documents.words import counted
from allowlist.estate.bodies import Estate
from allowlist.workflow.denied import View, denied_names
from allowlist.workflow.known_names import KnownNames
from allowlist.workflow.project import Project
from allowlist.workflow.syncing.outcome import LOGS, Outcome
from allowlist.workload import TargetSpec


@dataclass(slots=True)
class SeenDenied:
    """Gathers how each target was seen. Safe between threads; of two looks at one target the later counts."""

    _views: dict[str, View] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, project: Project, estate: Estate, spec: TargetSpec) -> None:
        """By the logs that the workload file names, as far as the ledger remembers them."""
        if project.traffic is not None:
            view = View.of(project, estate, spec)
            with self._lock:
                self._views[spec.name] = view

    def outcome(self, project: Project, targets: tuple[TargetSpec, ...]) -> Outcome | None:
        """What the logs say; None where none were read or no target was seen."""
        views = [self._views[spec.name] for spec in targets if spec.name in self._views]
        if project.traffic is None or not views:
            return None
        denied = denied_names(views, project.traffic, KnownNames(project.library), project.now)
        text = f"{counted(len(denied), 'name', 'was')} denied"
        return Outcome(
            workload=project.workload.name, target=LOGS, state="in sync", text=text, denied=denied,
            denied_in_part=len(views) < len(targets),
        )  # fmt: skip
