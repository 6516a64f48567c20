"""Numbers in sentences."""

from __future__ import annotations

import datetime as dt
from typing import Final

_IRREGULAR: Final = {"is": "are", "was": "were", "has": "have", "does": "do", "passes": "pass"}


def counted(number: float, noun: str, verb: str = "") -> str:
    """``1 change``, ``2 changes``, ``1,200 entries``, ``1 change waits``, ``2 changes wait``; ``verb`` as after ``it``.

    >>> counted(1, "change"), counted(0, "entry"), counted(1200, "gap"), counted(2.5, "minute")
    ('1 change', '0 entries', '1,200 gaps', '2.5 minutes')
    >>> counted(1, "address", "is"), counted(2, "address", "is"), counted(3, "row", "waits")
    ('1 address is', '2 addresses are', '3 rows wait')
    """
    shown = f"{number:,}" if isinstance(number, int) else f"{number:g}"
    if number == 1:
        return f"1 {noun} {verb}".rstrip()
    return f"{shown} {_several(noun)} {_IRREGULAR.get(verb, verb.removesuffix('s'))}".rstrip()


def _several(noun: str) -> str:
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"


def lasting(span: dt.timedelta) -> str:
    """``14 days``, ``3 hours``, ``20 minutes``: whole ones, in the largest unit of which there are two.

    >>> lasting(dt.timedelta(days=30)), lasting(dt.timedelta(hours=47)), lasting(dt.timedelta(minutes=61))
    ('30 days', '47 hours', '61 minutes')
    """
    minutes = int(span.total_seconds() // 60)
    for size, noun in ((24 * 60, "day"), (60, "hour")):
        if minutes >= 2 * size:
            return counted(minutes // size, noun)
    return counted(minutes, "minute")
