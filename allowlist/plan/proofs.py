"""The three proofs of every change, and what each change means for what is let through. Pure.

*needed*: some flow of the requirement is not allowed now · *sufficient*: every flow of it is allowed after ·
*nothing else*: no flow beyond the requirements is opened or closed, else a witness.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import msgspec

from allowlist.azure.facts import broad_tag
from allowlist.documents.grouping import grouped
from allowlist.documents.words import counted
from allowlist.names import Pattern
from allowlist.plan.additions import Additions, plain_additions
from allowlist.plan.drafts import Drafted
from allowlist.plan.findings import Finding, Status
from allowlist.plan.found import ByKey, Findings, covered_column, telling
from allowlist.plan.model import Classification, Operation, Proof, Proofs, Risk
from allowlist.rules.compare import Comparison, Difference
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.index import Entry
from allowlist.rules.model import Ruleset
from allowlist.rules.requirement import Requirement

RulePath = tuple[str, ...]
Look = Callable[[CoverageEngine, Sequence[Requirement]], Sequence[Finding]]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A drafted change with its proofs, classification and the foreign rules it meets."""

    drafted: Drafted
    proofs: Proofs
    classification: Classification
    risk: Risk
    overrides: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    """Under which conditions the change does not achieve what it is for."""


@dataclass(frozen=True)
class Evidence:
    """Everything the proofs of one target are read from; computed once for all its changes."""

    before: Mapping[str, Finding]
    after: Mapping[str, Finding]
    opened: dict[RulePath, list[Difference]] = field(default_factory=dict)
    closed: dict[RulePath, list[Difference]] = field(default_factory=dict)
    unattributed: tuple[Difference, ...] = ()
    overridden: dict[RulePath, list[str]] = field(default_factory=dict)
    broken: tuple[tuple[Finding, Finding], ...] = ()
    """Requirements that are covered before and not after, as they are found before and after."""

    @cached_property
    def judged(self) -> dict[int, Judged]:
        """By identity of the draft, which the judgement holds, what was proved of it: it is asked for more than once."""
        return {}

    @cached_property
    def broken_by(self) -> dict[str, list[tuple[str, Finding]]]:
        """By the last part of its name: each rule that covers such a requirement now, with what is found after."""
        pairs = ((name, after) for before, after in self.broken for name in before.covered_by)
        return grouped(pairs, lambda pair: pair[0].rpartition("/")[2])


def gather_evidence(
    before: CoverageEngine,
    after: Ruleset,
    requirements: Sequence[Requirement],
    findings_before: Sequence[Finding],
    drafted: Sequence[Drafted],
    look: Look,
) -> Evidence:
    """Compare both rulesets by effect and look again at every requirement that a change serves.

    ``look`` finds out about requirements on the rules after the plan. The flows that the plan closes are looked for
    everywhere; so a requirement that was covered and is not served by any change stays covered unless a closed flow
    shows otherwise. What was not covered before is always looked at again.
    """
    along = [item for one in drafted for item in one.along]
    plain = plain_additions(before, after, requirements, along, findings_before)
    if plain is not None:
        return _evidence_of_additions(plain, requirements, findings_before, drafted, look)
    comparison = Comparison(before, after, (*requirements, *along))
    differences = comparison.differences()
    known = _by_key(findings_before)
    served = {item.key for one in drafted for item in one.requirements}
    everything = any(item.closed for item in differences)
    again = [
        item
        for item in requirements
        if everything or item.key in served or not _is_covered(known.get(item.key))
    ]
    results = list(zip(again, look(comparison.after, again), strict=True))
    opened: dict[RulePath, list[Difference]] = defaultdict(list)
    closed: dict[RulePath, list[Difference]] = defaultdict(list)
    rest: list[Difference] = []
    paths = _Carriers.of(drafted)
    for item in differences:
        if item.opened and not _attribute(item, (*item.after.allowing, *item.after.doubts), opened, paths):
            rest.append(item)
        if item.closed and not _attribute(item, (*item.before.allowing, *item.before.doubts), closed, paths):
            rest.append(item)
    return Evidence(
        before=known,
        after={requirement.key: finding for requirement, finding in results},
        broken=tuple(
            (before_it, item)
            for requirement, item in results
            if not _is_covered(item) and (before_it := known.get(requirement.key)) and _is_covered(before_it)
        ),
        opened=opened,
        closed=closed,
        unattributed=tuple(rest),
        overridden=_overridden(findings_before, results),
    )


