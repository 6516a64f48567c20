"""Lint reports as text for people, JSON for scripts and SARIF 2.1.0 for code hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from allowlist.catalog.lint import RULES, LintFinding, LintReport, Severity
from allowlist.render.sarif import sarif_log, sarif_result, sarif_rule

LINT_SCHEMA: Final = "allowlist/catalog-lint/v1"
_SARIF_LEVEL = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def render_text(report: LintReport) -> str:
    """One line per finding as compilers write it, the remedy below it, and a closing line."""
    lines = [line for finding in report.findings for line in _text_lines(finding)]
    return "\n".join([*lines, _closing(report)])


def _text_lines(finding: LintFinding) -> list[str]:
    place = f"{finding.file}:{finding.line}:{finding.column}" if finding.line else finding.file
    return [f"{place} {finding.severity}: {finding.message} [{finding.rule}]", f"    {finding.remedy}"]


def _closing(report: LintReport) -> str:
    counts = ", ".join(f"{report.count(severity)} {severity}" for severity in Severity)
    files = f"{len(report.files)} file{'' if len(report.files) == 1 else 's'}"
    return f"{files}: {counts}"


def render_json(report: LintReport) -> str:
    document = {
        "schema": LINT_SCHEMA,
        "summary": {str(severity): report.count(severity) for severity in Severity},
        "files": list(report.files),
        "findings": msgspec.to_builtins(report.findings),
    }
    return _pretty(document)


def render_sarif(report: LintReport) -> str:
    """SARIF 2.1.0 with relative addresses, as code scanning wants it."""
    rules = [sarif_rule(rule.id, rule.explanation, _SARIF_LEVEL[rule.severity]) for rule in RULES]
    rules.append(sarif_rule("format", "A catalog that cannot be read says nothing.", "error"))
    return _pretty(sarif_log(rules, [_sarif_result(finding) for finding in report.findings]))


def _sarif_result(finding: LintFinding) -> dict[str, Any]:
    region = {"startLine": max(finding.line, 1), "startColumn": max(finding.column, 1)}
    text = f"{finding.message}. {finding.remedy}"
    return sarif_result(finding.rule, _SARIF_LEVEL[finding.severity], text, finding.file, region)


def _pretty(document: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


RENDERERS: Final[Mapping[str, Callable[[LintReport], str]]] = {
    "text": render_text,
    "json": render_json,
    "sarif": render_sarif,
}
