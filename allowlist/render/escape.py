"""Text of others made harmless where it is shown: terminals, logs of pipelines, Markdown. The one place for it.

Names and descriptions come from Azure and from catalogs, and whoever wrote them may have meant them for the reader's
terminal (control and bidirectional characters), for the log of a pipeline (a line that is a command to GitHub Actions,
Azure Pipelines or TeamCity) or for a page (markup). They are shown as what they are.
"""

from __future__ import annotations

import os
import re
from typing import Final

STYLE: Final = f"\x1b<{os.urandom(8).hex()}>"
"""Begins a style of ours, with the rest of its code after it. Nobody else can know it, so nobody else can write one."""

_COMMAND = re.compile(r"##(?=\w*\[)|^(\s*):(?=:)")
_MARKUP = re.compile(r"[\\`*_{}\[\]<>|#@~$!&]|:(?=//)|(?<=www)\.")


def one_line(text: str) -> str:
    """``text`` as one line that a terminal and a pipeline only show; styles of ours stay."""
    if text.isprintable() and "##" not in text and "::" not in text:
        return text
    return _COMMAND.sub(_spelt, STYLE.join("".join(map(_shown, part)) for part in text.split(STYLE)))


def lines(text: str) -> str:
    """``text`` of several lines, each of them harmless."""
    return "\n".join(one_line(line) for line in text.split("\n"))


def with_styles(text: str) -> str:
    """The styles of ours as a terminal knows them."""
    return text.replace(STYLE, "\x1b[")


def without_styles(text: str) -> str:
    return re.sub(rf"{re.escape(STYLE)}[0-9;]*m", "", text)


def markdown(text: str) -> str:
    """``text`` that shows as itself on a page: no markup, no HTML, no mention, no link."""
    shown = "".join(map(_shown, " ".join(text.split())))
    return _MARKUP.sub(lambda match: f"&#{ord(match.group())};", shown)


def _shown(character: str) -> str:
    """Itself, or its number where it cannot be seen or passes for a blank."""
    return character if character.isprintable() else f"\\u{ord(character):04x}"


def _spelt(match: re.Match[str]) -> str:
    """The first character of what would be a command, spelt out."""
    return f"{match[1]}\\u003a" if match[1] is not None else "\\u0023#"