def _evidence_of_additions(
    plain: Additions,
    requirements: Sequence[Requirement],
    findings_before: Sequence[Finding],
    drafted: Sequence[Drafted],
    look: Look,
) -> Evidence:
    """Nothing else is opened or closed. Looked at again is what a change serves or was not covered, but for what was open
    and is granted now: of that it is proved already that all of it is allowed. Where the same change leaves something else
    uncovered, that is looked at too: what it lets through says whether the change is worth making.
    """
    served = {item.key for one in drafted for item in one.requirements}
    covered = covered_column(findings_before)
    rest = [
        (number, item)
        for number, item in enumerate(requirements)
        if number not in plain.granted and (not covered[number] or item.key in served)
    ]
    results = list(zip(rest, look(plain.engine, [item for _, item in rest]), strict=True))
    lacking = {item.key for (_, item), finding in results if not _is_covered(finding)}
    halved = _served_with(drafted, lacking)
    more = [(number, requirements[number]) for number in sorted(plain.granted)] if halved else []
    more = [(number, item) for number, item in more if item.key in halved]
    results += zip(more, look(plain.engine, [item for _, item in more]) if more else (), strict=True)
    return Evidence(
        before=_by_key(findings_before),
        after={item.key: finding for (_, item), finding in results},
        broken=tuple(
            (findings_before[number], finding)
            for (number, _), finding in results
            if covered[number] and not _is_covered(finding)
        ),
        overridden=_overridden(findings_before, [(item, finding) for (_, item), finding in results]),
    )


def _served_with(drafted: Sequence[Drafted], keys: Collection[str]) -> set[str]:
    """What the changes serve that serve one of ``keys``."""
    changes = (one for one in drafted if any(item.key in keys for item in one.requirements)) if keys else ()
    return {item.key for one in changes for item in one.requirements}


def evidence_of_no_change(requirements: Sequence[Requirement], findings: Sequence[Finding]) -> Evidence:
    """What proves a plan of no change: whatever is not covered is found as it was, and nothing else is looked for."""
    pairs = zip(requirements, covered_column(findings), strict=True)
    after = {item.key: findings[number] for number, (item, covered) in enumerate(pairs) if not covered}
    return Evidence(before=after, after=after)


def _by_key(findings: Sequence[Finding]) -> Mapping[str, Finding]:
    if isinstance(findings, Findings):
        return ByKey(findings)
    return {_key(finding): finding for finding in findings}


def _key(finding: Finding) -> str:
    ref = finding.requirement
    if ref is None:
        return finding.rule
    return f"{ref.catalog}@{ref.version}#{ref.entry} {ref.pattern} {ref.protocol}:{ref.ports}"


def _is_covered(finding: Finding | None) -> bool:
    return finding is not None and finding.status is Status.COVERED


@dataclass(frozen=True, slots=True)
class _Carriers:
    """The rules that operations of the plan write, and the operations that change what rules of others do."""

    rules: frozenset[RulePath]
    pervasive: frozenset[RulePath]

    @classmethod
    def of(cls, drafted: Sequence[Drafted]) -> _Carriers:
        paths = [(rule_path(item.operation), item.pervasive) for item in drafted]
        return cls(frozenset(path for path, _ in paths), frozenset(path for path, wide in paths if wide))


def _attribute(
    item: Difference,
    entries: Iterable[Entry],
    found: dict[RulePath, list[Difference]],
    carriers: _Carriers,
) -> bool:
    """Lay a difference at the operations that carry it; a rule that no operation writes explains nothing."""
    met: set[RulePath] = {(entry.rule.ref.collection, entry.rule.ref.rule) for entry in entries}
    paths = (met & carriers.rules) or carriers.pervasive
    for path in paths:
        found[path].append(item)
    return bool(paths)


def _overridden(
    findings: Sequence[Finding], results: Iterable[tuple[Requirement, Finding]]
) -> dict[RulePath, list[str]]:
    """Explicit denies of others that a change of ours would come before; a ``code`` tells of another cause."""
    blocked = {
        _key(item): item.because
        for item in telling(findings)
        if item.status is Status.BLOCKED and not item.code
    }
    overridden: dict[RulePath, list[str]] = defaultdict(list)
    for requirement, finding in results:
        if requirement.key in blocked and finding.status is Status.COVERED:
            for rule in finding.covered_by:
                overridden[tuple(rule.split("/")[-2:])].append(blocked[requirement.key])
    return overridden


