"""What a lint rule says: which rule, how bad, where, and what to do."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """``ERROR`` blocks a change, ``WARNING`` asks a person to look, ``INFO`` is good to know."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class LintFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake or doubt in a catalog; ``line`` and ``column`` count from 1, 0 means the whole file."""

    rule: str
    severity: Severity
    file: str
    line: int
    column: int
    message: str
    remedy: str


class LintReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything lint found in some files, in the order of file and line."""

    files: tuple[str, ...]
    findings: tuple[LintFinding, ...]

    def count(self, severity: Severity) -> int:
        return sum(finding.severity is severity for finding in self.findings)

    @property
    def is_clean(self) -> bool:
        """No errors; warnings leave the decision to a person."""
        return self.count(Severity.ERROR) == 0
