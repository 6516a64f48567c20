"""Ports as pages write them, kept as written and compared by meaning."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = re.compile(
    r"(?:(?P<name>https?|tcp|udp|mssql|sql|any|icmp)\s*[:/]?\s*(?:\(|ports?\s*)?\s*)?"
    r"(?<![\d.])(?P<first>\d{1,5})(?:\s*(?:-|–|to|through)\s*(?P<last>\d{1,5}))?(?![\d.]*\d)",
    re.IGNORECASE,
)
_RANGE = r"\d{1,5}(?:\s*(?:-|–|to|through)\s*\d{1,5})?"
_STATED = re.compile(
    rf"\bports?\W{{0,6}}(?P<list>{_RANGE}(?:\s*\(?[A-Za-z]*\)?\s*(?:,|and|or|/)\s*(?:\w+ )?\(?{_RANGE}\)?)*)"
    rf"|https?://:(?P<url>\d{{1,5}})"
    rf"|\bports? for\b(?P<named>[^.]*)"
    rf"|\b(?:over|on|uses?)\s+(?:HTTPS?|TCP|UDP)\s*(?:\(|:|\bport\b)+\s*(?P<bare>\d{{1,5}})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, order=True)
class PortRange:
    """``protocol`` is empty when the page names none; a single port has ``first == last``."""

    protocol: str
    first: int
    last: int

    def __str__(self) -> str:
        numbers = f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"
        return f"{self.protocol}:{numbers}" if self.protocol else numbers


_NO_PORTS = re.compile(
    r"(?:(?<=\d )|(?<=\d))\[\s*\d{1,2}\s*\]|\bHTTP/\d(?:\.\d)?|\bIPv[46]\b|\bTLS\s?\d(?:\.\d)?|\bv\d+(?:\.\d+)*\b|[¹²³⁴-⁹*†‡]+"
    r"|\((?![^()]*\b(?:tcp|udp|https?|ports?|to|through|range)\b)[^()]*[A-Za-z][^()]*\)"
    r"|\((?=[^()]*\b(?:HTTP/|IPv|note|see|version|v\d|hosts?))[^()]*\)",
    re.IGNORECASE,
)
"""Numbers beside ports that are none: footnotes, versions, counts and remarks in brackets."""


def parse_ports(written: str) -> frozenset[PortRange]:
    """The ports in a phrase such as ``HTTPS:443``, ``UDP 1194`` or ``443, 8787 UDP: 5831``.

    A protocol holds for the numbers after it until the next protocol.
    """
    found = set()
    protocol = ""
    written = _NO_PORTS.sub(" ", written)
    for match in _NUMBER.finditer(written):
        protocol = (match["name"] or protocol).lower()
        first = int(match["first"])
        last = int(match["last"] or first)
        if 0 < first <= last <= 65535:
            found.add(PortRange(protocol, first, last))
    return frozenset(found)


def ports_stated_in(sentence: str) -> str:
    """The port numbers a sentence states (``80, 443``), ranges with a hyphen; empty when it states none."""
    numbers: list[str] = []
    for match in _STATED.finditer(sentence):
        phrase = next((part for part in match.groups() if part), "")
        numbers += [_range(part) for part in re.findall(_RANGE, phrase)]
    listed = ", ".join(dict.fromkeys(numbers))
    return join_protocol(protocol_stated_in(sentence), listed)


def _range(written: str) -> str:
    return re.sub(r"\s*(?:-|–|to|through)\s*", "-", written)


_UDP = re.compile(r"\bUDP\b", re.IGNORECASE)
_OTHER = re.compile(r"\b(?:TCP|HTTPS?|TLS|MSSQL)\b", re.IGNORECASE)
_ANY = re.compile(r"\bANY\s+ports?\b")


def protocol_stated_in(words: str) -> str:
    """``UDP`` where no other protocol is named beside it, ``any`` for ``ANY port``; empty for TCP, the usual one."""
    if _UDP.search(words) and not _OTHER.search(words):
        return "UDP"
    return "any" if _ANY.search(words) else ""


def join_protocol(protocol: str, ports: str) -> str:
    """``UDP`` and ``1194`` from two columns as one phrase."""
    return f"{protocol} {ports}".strip() if ports else ""
