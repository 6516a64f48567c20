"""Lint reports as text for people, JSON for scripts, and notices for other tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from allowlist.catalog.lint import RULES, LintFinding, LintReport, Severity
from allowlist.documents.words import counted
from allowlist.render.notices import Level, Notice, Report, Rule

LINT_SCHEMA: Final = "allowlist/catalog-lint/v1"
_LEVELS: Final[Mapping[Severity, Level]] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "note",
}


def lint_text(report: LintReport) -> list[str]:
    """One line per finding as compilers write it, the remedy below it, and a closing line."""
    lines = [line for finding in report.findings for line in _text_lines(finding)]
    return [*lines, _closing(report)]


def _text_lines(finding: LintFinding) -> list[str]:
    place = f"{finding.file}:{finding.line}:{finding.column}" if finding.line else finding.file
    return [f"{place} {finding.severity}: {finding.message} [{finding.rule}]", f"    {finding.remedy}"]


def _closing(report: LintReport) -> str:
    counts = ", ".join(f"{report.count(severity)} {severity}" for severity in Severity)
    return f"{counted(len(report.files), 'file')}: {counts}"


def lint_json(report: LintReport) -> Any:
    return {
        "schema": LINT_SCHEMA,
        "summary": {str(severity): report.count(severity) for severity in Severity},
        "files": list(report.files),
        "findings": msgspec.to_builtins(report.findings),
    }


def lint_report(report: LintReport) -> Report:
    """What lint found as notices at their places, for other tools."""
    rules = {rule.id: Rule(rule.explanation, level=_LEVELS[rule.severity]) for rule in RULES}
    rules["format"] = Rule("A catalog that cannot be read says nothing.", level="error")
    return Report(
        title="allowlist catalog lint",
        name="catalog lint",
        summary=_closing(report),
        file=next(iter(report.files), "catalogs"),
        notices=tuple(map(_notice, report.findings)),
        rules=rules,
    )


def _notice(finding: LintFinding) -> Notice:
    return Notice(
        rule=finding.rule,
        level=_LEVELS[finding.severity],
        target="",
        subject=finding.file,
        text=finding.message,
        remedy=finding.remedy,
        fate="failed" if finding.severity is Severity.ERROR else "",
        file=finding.file,
        line=max(finding.line, 1),
        column=max(finding.column, 1),
    )
