"""Check a workload against its estate: a finding per requirement, and what the rules themselves show."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from allowlist.estate.bodies import Estate
from allowlist.names import is_host_name
from allowlist.plan.findings import NOTHING_ASKED, Finding, Status, nothing_asked
from allowlist.plan.rule_findings import find_rule_findings, find_rules_of_others
from allowlist.rules.addresses import EVERYWHERE, parse_interval
from allowlist.rules.flow import Flow
from allowlist.rules.model import HTTP_PORTS
from allowlist.rules.near_miss import NearMisses
from allowlist.rules.requirement import Requirement
from allowlist.workflow import steps
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


Chooses = Callable[[Sequence[Finding]], Sequence[Finding]]


def every(findings: Sequence[Finding]) -> Sequence[Finding]:
    return findings


@collector_paused()
def check_targets(
    project: Project, estate: Estate, specs: Sequence[TargetSpec], in_full: Chooses = every
) -> list[TargetCheck]:
    """One check per target, in the order of the workload file.

    ``in_full`` chooses from the findings of a target those that are told with near misses and with what a plan would
    do about them. Each takes work of its own, which is not done for thousands of which a few are shown.
    """
    told: set[str] = set()
    return [
        _check(judge_target(project, estate, spec), in_full, told)
        for spec in steps.through(specs, 4, lambda spec: spec.name)
    ]


def _check(judgement: Judgement, in_full: Chooses, told: set[str]) -> TargetCheck:
    """``told`` is what was said at targets before: what asks for nothing asks nothing of every target."""
    resolved = judgement.resolved
    steps.at(0, "what is covered")
    answers, besides = requirement_findings(judgement), concerns(judgement)
    steps.at(1, "what its rules show")
    rest = list(_of_rules(judgement))
    known = {*answers, *rest} if besides else set()
    rest += [item for item in besides if item not in known]
    rest = [item for item in rest if item.code != NOTHING_ASKED or item.rule not in told]
    told |= {item.rule for item in rest if item.code == NOTHING_ASKED}
    steps.at(2, "near misses")
    near = NearMisses(judgement.engine.index.ruleset, judgement.engine.index.facts)
    if in_full is not every:
        answers = [_counted(near, item) for item in answers]
    chosen = set(map(id, in_full([*answers, *rest])))
    steps.at(3, "what a plan would do")
    hinted = with_hints(judgement, answers, [id(item) in chosen for item in answers])
    explained = [
        _with_near_misses(near, item) if id(plain) in chosen else item
        for plain, item in zip(answers, hinted, strict=True)
    ]
    return TargetCheck(
        spec=judgement.spec,
        requirements=resolved.wanted,
        findings=(*explained, *rest),
        unsettled=tuple(dict.fromkeys(item for item in (*hinted, *besides) if not item.is_fine)),
        notes=(
            *resolved.notes,
            *judgement.point.notes(judgement.estate),
            *(f"not readable: {text}" for text in judgement.estate.unreadable),
        ),
    )


def _of_rules(judgement: Judgement) -> Iterator[Finding]:
    """What the target and its rules show by themselves."""
    project, spec, resolved, engine = (
        judgement.project,
        judgement.spec,
        judgement.resolved,
        judgement.engine,
    )
    sources = resolved.sources if spec.sources or project.workload.sources else EVERYWHERE
    asked = {item.service_tag.lower() for item in resolved.wanted if item.service_tag}
    yield from judgement.posture
    yield from find_rule_findings(engine, sources, spec.name, asked)
    yield from _unasked(judgement)
    yield from find_rules_of_others(engine.index.ruleset, project.workload.name, spec.name)
    yield from superfluous_rules(engine, resolved, spec.name)


def _with_near_misses(near: NearMisses, finding: Finding) -> Finding:
    """``finding`` and, where no rule matches its witness, the rules that nearly do."""
    flow = _unmatched_flow(finding)
    found = near.unmatched(flow) if flow else ()
    if not found:
        return finding
    return msgspec.structs.replace(finding, near_misses=tuple(map(str, found)), is_near=True)


def _counted(near: NearMisses, finding: Finding) -> Finding:
    """``finding``, told apart where there are near misses that somebody might want to see."""
    flow = _unmatched_flow(finding)
    return msgspec.structs.replace(finding, is_near=True) if flow and near.has_unmatched(flow) else finding


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
