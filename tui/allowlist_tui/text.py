"""Foreign text made harmless: what Azure and catalogs say is shown, never obeyed.

Control, bidi and invisible characters appear as ``\\u202e``; names with letters beyond ASCII appear as punycode,
so that a Cyrillic look-alike cannot pass for the name it imitates.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_DOTTED = re.compile(r"[^\s/\\\"'`,;:()<>\[\]{}|]+\.[^\s/\\\"'`,;:()<>\[\]{}|]+")
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f\u00a0\u2000\u2001\u2002\u2003\u2004\u2005")
_MARKS_IN_A_ROW = 2


@lru_cache(maxsize=16384)
def safe(text: str) -> str:
    """One line of harmless text that still tells what was written."""
    if text.isascii() and text.isprintable():
        return text
    return _escaped(_DOTTED.sub(lambda found: _punycode(found.group()), text))


def harmless(text: str) -> str:
    """``text`` with what a terminal would obey spelt out; the net below everything that is shown."""
    return text if text.isprintable() else "\n".join(map(_escaped, text.split("\n")))


def safe_lines(text: str) -> str:
    """Like :func:`safe`, but line breaks stay."""
    return "\n".join(safe(line) for line in text.split("\n"))


def clipped(text: str, width: int) -> str:
    """``text`` in at most ``width`` characters, with ``…`` where something was left out."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def counted(number: int, word: str) -> str:
    """``1 change``, ``2 changes``."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _punycode(name: str) -> str:
    if name.isascii():
        return name
    try:
        return ".".join(_label(label) for label in name.split("."))
    except UnicodeError:
        return name


def _label(label: str) -> str:
    if label.isascii() or not any(character.isalnum() for character in label):
        return label
    return "xn--" + label.lower().encode("punycode").decode("ascii") if _is_wordy(label) else label


def _is_wordy(label: str) -> bool:
    """Letters, digits and the signs a host name or a wildcard may carry, nothing that hides."""
    return all(item.isalnum() or item in "-_*" or unicodedata.combining(item) for item in label)


def _escaped(text: str) -> str:
    shown: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        shown.append(_code(character) if marks > _MARKS_IN_A_ROW or _is_hidden(character) else character)
    return "".join(shown)


def _is_hidden(character: str) -> bool:
    code = ord(character)
    if unicodedata.category(character) in _HIDDEN_CATEGORIES or character in _BLANK_LETTERS:
        return True
    return 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF


def _code(character: str) -> str:
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
    if character in named:
        return named[character]
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
