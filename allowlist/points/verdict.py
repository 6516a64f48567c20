"""What a surface other than a firewall says about one requirement, in words that name the state it is in."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from allowlist.plan.findings import Finding, Status, severity_of
from allowlist.rules.coverage import Coverage


class Word(StrEnum):
    """The verdicts. An approval may be there and still not be in force, or be moot because nothing restricts."""

    COVERED = "covered"
    UNRESTRICTED = "covered_unrestricted"
    PENDING = "covered_pending"
    FAILED = "covered_failed"
    MISSING = "missing"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict with what it rests on. ``reason``, ``finding``, ``alternatives`` and ``warnings`` are codes.

    ``by`` names the rule that decides, ``also`` rules that add nothing to it, ``action`` what would satisfy a
    missing requirement.
    """

    word: Word
    text: str = ""
    by: str = ""
    via: str = ""
    reason: str = ""
    finding: str = ""
    alternatives: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    action: tuple[tuple[str, Any], ...] = ()
    assumptions: tuple[str, ...] = ()


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a change must not be sent: ``reason`` is a code, ``text`` a sentence with the next step."""

    reason: str
    text: str


_STATUS = {
    Word.PENDING: Status.UNKNOWN,
    Word.UNKNOWN: Status.UNKNOWN,
    Word.FAILED: Status.MISSING,
    Word.BLOCKED: Status.BLOCKED,
}


def refined(finding: Finding, judgement: Judgement) -> Finding:
    """``finding`` as the surface sees it: an approval not in force is no coverage, a name it cannot carry is blocked."""
    status = _STATUS.get(judgement.word, finding.status)
    warned = status is Status.UNKNOWN or (status is Status.COVERED and judgement.warnings)
    code = judgement.reason or judgement.finding or next(iter(judgement.warnings), "") or judgement.word.value
    return msgspec.structs.replace(
        finding,
        status=status,
        code=code if code != finding.status.value else "",
        severity="warning" if warned else _severity(finding, status),
        because=judgement.text or _because(finding, judgement, status),
        remedy=_remedy(finding, judgement),
        assumptions=judgement.assumptions or finding.assumptions,
    )


def _because(finding: Finding, judgement: Judgement, status: Status) -> str:
    if status is finding.status or not judgement.assumptions:
        return finding.because
    unless = " or ".join(judgement.assumptions)
    return f"no rule matches; the default is deny, unless {unless}"


def undecided(coverage: Coverage, hopeless: object, **action: Any) -> Judgement | None:
    """The verdict where it depends on what is not known; None where no doubt stands between.

    ``action`` is what would make it certain; ``hopeless`` is anything that says no rule can.
    """
    if not coverage.mask("unknown") or coverage.mask("missing"):
        return None
    doubts = coverage.rules("doubts")
    texts = list(dict.fromkeys(entry.unknown for entry in doubts))
    by = doubts[0].rule.ref.rule if doubts else ""
    return Judgement(
        word=Word.UNKNOWN,
        by=by,
        text=f"depends on {', '.join(texts[:3])}",
        action=() if hopeless else tuple(action.items()),
    )


def _severity(finding: Finding, status: Status) -> str:
    if status is finding.status:
        return finding.severity
    return severity_of(status, finding.requirement.need if finding.requirement else "required")


def _remedy(finding: Finding, judgement: Judgement) -> str:
    if judgement.alternatives:
        return "instead: " + " or ".join(text.replace("_", " ") for text in judgement.alternatives)
    return "" if judgement.word in (Word.PENDING, Word.BLOCKED) else finding.remedy
