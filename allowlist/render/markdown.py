"""Markdown for code hosts, bounded: a step summary within 1 MiB, a comment within 65,536 characters.

Both limits refuse the whole text when it is one character too long (docs.github.com, "Workflow commands" and
"Issue comments", 2026-11), so what does not fit is left out row by row, and its number is told.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from allowlist.render.escape import markdown
from allowlist.render.notices import Notice, Report

STEP_SUMMARY_BYTES: Final = 1024 * 1024
COMMENT_CHARACTERS: Final = 65_536

_RANK = {"error": 0, "warning": 1, "note": 2}
_SIGNS = {"error": "🔴", "warning": "🟡", "note": "⚪"}
_LONGEST_CELL = 400


def summary_markdown(report: Report) -> str:
    """For ``$GITHUB_STEP_SUMMARY`` and the like."""
    return _bounded(report, "", STEP_SUMMARY_BYTES, lambda text: len(text.encode()))


def comment_markdown(report: Report) -> str:
    """For a pull request: its first line is a marker, by which the next run finds it and writes over it."""
    return _bounded(report, f"{marker_of(report.name)}\n", COMMENT_CHARACTERS, len)


def marker_of(name: str) -> str:
    """The line that makes a comment ours; nothing in ``name`` can end it."""
    return f"<!-- allowlist: {re.sub(r'[^A-Za-z0-9._, -]', '', name)[:200].replace('--', '-')} -->"


def escaped(text: str) -> str:
    """Text that shows as itself: no markup, no mention, no link, one line."""
    flat = " ".join(text.split())
    cut = flat if len(flat) <= _LONGEST_CELL else flat[: _LONGEST_CELL - 1] + "…"
    return markdown(cut)


def _bounded(report: Report, head: str, limit: int, measure: Callable[[str], int]) -> str:
    shown = [notice for notice in report.notices if notice.fate != "passed"]
    shown.sort(key=lambda notice: (_RANK[notice.level], notice.target, notice.rule))
    opening = f"{head}## {escaped(report.title)}\n\n{escaped(report.summary)}\n"
    if not shown:
        return opening
    opening += f"\n{_counted(shown)}\n\n| | what | where | about | why |\n|---|---|---|---|---|\n"
    return _with_rows(opening, [_row(notice) for notice in shown], limit, measure)


def _with_rows(opening: str, rows: Sequence[str], limit: int, measure: Callable[[str], int]) -> str:
    """As many rows as fit, and then how many did not."""
    room = limit - measure(opening) - measure(_left_out(len(rows)))
    kept: list[str] = []
    for row in rows:
        room -= measure(row)
        if room < 0:
            break
        kept.append(row)
    rest = len(rows) - len(kept)
    return opening + "".join(kept) + (_left_out(rest) if rest else "")


def _left_out(count: int) -> str:
    return f"\n**… and {count} more, left out here;** all of them with `--format json`.\n"


def _counted(notices: Iterable[Notice]) -> str:
    counts = Counter(notice.rule for notice in notices)
    return ", ".join(f"{count} {escaped(rule)}" for rule, count in counts.most_common(12))


def _row(notice: Notice) -> str:
    why = f"{notice.text} → {notice.remedy}" if notice.remedy else notice.text
    cells = (notice.rule, notice.target, notice.subject, why)
    return f"| {_SIGNS[notice.level]} | {' | '.join(escaped(cell) for cell in cells)} |\n"
