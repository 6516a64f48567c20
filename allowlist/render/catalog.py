"""Catalogs and their changes as text for a terminal and Markdown for a pull request.

Texts from a catalog may come from a stranger: in Markdown they stand in code marks or are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from textwrap import indent
from typing import Final

from allowlist.catalog.changes import ChangeKind, EntryChange
from allowlist.catalog.evidence import evidence_line
from allowlist.catalog.feed import FeedItem
from allowlist.catalog.hits import Hits
from allowlist.catalog.lint.findings import LintReport, Severity
from allowlist.catalog.model import Catalog, Entry, Evidence
from allowlist.catalog.packages import advice_text
from allowlist.catalog.review import CatalogReview, EvidenceChange

SUMMARY_LIMIT: Final = 60_000
"""Bytes of a pull request comment; GitHub takes 65,536 characters, a step summary 1 MiB."""

_SIGNS = {
    ChangeKind.ADDED: "+",
    ChangeKind.ENDED: "-",
    ChangeKind.WIDENED: ">",
    ChangeKind.NARROWED: "<",
    ChangeKind.REPLACED: "~",
    ChangeKind.NEED_RAISED: "^",
    ChangeKind.NEED_LOWERED: "v",
    ChangeKind.RESTATED: "=",
}
_ACTIVE_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|@~])")


def render_list(catalogs: Iterable[Catalog]) -> str:
    """One line per catalog: name, latest version with its date, number of entries, title."""
    rows = []
    for catalog in catalogs:
        release = catalog.release("latest") if catalog.releases else catalog.release("next")
        entries = catalog.entries_at(release.version)
        rows.append((catalog.name, release.version, release.date, str(len(entries)), catalog.title))
    return _table(("name", "latest", "date", "entries", "title"), rows)


def render_catalog(
    catalog: Catalog,
    version: str,
    entries: Sequence[Entry],
    today: date | None = None,
    hits: Hits | None = None,
) -> str:
    """One version of a catalog, its entries grouped by scenario, with what the field and one's own logs know on ``today``."""
    release = catalog.release(version)
    dated = f" of {release.date}" if release.date else ""
    lines = [f"{catalog.name} {release.version}{dated}: {catalog.title}", catalog.description]
    for name, scenario in catalog.scenarios.items():
        chosen = [entry for entry in entries if entry.scenario == name]
        if chosen:
            lines += ["", f"{name}{' (default)' if scenario.default else ''}: {scenario.title}"]
            rows = _table((), [_entry_row(entry) for entry in chosen]).splitlines()
            for entry, row in zip(chosen, rows, strict=True):
                lines += [
                    f"  {row}",
                    *(f"      {line}" for line in _known_about(entry, today, hits or Hits())),
                ]
    return "\n".join(lines)


def _known_about(entry: Entry, today: date | None, hits: Hits) -> Iterator[str]:
    """What stands beside documentation: evidence, counter-evidence, who asks, and whether to refuse."""
    if entry.refuse or entry.dead_since:
        yield advice_text(entry)
    elif entry.condition and entry.is_from_field:
        yield f"when {entry.condition}"
    allowed = hits.last(entry)
    if (entry.evidence or allowed) and today:
        yield f"evidence: {evidence_line(entry, today, allowed=allowed)}"
    for item in entry.evidence:
        if item.works_without:
            yield f"works without, says {item.repo} ({item.where}, {item.date})"


def _entry_row(entry: Entry) -> tuple[str, ...]:
    return (
        _destination(entry),
        " ".join(str(port) for port in entry.ports),
        str(entry.need),
        " ".join(entry.clouds),
        entry.purpose,
    )


def _destination(entry: Entry) -> str:
    prefix = "" if entry.pattern else f"{entry.kind.replace('_', ' ')} "
    sub = f"/{entry.sub_resource}" if entry.sub_resource and not entry.is_private_zone else ""
    return entry.value + sub if entry.pattern else f"{prefix}{entry.value}{sub}".strip()


def render_changes(changes: Iterable[EntryChange]) -> str:
    """One line per change with its sign, and what it means below."""
    lines = [line for change in changes for line in _change_lines(change)]
    return "\n".join(lines) if lines else "no change of meaning"


def _change_lines(change: EntryChange) -> list[str]:
    entry = change.entry
    was = f" (was {_reach(change.before)})" if change.before and change.after else ""
    head = (
        f"{_SIGNS[change.kind]} {change.kind}: {_reach(entry)}{was}  {entry.need}, scenario {entry.scenario}"
    )
    return [head, f"    {change.impact}; {change.notice}"]


def _reach(entry: Entry) -> str:
    ports = " ".join(str(port) for port in entry.ports)
    return f"{_destination(entry)} {ports}".strip()


def render_upgrades(upgrades: Iterable[tuple[str, str, str, Sequence[EntryChange]]]) -> str:
    """One block per catalog (name, pinned, latest, changes) that is behind."""
    blocks = [
        f"{name} {pinned} → {latest}\n{indent(render_changes(changes), '  ')}"
        for name, pinned, latest, changes in upgrades
    ]
    return "\n\n".join(blocks) if blocks else "every pinned catalog is the latest"


