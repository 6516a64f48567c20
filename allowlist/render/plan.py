"""A plan as text: what changes, why, the proofs, what stands in the way, what it costs."""

from __future__ import annotations

from collections.abc import Iterator

from allowlist.documents.grouping import grouped
from allowlist.documents.words import counted
from allowlist.plan.model import Change, Plan, Proof, TargetPlan

_SIGNS = {"add": "+", "update": "~", "remove": "-"}


def plan_text(plan: Plan) -> Iterator[str]:
    """The plan for people, changes grouped by target."""
    by_target = grouped(plan.changes, lambda change: change.target)
    for target in plan.targets:
        mine = by_target.get(target.name, [])
        yield f"{target.name} ({target.surface}): {counted(len(mine), 'change')}, {counted(len(target.writes), 'write')}, about {target.minutes:g} minutes{_bill(target)}"
        for change in mine:
            yield from change_text(change, has_own_write=len(target.writes) > 1)
    yield from _rest_text(plan)
    yield from _policy_text(plan)
    yield summary_text(plan)


def _policy_text(plan: Plan) -> Iterator[str]:
    text = approval_text(plan)
    if text:
        yield text


def approval_text(plan: Plan) -> str:
    """Under which approval policy the plan was made, and where it came from; empty where nothing is to be approved."""
    policy = plan.approval
    if policy is None or plan.is_empty:
        return ""
    rules = ["four eyes"] if policy.four_eyes else []
    rules += [f"{count} for {risk}" for risk, count in sorted(policy.quorum.items()) if count > 1]
    rules += [f"by {', '.join(policy.approvers)}" if policy.approvers else "by anybody"]
    return f"approval policy in force (from {policy.origin}): {'; '.join(rules)}"


def change_text(change: Change, *, has_own_write: bool = False) -> Iterator[str]:
    yield f"  {_SIGNS[change.operation.action]} {change.id}  {change.title}  ({change.classification.value}, risk {change.risk.value})"
    yield f"      {change.reason}"
    for line in dict.fromkeys(ref.evidence for ref in change.requirements if ref.evidence):
        yield f"      evidence: {line}"
    proofs = change.proofs
    for name, proof in (
        ("needed", proofs.needed),
        ("sufficient", proofs.sufficient),
        ("nothing else", proofs.nothing_else),
    ):
        yield f"      {_mark(proof)} {name}: {proof.text}{_witness(proof)}"
    cost = _cost(change, has_own_write=has_own_write)
    if cost:
        yield f"      cost: {cost}"
    if change.gates:
        yield f"      gates: {', '.join(change.gates)}"


def _bill(target: TargetPlan) -> str:
    return f", about {target.monthly:.0f} {target.currency} a month" if target.monthly is not None else ""


def _cost(change: Change, *, has_own_write: bool) -> str:
    """What one change takes: minutes, money, what cannot be undone, and where the figures come from.

    The minutes of a write that several changes share stand in the head line of their target alone.
    """
    cost = change.cost
    if not (has_own_write or cost.once or cost.billed or cost.irreversible):
        return ""
    parts = [f"about {cost.minutes:g} minutes"]
    parts += [f"{cost.once_minutes:g} more, once"] if cost.once_minutes else []
    parts += [text for text in (cost.billed, cost.irreversible) if text]
    parts += [f"source: {cost.source}"] if cost.source else []
    return "; ".join(parts)


def _mark(proof: Proof) -> str:
    return "✓" if proof.holds else "✗"


def _witness(proof: Proof) -> str:
    return f" — {proof.witness}" if proof.witness else ""


def _rest_text(plan: Plan) -> Iterator[str]:
    for gate in plan.gates:
        state = (
            f"waived by {gate.waived_by}"
            if gate.waived_by
            else "cannot be accepted"
            if gate.final
            else "closed"
        )
        yield f"gate {gate.id} ({state}): {gate.text}"
    yield from unsettled_lines(plan)
    for skip in plan.skips:
        yield f"left alone {skip.subject} [{skip.target}] ({skip.code}): {skip.text}"


def unsettled_lines(plan: Plan) -> Iterator[str]:
    """What would still not be as it should be after the plan, each in one line: requirements, then the rest."""
    for gap in plan.gaps:
        ref = gap.requirement
        yield f"gap {ref.pattern} {ref.protocol}:{ref.ports} [{gap.target}]: {gap.cause}"
    for concern in plan.concerns:
        yield f"{concern.status} {concern.subject} [{concern.target}]: {concern.text}"


def afterwards_text(plan: Plan) -> str:
    """Of a plan made after a run: what keeps all from being as it should be; "converged" where nothing does."""
    if plan.is_settled:
        return "converged"
    waiting = [f"{counted(len(plan.changes), 'change')} not applied"] if plan.changes else []
    lacking = [unsettled_text(plan)] if plan.gaps or plan.concerns else []
    return "; ".join([*waiting, *lacking])


def afterwards_lines(plan: Plan) -> Iterator[str]:
    """The same, one line each: which requirement is not covered, and by whose rule."""
    for change in plan.changes:
        yield f"not applied {change.id} {change.title} [{change.target}]"
    yield from unsettled_lines(plan)


def summary_text(plan: Plan) -> str:
    """One line: how much changes and what it takes."""
    counts = [
        sum(change.operation.action == action for change in plan.changes)
        for action in ("add", "update", "remove")
    ]
    if plan.is_settled:
        return f"nothing to change: {plan.covered} requirements are covered"
    if plan.is_empty:
        return f"no change would help: {unsettled_text(plan)}; {plan.covered} requirements are covered"
    added, updated, removed = counts
    closed = sum(not gate.waived_by for gate in plan.gates)
    text = f"plan {plan.id}: {added} to add, {updated} to update, {removed} to remove; {plan.covered} already covered"
    text += f"; about {plan.minutes:g} minutes" if plan.minutes else ""
    text += f", {plan.monthly:.0f} {_currency(plan)} a month more" if plan.monthly else ""
    text = f"{text}; {closed} gate{'s' * (closed != 1)} closed" if closed else text
    return f"{text}; {unsettled_text(plan)}" if plan.gaps or plan.concerns else text


def unsettled_text(plan: Plan) -> str:
    """How much would still not be as it should be after the plan."""
    parts = [
        f"{count} {word}{'s' * (count != 1)}"
        for count, word in ((len(plan.gaps), "gap"), (len(plan.concerns), "finding"))
        if count
    ]
    return f"{' and '.join(parts)} for somebody to see to"


def _currency(plan: Plan) -> str:
    return next((target.currency for target in plan.targets if target.currency), "")
