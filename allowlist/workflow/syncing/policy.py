"""Which changes of a plan a scheduled run may carry out. Pure: what is not clearly allowed waits for a person."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from allowlist.plan.approval import ApprovalStatus
from allowlist.plan.model import Change, Classification, Plan
from allowlist.rules.requirement import FIELD_SCENARIO
from allowlist.workload.document import Automation, Unattended


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """One change: may it go now, and on whose word or for what reason not."""

    change: Change
    may_go: bool
    because: str
    without_person: bool = False


def permits(
    plan: Plan,
    standings: Sequence[ApprovalStatus],
    automation: Automation,
    closed: str,
    drifted: Collection[str],
) -> list[Permit]:
    """A permit per change of ``plan``, in its order.

    ``closed`` says why nothing may change now, empty if it may. ``drifted`` holds the ids of changes that undo what
    somebody did to rules of ours; the ``drift`` policy speaks about those.
    """
    return [_permit(item, plan, automation, closed, item.change.id in drifted) for item in standings]


def _permit(
    standing: ApprovalStatus, plan: Plan, automation: Automation, closed: str, is_drift: bool
) -> Permit:
    change = standing.change
    if standing.state in ("rejected", "deferred"):
        return _waits(change, standing.text)
    by_people = standing.is_approved and automation.apply != "nothing"
    word = standing.text if by_people else _policy_word(change, plan, automation, is_drift)
    if not word:
        return _waits(change, _why_not(standing, plan, automation, is_drift))
    if closed:
        return _waits(change, f"{word}, but {closed}")
    return Permit(change=change, may_go=True, because=word, without_person=not by_people)


def _policy_word(change: Change, plan: Plan, automation: Automation, is_drift: bool) -> str:
    """On which rule of the policy the change may go without a person; empty if on none."""
    if is_drift:
        reverts = automation.drift == "revert" and not _doubts_about_revert(change, plan)
        return "reverts drift, as the policy says" if reverts else ""
    if automation.apply == "safe" and not unattended_doubts(change, plan, automation.unattended):
        return "safe by policy: additive, wanted, proved, no gate"
    return ""


def _why_not(standing: ApprovalStatus, plan: Plan, automation: Automation, is_drift: bool) -> str:
    change = standing.change
    if is_drift and automation.drift == "report":
        return "undoes drift, which is only reported (automation.drift)"
    if is_drift and automation.drift == "revert":
        return f"undoes drift; {_doubts_about_revert(change, plan)[0]}"
    if automation.apply == "nothing":
        return f"{standing.text}; nothing is applied automatically (automation.apply)"
    if automation.apply == "safe" and not is_drift:
        return f"{standing.text}; {unattended_doubts(change, plan, automation.unattended)[0]}"
    return standing.text


def unattended_doubts(change: Change, plan: Plan, rule: Unattended) -> list[str]:
    """Every reason why ``change`` needs a person; empty when the policy lets it go."""
    doubts = []
    if change.operation.action != "add" or change.classification is not Classification.NEW:
        doubts.append(f"not a plain addition ({change.operation.action}, {change.classification.value})")
    if change.risk.value not in rule.risks:
        doubts.append(f"risk {change.risk.value} needs a person")
    if not change.requirements:
        doubts.append("no requirement asks for it")
    for ref in change.requirements:
        if ref.scenario == FIELD_SCENARIO:
            doubts.append(f"{ref.catalog}#{ref.entry} is known from the field only")
        if ref.need not in rule.needs:
            doubts.append(f"{ref.catalog}#{ref.entry} is {ref.need}")
        if ref.catalog not in (rule.catalogs or plan.catalogs):
            doubts.append(f"{ref.catalog}#{ref.entry} comes from no catalog trusted without a person")
    return doubts + _doubts(change, plan)


_BRAKES = frozenset({"removals", "removal-share", "shrunken-catalog"})
"""Gates that count what a plan takes away."""


def _doubts_about_revert(change: Change, plan: Plan) -> list[str]:
    """A rule of ours that somebody widened is brought back by an update; that it closes what they opened is the point."""
    brakes = _BRAKES if change.operation.action == "update" else frozenset()
    return _doubts(change, plan, beside=brakes)


def _doubts(change: Change, plan: Plan, beside: frozenset[str] = frozenset()) -> list[str]:
    """Proofs and gates: no policy goes without the first nor past the second, but for the gates ``beside``."""
    proofs = change.proofs
    named = (
        ("needed", proofs.needed),
        ("sufficient", proofs.sufficient),
        ("nothing else", proofs.nothing_else),
    )
    doubts = [f"the proof '{name}' does not hold" for name, proof in named if not proof.holds]
    return doubts + [
        f"gate {gate.id} is closed"
        for gate in plan.gates
        if not gate.passed and change.id in gate.changes and gate.id not in beside
    ]


def _waits(change: Change, because: str) -> Permit:
    return Permit(change=change, may_go=False, because=because)
