"""Dates, where only one reading is possible. Sums of dates and durations are left unknown."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from allowlist.estate.template.budget import Budget
from allowlist.estate.template.functions.table import Function, integer, text
from allowlist.estate.template.values import Refused

_ZULU = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_LAST = 253402300799  # 9999-12-31T23:59:59Z


def _to_epoch(budget: Budget, value: Any) -> int:
    if not _ZULU.fullmatch(text(value)):
        raise Refused("a date in another form")
    try:
        return int(dt.datetime.fromisoformat(value).timestamp())
    except ValueError:
        raise Refused("no date") from None


def _from_epoch(budget: Budget, value: Any) -> str:
    if not 0 <= integer(value) <= _LAST:
        raise Refused("beyond the calendar")
    return dt.datetime.fromtimestamp(value, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _add(budget: Budget, *parts: Any) -> str:
    raise Refused("the form of the outcome is not certain")


DATES: dict[str, Function] = {
    "datetimetoepoch": Function(_to_epoch, 1, 1),
    "datetimefromepoch": Function(_from_epoch, 1, 1),
    "datetimeadd": Function(_add, 2, 3),
}
