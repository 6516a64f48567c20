"""Which changes of a plan a scheduled run may carry out. Pure: what is not clearly allowed waits for a person."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

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
    brought_back: Collection[str],
) -> list[Permit]:
    """A permit per change of ``plan``, in its order.

    ``closed`` says why nothing may change now, empty if it may. ``drifted`` holds the ids of changes that undo what
    somebody did to rules of ours; the ``drift`` policy speaks about those. ``brought_back`` are those of them after which a
    rule is exactly what our last run left.
    """
    back = frozenset(drifted) & frozenset(brought_back)
    return [
        _permit(item, plan, automation, closed, _Drift(item.change.id in drifted, item.change.id in back))
        for item in standings
    ]


@dataclass(frozen=True, slots=True)
class _Drift:
    """Does a change undo what somebody did to a rule of ours, and is the rule after it what our last run left?"""

    is_undone: bool
    is_brought_back: bool


def _permit(
    standing: ApprovalStatus, plan: Plan, automation: Automation, closed: str, drift: _Drift
) -> Permit:
    change = standing.change
    if standing.state in ("rejected", "deferred"):
        return _waits(change, standing.text)
    by_people = standing.is_approved and automation.apply != "nothing"
    if standing.undone and not by_people:
        return _waits(change, standing.text)
    word = standing.text if by_people else _policy_word(change, plan, automation, drift)
    if not word:
        return _waits(change, _why_not(standing, plan, automation, drift))
    if closed:
        return _waits(change, f"{word}, but {closed}")
    return Permit(change=change, may_go=True, because=word, without_person=not by_people)


def _policy_word(change: Change, plan: Plan, automation: Automation, drift: _Drift) -> str:
    """On which rule of the policy the change may go without a person; empty if on none."""
    if drift.is_undone:
        reverts = automation.drift == "revert" and not _doubts_about_revert(change, plan, drift)
        return _REVERTS if reverts else ""
    if automation.apply == "safe" and not unattended_doubts(change, plan, automation.unattended):
        return _SAFE
    return ""


_REVERTS: Final = "reverts drift, as the policy says"
_SAFE: Final = "safe by policy: additive, wanted, proved, no gate"


def still_goes(change: Change, plan: Plan, automation: Automation, because: str) -> bool:
    """Would the policy of today let ``change`` go on the very word ``because`` of which it once went?

    Proofs and gates are those of ``plan``, so what they said then they say now.
    """
    if because == _SAFE:
        return automation.apply == "safe" and not unattended_doubts(change, plan, automation.unattended)
    return because == _REVERTS and automation.drift == "revert"


def _why_not(standing: ApprovalStatus, plan: Plan, automation: Automation, drift: _Drift) -> str:
    change = standing.change
    if drift.is_undone and automation.drift == "report":
        return "undoes drift, which is only reported (automation.drift)"
    if drift.is_undone and automation.drift == "revert":
        return f"undoes drift; {_doubts_about_revert(change, plan, drift)[0]}"
    if automation.apply == "nothing":
        return f"{standing.text}; nothing is applied automatically (automation.apply)"
    if automation.apply == "safe" and not drift.is_undone:
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


def _doubts_about_revert(change: Change, plan: Plan, drift: _Drift) -> list[str]:
    """A rule of ours that somebody widened is brought back; that this closes what they opened is the point.

    An update that says less than our last run left carries out something else besides, and the brakes count.
    """
    is_back = drift.is_brought_back and change.operation.action == "update"
    return _doubts(change, plan, beside=_BRAKES if is_back else frozenset())


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
