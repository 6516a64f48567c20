"""Evidence as one HTML file with its charts drawn in: no outside request, no script, light and dark, printable."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from allowlist.render.evidence import WORDS, account_text, summary_line
from allowlist.render.pages import environment
from allowlist.traffic.findings import Evidence

_ROWS = 500
_WIDTH, _HEIGHT = 720, 96


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: where it starts, and how high both parts are, in units of the drawing."""

    x: float
    width: float
    allowed: float
    denied: float
    title: str


def bars(days: Sequence[tuple[dt.date, int, int]]) -> list[Bar]:
    """Flows by day, the fullest day as high as the chart; a day with a single denied flow still shows."""
    most = max((allowed + denied for _, allowed, denied in days), default=0) or 1
    width = _WIDTH / max(len(days), 1)
    return [
        Bar(
            round(number * width, 2), round(max(width - 1, 0.5), 2), round(allowed * _HEIGHT / most, 2),
            max(round(denied * _HEIGHT / most, 2), 1.5 if denied else 0), f"{day}: {allowed} let through, {denied} denied",
        )
        for number, (day, allowed, denied) in enumerate(days)
    ]  # fmt: skip


def evidence_html(evidence: Evidence) -> str:
    """The whole page; of each kind the first five hundred rows, with the number of all."""
    title = f"Evidence for {evidence.workload}" if evidence.workload else "Evidence from traffic"
    page = environment().get_template("evidence.html")
    return str(page.render(
        title=title, evidence=evidence, account=list(account_text(evidence.account)), bars=bars(evidence.days),
        width=_WIDTH, height=_HEIGHT, rows=_ROWS, words=WORDS, summary=summary_line(evidence),
    ))  # fmt: skip
