"""When a scheduled run may change anything: maintenance windows and freezes. Pure; all times are UTC."""

from __future__ import annotations

import datetime as dt

from allowlist.workload.document import Automation, Freeze, Window

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def closed_because(automation: Automation, now: dt.datetime) -> str:
    """Why nothing may be changed at ``now``; empty when it may."""
    moment = now.astimezone(dt.UTC)
    for freeze in automation.freezes:
        if _is_frozen(freeze, moment.date()):
            return f"frozen until {freeze.last}" + (f": {freeze.reason}" if freeze.reason else "")
    if automation.windows and not any(is_open(window, moment) for window in automation.windows):
        return "outside the maintenance windows"
    return ""


def is_open(window: Window, moment: dt.datetime) -> bool:
    """Is ``moment`` inside? A window that ends before it begins runs past midnight; ``from`` equal to ``to`` is all day."""
    time = f"{moment:%H:%M}"
    today, yesterday = _DAYS[moment.weekday()], _DAYS[moment.weekday() - 1]
    if window.start < window.end:
        return today in window.days and window.start <= time < window.end
    if window.start == window.end:
        return today in window.days
    return (today in window.days and time >= window.start) or (yesterday in window.days and time < window.end)


def _is_frozen(freeze: Freeze, today: dt.date) -> bool:
    return dt.date.fromisoformat(freeze.first) <= today <= dt.date.fromisoformat(freeze.last)
