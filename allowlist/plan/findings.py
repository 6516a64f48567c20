"""Requirements against an estate: one finding each, with a witness and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from allowlist.plan.model import RequirementRef
from allowlist.rules.coverage import Coverage, CoverageEngine
from allowlist.rules.index import Entry
from allowlist.rules.model import NetworkRule
from allowlist.rules.requirement import Requirement

SCHEMA = "allowlist/findings/v1"


class Status(StrEnum):
    COVERED = "covered"
    MISSING = "missing"
    BLOCKED = "blocked"
    PARTIAL = "partial"
    EXCESS = "excess"
    REDUNDANT = "redundant"
    WIDENS = "widens"
    INVALID = "invalid"
    UNKNOWN = "unknown"


class Witness(msgspec.Struct, frozen=True, kw_only=True):
    """A concrete flow that shows the finding is so."""

    source: str
    fqdn: str
    port: int
    protocol: str

    def __str__(self) -> str:
        return f"{self.source} → {self.fqdn} {self.protocol}:{self.port}"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One answer about one requirement (or one rule) on one target. ``code`` names the cause where there is a word for it.

    ``assumptions`` are conditions, in words, under which the answer would be another one; without any it is certain.
    """

    status: Status
    target: str
    severity: str
    requirement: RequirementRef | None = None
    rule: str = ""
    covered_by: tuple[str, ...] = ()
    witness: Witness | None = None
    because: str = ""
    remedy: str = ""
    code: str = ""
    near_misses: tuple[str, ...] = ()
    """Rules that nearly let the witness through, and what each of them lacks."""
    is_near: bool = False
    """Is there such a rule? Where many findings are counted and few are told, that is all that is known of most."""
    assumptions: tuple[str, ...] = ()

    @property
    def is_fine(self) -> bool:
        """What is not proved is not fine: unknown is no better here than missing."""
        return self.status in (Status.COVERED, Status.REDUNDANT)


_SEVERITY = {
    Status.COVERED: "info",
    Status.REDUNDANT: "info",
    Status.EXCESS: "warning",
    Status.WIDENS: "warning",
    Status.UNKNOWN: "warning",
}
_PLAN = "allowlist plan"
ADDS_A_RULE = f"add a rule for exactly this: {_PLAN}"
"""The next step for what a plan mends."""


def reference(requirement: Requirement) -> RequirementRef:
    """The requirement as it is written into findings and plans."""
    low, high = requirement.ports
    return RequirementRef(
        catalog=requirement.origin.catalog,
        version=requirement.origin.version,
        entry=requirement.origin.entry,
        scenario=requirement.origin.scenario,
        pattern=requirement.destination,
        protocol=requirement.protocol,
        ports=str(low) if low == high else f"{low}-{high}",
        sources=tuple(requirement.sources.texts()),
        need=requirement.need,
        purpose=requirement.purpose,
        breaks=requirement.breaks,
        source_url=requirement.source_url,
        source_date=requirement.source_date,
        evidence=requirement.evidence,
    )


def invalid(target: str, rule: str, because: str) -> Finding:
    """Something configured that the service would refuse, or take and not do."""
    return Finding(status=Status.INVALID, target=target, severity="warning", rule=rule, because=because)


BAD_STATE = "bad-state"
NOT_MODELLED = "not-modelled"


def in_bad_state(target: str, rule: str, because: str, remedy: str = "") -> Finding:
    """Something that Azure says has failed, or is still changing: what it holds is not known to be in force."""
    return Finding(
        status=Status.UNKNOWN,
        target=target,
        severity="error",
        rule=rule,
        because=because,
        remedy=remedy,
        code=BAD_STATE,
    )


def not_carried_out(finding: Finding, why: str) -> Finding:
    """What the rules would let through while nothing carries them out: nobody can call that covered."""
    if finding.status is not Status.COVERED:
        return finding
    return msgspec.structs.replace(
        finding,
        status=Status.UNKNOWN,
        severity=severity_of(Status.UNKNOWN),
        because=f"{finding.because}, but {why}",
        code=BAD_STATE,
    )


