"""Read requirements out of sentences: "allow outbound traffic to `x`", "`x` must also be accessible"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from allowlist.catalog.upstream.names import Name, hosts_in, marked_tags_in, tags_in
from allowlist.catalog.upstream.ports import ports_stated_in
from allowlist.catalog.upstream.row import Row
from allowlist.catalog.upstream.text import Style, Text
from allowlist.catalog.upstream.where import Where
from allowlist.catalog.upstream.words import denies_requirement

_ALLOW = r"(?:allow(?:list)?|permit|open|enable|unblock|grant|whitelist|safelist)"
_THINGS = (
    r"(?:(?:an?|the|all|both|this|these|following|additional|outbound|egress|public|wildcard|rules?|for|to"
    r"|hosts?|host ?names?|fqdns?|urls?|endpoints?|domains?|names?|address(?:es)?|(?:service )?tags?)\W+)*"
)
_MAX_WORDS = 20
# What may stand before a name that is being asked for.
_BEFORE = (
    re.compile(
        rf"\b{_ALLOW}\b[^.;]*?\b(?:access|traffic|connectivity|connections?|communications?|requests)\W+(?:to|with)\b"
        r"(?P<gap>[^;]*)$",
        re.IGNORECASE,
    ),
    re.compile(rf"\b{_ALLOW}\b\s+{_THINGS}(?P<gap>)$", re.IGNORECASE),
    re.compile(r"\benable\b[^.;]*\b(?:using|in|of) the (?:form|format|pattern)\W+(?P<gap>)$", re.IGNORECASE),
    re.compile(rf"\badd(?:ing)?\W+{_THINGS}(?P<gap>)$", re.IGNORECASE),
    re.compile(
        r"\b(?:needs?|requires?|must have) (?:outbound )?access to\W+(?:the )?(?P<gap>)$", re.IGNORECASE
    ),
    re.compile(r"\bopen\b[^.;]*\bports?\b[^.;]*\b(?:to|for)\W+(?P<gap>)$", re.IGNORECASE),
    re.compile(
        r"\bservice tags?\b[^.;]*\b(?:required|needed|necessary)\b(?P<gap>[^;]*)\b(?:is|are):?\W+$",
        re.IGNORECASE,
    ),
)
_REACH = re.compile(r"\breach\W+$", re.IGNORECASE)
_AFTER = re.compile(
    r"^\W*(?:\([^)]*\)\s*)?(?:must|should|needs? to|ha(?:s|ve) to)\s+(?:also\s+)?be\s+"
    r"(?:accessible|reachable|allow(?:ed|listed)|permitted|open|resolvable|whitelisted|safelisted)\b",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"\b(?:for example|e\.g\.|such as|i\.e\.|for instance)(?:\W|$)|\bexample\s*:|\b(?:un|dis)?block(?:s|ing)\b"
    r"|\binstead of\b|\brather than\b",
    re.IGNORECASE,
)
_SPOILED = re.compile(
    r"\bsuffix(?:es)?\b|\b(?:isn't|is not|not) sufficient\b|\bdon't add\b|\bdo not add\b", re.I
)
_CHAIN = re.compile(r"^[\s,;/&*()\"“”]*(?:(?:and|or|as well as|plus|,)[\s,*\"“”]*)*$", re.IGNORECASE)
_PORTS_ONLY = re.compile(
    r"\b(?:allow|permit|open|enable)\b[^.;]*?\b(?:traffic|access|connections?|communication)\b[^.;]*?"
    r"\b(?:to|on|over|through|via|for)\s+(?:\w+\s+)?ports?\s+(?P<list>[\d\s,–-]+(?:(?:to|through|and|or|,)\s*[\d–-]+\s*)*)"
    r"\s*[.!]?\s*$",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\)?\s+(?=[\"“(\[*`]?[A-Z])")


def read_prose(text: Text, where: Where) -> Iterator[Row]:
    """Every destination that a sentence of ``text`` demands."""
    for sentence in sentences(text):
        if denies_requirement(sentence.plain) or _SPOILED.search(sentence.plain):
            continue
        names = _marked_names(sentence)
        yield from _demanded(sentence, names, where)
        if not names:
            yield from _ports_alone(sentence, where)


def sentences(text: Text) -> list[Text]:
    """The sentences of ``text``; a dot inside a marked name ends none."""
    cuts = [
        match for match in _SENTENCE.finditer(text.plain) if not text.at(match.start()).style & Style.CODE
    ]
    starts = [0, *(match.end() for match in cuts)]
    ends = [*(match.start() for match in cuts), len(text.plain)]
    return [text.cut(*part) for part in zip(starts, ends, strict=True)]


def _marked_names(sentence: Text) -> list[Name]:
    """Names in code or bold, tags with a region, and links that show the address they lead to."""
    hosts = [name for name in hosts_in(sentence) if _is_host_in_prose(name)]
    tags = [name for name in _tags(sentence) if name.is_marked]
    return sorted([*hosts, *tags], key=lambda name: name.start)


def _is_host_in_prose(name: Name) -> bool:
    if name.kind != "fqdn":
        return False
    if name.style & Style.LINK:
        return bool(name.scheme)
    is_key = bool(name.path.strip("/")) and not name.scheme  # kubernetes.azure.com/set-…: an annotation
    return name.is_marked and not is_key


def _tags(sentence: Text) -> list[Name]:
    known = tags_in(sentence)
    starts = {name.start for name in known}
    return [*known, *(name for name in marked_tags_in(sentence) if name.start not in starts)]


def _demanded(sentence: Text, names: list[Name], where: Where) -> Iterator[Row]:
    accepted_until = -1
    ports = ports_stated_in(sentence.plain)
    for name in names:
        between = sentence.plain[accepted_until : name.start] if accepted_until >= 0 else "-"
        if _is_demanded(sentence.plain, name) or (accepted_until >= 0 and _CHAIN.match(between)):
            accepted_until = name.end
            row = where.row(name, purpose=sentence.plain)
            yield _with_ports(row, ports)


def _with_ports(row: Row, ports: str) -> Row:
    return row if row.ports or not ports else replace(row, ports=ports)


def _is_demanded(sentence: str, name: Name) -> bool:
    before = sentence[: name.start].rstrip('"“*( ') + " "
    if _NEGATED.search(before):
        return False
    if name.style & Style.LINK:
        return bool(_REACH.search(before))
    if _AFTER.match(sentence[name.end :]):
        return True
    found = (pattern.search(before) for pattern in _BEFORE)
    return any(match and len(match["gap"].split()) <= _MAX_WORDS for match in found)


def _ports_alone(sentence: Text, where: Where) -> Iterator[Row]:
    match = _PORTS_ONLY.search(sentence.plain)
    if not match or re.search(r"\b(?:inbound|incoming)\b", sentence.plain, re.IGNORECASE):
        return
    ports = ports_stated_in(f"ports {match['list']}")
    line = sentence.at(match.start()).line
    name = Name(value=ports, kind="port_only", start=0, end=0, style=Style.PLAIN, line=line, port=ports)
    yield where.row(name, purpose=sentence.plain)
