"""Decide about changes of a plan: approve, reject, accept gates; each decision bound to meaning."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from allowlist.documents import canonical_json
from allowlist.documents.reader import near_miss
from allowlist.errors import AllowlistError
from allowlist.plan.approval import ApprovalPolicy, Standing, standings
from allowlist.plan.model import Change, Plan
from allowlist.store import Decision, Ledger
from allowlist.store.approval_file import read_approval
from allowlist.store.identity import Identity
from allowlist.workload import Workload

VALID_DAYS = 14


def chosen_changes(plan: Plan, ids: Sequence[str], *, everything: bool) -> list[Change]:
    """The changes named, or all. Raises AllowlistError for a name that fits none or several."""
    if everything:
        return list(plan.changes)
    if not ids:
        raise AllowlistError("which changes?", hint="name them, or give --all")
    chosen = []
    for text in ids:
        change = plan.change(text)
        if change is None:
            known = [item.id for item in plan.changes]
            raise AllowlistError(f"the plan has no single change '{text}'{near_miss(text, known)}")
        chosen.append(change)
    return chosen


def decide(
    ledger: Ledger,
    plan: Plan,
    changes: Sequence[Change],
    verdict: str,
    who: Identity,
    reason: str,
    at: dt.datetime,
    *,
    gates: Sequence[str] = (),
    valid_days: int = VALID_DAYS,
) -> list[Decision]:
    """Record the decisions (all or none), the plan first. Raises AllowlistError for a gate that cannot be accepted."""
    _check_gates(plan, gates)
    expires = at + dt.timedelta(days=valid_days) if verdict == "approve" else None
    decisions = [_decision(plan, change, verdict, who, reason, at, expires, None) for change in changes]
    for gate_id in gates:
        closed = [change for change in changes if gate_id in change.gates]
        decisions += [
            _decision(plan, change, "accept-gate", who, reason, at, None, gate_id) for change in closed
        ]
    ledger.save_plan(plan.digest, canonical_json(plan), workload=plan.workload, created=at, who=who.who)
    ledger.decide(*decisions)
    return decisions


def _check_gates(plan: Plan, gates: Sequence[str]) -> None:
    known = {gate.id: gate for gate in plan.gates}
    for gate_id in gates:
        if gate_id not in known:
            raise AllowlistError(f"the plan has no gate '{gate_id}'{near_miss(gate_id, known)}")
        if known[gate_id].final:
            raise AllowlistError(f"gate '{gate_id}' cannot be accepted: {known[gate_id].text}")


def _decision(
    plan: Plan,
    change: Change,
    verdict: str,
    who: Identity,
    reason: str,
    at: dt.datetime,
    expires: dt.datetime | None,
    gate: str | None,
) -> Decision:
    return Decision(
        change_digest=change.digest,
        precondition=change.precondition,
        verdict=verdict,  # type: ignore[arg-type]
        who=who.who,
        identity=who.kind,
        reason=reason,
        at=at,
        expires=expires,
        gate=gate,
        plan_id=plan.digest,
    )


def policy_of(workload: Workload) -> ApprovalPolicy:
    """The approval rules of a workload file."""
    rule = workload.approval
    return ApprovalPolicy(approvers=tuple(rule.approvers), four_eyes=rule.four_eyes, quorum=dict(rule.quorum))


def standings_in(
    ledger: Ledger, plan: Plan, policy: ApprovalPolicy, now: dt.datetime
) -> tuple[Standing, ...]:
    """Where every change of ``plan`` stands by the ledger."""
    decisions = ledger.decisions([change.digest for change in plan.changes])
    return standings(plan, decisions, policy, now)


def import_decisions(
    ledger: Ledger, plan: Plan, files: Sequence[Path], workload: Workload, folder: Path, now: dt.datetime
) -> int:
    """Take decisions made elsewhere into the ledger; signatures are checked first. How many were taken."""
    signers = folder / workload.approval.allowed_signers if workload.approval.allowed_signers else None
    known = {change.digest for change in plan.changes}
    found = [
        decision
        for file in files
        for decision in read_approval(file, allowed_signers=signers, at=now)
        if decision.change_digest in known
    ]
    if found:
        ledger.save_plan(
            plan.digest, canonical_json(plan), workload=plan.workload, created=now, who=found[0].who
        )
        ledger.decide(*found)
    return len(found)
