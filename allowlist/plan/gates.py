"""Gates: checks that stand in the way until somebody accepts them by id, with a reason. Pure.

Each says its numbers. None is lifted by a general force, and small sets are not exempt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache

import msgspec

from allowlist.azure.facts import broad_tag, documented_members
from allowlist.documents.grouping import grouped
from allowlist.documents.words import counted
from allowlist.names import (
    Pattern,
    is_lookalike,
    is_wider_than_registrable,
    lookalike_witness,
    shared_suffix_of,
)
from allowlist.plan.drafts import LimitFinding
from allowlist.plan.model import Change, Classification, Gate, Risk
from allowlist.rules.requirement import FIELD_SCENARIO


class GateSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the gates stand; the workload file sets them. Each closes on its own, whatever the others let through."""

    removals: int = 0
    removal_share: float = 1.0
    additions: int = 200
    catalog_shrink: float = 0.3
    monthly_cost: float = 0.0
    assumptions: str = "gate"
    """``gate`` closes one over changes that help only under an assumption; ``accept`` tells it and no more."""


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What a change lets through once it is made: name patterns, and whether from every source."""

    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    fqdn_tags: tuple[str, ...] = ()
    from_anywhere: bool = False


class GateInput(msgspec.Struct, frozen=True, kw_only=True):
    """What gates look at: the changes of a plan and what stands around them."""

    changes: Sequence[Change]
    settings: GateSettings
    owned: int
    limits: Sequence[tuple[str, LimitFinding]] = ()
    overrides: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    openings: Mapping[str, Opening] = msgspec.field(default_factory=dict)
    """By change id, one for each change that is no removal."""
    empty_catalogs: Sequence[str] = ()
    expired_waivers: Sequence[str] = ()
    unused: frozenset[str] = frozenset()
    """Ids of removals without traffic for as long as the workload asks for."""
    quarantined: Mapping[str, str] = msgspec.field(default_factory=dict)
    """By id of a removal: which catalog entry ended so lately that the removal is in quarantine."""


def find_gates(given: GateInput, waivers: dict[str, str]) -> tuple[Gate, ...]:
    """Every gate that does not pass. ``waivers`` maps gate ids to the owner who answers for them."""
    gates = [gate for check in _CHECKS for gate in check(given)]
    return tuple(
        gate if gate.id not in waivers or gate.final else _waived(gate, waivers[gate.id]) for gate in gates
    )


def _waived(gate: Gate, owner: str) -> Gate:
    return Gate(id=gate.id, passed=False, text=gate.text, changes=gate.changes, waived_by=owner)


def _gate(gate_id: str, text: str, changes: Iterable[Change], *, final: bool = False) -> Gate:
    return Gate(
        id=gate_id, passed=False, text=text, changes=tuple(change.id for change in changes), final=final
    )


def takes_away(change: Change) -> bool:
    """Does the change close flows that are open now: as a removal, or as an update that narrows?"""
    return change.operation.action == "remove" or (
        change.operation.action == "update" and change.classification is Classification.NARROWS
    )


def _removals(given: GateInput) -> Iterator[Gate]:
    """What closes flows is braked alike, whether a rule goes or says less than before."""
    gone = sum(change.operation.action == "remove" for change in given.changes)
    removals = [change for change in given.changes if takes_away(change)]
    narrowed = f" and narrows {len(removals) - gone}" if len(removals) > gone else ""
    braked = [change for change in removals if change.id not in given.unused]
    if len(braked) > given.settings.removals:
        idle = len(removals) - len(braked)
        besides = f", {idle} of them without traffic" if idle else ""
        text = (
            f"removes {counted(gone, 'rule')}{narrowed}{besides}; {given.settings.removals} are let through"
        )
        yield _gate("removals", text, braked)
    share = len(removals) / given.owned if given.owned else 0.0
    text = f"{'takes away from' if narrowed else 'removes'} {share:.0%} of the {counted(given.owned, 'rule')} this workload owns"
    if share > given.settings.removal_share:
        yield _gate("removal-share", f"{text}; {given.settings.removal_share:.0%} are let through", removals)
    if share > given.settings.catalog_shrink:
        yield _gate("shrunken-catalog", f"{text}: has a catalog shrunk?", removals)
    if removals and given.empty_catalogs:
        names = ", ".join(given.empty_catalogs)
        yield _gate("empty-catalog", f"{names} asks for nothing, and rules would be removed", removals)


def _quarantine(given: GateInput) -> Iterator[Gate]:
    found = [change for change in given.changes if change.id in given.quarantined]
    if found:
        texts = list(dict.fromkeys(given.quarantined[change.id] for change in found))
        more = f" (and {len(texts) - 3} more)" if len(texts) > 3 else ""
        yield _gate("quarantine", "; ".join(texts[:3]) + more, found)


def _growth(given: GateInput) -> Iterator[Gate]:
    additions = [change for change in given.changes if change.operation.action == "add"]
    if len(additions) > given.settings.additions:
        yield _gate(
            "growth",
            f"adds {counted(len(additions), 'rule')}; {given.settings.additions} are let through",
            additions,
        )


def _by_pattern(gate_id: str, test: Callable[[Pattern], str | None]) -> Callable[[GateInput], Iterator[Gate]]:
    """A gate for wildcards of which ``test`` tells something; an exact name opens nothing besides itself."""

    def check(given: GateInput) -> Iterator[Gate]:
        told = cache(lambda name: test(Pattern(name)) if name[:1] == "*" else None)
        found = [
            (change, text)
            for change in given.changes
            if change.operation.action != "remove"
            for name in given.openings[change.id].names
            if (text := told(name))
        ]
        if found:
            texts = list(dict.fromkeys(text for _, text in found))
            more = f" (and {len(texts) - 3} more)" if len(texts) > 3 else ""
            yield _gate(gate_id, "; ".join(texts[:3]) + more, [change for change, _ in found])

    return check


def _lookalike(pattern: Pattern) -> str | None:
    witness = lookalike_witness(pattern)
    return f"{pattern} also lets {witness} through, which a stranger can register" if witness else None


def _wide(pattern: Pattern) -> str | None:
    wide = is_wider_than_registrable(pattern) and not is_lookalike(pattern)
    return f"{pattern} stands above every registrable domain" if wide else None


def _shared(pattern: Pattern) -> str | None:
    shared = shared_suffix_of(pattern)
    if shared is None or is_wider_than_registrable(pattern):
        return None
    return f"{pattern} opens all of {shared.service}: {shared.risk}; tighter: {shared.alternative}"


def _broad(opening: Opening) -> Iterator[str]:
    for tag in opening.tags:
        if row := broad_tag(tag):
            yield f"{tag} opens {row.risk}; tighter: {row.alternative}"
    for tag in opening.fqdn_tags:
        known = documented_members(tag)
        listed = f"; a page lists {', '.join(known.members[:3])} for it" if known else ""
        yield f"the FQDN tag {tag} opens names that Microsoft keeps and does not publish{listed}; tighter: the names you need"


def _broad_tags(given: GateInput) -> Iterator[Gate]:
    """A service tag is the addresses of a service: of all its tenants, where it has many. Nobody can tell how broad an
    FQDN tag is."""
    found = [
        (change, text)
        for change in given.changes
        if change.operation.action != "remove"
        for text in _broad(given.openings[change.id])
    ]
    if found:
        texts = list(dict.fromkeys(text for _, text in found))
        more = f" (and {len(texts) - 3} more)" if len(texts) > 3 else ""
        changes = list({change.id: change for change, _ in found}.values())
        yield _gate("broad-tag", "; ".join(texts[:3]) + more, changes)


def _field_evidence(given: GateInput) -> Iterator[Gate]:
    """What no page says goes in only when somebody has looked at who found it out, and how."""
    found = [
        (change, ref)
        for change in given.changes
        if change.operation.action != "remove"
        for ref in change.requirements
        if ref.scenario == FIELD_SCENARIO
    ]
    if found:
        texts = list(dict.fromkeys(f"{ref.pattern} ({ref.evidence})" for _, ref in found))
        more = f" (and {len(texts) - 3} more)" if len(texts) > 3 else ""
        changes = list({change.id: change for change, _ in found}.values())
        yield _gate("field-evidence", f"known from the field only: {'; '.join(texts[:3])}{more}", changes)


def _widening(given: GateInput) -> Iterator[Gate]:
    for change in given.changes:
        if change.risk is Risk.WIDENING or not change.proofs.nothing_else.holds:
            proof = change.proofs.nothing_else
            yield _gate("widening", f"{change.title}: {proof.text}, for example {proof.witness}", [change])


def _unproved(given: GateInput) -> Iterator[Gate]:
    bad = [change for change in given.changes if not change.proofs.sufficient.holds]
    if bad:
        text = f"no proof that {counted(len(bad), 'change')} will have the intended effect: {bad[0].proofs.sufficient.text}"
        yield _gate("not-sufficient", text, bad)


def _assumptions(given: GateInput) -> Iterator[Gate]:
    """What helps only under a likely assumption is no proof: somebody answers for it, unless the policy takes it."""
    found = [change for change in given.changes if change.assumptions]
    if found and given.settings.assumptions == "gate":
        texts = list(dict.fromkeys(text for change in found for text in change.assumptions))
        more = f" (and {len(texts) - 3} more)" if len(texts) > 3 else ""
        text = f"{counted(len(found), 'change')} will have the intended effect unless {' or '.join(texts[:3])}{more}"
        yield _gate("assumption", text, found)


def _open_source(given: GateInput) -> Iterator[Gate]:
    found = [
        change
        for change in given.changes
        if change.operation.action != "remove" and given.openings[change.id].from_anywhere
    ]
    if found:
        yield _gate("open-source", f"{counted(len(found), 'rule')} would be open to every source (*)", found)


def _foreign_overlap(given: GateInput) -> Iterator[Gate]:
    for change in given.changes:
        for text in given.overrides.get(change.id, ()):
            yield _gate(
                "foreign-overlap",
                f"{change.title}: would come before a rule of others; today {text}",
                [change],
            )


def _costs(given: GateInput) -> Iterator[Gate]:
    for kind in ("billed", "irreversible"):
        yield from _steps(given.changes, kind)
    monthly, currency = monthly_cost(given.changes)
    if monthly and monthly > given.settings.monthly_cost:
        paid = [change for change in given.changes if change.cost.monthly]
        yield _gate(
            "cost",
            f"costs about {monthly:.0f} {currency} a month; {given.settings.monthly_cost:.0f} are let through",
            paid,
        )


def _steps(changes: Sequence[Change], kind: str) -> Iterator[Gate]:
    """One gate per billed or one-way step, under a name of its own; changes that share a step share the gate."""
    steps: dict[str, list[Change]] = {}
    for change in changes:
        if getattr(change.cost, kind):
            steps.setdefault(change.cost.once, []).append(change)
    for name, shared in steps.items():
        gate_id = f"{kind}-{name}" if name else kind
        yield _gate(gate_id, f"{shared[0].title}: {getattr(shared[0].cost, kind)}", shared)


def monthly_cost(changes: Sequence[Change]) -> tuple[float | None, str]:
    """What ``changes`` add to the monthly bill and in which currency; what they share is paid once."""
    prices: dict[str, tuple[float, str]] = {}
    for change in changes:
        if change.cost.monthly is not None:
            prices[change.cost.once or change.id] = (change.cost.monthly, change.cost.currency)
    if not prices:
        return None, ""
    return sum(price for price, _ in prices.values()), next(iter(prices.values()))[1]


def _limits(given: GateInput) -> Iterator[Gate]:
    by_target = grouped(given.changes, lambda change: change.target)
    for target, finding in given.limits:
        changes = by_target.get(target)
        if changes:
            gate_id = f"limit-{finding.code}" if finding.exceeded else f"near-limit-{finding.code}"
            yield _gate(gate_id, finding.text, changes, final=finding.exceeded)


def _waivers(given: GateInput) -> Iterator[Gate]:
    if given.expired_waivers and given.changes:
        names = ", ".join(given.expired_waivers)
        yield _gate("expired-waiver", f"waivers have expired: {names}", given.changes)


_CHECKS: tuple[Callable[[GateInput], Iterator[Gate]], ...] = (
    _removals,
    _quarantine,
    _growth,
    _by_pattern("look-alike", _lookalike),
    _by_pattern("wide-wildcard", _wide),
    _by_pattern("shared-suffix", _shared),
    _broad_tags,
    _field_evidence,
    _widening,
    _unproved,
    _assumptions,
    _open_source,
    _foreign_overlap,
    _costs,
    _limits,
    _waivers,
)
