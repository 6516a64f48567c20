"""Findings as text and as the JSON of the contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from allowlist.documents.words import counted
from allowlist.plan.findings import SCHEMA, Finding, Status, summary_of


def findings_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """``allowlist/findings/v1``."""
    return {
        "schema": SCHEMA,
        "summary": summary_of(findings),
        "findings": [finding_entry(item) for item in findings],
    }


def finding_entry(finding: Finding) -> dict[str, Any]:
    """One finding as it stands in ``findings``."""
    ref = finding.requirement
    result: dict[str, Any] = {
        "status": finding.status.value,
        "target": finding.target,
        "severity": finding.severity,
        "requirement": None,
        "rule": finding.rule or None,
        "covered_by": list(finding.covered_by),
        "witness": None,
        "because": finding.because,
        "remedy": finding.remedy,
    }
    if finding.code:
        result["code"] = finding.code
    if finding.near_misses:
        result["near_misses"] = list(finding.near_misses)
    if finding.assumptions:
        result["assumptions"] = list(finding.assumptions)
    if ref is not None:
        port: int | str = int(ref.ports) if ref.ports.isdigit() else ref.ports
        result["requirement"] = {
            "catalog": ref.catalog,
            "version": ref.version,
            "entry": ref.entry,
            "scenario": ref.scenario,
            **({"evidence": ref.evidence} if ref.evidence else {}),
            "pattern": ref.pattern,
            "protocol": ref.protocol,
            "port": port,
            "need": ref.need,
            "sources": list(ref.sources),
        }
    if finding.witness is not None:
        witness = finding.witness
        result["witness"] = {
            "source": witness.source,
            "fqdn": witness.fqdn,
            "port": witness.port,
            "protocol": witness.protocol,
        }
    return result


SHOWN_WHOLE: Final = 10
"""Findings that are shown one by one; more of them are grouped, so that a check fits on a screen."""
_IN_FULL: Final = 4
_LINES: Final = 8
_GROUPS: Final = 6


def findings_text(
    findings: Sequence[Finding], styled: Any, *, everything: bool = False, details: bool = False
) -> Iterator[str]:
    """One block per finding, the serious ones first; what is fine only on request, many on one screen."""
    shown = [finding for finding in findings if everything or not finding.is_fine]
    shown.sort(key=lambda item: (item.target, _RANK[item.severity]))
    if everything or details or len(shown) <= SHOWN_WHOLE:
        for finding in shown:
            yield from _whole_text(finding, styled)
    else:
        yield from _compact_text(shown, styled)


def _whole_text(finding: Finding, styled: Any) -> Iterator[str]:
    yield f"{styled(finding.status.value)}  {subject_of(finding)}  [{finding.target}]"
    yield f"    {finding.because}"
    if finding.witness:
        yield f"    witness: {finding.witness}"
    for near in finding.near_misses:
        yield f"    near miss: {near}"
    if finding.remedy:
        yield f"    next: {finding.remedy}"


def _compact_text(findings: Sequence[Finding], styled: Any) -> Iterator[str]:
    """Counts by target, status and catalog; what is not simply missing, and near misses, in full or in a line."""
    groups: dict[tuple[str, Status], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.target, finding.status), []).append(finding)
    for (target, status), items in list(groups.items())[:_GROUPS]:
        yield f"{styled(status.value)}  {len(items):,} on {target}: {_most(Counter(map(_about, items)))}"
    rest = list(groups.values())[_GROUPS:]
    if rest:
        yield f"… and {counted(sum(map(len, rest)), 'more finding')} on {counted(len(rest), 'more target')} or of other kinds"
    odd = _odd(findings)
    for finding in odd[:_IN_FULL]:
        yield from _whole_text(finding, styled)
    for finding in odd[_IN_FULL:][:_LINES]:
        yield f"{styled(finding.status.value)}  {subject_of(finding)}  [{finding.target}]"
    if len(odd) > _IN_FULL + _LINES:
        yield f"… and {len(odd) - _IN_FULL - _LINES:,} more like these"
    yield "every finding with its witness: --details"


def _odd(findings: Iterable[Finding]) -> list[Finding]:
    """What is not simply missing, the serious ones first."""
    found = [item for item in findings if item.status is not Status.MISSING or item.is_near]
    return sorted(found, key=lambda item: _RANK[item.severity])


def told_in_full(findings: Sequence[Finding]) -> list[Finding]:
    """Of the findings of one target those that a text without details may tell more of than in a line."""
    shown = sorted((item for item in findings if not item.is_fine), key=lambda item: _RANK[item.severity])
    return shown if len(shown) <= SHOWN_WHOLE else _odd(shown)[:_IN_FULL]


def _about(finding: Finding) -> str:
    return finding.requirement.catalog if finding.requirement else "rules"


def _most(counts: Counter[str]) -> str:
    told = ", ".join(f"{name} {count:,}" for name, count in counts.most_common(_GROUPS))
    return f"{told} and {len(counts) - _GROUPS} more" if len(counts) > _GROUPS else told


_RANK = {"error": 0, "warning": 1, "info": 2}


def subject_of(finding: Finding) -> str:
    ref = finding.requirement
    if ref is None:
        return finding.rule
    return f"{ref.pattern} {ref.protocol}:{ref.ports} for {ref.catalog}@{ref.version}#{ref.entry}"


def finding_line(finding: Finding) -> str:
    """A finding in one line, with the rule that stands in the way."""
    return f"{finding.status.value} {subject_of(finding)} [{finding.target}]: {finding.because}"


def summary_text(findings: Sequence[Finding]) -> str:
    counts = summary_of(findings)
    assumed = sum(item.status is Status.COVERED and bool(item.assumptions) for item in findings)
    text = ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "nothing to check"
    return f"{text} ({assumed} covered under an assumption)" if assumed else text
