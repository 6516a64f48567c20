"""What a person is shown before something takes effect."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from allowlist.plan.model import Change
from allowlist.workflow.review import Review
from allowlist.workflow.review_session import ReviewSession
from allowlist_tui.look import RISKS, Line
from allowlist_tui.screens.dialogs import parse_date
from allowlist_tui.text import counted, safe

_SHOWN_OF_MANY = 12


def count_lines(review: Review, wanted: Sequence[str], selected: int) -> list[Line]:
    """What a bulk approval is about: ``wanted`` of ``selected`` changes."""
    changes = [review.change(item) for item in wanted]
    glyph, word, tone = RISKS[changes[0].risk]
    lines: list[Line] = [
        (
            (counted(len(wanted), "change"), "title"),
            (" of the risk tier ", "plain"),
            (f"{glyph} {word}", tone),
        )
    ]
    if selected > len(wanted):
        lines.append(((f"{selected - len(wanted):,} of {selected:,} are approved by you already", "muted"),))
    lines += [
        ((f"  {safe(item.title)}", "plain"), (f"  {safe(item.target)}", "muted"))
        for item in changes[:_SHOWN_OF_MANY]
    ]
    if len(changes) > _SHOWN_OF_MANY:
        lines.append(((f"  and {len(changes) - _SHOWN_OF_MANY:,} more", "muted"),))
    return lines


def apply_lines(review: Review, targets: Sequence[str], session: ReviewSession) -> list[Line]:
    """What an apply is about."""
    ready = review.progress().ready
    approved = [change for change in review.plan.changes if review.state(change.id) == "approved"]
    lines: list[Line] = [
        ((counted(ready, "approved change") + (" is written" if ready == 1 else " are written"), "title"),)
    ]
    left = len(review.plan.changes) - ready
    if left:
        lines.append(((f"{left:,} are not approved and stay as they are", "muted"),))
    lines += [
        _target_line(target.name, approved, target.minutes)
        for target in review.plan.targets
        if target.name in targets
    ]
    if session.confirm_within is not None:
        minutes = session.confirm_within.total_seconds() / 60
        lines.append(((f"provisional: undone unless confirmed within {minutes:g} min", "warn"),))
    return lines


def _target_line(name: str, approved: Sequence[Change], minutes: float) -> Line:
    count = sum(change.target == name for change in approved)
    time = f"about {minutes:g} min" if minutes else "time unknown"
    return ((f"  {safe(name)}  ", "title"), (f"{counted(count, 'change')}, {time}", "plain"))


def why_no_date(text: str, now: datetime) -> str:
    """What is wrong with a date to defer to."""
    if parse_date(text, now):
        return ""
    said = f"'{safe(text)}' is no date to come" if text else "a deferral ends at a date"
    return f"{said}; write 2026-12-31, 10d or 2w"
