"""Evidence as text, JSON, Markdown and notices: findings first, and above all what was not read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any, Final

from allowlist.documents.words import counted, lasting
from allowlist.render.notices import Notice, Report
from allowlist.traffic.account import HOUR, Account
from allowlist.traffic.findings import Confirmed, Denied, Effect, Evidence, Excess, Tally

SCHEMA: Final = "allowlist/evidence/v1"
SHOWN: Final = 25
"""Rows of each kind that text shows unless all are asked for."""

WORDS: Final = {
    "opens": "would open",
    "closes": "would close",
    "moves": "another rule would decide",
    "unknown": "not known",
}


def evidence_text(
    evidence: Evidence, styled: Callable[[str], str], *, everything: bool = False
) -> Iterator[str]:
    """For people."""
    yield from account_text(evidence.account)
    limit = None if everything else SHOWN
    yield from _section(
        "denied",
        [line for item in evidence.denied[:limit] for line in _denied(item, styled)],
        len(evidence.denied),
        limit,
    )
    yield from _section(
        "let through and not required",
        [line for item in evidence.excess[:limit] for line in _excess(item)],
        len(evidence.excess),
        limit,
    )
    if evidence.refused:
        yield "unused: not said, because " + "; ".join(evidence.refused)
    else:
        yield from _section(
            "unused",
            [f"  {item.kind} {item.subject}: {item.why}" for item in evidence.unused[:limit]],
            len(evidence.unused),
            limit,
            f" in {evidence.account.lasted}",
        )
    if not evidence.refused:
        yield from _section(
            "redundant",
            [f"  rule {item.rule}  {_tally(item.tally)}: {item.text}" for item in evidence.redundant[:limit]],
            len(evidence.redundant),
            limit,
        )
    if evidence.confirmed:
        yield from _section(
            "field names that your logs confirm",
            [_confirmed(item) for item in evidence.confirmed[:limit]],
            len(evidence.confirmed),
            limit,
        )
    if evidence.what_if:
        yield from _section(
            f"what if {evidence.what_if}",
            [_effect(item) for item in evidence.effects[:limit]],
            len(evidence.effects),
            limit,
        )


def account_text(account: Account) -> Iterator[str]:
    """How the reading went, before anything is said on the grounds of it."""
    beside = f", {account.beside} tell of no flow" if account.beside else ""
    yield f"{counted(account.read, 'line')} read in {counted(len(account.files), 'file')}: {account.understood} understood{beside}, {account.missed} left out"
    if account.first and account.last:
        yield f"  from {account.first:%Y-%m-%d %H:%M:%S} to {account.last:%Y-%m-%d %H:%M:%S} UTC"
    for item in (*account.left_out, *account.unread):
        yield f"  left out: {item}"
    for name, count in account.categories:
        yield f"  left out: {count} of category '{name}'"
    if account.repeated:
        yield f"  {counted(account.repeated, 'event')} stood in two destinations, counted once"
    yield from (f"  counted once: {text}" for text in account.copies)
    yield from (f"  missing: {gap}" for gap in account.gaps[:10])
    if len(account.gaps) > 10:
        yield f"  missing: {counted(len(account.gaps) - 10, 'more gap')}"
    yield from (f"  in part: {text}" for text in account.partial)


def _section(title: str, lines: list[str], count: int, limit: int | None, where: str = "") -> Iterator[str]:
    yield f"{title}: {count or 'nothing'}{where if count else ''}"
    yield from lines
    if limit is not None and count > limit:
        yield f"  … and {count - limit} more (--all shows them)"


def _denied(item: Denied, styled: Callable[[str], str]) -> Iterator[str]:
    yield f"  {styled('deny')} {item.end}  {_tally(item.tally)}"
    now = f"; the rules as read {_now(item)}" if item.now else ""
    yield f"      by {item.by}{now}"
    for text in item.wanted_by:
        yield f"      wanted by {text}"
    if not item.ours:
        yield "      asked for from outside the sources of this workload"
    if item.name:
        yield f"      {item.known}"


def _now(item: Denied) -> str:
    words = {"allow": "let it through", "deny": "deny it", "unknown": "leave it open"}
    return f"{words[item.now]} ({item.now_by})"


def _excess(item: Excess) -> Iterator[str]:
    yield f"  {item.end}  {_tally(item.tally)}  by {item.by or 'no rule that the log names'}"
    if item.name:
        yield f"      {item.known}"
    if item.tighten:
        yield f"      tighter: {item.tighten}"


def _confirmed(item: Confirmed) -> str:
    change = f"{item.before} → {item.after}" if item.before != item.after else item.after
    return f"  {item.pattern} ({item.entry}): {change}; {item.line.partition(': ')[2]}"


def _effect(item: Effect) -> str:
    return f"  {WORDS[item.word]}: {item.end}  {_tally(item.tally)}  {item.before} → {item.after}"


def _tally(tally: Tally) -> str:
    more = len(tally.sources) - len(tally.shown_sources)
    sources = ", ".join(filter(None, tally.shown_sources)) or "unknown sources"
    return f"{tally.count} × from {sources}{f' and {more} more' if more else ''}, last {_time(tally.last)}"


def _time(moment: dt.datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "never"


def summary_line(evidence: Evidence) -> str:
    """One line, with what is not known in it."""
    wanted = sum(bool(item.wanted_by) for item in evidence.denied)
    unused = (
        "unused not said"
        if evidence.refused
        else f"{len(evidence.unused)} unused, {len(evidence.redundant)} redundant in {lasting(evidence.account.span)}"
        + (" only" if evidence.account.is_short else "")
    )
    parts = [
        f"{len(evidence.denied)} denied, {wanted} of them required",
        f"{len(evidence.excess)} not required",
        unused,
    ]
    if evidence.what_if:
        counts = {word: sum(item.word == word for item in evidence.effects) for word in WORDS}
        parts.append(
            ", ".join(f"{count} {WORDS[word]}" for word, count in counts.items() if count)
            or "the change touches no flow seen"
        )
    return "; ".join(parts)


def evidence_json(evidence: Evidence) -> dict[str, Any]:
    """``allowlist/evidence/v1``."""
    return {
        "schema": SCHEMA,
        "workload": evidence.workload,
        "read": _account_json(evidence.account),
        "denied": [
            {
                "end": item.end, "name": item.name, "by": item.by, "now": item.now, "now_by": item.now_by,
                "wanted_by": list(item.wanted_by), "known_by": list(item.known.entries),
                "looks_like": item.known.looks_like, "from_this_workload": item.ours, **_tally_json(item.tally),
            }
            for item in evidence.denied
        ],
        "not_required": [
            {
                "end": item.end, "name": item.name, "by": item.by, "known_by": list(item.known.entries),
                "looks_like": item.known.looks_like, "tighten": item.tighten, **_tally_json(item.tally),
            }
            for item in evidence.excess
        ],
        "confirmed": [
            {
                "entry": item.entry, "pattern": item.pattern, "last_allowed": str(item.day),
                "before": item.before, "after": item.after, "line": item.line,
            }
            for item in evidence.confirmed
        ],
        "unused": None if evidence.refused else [
            {"kind": item.kind, "subject": item.subject, "text": item.text, "short": item.short} for item in evidence.unused
        ],
        "unused_refused": list(evidence.refused),
        "redundant": None if evidence.refused else [
            {
                "target": item.target, "rule": item.rule, "instead": list(item.instead), "decides": item.decides,
                "text": item.text, "short": item.short, **_tally_json(item.tally),
            }
            for item in evidence.redundant
        ],
        "what_if": evidence.what_if,
        "effects": [
            {"effect": item.word, "end": item.end, "before": item.before, "after": item.after, **_tally_json(item.tally)}
            for item in evidence.effects
        ],
        "days": [{"day": str(day), "allowed": allowed, "denied": denied} for day, allowed, denied in evidence.days],
    }  # fmt: skip


def _tally_json(tally: Tally) -> dict[str, Any]:
    return {
        "count": tally.count, "sources": list(tally.shown_sources), "sources_in_all": len(tally.sources),
        "first": tally.first.isoformat() if tally.first else None, "last": tally.last.isoformat() if tally.last else None,
    }  # fmt: skip


def _account_json(account: Account) -> dict[str, Any]:
    return {
        "lines": account.read, "understood": account.understood, "beside": account.beside, "left_out": account.missed,
        "is_whole": account.is_whole, "doubts": list(account.doubts()),
        "first": account.first.isoformat() if account.first else None,
        "last": account.last.isoformat() if account.last else None,
        "window_hours": int(account.span / HOUR), "is_short": account.is_short, "min_days": account.min_days,
        "files": [{"file": name, "shape": shape} for name, shape in account.files],
        "first_left_out": [{"file": item.file, "line": item.line, "why": item.why} for item in account.left_out],
        "unread": [{"file": item.file, "why": item.why} for item in account.unread],
        "categories": dict(account.categories), "repeated": account.repeated, "copies": list(account.copies),
        "gaps": [{"stream": gap.stream, "from": gap.start.isoformat(), "to": gap.end.isoformat()} for gap in account.gaps],
        "partial": list(account.partial),
    }  # fmt: skip


def evidence_report(evidence: Evidence, file: str) -> Report:
    """For the forms that other tools read."""
    notices = [
        *(Notice(rule="left-out", level="warning", target="", subject=item.file, text=item.why, file=item.file, line=item.line) for item in (*evidence.account.left_out, *evidence.account.unread)),
        *(Notice(rule="gap", level="warning", target="", subject=gap.stream, text=str(gap)) for gap in evidence.account.gaps),
        *(_denied_notice(item) for item in evidence.denied),
        *(Notice(rule="not-required", level="note", target="", subject=item.end, text=f"let through {_tally(item.tally)} by {item.by}", remedy=item.tighten) for item in evidence.excess),
        *(Notice(rule="unused", level="note", target="", subject=f"{item.kind} {item.subject}", text=item.text) for item in evidence.unused),
        *(Notice(rule="redundant", level="note", target=item.target, subject=f"rule {item.rule}", text=item.text) for item in evidence.redundant),
        *(Notice(rule=f"what-if-{item.word}", level="error" if item.word == "closes" else "warning", target="", subject=item.end, text=f"{WORDS[item.word]}: {_tally(item.tally)}: {item.before} → {item.after}") for item in evidence.effects),
    ]  # fmt: skip
    name = f"evidence {evidence.workload}".strip()
    return Report(
        title=f"allowlist {name}",
        name=name,
        summary=summary_line(evidence),
        file=file,
        notices=tuple(notices),
        lines={},
    )


def _denied_notice(item: Denied) -> Notice:
    return Notice(
        rule="denied", level="error" if item.wanted_by else "warning", target="", subject=item.end,
        text=f"denied {_tally(item.tally)} by {item.by}",
        remedy=f"wanted by {', '.join(item.wanted_by)}" if item.wanted_by else str(item.known),
    )  # fmt: skip
