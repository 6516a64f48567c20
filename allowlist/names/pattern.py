"""One FQDN pattern and how two of them relate.

Azure Firewall matches ``*.contoso.com`` and ``*contoso.com`` by "ends with": the first leaves the apex out,
the second lets look-alikes in (Azure Firewall FAQ). A lone ``*`` is every name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_NAME_LENGTH = 253
MAX_LABEL_LENGTH = 63

LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_HOST_NAME = re.compile(rf"{LABEL}(?:\.{LABEL})*")


@dataclass(frozen=True, slots=True, order=True)
class Pattern:
    """A set of names: ``text`` is normalised, ``suffix`` is what a member ends with (or is, if exact).

    >>> [Pattern("*contoso.com").matches(name) for name in ("contoso.com", "xcontoso.com", "contoso.org")]
    [True, True, False]
    >>> Pattern("*.contoso.com").matches("contoso.com")
    False
    """

    text: str

    @property
    def is_wildcard(self) -> bool:
        return self.text[:1] == "*"

    @property
    def suffix(self) -> str:
        return self.text[1:] if self.is_wildcard else self.text

    def matches(self, name: str) -> bool:
        """Is the normalised host ``name`` in the set?"""
        return name.endswith(self.suffix) if self.is_wildcard else name == self.text

    def __str__(self) -> str:
        return self.text


def normalise(text: str) -> str:
    """Lower case, punycode, without the one trailing dot (DNS rules; the firewall's pages are silent).

    >>> normalise("Bücher.Example."), normalise("*.CONTOSO.com")
    ('xn--bcher-kva.example', '*.contoso.com')
    """
    text = text.strip().lower()
    text = text[:-1] if text.endswith(".") and len(text) > 1 else text
    return text if text.isascii() else _to_punycode(text)


def _to_punycode(text: str) -> str:
    labels = text.split(".")
    return ".".join(label if label.isascii() else label.encode("idna").decode("ascii") for label in labels)


def is_host_name(name: str) -> bool:
    """Could a client ask for this (already normalised) name? Letters, digits, ``-`` and ``_``; 63 and 253 long."""
    return len(name) <= MAX_NAME_LENGTH and _HOST_NAME.fullmatch(name) is not None


def covers(wide: Pattern, narrow: Pattern) -> bool:
    """Is every name of ``narrow`` in ``wide``?

    >>> covers(Pattern("*contoso.com"), Pattern("*.contoso.com"))
    True
    """
    if narrow.is_wildcard and not wide.is_wildcard:
        return False
    return wide.matches(narrow.suffix)


def overlaps(one: Pattern, other: Pattern) -> bool:
    """Is there a name in both? Patterns are nested or disjoint, so one must cover the other."""
    return covers(one, other) or covers(other, one)


def ancestors(text: str) -> Iterator[str]:
    """The texts of all patterns that cover pattern ``text``, itself first, then ever wider, ``*`` last.

    >>> list(ancestors("a.b"))
    ['a.b', '*a.b', '*.b', '*b', '*']
    """
    suffix = text
    if text[:1] == "*":
        suffix = text[1:]
    else:
        yield text
    for start in range(len(suffix) + 1):
        yield "*" + suffix[start:]
