"""Regular expressions over host names, as far as they are sets of names.

Anchors, alternatives, optional groups, escaped dots and a ``.*`` or ``.+`` in front are taken apart into names and
suffixes; whatever else there is (classes, counts, look-ahead) is left to whoever has the name at hand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["Alternative", "alternatives"]

_MOST: Final = 256
_ANY, _SOME, _ONE = "\x00", "\x01", "\x02"
"""``.*``, ``.+`` and a dot that stands for any character."""
_GROUP: Final = re.compile(r"\((?:\?:|\?P?<\w+>)?(?!\?)")


class _TooHard(ValueError):
    """The expression is no list of names and suffixes."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """``text`` is a whole name or, with ``is_suffix``, what names end with; ``longer`` by at least one character.

    ``is_exact`` is False where more matches than this: a dot that stands for any character, an open end.
    """

    text: str
    is_suffix: bool
    longer: bool = False
    is_exact: bool = True


def alternatives(expression: str) -> list[Alternative] | None:
    """What ``expression``, searched for in a name, matches; None where it cannot be said so.

    >>> [(item.text, item.is_suffix) for item in alternatives(r"(^|\\.)contoso\\.com$") or ()]
    [('contoso.com', False), ('.contoso.com', True)]
    """
    try:
        texts, end = _alternation(expression, 0)
        if end != len(expression):
            return None
        return [_alternative(text) for text in texts]
    except _TooHard:
        return None


def _alternation(text: str, at: int) -> tuple[list[str], int]:
    found, at = _sequence(text, at)
    while text[at : at + 1] == "|":
        more, at = _sequence(text, at + 1)
        found = [*found, *more]
    return found, at


def _sequence(text: str, at: int) -> tuple[list[str], int]:
    found = [""]
    while at < len(text) and text[at] not in "|)":
        piece, at = _atom(text, at)
        piece, at = _repeated(piece, text, at)
        found = [head + tail for head in found for tail in piece]
        if len(found) > _MOST:
            raise _TooHard
    return found, at


def _atom(text: str, at: int) -> tuple[list[str], int]:
    letter = text[at]
    if letter == "(":
        opened = _GROUP.match(text, at)
        if opened is None:
            raise _TooHard
        inner, end = _alternation(text, opened.end())
        if text[end : end + 1] != ")":
            raise _TooHard
        return inner, end + 1
    if text.startswith("[.]", at):
        return ["."], at + 3
    if letter == "\\" and text[at + 1 : at + 2] in (".", "-", "_"):
        return [text[at + 1]], at + 2
    if letter == ".":
        return [_ONE], at + 1
    if letter in "^$" or letter in "-_" or (letter.isascii() and letter.isalnum()):
        return [letter], at + 1
    raise _TooHard


def _repeated(piece: list[str], text: str, at: int) -> tuple[list[str], int]:
    sign = text[at : at + 1]
    if sign == "?":
        return [*piece, ""], at + 1
    if sign in ("*", "+") and sign:
        if piece != [_ONE]:
            raise _TooHard
        at += 1 + (text[at + 1 : at + 2] == "?")
        return [_ANY if sign == "*" else _SOME], at
    if sign == "{":
        raise _TooHard
    return piece, at


def _alternative(text: str) -> Alternative:
    starts, ends = text.startswith("^"), text.endswith("$")
    body = text.removeprefix("^").removesuffix("$")
    front = body[:1] if body[:1] in (_ANY, _SOME) else ""
    rest = body.removeprefix(front)
    if rest.endswith(_ANY) and not rest.rstrip(_ANY):
        rest = ""
    if "^" in rest or "$" in rest or _ANY in rest or _SOME in rest:
        raise _TooHard
    if not rest and not ends:
        return Alternative("", is_suffix=True)
    return Alternative(
        rest.replace(_ONE, "."),
        is_suffix=not starts or bool(front),
        longer=front == _SOME,
        is_exact=ends and _ONE not in rest,
    )
