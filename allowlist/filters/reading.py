"""What one entry of a list means to the engine that reads it.

The names of a filter are compared as a client sends them: some engines fold case or drop the dot at the end, some do
neither. A ``Reading`` therefore answers for a name as sent, and gives the set of (normalised) host names it stands
for where our algebra can express it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import translate as glob_to_regex
from functools import reduce

from allowlist.filters.expressions import Alternative, alternatives
from allowlist.names import NameSet, is_host_name

__all__ = [
    "Form",
    "Reading",
    "after_last",
    "below",
    "dead",
    "ends",
    "everything",
    "exact",
    "fatal",
    "glob",
    "opaque",
    "regex",
    "tree",
]


class Form(StrEnum):
    """How an entry selects names.

    ``DEAD`` loads and never matches; ``FATAL`` keeps the file from loading; ``OPAQUE`` matches by a rule that name
    sets cannot express exactly (the middle of a name, any ending).
    """

    EXACT = "exact"
    BELOW = "below"
    TREE = "tree"
    SEVERAL = "several"
    ENDS = "ends"
    EVERYTHING = "everything"
    OPAQUE = "opaque"
    DEAD = "dead"
    FATAL = "fatal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One entry as read: ``test`` decides for a name already folded as the engine folds it.

    ``names`` are the host names it stands for, None where they cannot be said exactly; ``why`` explains a dead,
    fatal or opaque entry in one sentence.
    """

    form: Form
    test: Callable[[str], bool]
    names: NameSet | None
    why: str = ""
    sure: NameSet = field(default_factory=NameSet)
    """Of an opaque entry: names that it certainly stands for."""
    within: NameSet = field(default_factory=NameSet.everything)
    """Of an opaque entry: names beside which it certainly stands for none."""


def _set_of(*patterns: str) -> NameSet:
    """Patterns whose literal part is no host name stand for no host name at all."""
    return NameSet(text for text in patterns if is_host_name(text.removeprefix("*").removeprefix(".")))


def exact(name: str) -> Reading:
    return Reading(form=Form.EXACT, test=lambda sent: sent == name, names=_set_of(name))


def below(name: str) -> Reading:
    """Every depth below ``name``, not ``name`` itself."""
    tail = f".{name}"
    return Reading(
        form=Form.BELOW, test=lambda sent: sent.endswith(tail) and sent != tail, names=_set_of(f"*{tail}")
    )


def tree(name: str) -> Reading:
    """``name`` and every depth below it."""
    tail = f".{name}"
    return Reading(
        form=Form.TREE,
        test=lambda sent: sent == name or sent.endswith(tail),
        names=_set_of(name, f"*{tail}"),
    )


def ends(suffix: str, *, longer: bool = False) -> Reading:
    """Every name that ends with ``suffix``; with ``longer`` at least one character stands before it."""
    names = _set_of(f"*{suffix}")
    if longer and not suffix.startswith("."):
        names -= _set_of(suffix)
    return Reading(
        form=Form.ENDS,
        test=lambda sent: sent.endswith(suffix) and not (longer and sent == suffix),
        names=names,
    )


def everything() -> Reading:
    return Reading(form=Form.EVERYTHING, test=lambda sent: True, names=NameSet.everything())


def opaque(test: Callable[[str], bool], why: str, *sure: str, tail: str = "") -> Reading:
    """An entry that no set of names says; ``sure`` are patterns it certainly holds, and every name of it ends with ``tail``."""
    within = _set_of(f"*{tail}") if tail else NameSet.everything()
    return Reading(form=Form.OPAQUE, test=test, names=None, why=why, sure=_set_of(*sure), within=within)


def after_last(entry: str, signs: str = "*") -> str:
    """What stands behind the last of ``signs`` in a pattern: all that it matches ends so."""
    return entry[max(entry.rfind(sign) for sign in signs) + 1 :]


def dead(why: str) -> Reading:
    return Reading(form=Form.DEAD, test=lambda sent: False, names=NameSet(), why=why)


def fatal(why: str) -> Reading:
    return Reading(form=Form.FATAL, test=lambda sent: False, names=NameSet(), why=why)


def regex(text: str, *, ignore_case: bool = False) -> Reading:
    """A regular expression that is searched for: exact where it is a list of names and suffixes, else opaque."""
    try:
        compiled = re.compile(text, re.IGNORECASE if ignore_case else 0)
    except re.error as error:
        return fatal(f"is no regular expression: {error}")
    found = alternatives(text.lower() if ignore_case else text)
    if found is None:
        why = "is a regular expression without the anchors that make it one name, a suffix or a subtree"
        return opaque(lambda sent: bool(compiled.search(sent)), why)
    names = reduce(operator.or_, map(_names_of, found), NameSet())
    if not all(item.is_exact for item in found):
        why = "has an open end, or a dot without a backslash, which stands for any character"
        return Reading(
            form=Form.OPAQUE, test=lambda sent: bool(compiled.search(sent)), names=None, why=why, sure=names
        )
    return Reading(form=_form_of(found), test=lambda sent: bool(compiled.search(sent)), names=names)


def _names_of(item: Alternative) -> NameSet:
    if not item.is_suffix:
        return _set_of(item.text)
    names = _set_of(f"*{item.text}") if item.text else NameSet.everything()
    return names - _set_of(item.text) if item.longer and item.text[:1] not in ("", ".") else names


def _form_of(found: list[Alternative]) -> Form:
    if len(found) == 1:
        only = found[0]
        if not only.is_suffix:
            return Form.EXACT
        if not only.text:
            return Form.EVERYTHING
        return Form.BELOW if only.text[:1] == "." else Form.ENDS
    whole = {item.text for item in found if not item.is_suffix}
    return (
        Form.TREE
        if {f".{name}" for name in whole} == {item.text for item in found if item.is_suffix}
        and len(whole) == 1
        else Form.SEVERAL
    )


def glob(text: str) -> Reading:
    """A shell pattern over the whole name, the asterisk crossing dots."""
    if text == "*":
        return everything()
    if not any(sign in text for sign in "*?["):
        return exact(text)
    rest = text.lstrip("*")
    if not any(sign in rest for sign in "*?["):
        return ends(rest)
    compiled = re.compile(glob_to_regex(text))
    return opaque(
        lambda sent: bool(compiled.match(sent)),
        "has an asterisk that is not its first character",
        tail=after_last(text, "*?]"),
    )
