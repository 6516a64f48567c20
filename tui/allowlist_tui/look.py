"""How things look: every state and risk has a glyph and a word, so that colour is never needed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from textual.content import Content
from textual.theme import Theme

from allowlist.plan.model import Risk
from allowlist.workflow.review import State
from allowlist_tui.text import harmless

STATES: Final = {
    State.PENDING: ("○", "pending", "plain"),
    State.APPROVED: ("✓", "approved", "good"),
    State.GATED: ("◆", "gated", "warn"),
    State.REJECTED: ("✗", "rejected", "bad"),
    State.DEFERRED: ("◷", "deferred", "muted"),
    State.EXPIRED: ("◌", "expired", "warn"),
}
"""Glyph, word and tone of each state."""

RISKS: Final = {
    Risk.LOW: ("·", "low", "muted"),
    Risk.WILDCARD: ("*", "wildcard", "warn"),
    Risk.REMOVAL: ("−", "removal", "warn"),
    Risk.WIDENING: ("△", "widening", "bad"),
    Risk.BILLED: ("$", "billed", "bad"),
    Risk.IRREVERSIBLE: ("!", "irreversible", "bad"),
}
"""Glyph, word and tone of each risk tier, the mildest first."""

ACTIONS: Final = {"add": ("+", "good"), "update": ("~", "warn"), "remove": ("−", "bad")}

STEPS: Final = {
    "intended": ("○", "next", "muted"),
    "left": ("·", "not done", "muted"),
    "sent": ("▸", "sent", "accent"),
    "landed": ("▪", "landed", "accent"),
    "verified": ("✓", "verified", "good"),
    "failed": ("✗", "failed", "bad"),
    "unknown": ("?", "unknown", "warn"),
    "reverted": ("↶", "reverted", "warn"),
}
"""Glyph, word and tone of each state of an apply step; Azure's own operation states count as sent."""

STYLES: Final = {
    "plain": "",
    "muted": "$quiet",
    "good": "$text-success",
    "warn": "$text-warning",
    "bad": "$text-error",
    "accent": "$text-accent",
    "title": "bold",
    "head": "bold $text-primary",
    "link": "$text-primary underline",
}
"""Every tone as a textual style."""

TONE_CLASSES: Final = {f"tone--{tone}" for tone in STYLES}
"""Component classes of widgets that draw their own lines."""

TONE_CSS: Final = """
& .tone--muted { color: $quiet; }
& .tone--good { color: $text-success; }
& .tone--warn { color: $text-warning; }
& .tone--bad { color: $text-error; }
& .tone--accent { color: $text-accent; }
& .tone--title { text-style: bold; }
& .tone--head { color: $text-primary; text-style: bold; }
& .tone--link { color: $text-primary; text-style: underline; }
"""

WHOLE: Final = -1
"""Width of the column whose texts are shown whole before others of the line, but the first, get any room."""

Piece = tuple[str, str]
"""A text and its tone."""

Line = tuple[Piece, ...]


def content_of(lines: Iterable[Line]) -> Content:
    """Lines as textual content; nothing in them is read as markup."""
    parts: list[str | tuple[str, str]] = []
    for number, line in enumerate(lines):
        if number:
            parts.append("\n")
        shown = ((harmless(text), STYLES[tone]) for text, tone in line)
        parts.extend((text, style) if style else text for text, style in shown)
    return Content.assemble(*parts)


def text_of(lines: Iterable[Line]) -> str:
    """The same lines as plain text."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)


THEME_VARIABLES: Final = {
    "quiet": "#808080",
    "line": "#707070",
    "cursor-line": "#4a5a80",
    "chosen-line": "#6b6030",
}
"""What themes other than ours lack: colours of quiet text, of borders, of the cursor's line and of chosen lines."""

DARK: Final = Theme(
    name="allowlist-dark",
    primary="#7aa2f7",
    secondary="#7dcfff",
    accent="#e0af68",
    warning="#e0af68",
    error="#f7768e",
    success="#9ece6a",
    foreground="#c8d0e8",
    background="#16171f",
    surface="#1b1d28",
    panel="#252838",
    dark=True,
    variables={
        "quiet": "#7d86a6",
        "line": "#363b54",
        "cursor-line": "#2e3c64",
        "chosen-line": "#33301f",
    },
)

LIGHT: Final = Theme(
    name="allowlist-light",
    primary="#2e59c8",
    secondary="#0b6e8f",
    accent="#8a5a00",
    warning="#8a5a00",
    error="#b3203a",
    success="#2d6a1e",
    foreground="#1d2433",
    background="#f6f7fb",
    surface="#ffffff",
    panel="#e4e8f2",
    dark=False,
    variables={
        "quiet": "#5d6579",
        "line": "#c3c9d9",
        "cursor-line": "#cfdcfb",
        "chosen-line": "#f3e6c8",
    },
)
