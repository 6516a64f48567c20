"""Approvals that people keep in Git: signed files beside the workload file, taken into the ledger once."""

from __future__ import annotations

from pathlib import Path

from allowlist.errors import AllowlistError
from allowlist.plan.model import Plan
from allowlist.store import Decision
from allowlist.store.approval_file import read_approval
from allowlist.workflow.syncing.context import Pass


def take_in_approvals(given: Pass, plan: Plan) -> int:
    """Put the signed decisions on changes of ``plan`` on record. Raises AllowlistError for a file without signature."""
    files = approval_files(given)
    if not files:
        return 0
    wanted = [change.digest for change in plan.changes]
    known = {_identity(item) for item in given.around.ledger.decisions(wanted)}
    found = [item for file in files for item in _signed(given, file)]
    fresh = [item for item in found if item.change_digest in set(wanted) and _identity(item) not in known]
    if fresh:
        given.around.ledger.decide(*fresh)
    return len(fresh)


def approval_files(given: Pass) -> list[Path]:
    """The files that ``automation.approvals`` names, sorted; a glob that finds nothing is fine."""
    globs = given.project.workload.automation.approvals
    return sorted({file for text in globs for file in given.folder.glob(text)})


def _signed(given: Pass, file: Path) -> tuple[Decision, ...]:
    signers = given.project.workload.approval.allowed_signers
    decisions = read_approval(
        file, allowed_signers=given.folder / signers if signers else None, at=given.around.clock()
    )
    if any(item.identity != "signed" for item in decisions):
        raise AllowlistError(
            f"{file} is not signed, so nobody vouches for it",
            hint="sign it: allowlist approve PLAN --sign KEY --as NAME -o FILE",
        )
    return decisions


def _identity(decision: Decision) -> tuple[object, ...]:
    return (
        decision.change_digest,
        decision.precondition,
        decision.verdict,
        decision.who,
        decision.at,
        decision.gate,
    )