def not_modelled(target: str, rule: str, what: str) -> Finding:
    """A value or key of Azure's that this version does not know, or that nobody has read: what depends on it is unknown."""
    because, remedy = (
        f"this version does not know the meaning of '{what}'",
        "update allowlist, or report the value",
    )
    if what.startswith("["):
        because = "it is named here, and its content was not read"
        remedy = (
            "save it beside the snapshot: az resource show --ids ID; a template needs the values it is given"
        )
    elif " [" in what:
        because = f"{what} cannot be worked out"
        remedy = "give the values it needs (a parameter file, facts), or read what is deployed"
    return Finding(
        status=Status.UNKNOWN,
        target=target,
        severity="warning",
        rule=rule,
        because=because,
        remedy=remedy,
        code=NOT_MODELLED,
    )


def own_excess(target: str, rule: str, because: str) -> Finding:
    """A rule of ours that says something else than the workload asks for."""
    return Finding(
        status=Status.EXCESS,
        target=target,
        severity="warning",
        rule=rule,
        because=because,
        remedy="the next plan takes it back when the delete policy is 'sync'",
    )


def left_out(target: str, what: str) -> Finding:
    """Something required that no rule of this kind of point can say: nobody looked whether it is let through."""
    return Finding(
        status=Status.UNKNOWN,
        target=target,
        severity="warning",
        rule=what.partition(":")[0],
        because=what,
        remedy="see to it yourself, then leave the entry out: catalogs, exclude",
        code="left-out",
    )


NOTHING_ASKED = "nothing-asked"


def nothing_asked(target: str, subject: str, because: str, remedy: str) -> Finding:
    """Something named in the workload file that asks for nothing: that is no reason to call it fine."""
    return Finding(
        status=Status.UNKNOWN,
        target=target,
        severity="warning",
        rule=subject,
        because=because,
        remedy=remedy,
        code=NOTHING_ASKED,
    )


def not_read(target: str, what: str) -> Finding:
    """Something that belongs to the target and could not be read."""
    return Finding(
        status=Status.UNKNOWN,
        target=target,
        severity="warning",
        rule=what,
        because=f"not read: {what}",
        remedy="give the identity the right to read it, or put it into the snapshot",
        code="not-read",
    )


def severity_of(status: Status, need: str = "required") -> str:
    severity = _SEVERITY.get(status, "error")
    return "warning" if severity == "error" and need != "required" else severity


def find_requirement_findings(
    engine: CoverageEngine, requirements: Iterable[Requirement], target: str
) -> list[Finding]:
    """One finding per requirement, in their order."""
    return [find_requirement_finding(engine, item, target) for item in requirements]


def find_requirement_finding(engine: CoverageEngine, requirement: Requirement, target: str) -> Finding:
    entries = engine.surely_allowed_by(requirement)
    if entries is None:
        return find_by_partition(engine, requirement, target)
    return _covered(requirement, target, tuple(dict.fromkeys(_refs(entries))))


def find_by_partition(engine: CoverageEngine, requirement: Requirement, target: str) -> Finding:
    """The finding where certain allows alone do not answer."""
    return _finding(engine, engine.cover(requirement), target)


def _covered(
    requirement: Requirement,
    target: str,
    allowing: tuple[str, ...],
    unless: str = "",
    assumptions: tuple[str, ...] = (),
) -> Finding:
    return Finding(
        status=Status.COVERED,
        target=target,
        severity="info",
        requirement=reference(requirement),
        covered_by=allowing,
        because=f"allowed by {_listed(allowing)}{unless}",
        assumptions=assumptions,
    )


