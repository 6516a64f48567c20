"""Which changes of a plan are approved, and who or what is still missing. Pure.

A decision names the semantic digest of a change and its target's precondition. So it survives an identical
re-plan, dies with any difference, and ends at its date. What is not known to be allowed is not allowed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from allowlist.plan.model import Change, Plan

UNVERIFIED_PREFIX = "os:"
"""Users known only to their operating system; listed as approvers under this prefix, they count."""


class DecisionLike(Protocol):
    """What the ledger keeps of one decision (:class:`allowlist.store.Decision`)."""

    @property
    def change_digest(self) -> str: ...
    @property
    def precondition(self) -> str: ...
    @property
    def verdict(self) -> str: ...
    @property
    def who(self) -> str: ...
    @property
    def identity(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def at(self) -> dt.datetime: ...
    @property
    def expires(self) -> dt.datetime | None: ...
    @property
    def until(self) -> dt.datetime | None: ...
    @property
    def gate(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalPolicy:
    """Who may approve and how many it takes per risk. Empty ``approvers``: anybody, verified or not."""

    approvers: tuple[str, ...] = ()
    four_eyes: bool = False
    quorum: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one change stands. ``state`` is approved, pending, rejected, deferred, expired or gated."""

    change: Change
    state: str
    text: str
    approvers: tuple[str, ...] = ()
    needed: int = 1

    @property
    def is_approved(self) -> bool:
        return self.state == "approved"


def standings(
    plan: Plan, decisions: Sequence[DecisionLike], policy: ApprovalPolicy, now: dt.datetime
) -> tuple[Standing, ...]:
    """The standing of every change of ``plan``, in the plan's order."""
    return tuple(_standing(change, plan, decisions, policy, now) for change in plan.changes)


def _standing(
    change: Change, plan: Plan, decisions: Sequence[DecisionLike], policy: ApprovalPolicy, now: dt.datetime
) -> Standing:
    mine = [item for item in decisions if item.change_digest == change.digest]
    needed = policy.quorum.get(change.risk.value, 1)
    current = [item for item in mine if item.precondition == change.precondition]
    verdicts = _latest_by_person([item for item in current if item.verdict in ("approve", "reject", "defer")])
    for item in verdicts:
        if item.verdict == "reject":
            return Standing(change=change, state="rejected", text=f"{item.who}: {item.reason}", needed=needed)
    for item in verdicts:
        if item.verdict == "defer" and item.until and item.until > now:
            text = f"{item.who} deferred it until {item.until:%Y-%m-%d}: {item.reason}"
            return Standing(change=change, state="deferred", text=text, needed=needed)
    approvals = [item for item in verdicts if item.verdict == "approve" and counts(item, plan, policy)]
    valid = [item for item in approvals if item.expires is None or item.expires > now]
    who = tuple(item.who for item in valid)
    if len(valid) < needed:
        return _not_yet(change, mine, approvals, valid, needed, who)
    closed = open_gates(change, plan, [item for item in current if counts(item, plan, policy)])
    if closed:
        text = f"waits for gate {', '.join(closed)}"
        return Standing(change=change, state="gated", text=text, approvers=who, needed=needed)
    return Standing(
        change=change, state="approved", text=f"approved by {', '.join(who)}", approvers=who, needed=needed
    )


def _not_yet(
    change: Change,
    mine: Sequence[DecisionLike],
    approvals: Sequence[DecisionLike],
    valid: Sequence[DecisionLike],
    needed: int,
    who: tuple[str, ...],
) -> Standing:
    if approvals and not valid:
        return Standing(change=change, state="expired", text="the approval has expired", needed=needed)
    if any(item.verdict == "approve" and item.precondition != change.precondition for item in mine):
        text = "approved for another state of the target; look again"
        return Standing(change=change, state="pending", text=text, needed=needed)
    text = f"{len(valid)} of {needed} approvals" if needed > 1 else "not approved yet"
    return Standing(change=change, state="pending", text=text, approvers=who, needed=needed)


def counts(decision: DecisionLike, plan: Plan, policy: ApprovalPolicy) -> bool:
    """May a decision open anything? Nobody vouches for an unverified name, so it cannot pass for a listed person."""
    claimed = decision.identity == "unverified" and not decision.who.startswith(UNVERIFIED_PREFIX)
    return may_approve(decision.who, plan, policy) and not (claimed and policy.approvers)


def may_approve(who: str, plan: Plan, policy: ApprovalPolicy) -> bool:
    """May this identity approve at all? With four eyes, whoever asked may not."""
    if policy.four_eyes and who == plan.asked_by:
        return False
    return not policy.approvers or who in policy.approvers


def open_gates(change: Change, plan: Plan, decisions: Iterable[DecisionLike]) -> tuple[str, ...]:
    """Gates of ``change`` that neither pass nor are waived nor were accepted by id."""
    accepted = {item.gate for item in decisions if item.verdict == "accept-gate"}
    return tuple(
        gate.id
        for gate in plan.gates
        if change.id in gate.changes
        and not gate.passed
        and not gate.waived_by
        and (gate.final or gate.id not in accepted)
    )


def _latest_by_person(decisions: Iterable[DecisionLike]) -> list[DecisionLike]:
    latest: dict[str, DecisionLike] = {}
    for item in decisions:
        latest[item.who] = item
    return list(latest.values())
