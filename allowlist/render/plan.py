"""A plan as text: what changes, why, the proofs, what stands in the way, what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from allowlist.documents.words import counted
from allowlist.plan.model import Change, Gate, Plan, Proof, Risk, TargetPlan
from allowlist.plan.risks import is_proved, riskiest_first, risks_of

SHOWN_WHOLE: Final = 10
"""Changes that are shown one by one; more of them are grouped, so that a plan fits on a screen."""
_TARGETS: Final = 6
_GROUPS: Final = 8
_LINES: Final = 4
_IN_FULL: Final = 2
_USUAL_DAYS: Final = 14

_SIGNS = {"add": "+", "update": "~", "remove": "-"}


def plan_text(plan: Plan, *, details: bool = False) -> Iterator[str]:
    """The plan for people, changes grouped by target; a large one on one screen, unless ``details`` are asked for."""
    if not details and len(plan.changes) > SHOWN_WHOLE:
        yield from _compact_text(plan)
        return
    for target in plan.targets:
        mine = [change for change in plan.changes if change.target == target.name]
        yield _target_text(target, mine)
        for change in mine:
            yield from change_text(change, has_own_write=len(target.writes) > 1)
        for text in target.assumptions:
            yield f"  covered, unless {text}"
    yield from _rest_text(plan)
    yield from _policy_text(plan)
    yield summary_text(plan)


def _target_text(target: TargetPlan, mine: Sequence[Change]) -> str:
    head = f"{target.name} ({target.surface}): {counted(len(mine), 'change')}, {counted(len(target.writes), 'write')}"
    return f"{head}, about {counted(target.minutes, 'minute')}{_bill(target)}"


def _compact_text(plan: Plan) -> Iterator[str]:
    """One screen: how much by target and catalog, what is exceptional in full, gates and gaps, and how to see all."""
    by_target: dict[str, list[Change]] = {}
    for change in plan.changes:
        by_target.setdefault(change.target, []).append(change)
    busy = [target for target in plan.targets if target.name in by_target]
    for target in busy[:_TARGETS]:
        mine = by_target[target.name]
        yield _target_text(target, mine)
        yield f"  {_counts(mine)}"
    if len(busy) > _TARGETS:
        rest = [change for target in busy[_TARGETS:] for change in by_target[target.name]]
        yield f"{counted(len(busy) - _TARGETS, 'more target')}: {counted(len(rest), 'change')}"
        yield f"  {_counts(rest)}"
    yield from _exceptions_text(
        [change for change in riskiest_first(plan.changes) if _is_exceptional(change)]
    )
    yield from _some_of([_gate_text(gate) for gate in plan.gates], "gates", _LINES)
    yield from _some_of(list(unsettled_lines(plan)), "gaps and findings", _LINES)
    if plan.skips:
        yield f"{counted(len(plan.skips), 'thing')} left alone: {_most(Counter(skip.code for skip in plan.skips))}"
    yield from _policy_text(plan)
    yield summary_text(plan)
    yield "every change with its proofs: --details"


def _counts(changes: Sequence[Change]) -> str:
    """By catalog, then by risk, the most first."""
    catalogs = Counter(catalog for change in changes for catalog in _catalogs(change))
    risks = Counter(risk.value for change in changes for risk in risks_of(change))
    return f"for {_most(catalogs)}; risks: {_most(risks)}"


def _catalogs(change: Change) -> set[str]:
    return {ref.catalog for ref in change.requirements} or {"nobody any more"}


def _most(counts: Counter[str]) -> str:
    told = ", ".join(f"{name} {count:,}" for name, count in counts.most_common(_GROUPS))
    return f"{told} and {len(counts) - _GROUPS} more" if len(counts) > _GROUPS else told


def _is_exceptional(change: Change) -> bool:
    """Not proved, or of a kind that nobody approves in bulk; what is billed is told by its gate."""
    return not is_proved(change) or bool(
        {Risk.IRREVERSIBLE, Risk.WIDENING, Risk.REMOVAL}.intersection(risks_of(change))
    )


def _exceptions_text(changes: Sequence[Change]) -> Iterator[str]:
    """The first in full, some more in a line each, the rest as a number."""
    for change in changes[:_IN_FULL]:
        yield from change_text(change)
    rest = changes[_IN_FULL:]
    yield from _some_of([f"  {_SIGNS[item.operation.action]} {item.id}  {item.title} [{item.target}]  ({_risk_words(item)})" for item in rest], "like these", _LINES)  # fmt: skip


def _risk_words(change: Change) -> str:
    words = ", ".join(risk.value for risk in risks_of(change))
    return words if is_proved(change) else f"not proved; {words}"


def _some_of(lines: Sequence[str], what: str, most: int) -> Iterator[str]:
    yield from lines[:most]
    if len(lines) > most:
        yield f"… and {len(lines) - most:,} more {what}"


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
    rules += [f"for {counted(policy.valid_days, 'day')}"] if policy.valid_days != _USUAL_DAYS else []
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
    yield from (f"      traffic: {line}" for line in change.traffic)
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
    parts = [f"about {counted(cost.minutes, 'minute')}"]
    parts += [f"{cost.once_minutes:g} more, once"] if cost.once_minutes else []
    parts += [text for text in (cost.billed, cost.irreversible) if text]
    parts += [f"source: {cost.source}"] if cost.source else []
    return "; ".join(parts)


def _mark(proof: Proof) -> str:
    return "✓" if proof.holds else "✗"


def _witness(proof: Proof) -> str:
    return f" — {proof.witness}" if proof.witness else ""


def _rest_text(plan: Plan) -> Iterator[str]:
    yield from map(_gate_text, plan.gates)
    yield from unsettled_lines(plan)
    for skip in plan.skips:
        yield f"left alone {skip.subject} [{skip.target}] ({skip.code}): {skip.text}"


def _gate_text(gate: Gate) -> str:
    if gate.waived_by:
        state = f"waived by {gate.waived_by}"
    else:
        state = "cannot be accepted" if gate.final else "closed"
    return f"gate {gate.id} ({state}): {gate.text}"


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


def _covered(plan: Plan) -> str:
    return f"{counted(plan.covered, 'requirement')} {'is' if plan.covered == 1 else 'are'} covered"


def summary_text(plan: Plan) -> str:
    """One line: how much changes and what it takes."""
    counts = [
        sum(change.operation.action == action for change in plan.changes)
        for action in ("add", "update", "remove")
    ]
    if plan.is_settled:
        return f"nothing to change: {_covered(plan)}"
    if plan.is_empty:
        return f"no change would help: {unsettled_text(plan)}; {_covered(plan)}"
    added, updated, removed = counts
    closed = sum(not gate.waived_by for gate in plan.gates)
    text = f"plan {plan.id}: {added} to add, {updated} to update, {removed} to remove; {plan.covered} already covered"
    text += f"; about {counted(plan.minutes, 'minute')}" if plan.minutes else ""
    text += f", {plan.monthly:.0f} {_currency(plan)} a month more" if plan.monthly else ""
    text = f"{text}; {counted(closed, 'gate')} closed" if closed else text
    return f"{text}; {unsettled_text(plan)}" if plan.gaps or plan.concerns else text


def unsettled_text(plan: Plan) -> str:
    """How much would still not be as it should be after the plan."""
    parts = [
        counted(count, word)
        for count, word in ((len(plan.gaps), "gap"), (len(plan.concerns), "finding"))
        if count
    ]
    return f"{' and '.join(parts)} for somebody to see to"


def _currency(plan: Plan) -> str:
    return next((target.currency for target in plan.targets if target.currency), "")
