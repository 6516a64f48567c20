"""Findings for other tools: SARIF 2.1.0 for code scanning, JUnit XML for test views."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

import allowlist
from allowlist.plan.findings import Finding, Status
from allowlist.render.findings import subject_of

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def report(form: str, findings: Sequence[Finding], file: str) -> str:
    """``sarif`` or ``junit``; ``file`` is the workload file the findings belong to."""
    return json.dumps(sarif(findings, file), indent=2) if form == "sarif" else junit(findings)


def sarif(findings: Sequence[Finding], file: str) -> dict[str, Any]:
    shown = [finding for finding in findings if finding.status is not Status.COVERED]
    rules = sorted({finding.status.value for finding in shown})
    return {
        "version": "2.1.0",
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "allowlist",
                        "version": allowlist.__version__,
                        "rules": [
                            {"id": rule, "shortDescription": {"text": f"requirement is {rule}"}}
                            for rule in rules
                        ],
                    }
                },
                "results": [_result(finding, file) for finding in shown],
            }
        ],
    }


def _result(finding: Finding, file: str) -> dict[str, Any]:
    text = f"{subject_of(finding)} on {finding.target}: {finding.because}"
    return {
        "ruleId": finding.status.value,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{text} ({finding.remedy})" if finding.remedy else text},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": file}}}],
        "partialFingerprints": {"allowlist/v1": f"{finding.status} {finding.target} {subject_of(finding)}"},
    }


def junit(findings: Sequence[Finding]) -> str:
    """One test case per requirement; whatever is not covered fails."""
    wanted = [finding for finding in findings if finding.requirement is not None]
    failed = [finding for finding in wanted if finding.status is not Status.COVERED]
    suite = ET.Element("testsuite", name="allowlist", tests=str(len(wanted)), failures=str(len(failed)))
    for finding in wanted:
        case = ET.SubElement(suite, "testcase", classname=finding.target, name=_visible(subject_of(finding)))
        if finding.status is not Status.COVERED:
            ET.SubElement(case, "failure", message=_visible(finding.because), type=finding.status.value)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True)


def _visible(text: str) -> str:
    """XML has no place for control characters."""
    return "".join(character if character.isprintable() else "?" for character in text)
