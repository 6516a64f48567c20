"""Check a workload against its estate: a finding per requirement, and what the rules themselves show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from allowlist.estate.bodies import Estate
from allowlist.names import is_host_name
from allowlist.plan.findings import NOTHING_ASKED, Finding, Status, nothing_asked
from allowlist.plan.rule_findings import find_rule_findings, find_rules_of_others
from allowlist.rules.addresses import EVERYWHERE, parse_interval
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.flow import Flow
from allowlist.rules.model import HTTP_PORTS
from allowlist.rules.near_miss import NearMisses
from allowlist.rules.requirement import Requirement
from allowlist.workflow.hints import with_hints
from allowlist.workflow.judging import Judgement, concerns, judge_target, requirement_findings
from allowlist.workflow.memory import collector_paused
from allowlist.workflow.private_links import superfluous_rules
from allowlist.workflow.project import Project
from allowlist.workload import TargetSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetCheck:
    """The findings of one target with the requirements they are about."""

    spec: TargetSpec
    requirements: tuple[Requirement, ...]
    findings: tuple[Finding, ...]
    unsettled: tuple[Finding, ...] = ()
    """Those that keep the target from being fine: of its requirements and of what is ours, not of rules of others."""
    notes: tuple[str, ...] = ()


@collector_paused()
def check_targets(project: Project, estate: Estate, specs: Sequence[TargetSpec]) -> list[TargetCheck]:
    """One check per target, in the order of the workload file."""
    told: set[str] = set()
    return [_once(check_target(project, estate, spec), told) for spec in specs]


def _once(check: TargetCheck, told: set[str]) -> TargetCheck:
    """What asks for nothing asks nothing of every target: that is said at the first."""
    again = [item for item in check.findings if item.code == NOTHING_ASKED and item.rule in told]
    told |= {item.rule for item in check.findings if item.code == NOTHING_ASKED}
    kept = tuple(item for item in check.findings if item not in again)
    return replace(check, findings=kept) if again else check


def check_target(project: Project, estate: Estate, spec: TargetSpec) -> TargetCheck:
    judgement = judge_target(project, estate, spec)
    resolved, engine = judgement.resolved, judgement.engine
    sources = resolved.sources if spec.sources or project.workload.sources else EVERYWHERE
    asked = {item.service_tag.lower() for item in resolved.wanted if item.service_tag}
    told, besides = with_hints(judgement, requirement_findings(judgement)), concerns(judgement)
    findings = [
        *with_near_misses(engine, told),
        *judgement.posture,
        *find_rule_findings(engine, sources, spec.name, asked),
        *_unasked(judgement),
        *find_rules_of_others(engine.index.ruleset, project.workload.name, spec.name),
        *superfluous_rules(engine, resolved, spec.name),
    ]
    findings += [item for item in besides if item not in findings]
    return TargetCheck(
        spec=spec,
        requirements=resolved.wanted,
        findings=tuple(findings),
        unsettled=tuple(item for item in dict.fromkeys((*told, *besides)) if not item.is_fine),
        notes=(
            *resolved.notes,
            *judgement.point.notes(estate),
            *(f"not readable: {text}" for text in estate.unreadable),
        ),
    )


def with_near_misses(engine: CoverageEngine, findings: Iterable[Finding]) -> Iterator[Finding]:
    """``findings``, and for what no rule matches the rules that nearly do."""
    near = NearMisses(engine.index.ruleset, engine.index.facts)
    for finding in findings:
        flow = _unmatched_flow(finding)
        found = near.unmatched(flow) if flow else ()
        yield msgspec.structs.replace(finding, near_misses=tuple(map(str, found))) if found else finding


def _unmatched_flow(finding: Finding) -> Flow | None:
    """The witness of a finding that no rule matches, where it is a flow to a name."""
    witness = finding.witness
    if witness is None or finding.status not in (Status.MISSING, Status.PARTIAL):
        return None
    if not witness.source or not is_host_name(witness.fqdn):
        return None
    by_name = witness.protocol in HTTP_PORTS
    return Flow(
        source=parse_interval(witness.source)[0],
        port=witness.port,
        transport="tcp" if by_name else witness.protocol,
        application=witness.protocol if by_name else "",
        sni=witness.fqdn,
        host=witness.fqdn,
    )


def _unasked(judgement: Judgement) -> Iterator[Finding]:
    """A target of which nothing is asked, though the workload asks for something elsewhere, or for nothing at all."""
    project, spec = judgement.project, judgement.spec
    if judgement.resolved.wanted or judgement.resolved.left_out or project.silent(spec):
        return
    yield nothing_asked(
        spec.name,
        f"target {spec.name}",
        "nothing is asked of this target: no catalog entry and no requirement of the workload is for it",
        "name a catalog or requirements for it, write consumers: on the target, or take the target out",
    )


class Checked(Protocol):
    """A target or a path that was checked."""

    @property
    def findings(self) -> tuple[Finding, ...]: ...


def has_faults(checks: Iterable[Checked]) -> bool:
    """Is anything not as it should be? What is covered or merely redundant does not count."""
    return any(not finding.is_fine for check in checks for finding in check.findings)
