"""Versions of catalogs: three numbers, plus ``next`` for what the coming release will hold."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from allowlist.errors import CatalogError

NEXT = "next"
_EXACT = re.compile(r"(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})")
_PREFIX = re.compile(r"\d+(\.\d+)?")


class Version(NamedTuple):
    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return NEXT if self == _NEXT else f"{self.major}.{self.minor}.{self.patch}"


_NEXT = Version(sys.maxsize, 0, 0)


class Bump(IntEnum):
    """How far the version must move: ``PATCH`` provenance, ``MINOR`` additions, ``MAJOR`` anything taken away."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3

    @property
    def word(self) -> str:
        return self.name.lower()

    def apply(self, version: Version) -> Version:
        match self:
            case Bump.MAJOR:
                return Version(version.major + 1, 0, 0)
            case Bump.MINOR:
                return Version(version.major, version.minor + 1, 0)
            case Bump.PATCH:
                return version._replace(patch=version.patch + 1)
            case _:
                return version


def is_version(text: str) -> bool:
    return text == NEXT or _EXACT.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def parse_version(text: str) -> Version:
    """``1.2.3`` or ``next``. Raises CatalogError; documents are checked with :func:`is_version` before."""
    if text == NEXT:
        return _NEXT
    if not _EXACT.fullmatch(text):
        raise CatalogError(f"'{text}' is no version", hint="write three numbers, such as 1.2.0, or 'next'")
    return Version(*map(int, text.split(".")))


def resolve_version(catalog: str, text: str, released: Sequence[str]) -> str:
    """An exact version out of ``latest``, ``next``, a prefix, or an exact version. Raises CatalogError."""
    if text == NEXT:
        return NEXT
    if not released:
        raise CatalogError(f"catalog {catalog} has no release yet", hint=f"ask for {catalog}@next")
    if text == "latest":
        return max(released, key=parse_version)
    if text in released:
        return text
    matching = [v for v in released if _PREFIX.fullmatch(text) and v.startswith(text + ".")]
    if matching:
        return max(matching, key=parse_version)
    raise CatalogError(
        f"catalog {catalog} has no version '{text}'",
        hint=f"released: {', '.join(released)}",
    )
