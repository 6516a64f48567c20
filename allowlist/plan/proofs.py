"""The three proofs of every change, and what each change means for what is let through. Pure.

*needed*: some flow of the requirement is not allowed now · *sufficient*: every flow of it is allowed after ·
*nothing else*: no flow beyond the requirements is opened or closed, else a witness.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from allowlist.names import Pattern
from allowlist.plan.drafts import Drafted
from allowlist.plan.findings import Finding, Status, find_requirement_findings
from allowlist.plan.model import Classification, Operation, Proof, Proofs, Risk
from allowlist.rules.compare import Comparison, Difference
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.index import Entry
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Requirement

RulePath = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A drafted change with its proofs, classification and the foreign rules it meets."""

    drafted: Drafted
    proofs: Proofs
    classification: Classification
    risk: Risk
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the proofs of one target are read from; computed once for all its changes."""

    before: dict[str, Finding]
    after: dict[str, Finding]
    opened: dict[RulePath, list[Difference]] = field(default_factory=dict)
    closed: dict[RulePath, list[Difference]] = field(default_factory=dict)
    unattributed: tuple[Difference, ...] = ()
    overridden: dict[RulePath, list[str]] = field(default_factory=dict)
    broken: Finding | None = None


def gather_evidence(
    before: CoverageEngine,
    after: Ruleset,
    requirements: Sequence[Requirement],
    findings_before: Iterable[Finding],
    target: str,
    served: Sequence[Requirement],
) -> Evidence:
    """Compare both rulesets by effect and look again at every requirement that a change serves.

    The flows that the plan closes are looked for everywhere; so a requirement that was covered and is not
    served by any change stays covered unless a closed flow shows otherwise, and then it is looked at again.
    """
    comparison = Comparison(before, after, tuple(requirements))
    differences = comparison.differences()
    again = list(requirements) if any(item.closed for item in differences) else list(served)
    results = find_requirement_findings(comparison.after, again, target)
    opened: dict[RulePath, list[Difference]] = defaultdict(list)
    closed: dict[RulePath, list[Difference]] = defaultdict(list)
    rest: list[Difference] = []
    for item in differences:
        if item.opened and not _attribute(item, (*item.after.allowing, *item.after.doubts), opened):
            rest.append(item)
        if item.closed and not _attribute(item, item.before.allowing, closed):
            rest.append(item)
    known = {_key(finding): finding for finding in findings_before}
    return Evidence(
        before=known,
        after={requirement.key: finding for requirement, _, finding in results},
        broken=next(
            (item for requirement, _, item in results if _is_broken(item, known.get(requirement.key))), None
        ),
        opened=opened,
        closed=closed,
        unattributed=tuple(rest),
        overridden=_overridden(findings_before, results),
    )


def _key(finding: Finding) -> str:
    ref = finding.requirement
    if ref is None:
        return finding.rule
    return f"{ref.catalog}@{ref.version}#{ref.entry} {ref.pattern} {ref.protocol}:{ref.ports}"


def _is_broken(after: Finding, before: Finding | None) -> bool:
    return after.status is not Status.COVERED and before is not None and before.status is Status.COVERED


def _attribute(item: Difference, entries: Iterable[Entry], found: dict[RulePath, list[Difference]]) -> bool:
    paths = {(entry.rule.ref.collection, entry.rule.ref.rule) for entry in entries if entry.allows}
    for path in paths:
        found[path].append(item)
    return bool(paths)


def _overridden(
    findings: Iterable[Finding], results: Iterable[tuple[Requirement, object, Finding]]
) -> dict[RulePath, list[str]]:
    """Explicit denies of others that a change of ours would come before; a ``code`` tells of another cause."""
    blocked = {
        _key(item): item.because for item in findings if item.status is Status.BLOCKED and not item.code
    }
    overridden: dict[RulePath, list[str]] = defaultdict(list)
    for requirement, _, finding in results:
        if requirement.key in blocked and finding.status is Status.COVERED:
            for rule in finding.covered_by:
                overridden[tuple(rule.split("/")[-2:])].append(blocked[requirement.key])
    return overridden


def judge(drafted: Drafted, evidence: Evidence) -> Judged:
    """Prove one change and say what it means."""
    operation = drafted.operation
    path = rule_path(operation)
    opened, closed = evidence.opened.get(path, []), evidence.closed.get(path, [])
    proofs = Proofs(
        needed=_needed(drafted, evidence),
        sufficient=_sufficient(drafted, evidence),
        nothing_else=_nothing_else(drafted, opened, closed, evidence),
    )
    classification = _classification(operation, proofs, opened, closed)
    return Judged(
        drafted=drafted,
        proofs=proofs,
        classification=classification,
        risk=_risk(drafted, classification),
        overrides=tuple(dict.fromkeys(evidence.overridden.get(path, []))),
    )


def rule_path(operation: Operation) -> RulePath:
    """(collection, rule) as the rules of a ruleset are called."""
    return operation.path[-2:] if len(operation.path) > 1 else ("", *operation.path)


def _needed(drafted: Drafted, evidence: Evidence) -> Proof:
    if drafted.operation.action == "remove":
        return Proof(holds=True, text="no requirement wants this rule any more")
    for requirement in drafted.requirements:
        finding = evidence.before.get(requirement.key)
        if finding and finding.status is not Status.COVERED:
            witness = str(finding.witness) if finding.witness else ""
            return Proof(holds=True, text=f"not allowed now: {finding.because}", witness=witness)
    if drafted.why:
        return Proof(holds=True, text=drafted.why)
    if drafted.operation.action == "update":
        return Proof(holds=True, text="the rule says more or less than the catalogs ask for")
    return Proof(holds=False, text="everything it asks for is already allowed")


def _sufficient(drafted: Drafted, evidence: Evidence) -> Proof:
    for requirement in drafted.requirements:
        finding = evidence.after.get(requirement.key)
        if finding and finding.status is not Status.COVERED:
            witness = str(finding.witness) if finding.witness else ""
            return Proof(
                holds=False, text=f"still not allowed afterwards: {finding.because}", witness=witness
            )
    broken = evidence.broken
    if broken and drafted.operation.action != "add":
        return Proof(holds=False, text=f"would take away {_key(broken)}", witness=str(broken.witness or ""))
    if drafted.operation.action == "remove":
        return Proof(holds=True, text="every requirement stays allowed without it")
    return Proof(holds=True, text="every flow of the requirement is allowed afterwards")


def _nothing_else(
    drafted: Drafted, opened: list[Difference], closed: list[Difference], evidence: Evidence
) -> Proof:
    if opened:
        witness = opened[0].witness()
        return Proof(
            holds=False, text=f"also opens {len(opened)} sets of flows nobody asked for", witness=witness
        )
    if evidence.unattributed:
        return Proof(
            holds=False, text="flows change that no rule explains", witness=evidence.unattributed[0].witness()
        )
    if closed:
        text = "closes flows that no requirement asks for"
        return Proof(holds=True, text=text, witness=closed[0].witness())
    text = "nothing changes" if drafted.operation.action == "remove" else "no other flow is opened or closed"
    extra = _along(drafted)
    return Proof(
        holds=True, text=f"{text}, but for {extra}: the surface has no narrower rule" if extra else text
    )


def _along(drafted: Drafted) -> str:
    """What is opened beside the requirements because the surface cannot say less, in words."""
    asked = {(item.destination, item.protocol, item.ports) for item in drafted.requirements}
    more = [item for item in drafted.along if (item.destination, item.protocol, item.ports) not in asked]
    texts = list(dict.fromkeys(f"{item.destination} {item.protocol}:{_ports(item)}" for item in more))
    return ", ".join(texts[:3]) + (f" and {len(texts) - 3} more" if len(texts) > 3 else "")


def _ports(item: Requirement) -> str:
    low, high = item.ports
    return str(low) if low == high else f"{low}-{high}"


def _classification(
    operation: Operation, proofs: Proofs, opened: list[Difference], closed: list[Difference]
) -> Classification:
    if opened:
        return Classification.WIDENS
    if operation.action == "remove":
        return Classification.NARROWS if closed else Classification.REDUNDANT
    if not proofs.needed.holds:
        return Classification.ALREADY_COVERED
    if not proofs.sufficient.holds:
        return Classification.SHADOWED
    return Classification.NARROWS if closed else Classification.NEW


def _risk(drafted: Drafted, classification: Classification) -> Risk:
    if drafted.cost.irreversible:
        return Risk.IRREVERSIBLE
    if drafted.cost.billed:
        return Risk.BILLED
    if classification is Classification.WIDENS:
        return Risk.WIDENING
    if drafted.operation.action == "remove":
        return Risk.REMOVAL
    wild = any(item.pattern and Pattern(item.pattern).is_wildcard for item in drafted.requirements)
    return Risk.WILDCARD if wild else Risk.LOW
