"""How far one entry reaches, so that two entries can be compared by what they let through."""

from __future__ import annotations

import re
from enum import StrEnum

from allowlist.catalog.model import Entry, Kind, Need
from allowlist.names import Pattern, covers, parse_pattern

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_STRENGTH = {Need.OPTIONAL: 0, Need.CONDITIONAL: 1, Need.REQUIRED: 2}


class Relation(StrEnum):
    EQUAL = "equal"
    WIDER = "wider"
    NARROWER = "narrower"
    OVERLAPS = "overlaps"
    APART = "apart"


def pattern_of(value: str) -> Pattern:
    """The pattern ``value`` with one stand-in label per placeholder, so that equal names stay equal.

    A placeholder alone stands for a whole name.
    """
    filled = _PLACEHOLDER.sub(lambda found: f"p-{found[1].lower()}", value)
    return parse_pattern(f"{filled}.example" if _PLACEHOLDER.fullmatch(value) else filled)


_SHAPES = {
    "stamp": r"[a-z]+[a-z0-9]*-[0-9]+",
    "region": r"[a-z]+[a-z0-9]*",
    "workspaceId": r"[0-9a-f-]{36}",
}
"""What a placeholder can stand for, where it has a shape: ``eastus2`` is a region, ``eastus2-3`` a stamp of it."""
_ANY_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?"


def label_shape(placeholder: str, otherwise: str = _ANY_LABEL) -> str:
    """What ``{placeholder}`` can stand for, as an expression without groups."""
    return _SHAPES.get(placeholder, otherwise)


def matches_shape(value: str, name: str) -> bool:
    """Is the host ``name`` one that the pattern ``value`` names, each placeholder taken by its shape?"""
    pieces = _PLACEHOLDER.split(value.lower().removeprefix("*."))
    names = _PLACEHOLDER.split(value.removeprefix("*."))[1::2]
    made = "".join(
        re.escape(piece).replace(r"\*", "[^.]*")
        if index % 2 == 0
        else f"(?:{label_shape(names[index // 2])})"
        for index, piece in enumerate(pieces)
    )
    before = r"(?:[^.]+\.)+" if value.startswith("*.") else ""
    return re.fullmatch(before + made, name.lower().rstrip(".")) is not None


def covers_destination(wide: Entry, narrow: Entry) -> bool:
    """Does ``wide`` name everything that ``narrow`` names? A tag covers itself, and its regional forms."""
    if wide.kind is not narrow.kind or wide.sub_resource != narrow.sub_resource:
        return False
    if wide.kind is Kind.PATTERN:
        return covers(pattern_of(wide.value), pattern_of(narrow.value))
    if wide.kind is Kind.SERVICE_TAG:
        return narrow.value == wide.value or narrow.value.startswith(f"{wide.value}.{{region}}")
    return wide.value == narrow.value


def covers_ports(wide: Entry, narrow: Entry) -> bool:
    return all(any(mine.covers(theirs) for mine in wide.ports) for theirs in narrow.ports)


def covers_entry(wide: Entry, narrow: Entry) -> bool:
    """Is everything ``narrow`` asks for also asked for by ``wide``, whatever its scenario and need?"""
    return (
        covers_destination(wide, narrow)
        and covers_ports(wide, narrow)
        and set(narrow.clouds) <= set(wide.clouds)
        and set(narrow.consumers) <= set(wide.consumers)
        and wide.direction is narrow.direction
    )


def relation(before: Entry, after: Entry) -> Relation:
    """How ``after`` stands to ``before``: wider, narrower, equal, sharing something, or apart."""
    grows, shrinks = covers_entry(after, before), covers_entry(before, after)
    if grows and shrinks:
        return Relation.EQUAL
    if grows or shrinks:
        return Relation.WIDER if grows else Relation.NARROWER
    return Relation.OVERLAPS if _shares_something(before, after) else Relation.APART


def _shares_something(one: Entry, other: Entry) -> bool:
    same_place = covers_destination(one, other) or covers_destination(other, one)
    return same_place and one.direction is other.direction and bool(set(one.clouds) & set(other.clouds))


def is_stronger(one: Need, other: Need) -> bool:
    return _STRENGTH[one] > _STRENGTH[other]
