"""Approvals that people keep in Git: signed files beside the workload file, taken into the ledger once."""

from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path

from allowlist.errors import AllowlistError
from allowlist.plan.model import Plan
from allowlist.store import Decision, Ledger
from allowlist.store.approval_file import read_approval
from allowlist.workflow.deciding import take_in
from allowlist.workflow.project import Project


class SignedApprovals:
    """The decisions in the files that ``automation.approvals`` names; signatures are checked once for all targets."""

    def __init__(self, project: Project, folder: Path, now: dt.datetime) -> None:
        self._globs = project.workload.automation.approvals
        self._signers = project.approval.signers
        self._folder = folder
        self._now = now
        self._lock = threading.Lock()
        self._decisions: tuple[Decision, ...] | None = None

    def take_in(self, plan: Plan, ledger: Ledger) -> None:
        """Put those on changes of ``plan`` on record. Raises AllowlistError for a file without valid signature."""
        take_in(ledger, plan, self._all(), self._now)

    def _all(self) -> tuple[Decision, ...]:
        with self._lock:
            if self._decisions is None:
                files = sorted({file for text in self._globs for file in self._folder.glob(text)})
                self._decisions = tuple(item for file in files for item in self._signed(file))
            return self._decisions

    def _signed(self, file: Path) -> tuple[Decision, ...]:
        decisions = read_approval(file, allowed_signers=self._signers, at=self._now)
        if any(item.identity != "signed" for item in decisions):
            raise AllowlistError(
                f"{file} is not signed, so nobody vouches for it",
                hint="sign it: allowlist approve PLAN --all --reason TEXT --sign KEY --as NAME -o FILE",
            )
        return decisions
