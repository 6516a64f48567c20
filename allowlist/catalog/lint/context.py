"""What a lint rule may look at, and how it complains."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from allowlist.catalog.lint.findings import LintFinding, Severity
from allowlist.catalog.model import Catalog, Entry, Kind
from allowlist.catalog.reach import pattern_of
from allowlist.documents.source import Path_, Source
from allowlist.names import Pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """A rule's answer, before it gets its place in the file. ``path`` runs from the root of the document."""

    path: Path_
    message: str
    remedy: str


Check = Callable[["LintContext"], Iterator[Complaint]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A small check with a name; its docstring is the explanation SARIF shows."""

    id: str
    severity: Severity
    check: Check
    whole: bool = False
    """Does it need the whole file? Then it is left out while some entries cannot be read."""

    @property
    def explanation(self) -> str:
        return " ".join((self.check.__doc__ or "").split())

    def run(self, context: LintContext) -> Iterator[LintFinding]:
        for complaint in self.check(context):
            place = context.source.problem(complaint.path, complaint.message)
            yield LintFinding(
                rule=self.id,
                severity=self.severity,
                file=place.file,
                line=place.line,
                column=place.column,
                message=complaint.message,
                remedy=complaint.remedy,
            )


@dataclass(frozen=True, kw_only=True)
class LintContext:
    """One readable catalog with the positions of its file.

    ``base`` is the same catalog on the branch a change goes to, None when there is none to compare with.
    ``known_hosts`` are all released names; ``vouched_hosts`` those that another catalog or the base has too.
    """

    catalog: Catalog
    source: Source
    base: Catalog | None = None
    known_hosts: frozenset[str] = field(default_factory=frozenset)
    vouched_hosts: frozenset[str] = field(default_factory=frozenset)
    hosts_by_cloud: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Every live released name with the clouds it belongs to; each cloud has its own ends."""
    observed: frozenset[str] = field(default_factory=frozenset)
    """Names that programs were seen to ask for, in any catalog."""
    rows_elsewhere: Mapping[tuple[str, str], Mapping[str, frozenset[str]]] = field(default_factory=dict)
    """By page (repository and path), what other catalogs have of it."""

    @cached_property
    def live(self) -> tuple[tuple[int, Entry], ...]:
        """The entries of the coming release with their number in the file; ended ones are history."""
        return tuple((index, entry) for index, entry in enumerate(self.catalog.entries) if not entry.until)

    @cached_property
    def live_patterns(self) -> tuple[tuple[int, Entry, Pattern], ...]:
        return tuple(
            (i, entry, pattern_of(entry.value)) for i, entry in self.live if entry.kind is Kind.PATTERN
        )

    @cached_property
    def base_entries(self) -> dict[str, Entry]:
        return {entry.id: entry for entry in self.base.entries} if self.base else {}
