"""The next step that ``check`` names for a requirement, taken from what a plan made now would do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import msgspec

from allowlist.plan.drafts import Draft
from allowlist.plan.findings import ADDS_A_RULE, Finding, Status, reference
from allowlist.plan.model import RequirementRef
from allowlist.rules.coverage import CoverageEngine
from allowlist.rules.requirement import Requirement
from allowlist.workflow.judging import Judgement, refined_findings

_OPEN = (Status.MISSING, Status.PARTIAL, Status.UNKNOWN, Status.BLOCKED)


def with_hints(judgement: Judgement, findings: Sequence[Finding], chosen: Sequence[bool]) -> list[Finding]:
    """``findings``, and for each that is ``chosen`` and not covered the remedy a plan has for it; what a plan cannot mend
    says why.
    """
    about = {
        item.requirement
        for item, is_chosen in zip(findings, chosen, strict=True)
        if is_chosen and item.requirement and item.status in _OPEN and _is_generic(item)
    }
    if not about:
        return list(findings)
    hints = _hints(judgement, about)
    return [
        _hinted(item, hints) if is_chosen else item for item, is_chosen in zip(findings, chosen, strict=True)
    ]


def _hinted(finding: Finding, hints: dict[RequirementRef, str]) -> Finding:
    hint = hints.get(finding.requirement) if finding.requirement else None
    if hint is None or finding.status not in _OPEN or not _is_generic(finding):
        return finding
    return msgspec.structs.replace(
        finding, remedy=hint if hint == ADDS_A_RULE else _joined(hint, finding.remedy)
    )


def _is_generic(finding: Finding) -> bool:
    """Is the remedy one that knows nothing of the kind of enforcement point?"""
    return finding.remedy == ADDS_A_RULE or finding.status in (Status.UNKNOWN, Status.BLOCKED)


def _joined(hint: str, remedy: str) -> str:
    return f"{hint}; {remedy}" if remedy and remedy != ADDS_A_RULE else hint


def _hints(judgement: Judgement, about: Collection[RequirementRef]) -> dict[RequirementRef, str]:
    """What a plan for everything that is open would do ``about`` some of it."""
    pairs = list(zip(judgement.resolved.requirements, judgement.findings, strict=True))
    needed = [item for item, finding in pairs if finding.status in _OPEN]
    if not needed:
        return {}
    covered = [item for item, finding in pairs if finding.status is Status.COVERED]
    draft = judgement.point.draft(judgement.estate, needed, covered)
    refused = {
        reference(item): f"no rule of this target can say it: {why}" for item, why in draft.inexpressible
    }
    served = {item.key for change in draft.changes for item in change.requirements}
    doubtful = [
        item
        for item, finding in pairs
        if finding.status in (Status.UNKNOWN, Status.BLOCKED)
        and item.key in served
        and finding.requirement in about
    ]
    after = dict(_after(judgement, draft, doubtful)) if doubtful else {}
    certain = {
        finding.requirement: ADDS_A_RULE
        for item, finding in pairs
        if finding.requirement
        and finding.requirement in about
        and finding.status in _OPEN
        and item.key in served
    }
    return {**certain, **after, **refused}


def _after(
    judgement: Judgement, draft: Draft, doubtful: Sequence[Requirement]
) -> Iterator[tuple[RequirementRef, str]]:
    """Whether the rule that would be added helps at all, where another one stands before it."""
    point, estate = judgement.point, judgement.estate
    changed = point.after(estate, point.compose(estate, [item.operation for item in draft.changes]))
    engine = CoverageEngine.of(
        point.ruleset(changed),
        judgement.resolved.wanted,
        judgement.project.facts,
        presumes=judgement.project.presumes,
    )
    found = refined_findings(judgement.project, changed, judgement.spec, engine, doubtful)
    for item, finding in zip(doubtful, found, strict=True):
        if finding.status is Status.COVERED:
            yield reference(item), ADDS_A_RULE
        else:
            yield reference(item), f"a rule of ours cannot help while this stands: {finding.because}"
