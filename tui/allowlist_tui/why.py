"""The answers about one change, as text with tones: what, why, by which proof, at what price, who is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from allowlist.plan.model import Change, Classification, Operation, Plan, Proof, RequirementRef
from allowlist.plan.risks import risks_of
from allowlist.store import Decision
from allowlist.workflow.review import GateStanding, Review, Standing
from allowlist_tui.difference import difference
from allowlist_tui.look import ACTIONS, RISKS, STATES, Line
from allowlist_tui.text import safe, safe_lines

_CLASSES = {
    Classification.NEW: "opens what is closed today",
    Classification.ALREADY_COVERED: "is allowed already",
    Classification.WIDENS: "opens more than is asked for",
    Classification.NARROWS: "closes something",
    Classification.SHADOWED: "is decided by another rule first",
    Classification.REDUNDANT: "makes no difference",
}
_VERDICTS = {
    "approve": "approved",
    "reject": "rejected",
    "defer": "deferred",
    "comment": "commented",
    "accept-gate": "accepted a gate",
}


def why(review: Review, change: Change) -> Iterator[Line]:
    """Everything a reviewer asks about a change, the most urgent first."""
    standing = review.standing(change.id)
    yield from _title(change, standing)
    for section in (
        _reach(change),
        _proofs(change),
        _wanted(change),
        _price(review.plan, change),
        _gates(review.gates_of(change)),
        _overlaps(change),
        _rule(change),
        _people(review, change, standing),
    ):
        yield (("", "plain"),)
        yield from section


def unsettled_lines(plan: Plan) -> Iterator[Line]:
    """What the plan cannot satisfy or mend, and why."""
    for gap in plan.gaps:
        yield (("✗ ", "bad"), (safe(gap.requirement.pattern), "title"), (f"  {safe(gap.target)}", "muted"))
        yield (("  ", "plain"), (safe(gap.cause), "plain"))
        if gap.witness:
            yield (("  e.g. ", "muted"), (safe(gap.witness), "accent"))
    for item in plan.concerns:
        yield (
            (f"◆ {item.status} ", "warn"),
            (safe(item.subject), "title"),
            (f"  {safe(item.target)}", "muted"),
        )
        yield (("  ", "plain"), (safe(item.text), "plain"))


def _head(text: str) -> Line:
    return ((text, "head"),)


def _field(name: str, value: str, tone: str = "plain") -> Line:
    return ((f"  {name:<11}", "muted"), (safe(value), tone))


def _title(change: Change, standing: Standing) -> Iterator[Line]:
    sign, tone = ACTIONS[change.operation.action]
    glyph, word, colour = STATES[standing.state]
    risks = (RISKS[risk] for risk in risks_of(change))
    yield ((f"{sign} ", tone), (safe(title_of(change)), "title"))
    yield (
        (f"{glyph} {word}", colour),
        *((f"   {mark} {word}", colour) for mark, word, colour in risks),
        (f"   {change.id}", "muted"),
    )
    if standing.text and standing.decisions:
        yield (("  ", "plain"), (safe(standing.text), "muted"))


def title_of(change: Change) -> str:
    """The title without the verb, which a sign before it says."""
    return change.title.removeprefix(f"{change.operation.action} ")


def _reach(change: Change) -> Iterator[Line]:
    yield _head("What it does")
    word, tone = ("closes", "warn") if change.operation.action == "remove" else ("opens", "good")
    yield _field(word, _destination(change), tone)
    for sources in dict.fromkeys(", ".join(ref.sources) for ref in change.requirements if ref.sources):
        yield _field("from", sources)
    yield _field("on", change.target)
    yield _field("meaning", _CLASSES[change.classification])
    if not change.requirements:
        yield _field("because", change.reason)


def _destination(change: Change) -> str:
    reached = [f"{ref.pattern} {ref.protocol}:{ref.ports}" for ref in change.requirements]
    return ", ".join(dict.fromkeys(reached)) or "/".join(change.operation.path)


def _proofs(change: Change) -> Iterator[Line]:
    proofs = change.proofs
    yield _head("Proofs")
    yield from _proof("needed", proofs.needed)
    yield from _proof("sufficient", proofs.sufficient)
    yield from _proof("nothing else", proofs.nothing_else)
    for line in change.traffic:
        yield ((f"  · {'traffic':<13} ", "muted"), (safe(line), "plain"))


def _proof(name: str, proof: Proof) -> Iterator[Line]:
    glyph, tone = ("✓", "good") if proof.holds else ("✗", "bad")
    word = name if proof.holds else f"not {name}"
    yield ((f"  {glyph} {word:<13} ", tone), (safe(proof.text), "plain"))
    if proof.witness:
        yield ((f"    {'witness':<13} ", "muted"), (safe(proof.witness), "accent"))


def _wanted(change: Change) -> Iterator[Line]:
    yield _head("Wanted by")
    if not change.requirements:
        yield (("  nobody any more", "muted"),)
    for ref in change.requirements:
        yield from _requirement(ref)


def _requirement(ref: RequirementRef) -> Iterator[Line]:
    yield (
        ("  ", "plain"),
        (safe(f"{ref.catalog}@{ref.version}#{ref.entry}"), "title"),
        (f"  {safe(ref.need)}", "muted"),
    )
    if ref.scenario:
        yield _field("scenario", ref.scenario)
    if ref.purpose:
        yield _field("purpose", ref.purpose)
    if ref.breaks:
        yield _field("without it", ref.breaks, "warn")
    if ref.source_url:
        yield _field("source", ref.source_url, "link")
        if ref.source_date:
            yield _field("read", f"page of {ref.source_date}", "muted")
    if ref.evidence:
        yield _field("evidence", ref.evidence)


def _price(plan: Plan, change: Change) -> Iterator[Line]:
    cost = change.cost
    yield _head("Price and time")
    price = "no price is known" if cost.monthly is None else _money(cost.monthly, cost.currency)
    yield _field("price", price, "bad" if cost.monthly else "plain")
    if cost.billed:
        yield _field("billed", cost.billed, "bad")
    if cost.irreversible:
        yield _field("one way", cost.irreversible, "bad")
    minutes = f"about {cost.minutes:g} min for this change" if cost.minutes else "no time of its own"
    whole = next((target.minutes for target in plan.targets if target.name == change.target), 0)
    yield _field("time", f"{minutes}; {whole:g} min for the target" if whole else minutes)
    if cost.source:
        yield _field("by", cost.source, "muted")


def _money(monthly: float, currency: str) -> str:
    return f"{monthly:,.2f} {currency} a month" if monthly else "nothing more a month"


def _gates(gates: Iterable[GateStanding]) -> Iterator[Line]:
    found = tuple(gates)
    yield _head("Gates")
    if not found:
        yield (("  none stands over this change", "muted"),)
    for item in found:
        yield gate_line(item)
        yield (("    ", "plain"), (safe(item.gate.text), "muted"))


def gate_line(item: GateStanding) -> Line:
    """One gate with pass or fail and who took responsibility."""
    if item.is_open:
        return (("  ✗ open ", "bad"), (safe(item.gate.id), "title"), ("  press a to accept it", "muted"))
    if item.accepted_by:
        reason = f": {item.reason}" if item.reason else ""
        return (
            ("  ✓ accepted ", "warn"),
            (safe(item.gate.id), "title"),
            (f"  by {safe(item.accepted_by + reason)}", "muted"),
        )
    return (("  ✓ pass ", "good"), (safe(item.gate.id), "title"))


def _overlaps(change: Change) -> Iterator[Line]:
    yield _head("Overlapping rules")
    if not change.overlaps:
        yield (("  none", "muted"),)
    for text in change.overlaps:
        yield (("  · ", "muted"), (safe(text), "plain"))


def _rule(change: Change) -> Iterator[Line]:
    yield _head("The rule before and after")
    yield (("  ", "plain"), (safe("/".join(change.operation.path)), "muted"))
    yield from difference_lines(change.operation)


def difference_lines(operation: Operation) -> Iterator[Line]:
    """What becomes of one rule, line by line."""
    tones = {"+": "good", "-": "bad"}
    for line in difference(operation.before, operation.after):
        yield (
            (f"  {line.sign} ", tones[line.sign]),
            (f"{safe(line.path)}: ", "muted"),
            (safe(line.text), tones[line.sign]),
        )


def _people(review: Review, change: Change, standing: Standing) -> Iterator[Line]:
    yield _head("People")
    yield (("  ", "plain"), (safe(review.who_can_approve(change)), "plain"))
    for decision in standing.decisions:
        yield from _decision(decision)


def _decision(decision: Decision) -> Iterator[Line]:
    mark = "" if decision.identity == "verified" else f" ({decision.identity})"
    verb = _VERDICTS[decision.verdict] + (f" {decision.gate}" if decision.gate else "")
    yield (
        (f"  {decision.at:%Y-%m-%d %H:%M} ", "muted"),
        (safe(decision.who + mark), "title"),
        (f" {safe(verb)}", "plain"),
    )
    for line in safe_lines(decision.reason).splitlines():
        yield ((f"    {line}", "muted"),)
