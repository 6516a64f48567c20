"""Findings as text and as the JSON of the contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from allowlist.plan.findings import SCHEMA, Finding, summary_of


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


def findings_text(findings: Sequence[Finding], styled: Any, *, everything: bool = False) -> Iterator[str]:
    """One block per finding, the serious ones first; what is fine only on request."""
    shown = [finding for finding in findings if everything or not finding.is_fine]
    for finding in sorted(shown, key=lambda item: (item.target, _RANK[item.severity])):
        yield f"{styled(finding.status.value)}  {subject_of(finding)}  [{finding.target}]"
        yield f"    {finding.because}"
        if finding.witness:
            yield f"    witness: {finding.witness}"
        for near in finding.near_misses:
            yield f"    near miss: {near}"
        if finding.remedy:
            yield f"    next: {finding.remedy}"


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
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "nothing to check"
