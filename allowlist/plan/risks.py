"""Every risk of a change: a tier decides how it is approved, and hides the milder ones it has besides."""

from __future__ import annotations

from collections.abc import Iterable

from allowlist.plan.model import Change, Classification, Risk

_ORDER = {risk: rank for rank, risk in enumerate(Risk)}


def risks_of(change: Change) -> tuple[Risk, ...]:
    """The tier of ``change`` and whatever else is risky about it, the worst first; ``low`` only where nothing is."""
    found = {change.risk, *_besides(change)}
    return tuple(sorted(found - {Risk.LOW} or found, key=_ORDER.__getitem__, reverse=True))


def _besides(change: Change) -> Iterable[Risk]:
    if change.cost.irreversible:
        yield Risk.IRREVERSIBLE
    if change.cost.billed:
        yield Risk.BILLED
    if change.classification is Classification.WIDENS or not change.proofs.nothing_else.holds:
        yield Risk.WIDENING
    if change.operation.action == "remove":
        yield Risk.REMOVAL
    if any(ref.pattern.startswith("*") for ref in change.requirements):
        yield Risk.WILDCARD


def is_proved(change: Change) -> bool:
    """Do all three proofs hold?"""
    proofs = change.proofs
    return proofs.needed.holds and proofs.sufficient.holds and proofs.nothing_else.holds


def riskiest_first(changes: Iterable[Change]) -> list[Change]:
    """What is not proved first, then by tier, then those with more risks; ties stay in the order of the plan."""
    return sorted(
        changes,
        key=lambda change: (is_proved(change), -_ORDER[change.risk], -len(risks_of(change))),
    )
