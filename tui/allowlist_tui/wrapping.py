"""Lines broken to a width, so that what belongs under a label stays to the right of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import takewhile

from rich.cells import cell_len, chop_cells

from allowlist_tui.look import Line, Piece
from allowlist_tui.text import clipped

_LONGEST = 600
"""Characters of one text; a name may have 253, and what is longer would push everything else out of sight."""

_TOKENS = re.compile(r"\s+|[^\s]+")
_PARTS = re.compile(r"[^/#@.?&-]*[/#@.?&-]+|[^/#@.?&-]+")


def wrapped(lines: Iterable[Line], width: int) -> Iterator[Line]:
    """The same lines, none wider than ``width``; continued ones begin below the text of the first."""
    for line in lines:
        line = tuple((clipped(text, _LONGEST), tone) for text, tone in line)
        if sum(cell_len(text) for text, _ in line) <= width:
            yield line
        else:
            yield from _wrapped(line, width)


def _wrapped(line: Line, width: int) -> Iterator[Line]:
    hang = _hang(line)
    if hang > width * 2 // 3:
        hang = min(2, width // 2)
    row: list[Piece] = []
    used = 0
    for text, tone in _tokens(line, width - hang):
        size = cell_len(text)
        if used + size > width and used > hang:
            yield tuple(row)
            row, used = [(" " * hang, "plain")], hang
            text = text.lstrip()
            size = cell_len(text)
        if text:
            _add(row, text, tone)
            used += size
    yield tuple(row)


def _add(row: list[Piece], text: str, tone: str) -> None:
    if row and row[-1][1] == tone:
        row[-1] = (row[-1][0] + text, tone)
    else:
        row.append((text, tone))


def _hang(line: Line) -> int:
    """How wide the labels before the text are; without any, how far the text is indented."""
    labels = list(takewhile(lambda piece: piece[0].endswith(" "), line[:-1]))
    if labels:
        return sum(cell_len(text) for text, _ in labels)
    first = line[0][0]
    return len(first) - len(first.lstrip())


def _tokens(line: Line, room: int) -> Iterator[Piece]:
    """Words and spaces; a word that fits on no line is parted, after a sign of punctuation if that helps."""
    for text, tone in line:
        for found in _TOKENS.findall(text):
            if cell_len(found) <= room:
                yield found, tone
                continue
            for part in _PARTS.findall(found):
                for piece in chop_cells(part, max(1, room)):
                    yield piece, tone
