"""Run every rule over some files."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from allowlist.catalog.lint import entries, history, names, shapes
from allowlist.catalog.lint.context import LintContext, Rule
from allowlist.catalog.lint.findings import LintFinding, LintReport, Severity
from allowlist.catalog.model import Catalog, Kind
from allowlist.catalog.reader import Reading, parse_catalog, read_what_is_readable
from allowlist.documents.source import Source, parse_yaml_source, read_text
from allowlist.errors import InvalidInput, Problem

FORMAT_RULE: Final = "format"

RULES: Final = (
    Rule(id="rewritten-release", severity=Severity.ERROR, check=history.rewritten_release, whole=True),
    Rule(id="changed-meaning", severity=Severity.ERROR, check=history.changed_meaning, whole=True),
    Rule(id="vanished-entry", severity=Severity.ERROR, check=history.vanished_entry, whole=True),
    Rule(id="vanished-release", severity=Severity.ERROR, check=history.vanished_release, whole=True),
    Rule(
        id="version-bump-too-small", severity=Severity.ERROR, check=history.version_bump_too_small, whole=True
    ),
    Rule(id="wildcard-too-wide", severity=Severity.ERROR, check=names.wildcard_too_wide),
    Rule(id="lookalike-wildcard", severity=Severity.ERROR, check=names.lookalike_wildcard),
    Rule(id="shared-suffix", severity=Severity.WARNING, check=names.shared_suffix),
    Rule(id="misspelt-owner", severity=Severity.ERROR, check=names.misspelt_owner),
    Rule(id="misspelt-host", severity=Severity.ERROR, check=names.misspelt_host),
    Rule(id="tag-as-host", severity=Severity.ERROR, check=shapes.tag_as_host),
    Rule(id="near-twin", severity=Severity.ERROR, check=shapes.near_twin),
    Rule(id="near-twin-cited", severity=Severity.WARNING, check=shapes.near_twin_cited),
    Rule(id="revocation-over-https", severity=Severity.WARNING, check=shapes.revocation_over_https),
    Rule(id="split-pair", severity=Severity.WARNING, check=shapes.split_pair),
    Rule(id="observed-otherwise", severity=Severity.WARNING, check=shapes.observed_otherwise),
    Rule(id="page-in-part", severity=Severity.INFO, check=shapes.page_in_part, whole=True),
    Rule(id="wrong-dialect", severity=Severity.WARNING, check=names.wrong_dialect),
    Rule(id="missing-source", severity=Severity.ERROR, check=entries.missing_source),
    Rule(id="unknown-service-tag", severity=Severity.ERROR, check=entries.unknown_service_tag),
    Rule(id="unknown-fqdn-tag", severity=Severity.ERROR, check=entries.unknown_fqdn_tag),
    Rule(id="duplicate-entry", severity=Severity.ERROR, check=entries.duplicate_entry),
    Rule(id="overlapping-entry", severity=Severity.INFO, check=entries.overlapping_entry),
    Rule(id="unused-declaration", severity=Severity.WARNING, check=entries.unused_declaration, whole=True),
    Rule(id="lonely-alternative", severity=Severity.WARNING, check=entries.lonely_alternative, whole=True),
)


class Base(Protocol):
    """Where the catalogs of the branch a change goes to are found."""

    def find(self, path: Path) -> str | None:
        """The text ``path`` has there, None if it does not exist there."""


@dataclass(frozen=True, slots=True)
class FolderBase:
    """A folder with the catalogs of the base branch."""

    folder: Path

    def find(self, path: Path) -> str | None:
        there = self.folder / path.name
        return read_text(there) if there.is_file() else None


@dataclass(frozen=True, slots=True)
class GitBase:
    """A commit or branch of the repository that holds the files."""

    ref: str

    def find(self, path: Path) -> str | None:
        """Raises InvalidInput when the reference itself is unknown."""
        folder = path.resolve().parent
        if self._git(folder, "rev-parse", "--verify", "--quiet", f"{self.ref}^{{commit}}").returncode:
            raise InvalidInput.of(
                path, f"git knows no commit '{self.ref}'", hint="fetch the base branch first"
            )
        shown = self._git(folder, "show", f"{self.ref}:./{path.name}")
        return shown.stdout if shown.returncode == 0 else None

    def _git(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


def lint_files(
    files: Iterable[Path], *, base: Base | None = None, known: Iterable[Catalog] = ()
) -> LintReport:
    """All findings in ``files``. ``known`` are catalogs whose hosts count as correctly spelt."""
    paths = tuple(files)
    read = {path: _read(path) for path in paths}
    catalogs = {item.name: item for item in known}
    catalogs |= {reading.catalog.name: reading.catalog for reading in read.values() if reading.catalog}
    findings: list[LintFinding] = []
    for path, reading in read.items():
        findings.extend(_format_finding(problem) for problem in reading.problems)
        if reading.catalog:
            findings.extend(_run_rules(reading, reading.catalog, _base_catalog(path, base), catalogs))
    findings.sort(key=lambda found: (found.file, found.line, found.column, found.rule))
    return LintReport(files=tuple(str(path) for path in paths), findings=tuple(findings))


def _hosts(catalogs: Iterable[Catalog]) -> frozenset[str]:
    """The released names of ``catalogs``, which a new name is compared with."""
    return frozenset(
        entry.value.removeprefix("*.")
        for catalog in catalogs
        for entry in catalog.entries
        if entry.kind is Kind.PATTERN and entry.since != "next" and "{" not in entry.value
    )


def _hosts_by_cloud(catalogs: Iterable[Catalog]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for catalog in catalogs:
        for entry in catalog.entries:
            gone = entry.until or entry.dead_since or entry.since == "next"
            if entry.kind is Kind.PATTERN and not gone and "{" not in entry.value:
                name = entry.value.removeprefix("*.")
                found[name] = found.get(name, frozenset()) | frozenset(str(cloud) for cloud in entry.clouds)
    return found


def _observed(catalogs: Iterable[Catalog]) -> frozenset[str]:
    return frozenset(
        name
        for catalog in catalogs
        for entry in catalog.entries
        if entry.asked_by and not entry.until and entry.kind is Kind.PATTERN
        for name in (entry.value, entry.written)
        if name and "{" not in name
    )


def _read(path: Path) -> Reading:
    try:
        source = parse_yaml_source(read_text(path), str(path))
    except InvalidInput as error:
        return Reading(catalog=None, source=Source(str(path), None, {}), problems=tuple(error.problems))
    return read_what_is_readable(source, name=path.stem)


def _base_catalog(path: Path, base: Base | None) -> Catalog | None:
    text = base.find(path) if base else None
    if text is None:
        return None
    return parse_catalog(parse_yaml_source(text, f"{path} (base)"), name=path.stem)


def _run_rules(
    reading: Reading, catalog: Catalog, base: Catalog | None, catalogs: Mapping[str, Catalog]
) -> Iterator[LintFinding]:
    others = [other for name, other in catalogs.items() if name != catalog.name] + ([base] if base else [])
    context = LintContext(
        catalog=catalog,
        source=reading.source,
        base=base,
        known_hosts=_hosts([*others, catalog]),
        vouched_hosts=_hosts(others),
        hosts_by_cloud=_hosts_by_cloud([*others, catalog]),
        observed=_observed([*others, catalog]),
        rows_elsewhere=shapes.rows_of(catalogs, catalog.name),
    )
    for rule in RULES:
        if not (rule.whole and reading.problems):
            yield from rule.run(context)


def _format_finding(problem: Problem) -> LintFinding:
    return LintFinding(
        rule=FORMAT_RULE,
        severity=Severity.ERROR,
        file=problem.file,
        line=problem.line,
        column=problem.column,
        message=problem.message,
        remedy="catalogs/README.md shows the format by example",
    )
