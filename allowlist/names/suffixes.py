"""What stands behind a suffix: registrable domains, look-alikes, and suffixes anybody can get a name under."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from allowlist.azure.facts import shared_suffixes
from allowlist.names.pattern import Pattern, ancestors


class SharedSuffix(msgspec.Struct, frozen=True):
    """A suffix under which any customer of the service can create a name, so a wildcard reaches strangers."""

    suffix: str
    service: str
    risk: str
    alternative: str


_BY_PATTERN = {
    f"*.{suffix}": SharedSuffix(suffix, row.service, row.risk, row.alternative.replace("<suffix>", suffix))
    for row in shared_suffixes()
    for suffix in row.suffixes.values()
}


def shared_suffix_of(pattern: Pattern) -> SharedSuffix | None:
    """The multi-tenant suffix that ``pattern`` opens as a whole, if it does; an exact name never does.

    >>> shared_suffix_of(Pattern("*.westeurope.azurecr.io")).service
    'Container Registry'
    >>> shared_suffix_of(Pattern("myregistry.azurecr.io"))
    """
    if not pattern.is_wildcard:
        return None
    whole = _above().get(pattern.text)
    return whole or next(
        (_BY_PATTERN[text] for text in ancestors(pattern.text) if _regional(pattern, text)), None
    )


@lru_cache(maxsize=1)
def _above() -> dict[str, SharedSuffix]:
    """By every pattern that covers a whole shared suffix the first suffix it covers."""
    found: dict[str, SharedSuffix] = {}
    for text, shared in _BY_PATTERN.items():
        for wider in ancestors(text):
            found.setdefault(wider, shared)
    return found


def _regional(pattern: Pattern, text: str) -> bool:
    """``*.westeurope.azurecr.io`` is still shared: only the region stands between asterisk and suffix."""
    shared = _BY_PATTERN.get(text)
    if shared is None:
        return False
    between = pattern.suffix.removeprefix(".").removesuffix("." + shared.suffix)
    return between.isalnum()


@lru_cache(maxsize=256)
def _public_suffixes(top: str) -> Any:
    """The public suffixes below one top-level domain. Reading the whole list costs more than most plans."""
    from publicsuffixlist import PublicSuffixList

    written = {re.escape(top), re.escape(_decoded(top))}
    lines = re.findall(rf"^(?:[!*\w][^/\s]*\.)?(?:{'|'.join(written)})(?=\s|$)", _icann(), re.MULTILINE)
    return PublicSuffixList("\n".join(lines))


@lru_cache(maxsize=1)
def _icann() -> str:
    """The ICANN part of the list, in which names stand in letters of their own and not in punycode."""
    from publicsuffixlist import PSLFILE

    text = Path(PSLFILE).read_text(encoding="utf-8")
    return text.partition("===BEGIN ICANN DOMAINS===")[2].partition("===END ICANN DOMAINS===")[0].lower()


def _decoded(label: str) -> str:
    try:
        return label.encode("ascii").decode("idna")
    except UnicodeError:
        return label


# Top-level domains without public suffixes below them; asking the list would cost more than the rest of a plan.
_FLAT = frozenset({"com", "net", "dev", "azure", "microsoft", "windows"})


def registrable_domain(name: str) -> str | None:
    """The part of ``name`` somebody registered (``contoso.co.uk``); None for a public suffix itself.

    Uses the ICANN part of the public suffix list in the version installed; nothing is fetched.
    """
    labels = name.split(".")
    if labels[-1] in _FLAT:
        return ".".join(labels[-2:]) if len(labels) > 1 else None
    found: str | None = _public_suffixes(labels[-1]).privatesuffix(name)
    return found


def is_lookalike(pattern: Pattern) -> bool:
    """``*contoso.com``: an asterisk without a dot also matches names that merely end alike."""
    return pattern.is_wildcard and bool(pattern.suffix) and not pattern.suffix.startswith(".")


def lookalike_witness(pattern: Pattern) -> str | None:
    """A name a stranger could register and that ``pattern`` would let through; None if it is no look-alike."""
    if not is_lookalike(pattern):
        return None
    return "x" + pattern.suffix


def is_wider_than_registrable(pattern: Pattern) -> bool:
    """Does the wildcard stand above a registrable domain (``*.com``, ``*.co.uk``, ``*``)?"""
    if not pattern.is_wildcard:
        return False
    suffix = pattern.suffix.removeprefix(".")
    return not suffix or registrable_domain(suffix) is None