def _finding(engine: CoverageEngine, coverage: Coverage, target: str) -> Finding:
    requirement = coverage.requirement
    allowing = _refs(coverage.rules("allowing"))
    if coverage.is_covered:
        return _covered(requirement, target, allowing, _unless(coverage), coverage.assumptions)
    status = _status(coverage)
    return Finding(
        status=status,
        target=target,
        severity=severity_of(status, requirement.need),
        requirement=reference(requirement),
        covered_by=allowing,
        witness=_witness(engine, coverage, status),
        because=_because(coverage, status) + (_unless(coverage) if status is not Status.UNKNOWN else ""),
        remedy=_remedy(coverage, status),
        assumptions=coverage.assumptions,
    )


def _unless(coverage: Coverage) -> str:
    assumptions = coverage.assumptions
    return f", unless {_listed(assumptions, ' or ')}" if assumptions else ""


def _status(coverage: Coverage) -> Status:
    denied, missing = coverage.mask("denied"), coverage.mask("missing")
    if denied:
        return Status.BLOCKED
    if missing:
        return Status.PARTIAL if coverage.mask("allowed") else Status.MISSING
    return Status.UNKNOWN


_FATES = {Status.BLOCKED: ("denied",), Status.UNKNOWN: ("unknown",)}


def _witness(engine: CoverageEngine, coverage: Coverage, status: Status) -> Witness | None:
    found = coverage.witness(*_FATES.get(status, ("missing",)))
    if found is None:
        return None
    name, port, mask = found
    source = engine.some_source(mask)
    shown = _destination_of(engine, coverage.requirement, name)
    return Witness(source=source, fqdn=shown, port=port, protocol=coverage.requirement.protocol)


def _destination_of(engine: CoverageEngine, requirement: Requirement, key: str) -> str:
    """A destination key as people write it: an address of a cut, the resource behind an endpoint."""
    if requirement.endpoint:
        return requirement.destination
    found = engine.index.addresses_at(key) if requirement.addresses else None
    return (found.witness() or key) if found else key


def _because(coverage: Coverage, status: Status) -> str:
    match status:
        case Status.BLOCKED:
            return f"denied by {_listed(_refs(coverage.rules('denying')))}, which is evaluated first"
        case Status.UNKNOWN:
            doubts = coverage.rules("doubts")
            return f"depends on {_listed(tuple(dict.fromkeys(entry.unknown for entry in doubts)))}"
        case Status.PARTIAL:
            return f"{_listed(_refs(coverage.rules('allowing')))} allows only a part of it"
        case _:
            return "no rule matches; the default is deny"


def _remedy(coverage: Coverage, status: Status) -> str:
    if status is Status.BLOCKED:
        return "a rule after that deny cannot help; change the deny or its order"
    if status is Status.UNKNOWN:
        return settle_by_facts(coverage.rules("doubts"))
    return ADDS_A_RULE


def settle_by_facts(doubts: Iterable[Entry]) -> str:
    """What a facts file would have to say about the rules in doubt."""
    found = [entry for entry in doubts if not (entry.rule.unmodelled or entry.rule.state)]
    wanted: list[str] = []
    for entry in found:
        rule = entry.rule
        if isinstance(rule, NetworkRule):
            wanted += [f"service_tags: {tag}" for tag in rule.service_tags]
            wanted += ["dns: the addresses of the name (or --resolve)"] if not rule.unresolved else []
        else:
            wanted += [f"fqdn_tags: {tag}" for tag in rule.fqdn_tags]
            wanted += ["categories: the web category of the name"] if rule.web_categories else []
    said = "; ".join(list(dict.fromkeys(wanted))[:3])
    return (
        f"say it in a facts file, --facts FILE (docs/facts.md): {said}"
        if said
        else "find out what the rule does"
    )


def _refs(entries: Iterable[Entry]) -> tuple[str, ...]:
    return tuple(str(entry.rule.ref) for entry in entries)


def _listed(items: tuple[str, ...], joined: str = ", ") -> str:
    shown = joined.join(items[:3])
    return f"{shown} and {len(items) - 3} more" if len(items) > 3 else shown


def summary_of(findings: Iterable[Finding]) -> dict[str, int]:
    counts = {status.value: 0 for status in Status}
    for finding in findings:
        counts[finding.status.value] += 1
    return counts
