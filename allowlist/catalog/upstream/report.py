"""A report of the watch as text, as JSON and as the text of a pull request.

Everything that comes from a page is shown and never obeyed: control characters are made visible, and in
Markdown a quote stands in a fence that it cannot close.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from allowlist.catalog.upstream.discover import Discovered, Discovery
from allowlist.catalog.upstream.drift import Change, Place
from allowlist.catalog.upstream.findings import Finding, Gap, PageReport, Standing, WatchReport
from allowlist.catalog.upstream.ports import PortRange
from allowlist.catalog.upstream.propose import Proposal
from allowlist.catalog.upstream.row import Row
from allowlist.documents.words import counted

REPORT_SCHEMA: Final = "allowlist/catalog-upstream/v1"
_SHOWN: Final = 8
"""Names of one line; --json has all."""
_MAX_BODY: Final = 60_000
"""GitHub takes 65 536 characters as the text of a pull request."""


def visible(text: str) -> str:
    """``text`` on one line, control and bidirectional characters as escapes."""
    return "".join(
        letter if unicodedata.category(letter)[0] != "C" else f"\\u{ord(letter):04x}" for letter in text
    )


def render_text(report: WatchReport) -> str:
    """For a terminal: pages that cannot be believed, then findings with their evidence, then gaps."""
    lines = [*_trouble(report.pages)]
    for finding in report.findings:
        lines += _finding_lines(finding)
    lines += [f"gap      {gap.catalog}: {_what(gap.place, gap.rows)} {_evidence(gap)}" for gap in report.gaps]
    for owed in report.owed:
        names = ", ".join(_what(place, ()) for place in owed.places[:_SHOWN])
        names += f" and {len(owed.places) - _SHOWN} more" if len(owed.places) > _SHOWN else ""
        holders = ", ".join(owed.held_by)
        lines.append(f"owed     {owed.catalog}: {names} on {owed.page}; held by {holders} only")
    for unseen in report.unseen:
        lines.append(f"unseen   {unseen.catalog}: {', '.join(unseen.entries)} on {unseen.page}")
    lines += _discovered_lines(report.discovered)
    lines.append(_summary(report))
    return "\n".join(lines)


def _discovered_lines(found: Discovery) -> Iterator[str]:
    """Pages nobody cites, the newest first; those that name nothing new are counted only."""
    news = [page for page in found.pages if page.unknown]
    for page in news:
        yield f"page     {page.page} ({page.date or 'no date'}) asks for {_names(page)} and nobody cites it: {visible(page.because)}"
        row = page.unknown[0]
        yield f"         line {row.line} | {visible(row.quote)[:160]}"
    known = len(found.pages) - len(news)
    if known:
        yield f"pages    {known} more that nobody cites name only what catalogs hold; --json lists them"
    if found.unread:
        yield f"pages    {found.unread} beside or behind the cited ones were not read"


def _names(page: Discovered) -> str:
    shown = [visible(row.value) for row in page.unknown[:_SHOWN]]
    more = len(page.unknown) - len(shown)
    rest = f" and {more} more" if more > 0 else ""
    return f"{', '.join(shown)}{rest} (in no catalog: {len(page.unknown)} of its {counted(len(page.names), 'name')})"


def _trouble(pages: Iterable[PageReport]) -> Iterator[str]:
    for page in pages:
        if page.trouble:
            hint = f" ({visible(page.hint)})" if page.hint else ""
            yield f"page     {page.ref} {visible(page.trouble)}{hint}"
        if page.moved_to:
            yield f"moved    {page.ref} is {visible(page.moved_to)} now; cite that page"


def _finding_lines(finding: Finding) -> Iterator[str]:
    delta = finding.delta
    yield (
        f"{delta.change:<8} {finding.catalog}: {_what(delta.place, delta.rows)}{_port_words(finding)}"
        f"  [{finding.risk} risk: {visible(finding.reason)}]"
    )
    yield f"         {_evidence(finding)}"
    for row in finding.delta.rows[:1]:
        yield f"         | {visible(row.quote)[:160]}"
    yield f"         {_standing(finding)}"


def _standing(finding: Finding) -> str:
    match finding.standing:
        case Standing.WITHHELD:
            return f"not proposed: {visible(finding.withheld)}"
        case Standing.WAITING:
            return f"waits until {finding.ready_on} (first seen {finding.first_seen})"
        case Standing.READY:
            return f"ready to be proposed (first seen {finding.first_seen})"


def _what(place: Place, rows: Sequence[Row]) -> str:
    value = rows[0].value if rows else place.subject.value
    cloud = f" ({place.cloud})" if place.cloud else ""
    direction = " inbound" if place.subject.direction == "inbound" else ""
    return f"{place.subject.kind} {visible(value)}{cloud}{direction}"


def _port_words(finding: Finding) -> str:
    delta = finding.delta
    if any(delta.said):
        return f": '{visible(delta.said[0])}' -> '{visible(delta.said[1])}'"
    if delta.change is not Change.PORTS:
        return f" {_ports(delta.after)}" if delta.after else ""
    return f" {_ports(delta.before)} -> {_ports(delta.after)}"


def _ports(ports: Iterable[PortRange]) -> str:
    return ",".join(str(port) for port in sorted(ports))


def _evidence(found: Finding | Gap) -> str:
    """Page, commit and line; for what ended, the line it stood on before."""
    at = f"{found.page}@{found.commit[:12]}" if found.commit else str(found.page)
    rows = found.rows if isinstance(found, Gap) else found.delta.rows
    if isinstance(found, Finding) and found.delta.change is Change.ENDED:
        return f"{at} does not name it any more" + (f"; it stood on line {rows[0].line}" if rows else "")
    return f"{at} line {rows[0].line}" if rows else at


def _summary(report: WatchReport) -> str:
    ready, total = len(report.ready), len(report.findings)
    waiting = sum(finding.standing is Standing.WAITING for finding in report.findings)
    doubted = sum(bool(page.trouble) for page in report.pages if page.was_read)
    read = sum(page.was_read for page in report.pages)
    missed = f", {len(report.pages) - read} not" if read < len(report.pages) else ""
    return (
        f"{counted(read, 'page')} read{missed}, {doubted} of them in doubt; {counted(total, 'finding')}: {ready} ready, "
        f"{waiting} waiting, {total - ready - waiting} not proposed; {counted(len(report.gaps), 'gap')}"
    )


def encode_report(report: WatchReport) -> dict[str, Any]:
    """The report as plain data, schema ``allowlist/catalog-upstream/v1``."""
    return {
        "schema": REPORT_SCHEMA,
        "pages": [
            {
                "repo": page.ref.repo,
                "path": page.ref.path,
                "commit": page.commit,
                "rows": page.rows,
                "trouble": page.trouble,
                **({"moved_to": page.moved_to} if page.moved_to else {}),
            }
            for page in report.pages
        ],
        "findings": [_encode_finding(finding) for finding in report.findings],
        "gaps": [
            {"catalog": gap.catalog, **_encode_place(gap.place), "evidence": _encode_rows(gap, gap.rows)}
            for gap in report.gaps
        ],
        "owed": [
            {
                "catalog": owed.catalog,
                "repo": owed.page.repo,
                "path": owed.page.path,
                "held_by": list(owed.held_by),
                "places": [_encode_place(place) for place in owed.places],
            }
            for owed in report.owed
        ],
        "unseen": [
            {
                "catalog": unseen.catalog,
                "repo": unseen.page.repo,
                "path": unseen.page.path,
                "entries": list(unseen.entries),
            }
            for unseen in report.unseen
        ],
        "discovered": [_encode_discovered(page) for page in report.discovered.pages],
        "pages_not_read": report.discovered.unread,
    }


def _encode_discovered(page: Discovered) -> dict[str, Any]:
    return {
        "repo": page.page.repo,
        "path": page.page.path,
        "date": page.date,
        "because": page.because,
        "catalogs": list(page.catalogs),
        "names": list(page.names),
        "unknown": [
            {"kind": row.kind, "value": row.value, "line": row.line, "quote": row.quote}
            for row in page.unknown
        ],
    }


def _encode_finding(finding: Finding) -> dict[str, Any]:
    delta = finding.delta
    return {
        "id": finding.id,
        "catalog": finding.catalog,
        "change": delta.change,
        **_encode_place(delta.place),
        "ports": {"before": _encode_ports(delta.before), "after": _encode_ports(delta.after)},
        **({"said": {"before": delta.said[0], "after": delta.said[1]}} if any(delta.said) else {}),
        "risk": finding.risk,
        "reason": finding.reason,
        "standing": finding.standing,
        "withheld": finding.withheld,
        "first_seen": finding.first_seen.isoformat(),
        "ready_on": finding.ready_on.isoformat(),
        "entries": list(finding.entries),
        "evidence": _encode_rows(finding, delta.rows),
    }


def _encode_place(place: Place) -> dict[str, str]:
    subject = place.subject
    return {
        "kind": subject.kind,
        "value": subject.value,
        "direction": subject.direction,
        "cloud": place.cloud,
    }


def _encode_ports(ports: Iterable[PortRange]) -> list[str]:
    return [str(port) for port in sorted(ports)]


def _encode_rows(found: Finding | Gap, rows: Iterable[Row]) -> dict[str, Any]:
    """``lines`` are those of the page as it is now; for what ended, of the page as it was."""
    return {
        "repo": found.page.repo,
        "path": found.page.path,
        "commit": found.commit,
        "lines": [
            {
                "page": row.page,
                "line": row.line,
                "written": row.value,
                "section": row.section,
                "flags": list(row.flags),
                "quote": row.quote,
            }
            for row in rows
        ],
    }


def pull_request_text(proposal: Proposal, report: WatchReport) -> str:
    """Title, blank line and Markdown body of the pull request for ``proposal``."""
    names = sorted({finding.catalog for finding in proposal.written})
    title = f"Catalogs follow the documentation: {', '.join(names) or 'nothing to change'}"
    body = [
        "The pages that document these catalogs changed, and the change has stayed for the waiting time.",
        "Please say for every new entry what it is for, and check its scenario, consumers and need.",
        "",
        *_section("Proposed", [_markdown(finding) for finding in proposal.written]),
        *_section(
            "Left to you",
            [f"{_markdown(finding)}\n  Why: {_code(reason)}" for finding, reason in proposal.refused],
        ),
        *_section(
            "Not proposed, because the page cannot be believed",
            [f"- {_code(str(page.ref))}: {_code(page.trouble)}" for page in report.pages if page.trouble],
        ),
        *_section(
            "Pages that nobody cites",
            [
                f"- {_code(str(page.page))} ({page.date or 'no date'}): {_code(_names(page))}, {_code(page.because)}"
                for page in report.discovered.pages
                if page.unknown
            ],
        ),
    ]
    text = "\n".join([title[:120], "", *body])
    return text if len(text) <= _MAX_BODY else text[:_MAX_BODY].rsplit("\n- ", 1)[0] + "\n\n(shortened)\n"


def _section(title: str, items: Sequence[str]) -> list[str]:
    return [f"### {title}", "", *items, ""] if items else []


def _markdown(finding: Finding) -> str:
    delta = finding.delta
    what = _code(_what(delta.place, delta.rows) + _port_words(finding))
    where = _code(finding.catalog)
    lines = [
        f"- **{delta.change}** {what} in {where}: {finding.risk} risk, {_code(finding.reason)}",
        f"  Evidence: {_code(_evidence(finding))}, first seen {finding.first_seen}",
    ]
    for row in delta.rows[:1]:
        quote = visible(row.quote)
        fence = _fence(quote)
        lines += ["", f"  {fence}text", f"  {quote}", f"  {fence}", ""]
    return "\n".join(lines)


def _code(text: str) -> str:
    """``text`` as an inline code span that it cannot leave."""
    shown = visible(text)
    ticks = "`" * (max((len(run) for run in re.findall(r"`+", shown)), default=0) + 1)
    return f"{ticks} {shown} {ticks}" if "`" in shown else f"`{shown}`"


def _fence(text: str) -> str:
    return "`" * max(3, max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
