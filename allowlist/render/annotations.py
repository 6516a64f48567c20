"""Workflow commands that GitHub Actions shows as annotations: at most ten of each kind from one step.

(docs.github.com, "Workflow commands for GitHub Actions" and "Limits", 2026-11.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from allowlist.render.escape import lines
from allowlist.render.notices import Level, Notice, Report

MOST_OF_A_KIND: Final = 10
LONGEST_MESSAGE: Final = 4_000
_COMMANDS: Final[dict[Level, str]] = {"error": "error", "warning": "warning", "note": "notice"}


def annotations_text(report: Report) -> str:
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    """The last one of a kind that does not fit tells how many were left out."""
    shown = [notice for notice in report.notices if notice.fate != "passed"]
    for level, command in _COMMANDS.items():
        mine = [notice for notice in shown if notice.level == level]
        fits = len(mine) <= MOST_OF_A_KIND
        for notice in mine if fits else mine[: MOST_OF_A_KIND - 1]:
            yield _command(command, notice, report)
        if not fits:
            text = f"… and {len(mine) - MOST_OF_A_KIND + 1} more of this kind; all of them are in the summary"
            yield f"::{command} title={_property(report.title)}::{_data(text)}"


def _command(command: str, notice: Notice, report: Report) -> str:
    file, line, column = report.place_of(notice)
    place = (
        f"file={_property(file)}" + (f",line={line}" if line else "") + (f",col={column}" if column else "")
    )
    return f"::{command} {place},title={_property(notice.rule)}::{_data(notice.sentence)}"


def _data(text: str) -> str:
    cut = text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"
    return lines(cut.replace("\r\n", "\n")).replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
