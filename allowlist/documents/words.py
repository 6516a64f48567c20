"""Numbers in sentences."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """``1 change``, ``2 changes``, ``1,200 entries``.

    >>> counted(1, "change"), counted(0, "entry"), counted(1200, "gap")
    ('1 change', '0 entries', '1,200 gaps')
    """
    if number == 1:
        return f"1 {noun}"
    ending = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"
    return f"{number:,} {ending}"
