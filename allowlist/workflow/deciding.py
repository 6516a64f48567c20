"""Decide about changes of a plan: approve, reject, accept gates; each decision bound to meaning."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from allowlist.documents import canonical_json
from allowlist.documents.reader import or_known
from allowlist.errors import AllowlistError, InvalidInput
from allowlist.plan.approval import ApprovalPolicy, ApprovalStatus, folded, of_asker, standings
from allowlist.plan.digest import require_intact
from allowlist.plan.model import Change, Plan
from allowlist.store import Decision, Ledger, Verdict
from allowlist.store.approval_file import read_approval
from allowlist.store.identity import Identity

VALID_DAYS = 14
_CLOCKS_APART = dt.timedelta(minutes=5)
_UNDONE = "undone"


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
            several = [item for item in known if item.startswith(text)]
            raise AllowlistError(
                f"the plan has no single change '{text}'{or_known(text, several or known)}",
                hint="'allowlist plan --details' shows each with its id; a beginning of it will do",
            )
        chosen.append(change)
    return chosen


def decide(
    ledger: Ledger,
    plan: Plan,
    changes: Sequence[Change],
    verdict: Verdict,
    who: Identity,
    reason: str,
    at: dt.datetime,
    *,
    gates: Sequence[str] = (),
    valid_days: int = VALID_DAYS,
) -> list[Decision]:
    """Record the decisions (all or none), the plan first. Raises AllowlistError for a gate that cannot be accepted."""
    decisions = decisions_on(
        plan, changes, verdict, who, reason, ledger.not_before(at), gates=gates, valid_days=valid_days
    )
    record(ledger, plan, decisions)
    return decisions


def record(ledger: Ledger, plan: Plan, decisions: Sequence[Decision]) -> None:
    """Put decisions on a plan on record, the plan first."""
    if decisions:
        first = decisions[0]
        ledger.save_plan(
            plan.digest, canonical_json(plan), workload=plan.workload, created=first.at, who=first.who
        )
        ledger.decide(*decisions)


def decisions_on(
    plan: Plan,
    changes: Sequence[Change],
    verdict: Verdict,
    who: Identity,
    reason: str,
    at: dt.datetime,
    *,
    gates: Sequence[str] = (),
    valid_days: int = VALID_DAYS,
) -> list[Decision]:
    """One decision per change, and one per change and gate that is accepted; nothing is recorded yet."""
    require_intact(plan, f"plan {plan.id}")
    check_gates(plan, gates)
    expires = at + dt.timedelta(days=valid_days) if verdict == "approve" else None
    decisions = [
        decision_on(plan, subject_of(change), verdict, who, reason, at, expires=expires) for change in changes
    ]
    for gate_id in gates:
        closed = [change for change in changes if gate_id in change.gates]
        decisions += [
            decision_on(plan, subject_of(change), "accept-gate", who, reason, at, gate=gate_id)
            for change in closed
        ]
    return decisions


def check_gates(plan: Plan, gates: Sequence[str]) -> None:
    """Raises AllowlistError for a gate that the plan lacks, or that nobody may accept."""
    known = {gate.id: gate for gate in plan.gates}
    for gate_id in gates:
        if gate_id not in known:
            raise AllowlistError(f"the plan has no gate '{gate_id}'{or_known(gate_id, known)}")
        if known[gate_id].final:
            raise AllowlistError(f"gate '{gate_id}' cannot be accepted: {known[gate_id].text}")


def decision_on(
    plan: Plan,
    subject: tuple[str, str, str],
    verdict: Verdict,
    who: Identity,
    reason: str,
    at: dt.datetime,
    *,
    expires: dt.datetime | None = None,
    until: dt.datetime | None = None,
    gate: str | None = None,
) -> Decision:
    """One decision about ``subject``: id and digest of a change, and the state of its target it was judged against."""
    change_id, digest, precondition = subject
    return Decision(
        change=change_id,
        change_digest=digest,
        precondition=precondition,
        verdict=verdict,
        who=who.who,
        identity=who.kind,
        reason=reason,
        at=at,
        expires=expires,
        until=until,
        gate=gate,
        plan_id=plan.digest,
        asked_by=plan.asked_by,
        planned=dt.datetime.fromisoformat(plan.created),
    )


def subject_of(change: Change) -> tuple[str, str, str]:
    return change.id, change.digest, change.precondition


def standings_in(
    ledger: Ledger, plan: Plan, policy: ApprovalPolicy, now: dt.datetime, *, made_here: bool = False
) -> tuple[ApprovalStatus, ...]:
    """Where every change of ``plan`` stands by the ledger.

    ``made_here``: this very process made the plan. One that comes from a file counts only with approvals of a plan
    that the same person asked for: nobody can tell whether the name in the file is true.
    """
    decisions = ledger.decisions_about({change.id: change.digest for change in plan.changes})
    if not made_here:
        decisions = of_asker(decisions, plan)
    known = made_here or not policy.four_eyes or asker_is_known(ledger, plan)
    now, undone = ledger.not_before(now), undone_in(ledger)
    return standings(plan, decisions, policy, now, asker_is_known=known, undone=undone)


def note_undone(ledger: Ledger, changes: Sequence[Change], run_id: str) -> None:
    """A rollback of ``changes`` begins: whoever wants them again has to say so."""
    for change in changes:
        ledger.note(_UNDONE, change.id, run_id, {"title": change.title})


def undone_in(ledger: Ledger) -> dict[str, dt.datetime]:
    """By id of a change when it was last rolled back."""
    return {change_id: entry.at for change_id, entry in ledger.latest_notes(_UNDONE).items()}


def asker_is_known(ledger: Ledger, plan: Plan) -> bool:
    """Was the plan put on record by the one it says has asked for it, before anybody else did?"""
    kept = ledger.plan_record(plan.digest)
    return kept is not None and folded(kept.who) == folded(plan.asked_by)


def import_decisions(
    ledger: Ledger, plan: Plan, files: Sequence[Path], signers: Path | None, now: dt.datetime
) -> int:
    """Take decisions made elsewhere into the ledger; signatures are checked first. How many were taken."""
    found = [decision for file in files for decision in read_approval(file, allowed_signers=signers, at=now)]
    return take_in(ledger, plan, found, now)


def take_in(ledger: Ledger, plan: Plan, decisions: Sequence[Decision], now: dt.datetime) -> int:
    """Put those on changes of ``plan`` on record that are not there yet; how many that were.

    A refusal or deferral of one of its changes counts under whatever terms it was said. Raises InvalidInput for one that was made in the future.
    """
    wanted = {change.digest for change in plan.changes}
    ids = {change.id for change in plan.changes}
    wanted |= {
        item.change_digest for item in decisions if item.change in ids and item.verdict in ("reject", "defer")
    }
    known = {_identity(item) for item in ledger.decisions(wanted)}
    fresh = [item for item in decisions if item.change_digest in wanted and _identity(item) not in known]
    for item in fresh:
        if item.at > ledger.not_before(now) + _CLOCKS_APART:
            raise InvalidInput.of(
                "the file of decisions", f"holds one of {item.who} from the future ({item.at:%Y-%m-%d %H:%M})"
            )
    if fresh:
        ledger.save_plan(
            plan.digest, canonical_json(plan), workload=plan.workload, created=now, who=fresh[0].who
        )
        ledger.decide(*fresh)
    return len(fresh)


def _identity(decision: Decision) -> tuple[object, ...]:
    return (
        decision.change_digest,
        decision.precondition,
        decision.verdict,
        decision.who,
        decision.identity,
        decision.at,
        decision.gate,
    )