def render_feed(items: Sequence[FeedItem]) -> str:
    """Changes grouped by release, oldest first."""
    lines: list[str] = []
    for (day, name, version), group in groupby(
        items, key=lambda item: (item.date, item.catalog, item.version)
    ):
        lines += ["", f"{day} {name} {version}"]
        lines += [
            f"  {_SIGNS[item.change]} {item.change}: {item.value}{f' (was {item.was})' if item.was else ''}"
            f"  {item.need}, scenario {item.scenario}"
            for item in group
        ]
    return "\n".join(lines[1:]) if lines else "no catalog has changed since then"


def render_review(
    reviews: Sequence[CatalogReview],
    report: LintReport,
    affected: Mapping[str, Sequence[str]],
    today: date,
) -> str:
    """The Markdown summary of a pull request, cut at a line when it would grow past :data:`SUMMARY_LIMIT`."""
    lines = ["## Catalog change", "", *_verdict(report), *_review_table(reviews)]
    for review in reviews:
        lines += _review_section(review, affected.get(review.catalog, ()), today)
    lines += _lint_section(report)
    return _cut("\n".join(lines) + "\n")


def _verdict(report: LintReport) -> list[str]:
    errors, warnings = report.count(Severity.ERROR), report.count(Severity.WARNING)
    if errors:
        return [
            f"**Lint found {errors} error(s) and {warnings} warning(s).** The remedies are at the end.",
            "",
        ]
    return [f"Lint is clean, with {warnings} warning(s).", ""]


def _review_table(reviews: Sequence[CatalogReview]) -> list[str]:
    if not reviews:
        return ["No catalog changes its meaning.", ""]
    head = [
        "| catalog | needs | next version | added | ended | other | opens more |",
        "|---|---|---|---|---|---|---|",
    ]
    return [*head, *(_review_row(review) for review in reviews), ""]


def _review_row(review: CatalogReview) -> str:
    kinds = [change.kind for change in review.changes]
    added, ended = kinds.count(ChangeKind.ADDED), kinds.count(ChangeKind.ENDED)
    name = f"`{review.catalog}`{' (new)' if review.is_new else ''}"
    cells = (name, review.bump.word, review.next_version, added, ended, len(kinds) - added - ended)
    return "| " + " | ".join(str(cell) for cell in cells) + f" | {len(review.opens)} |"


def _review_section(review: CatalogReview, affected: Sequence[str], today: date) -> Iterator[str]:
    yield from (f"### `{review.catalog}`", "")
    for change in review.changes:
        yield f"- {_SIGNS[change.kind]} **{change.kind}** {_code(_reach(change.entry))}{_was(change)} {_needed(change)}"
        if change.entry.risk:
            yield f"  - risk: {_escaped(change.entry.risk)}"
        yield f"  - evidence: {_escaped(evidence_line(change.entry, today))}"
        yield from _reports(change.entry.evidence, "says so")
    for told in review.evidence:
        yield from _evidence_section(told, today)
    if affected:
        yield from ("", f"Example workloads affected: {', '.join(_code(name) for name in affected)}")
    yield ""


def _evidence_section(change: EvidenceChange, today: date) -> Iterator[str]:
    """An entry that asks for the same as before, of which more or less is known now."""
    then, now = evidence_line(change.before, today), evidence_line(change.entry, today)
    yield f"- evidence of {_code(_reach(change.entry))}: {_escaped(now)} (was {_escaped(then)})"
    yield from _reports(change.added, "new")
    yield from _reports(change.removed, "taken out")


def _reports(reports: Iterable[Evidence], label: str) -> Iterator[str]:
    """One line a report: its class, where it is, and that it speaks against the name where it does."""
    for item in reports:
        place = " ".join(part for part in (item.repo, item.where, item.commit[:12], item.date) if part)
        against = "works without it" if item.works_without else label
        yield f"  - {against}: {item.kind.replace('-', ' ')}, {_code(place or 'no place given')}"


def _was(change: EntryChange) -> str:
    return f" (was {_code(_reach(change.before))})" if change.before and change.after else ""


def _needed(change: EntryChange) -> str:
    return f"{change.entry.need}, scenario {_code(change.entry.scenario)}: {change.impact}"


def _lint_section(report: LintReport) -> Iterator[str]:
    serious = [finding for finding in report.findings if finding.severity is not Severity.INFO]
    if not serious:
        return
    yield from ("### Lint", "")
    for finding in serious:
        yield f"- {finding.severity} {_code(f'{finding.file}:{finding.line}:{finding.column}')} {_escaped(finding.message)}"
        yield f"  - {_escaped(finding.remedy)}"


def _code(text: str) -> str:
    return f"`{text.replace('`', chr(39))}`"


def _escaped(text: str) -> str:
    return _ACTIVE_MARKUP.sub(r"\\\1", text)


def _cut(text: str) -> str:
    if len(text.encode()) <= SUMMARY_LIMIT:
        return text
    kept = text.encode()[:SUMMARY_LIMIT].decode(errors="ignore").rpartition("\n")[0]
    return f"{kept}\n\n… cut here; run `allowlist catalog review` for the rest.\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns set flush by blanks; the last column is left as it is."""
    lines = [tuple(head), *rows] if head else list(rows)
    widths = (
        [max(len(line[column]) for line in lines) for column in range(len(lines[0]) - 1)] if lines else []
    )
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]])
        for line in lines
    )
