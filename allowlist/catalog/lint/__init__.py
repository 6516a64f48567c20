"""Lint that teaches: small rules, each with a name, a place and a remedy."""

from allowlist.catalog.lint.findings import LintFinding, LintReport, Severity
from allowlist.catalog.lint.run import RULES, Base, FolderBase, GitBase, lint_files

__all__ = ["RULES", "Base", "FolderBase", "GitBase", "LintFinding", "LintReport", "Severity", "lint_files"]