def judge(drafted: Drafted, evidence: Evidence) -> Judged:
    """Prove one change and say what it means; once, however often it is asked."""
    found = evidence.judged.get(id(drafted))
    if found is None:
        found = evidence.judged[id(drafted)] = _judge(drafted, evidence)
    return found


def _judge(drafted: Drafted, evidence: Evidence) -> Judged:
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
        assumptions=_assumptions(drafted, evidence),
    )


def _assumptions(drafted: Drafted, evidence: Evidence) -> tuple[str, ...]:
    after = (evidence.after.get(item.key) for item in drafted.requirements)
    return tuple(dict.fromkeys(text for finding in after if finding for text in finding.assumptions))


def is_pointless(judged: Judged, evidence: Evidence) -> bool:
    """Already covered, or hidden behind rules of others so that it would let nothing through: then it is a gap."""
    drafted = judged.drafted
    if judged.classification is Classification.ALREADY_COVERED:
        return True
    if judged.classification is not Classification.SHADOWED or drafted.operation.action != "add":
        return False
    rule = "/".join(rule_path(drafted.operation))
    after = [found for item in drafted.requirements if (found := evidence.after.get(item.key))]
    return not any(name.endswith(rule) for finding in after for name in finding.covered_by)


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
    broken = _taken_by(drafted, evidence)
    if broken:
        return Proof(holds=False, text=f"would take away {_key(broken)}", witness=str(broken.witness or ""))
    if drafted.operation.action == "remove":
        return Proof(holds=True, text="every requirement stays allowed without it")
    assumed = _assumptions(drafted, evidence)
    unless = f", unless {' or '.join(assumed[:3])}" if assumed else ""
    return Proof(holds=True, text=f"every flow of the requirement is allowed afterwards{unless}")


def _taken_by(drafted: Drafted, evidence: Evidence) -> Finding | None:
    """A requirement that is covered by the rule of this change now and not covered afterwards."""
    if drafted.operation.action == "add" and not drafted.pervasive:
        return None
    if drafted.pervasive:
        return next((after for _, after in evidence.broken), None)
    rule = "/".join(rule_path(drafted.operation))
    alike = evidence.broken_by.get(rule.rpartition("/")[2], ())
    return next((after for name, after in alike if name.endswith(rule)), None)


def _nothing_else(
    drafted: Drafted, opened: list[Difference], closed: list[Difference], evidence: Evidence
) -> Proof:
    if opened:
        witness = opened[0].witness()
        return Proof(
            holds=False,
            text=f"also opens {counted(len(opened), 'set')} of flows nobody asked for",
            witness=witness,
        )
    if evidence.unattributed:
        return Proof(
            holds=False, text="flows change that no rule explains", witness=evidence.unattributed[0].witness()
        )
    if closed:
        text = "closes flows that no requirement asks for"
        return Proof(holds=True, text=text, witness=closed[0].witness())
    text = "nothing changes" if drafted.operation.action == "remove" else "no other flow is opened or closed"
    also = _along(drafted)
    if also:
        text = f"{text}, but for {_listed(also)}: the surface has no narrower rule"
    return Proof(holds=True, text=text, also=also)


def _listed(texts: tuple[str, ...]) -> str:
    return ", ".join(texts[:3]) + (f" and {len(texts) - 3} more" if len(texts) > 3 else "")


def _along(drafted: Drafted) -> tuple[str, ...]:
    """What is opened beside the requirements because the surface cannot say less."""
    asked = {(item.destination, item.protocol, item.ports) for item in drafted.requirements}
    more = [item for item in drafted.along if (item.destination, item.protocol, item.ports) not in asked]
    return tuple(dict.fromkeys(f"{item.destination} {item.protocol}:{_ports(item)}" for item in more))


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
    wild = any(
        (item.pattern and Pattern(item.pattern).is_wildcard)
        or (item.service_tag and broad_tag(item.service_tag))
        or item.fqdn_tag
        for item in drafted.requirements
    )
    return Risk.WILDCARD if wild else Risk.LOW
