"""Read requirements out of sentences: "allow outbound traffic to `x`", "`x` must also be accessible"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from allowlist.catalog.upstream.names import Name, hosts_in, is_range, marked_tags_in, tags_in
from allowlist.catalog.upstream.ports import join_protocol, ports_stated_in
from allowlist.catalog.upstream.row import Row
from allowlist.catalog.upstream.text import Style, Text
from allowlist.catalog.upstream.where import Where
from allowlist.catalog.upstream.words import denies_requirement, direction_named_in

_ALLOW = r"(?:allow(?:list)?|permit|open|enable|unblock|grant|whitelist|safelist)"
_THINGS = (
    r"(?:(?:an?|the|all|both|this|these|following|additional|outbound|egress|public|wildcard|rules?|for|to"
    r"|hosts?|host ?names?|fqdns?|urls?|endpoints?|domains?|names?|address(?:es)?|(?:service )?tags?)\W+)*"
)
_MAX_WORDS = 20
_FLOW = r"(?:access|traffic|connectivity|connections?|communications?|requests|outbound|egress)"
# What may stand before a name that is being asked for.
_BEFORE = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:{_ALLOW}|needs?|requires?|must have)\b[^.;:]*?\b{_FLOW}\b[^.;:,]*?\b(?:to|with|for|under)\b(?P<gap>[^;]*)$",
        rf"\b(?:{_ALLOW}|add(?:ing)?)\s+{_THINGS}(?P<gap>)$",
        r"\benable\b[^.;]*\b(?:using|in|of) the (?:form|format|pattern)\W+(?P<gap>)$",
        rf"\b{_ALLOW}\b[^.;]*\bports?\b[^.;]*\b(?:to|for|from)\W+(?P<gap>)$",
        r"\bservice tags?\b[^.;]*\b(?:required|needed|necessary)\b(?P<gap>[^;]*)\b(?:is|are):?\W+$",
        r"\b(?:in|out)bound (?:on|to|from) [\d ,and]*(?:from|to)?\W*(?P<gap>)$",
    )
)
# What may stand before the tag of a source that has to be let in.
_BEFORE_SOURCE = re.compile(rf"\b{_ALLOW}\b[^.;]*\b(?:incoming|inbound|ingress)\b[^.;]*$", re.IGNORECASE)
_REACH = re.compile(r"\breach\W+$", re.IGNORECASE)
_ACCESS_TO = re.compile(rf"\b{_FLOW} (?:to|with)\W+(?:the )?$", re.IGNORECASE)
_IS_REQUIRED = re.compile(r"^[^.;]*\b(?:is|are) (?:also )?(?:required|needed|necessary)\b", re.IGNORECASE)
_AFTER = re.compile(
    r"^\W*(?:\([^)]*\)\s*)?(?:must|should|needs? to|ha(?:s|ve) to)\s+(?:also\s+)?be\s+"
    r"(?:accessible|reachable|allow(?:ed|listed)|permitted|open|resolvable|whitelisted|safelisted)\b",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"\b(?:for example|e\.g\.|such as|i\.e\.|for instance)(?:\W|$)|\bexample\s*:|\bblock(?:s|ing)\b"
    r"|\b(?:in this|for this) (?:example|walkthrough|walk-through|tutorial|sample|article's example)\b|\b(?:sample|example) rules?\b"
    r"|\binstead of\b|\brather than\b|\bnot required to\b|\b(?:can't|don't|doesn't|cannot) (?:allow|need)\b",
    re.IGNORECASE,
)
# A range of addresses in prose is there to be let through, or an example of a network; the verb tells.
_LETS_THROUGH = re.compile(
    rf"\b(?:{_ALLOW}(?:s|ed)?|permitted|opened)\b|\blets?\b[^;]*\b(?:through|pass|out|past)\b|\b(?:don't|do not|never|not) block\b",
    re.IGNORECASE,
)
_NOT_LET_THROUGH = re.compile(
    rf"(?:\b(?:not|never|no|cannot)|n't)\s+(?:\w+\s+){{0,2}}(?:{_ALLOW}|permit|let)|\b(?:example|overlap|choose|avoid|deny|denies|block(?:ed)? by)\b",
    re.IGNORECASE,
)
_SPOILED = re.compile(
    r"\bsuffix(?:es)?\b|\b(?:isn't|is not|not) sufficient\b|\b(?:don't|do not) add\b", re.IGNORECASE
)
_CHAIN = re.compile(r"^[\s,;/&*()\"“”]*(?:(?:and|or|as well as|plus|the|,)[\s,*\"“”]*)*$", re.IGNORECASE)
_PORT_LIST = r"(?P<list>\d{1,5}(?:\s*(?:-|–|,|and|or|to|through)\s*(?:and\s+)?\d{1,5})*)\b"
_PORTS_ONLY = (
    re.compile(
        r"^\W*(?:you (?:must|should|need to|have to) (?:also )?)?(?:allow|permit|open|enable)\b[^.;]*?\b(?:traffic|access|connections?|connectivity|communication)\b[^.;]*?"
        r"\b(?:to|on|over|through|via)\s+(?:\w+\s+)?ports?\s+(?P<list>\d[\d\s,–-]*(?:(?:to|through|and|or|,)\s*[\d–-]+\s*)*)"
        r"\s*(?:[.!]?\s*$|for\b)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b{_FLOW}\b[^.;]{{0,60}}?\b(?:to|on|over|through|via)\s+(?:\w+\s+){{0,2}}ports?\s+{_PORT_LIST}"
        r"[^.;]*?\b(?:is|are)\s+(?:also\s+)?(?:required|needed|necessary|mandatory)\b(?!\s+(?:if|only|when)\b)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\bports?\s+{_PORT_LIST}(?:\s+\w+){{0,3}}?\s+(?:must|should|needs? to|ha(?:s|ve) to)\s+(?:also\s+)?be\s+"
        r"(?:open(?:ed)?|allowed|accessible|reachable|permitted)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:must|should|needs?|have|has|asks?|ensure that you|make sure (?:that )?you|sure|required)\b[^.;]{0,40}?\b(?:allow|permit|open|let|unblock)\b"
        rf"[^.;]{{0,60}}?\bports?\s+{_PORT_LIST}(?=[^.;]*(?:\bout\b|\boutbound\b|\begress\b|[.]?\s*$))",
        re.IGNORECASE,
    ),
    re.compile(
        rf"^\W*(?:allow|permit|open|let|enable)\b[^.;]*?\b(?:outbound|out|egress|access|traffic)\b[^.;]*?\bports?\s+{_PORT_LIST}",
        re.IGNORECASE,
    ),
    re.compile(
        rf"^\W*(?:let|allow|permit)\s+(?:\w+\s+)?ports?\s+{_PORT_LIST}\s+(?:go\s+)?out\b", re.IGNORECASE
    ),
)
_NO_PORTS_OUT = re.compile(
    r"\b(?:inbound|incoming|ingress)\b|\b(?:not|never|no|n't)\s+(?:\w+\s+)?(?:allow|permit|open|required|needed|let)\b|\b(?:example|block|deny|optional)|\b(?:following|these|those|above)\b|\bIP\b|:\W*$",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\)?\s+(?=[\"“(\[*`]?[A-Z])")


def read_prose(text: Text, where: Where) -> Iterator[Row]:
    """Every destination that a sentence of ``text`` demands."""
    for sentence in sentences(text):
        if denies_requirement(sentence.plain) or _SPOILED.search(sentence.plain):
            continue
        names = names_in_prose(sentence)
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


def names_in_prose(sentence: Text) -> list[Name]:
    """Names in code or bold, unmistakable tags, and links that show the address they lead to."""
    hosts = [name for name in hosts_in(sentence) if _is_host_in_prose(name)]
    tags = [name for name in _tags(sentence) if name.is_marked or _is_unmistakable(name.value)]
    return sorted([*hosts, *tags], key=lambda name: name.start)


def _is_unmistakable(tag: str) -> bool:
    """``MicrosoftContainerRegistry`` is no word of English; ``Storage`` is."""
    return len(re.findall(r"[A-Z][a-z]", tag)) > 1


def _is_host_in_prose(name: Name) -> bool:
    if name.kind == "ip_range":
        return name.is_marked and is_range(name.value)
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
        chained = accepted_until >= 0 and _CHAIN.match(sentence.plain[accepted_until : name.start])
        if chained or _is_demanded(sentence.plain, name):
            accepted_until = name.end
            row = where.row(name, purpose=sentence.plain)
            yield _with_direction(_with_ports(row, ports), sentence.plain)


def _with_direction(row: Row, sentence: str) -> Row:
    named = direction_named_in(sentence)
    return replace(row, direction=named) if row.direction and named in ("inbound", "outbound") else row


def _with_ports(row: Row, ports: str) -> Row:
    return row if row.ports or not ports else replace(row, ports=ports)


def _is_demanded(sentence: str, name: Name) -> bool:
    before = sentence[: name.start].rstrip('"“*( ') + " "
    after = sentence[name.end :]
    if _NEGATED.search(before):
        return False
    if name.kind == "ip_range" and _LETS_THROUGH.search(sentence):
        return not _NOT_LET_THROUGH.search(sentence)
    if name.style & Style.LINK:
        return bool(_REACH.search(before))
    if _AFTER.match(after) or (_ACCESS_TO.search(before) and _IS_REQUIRED.match(after)):
        return True
    if name.kind == "service_tag" and _BEFORE_SOURCE.search(before):
        return True
    found = (pattern.search(before) for pattern in _BEFORE)
    return any(match and len(match["gap"].split()) <= _MAX_WORDS for match in found)


def _ports_alone(sentence: Text, where: Where) -> Iterator[Row]:
    match = next((found for pattern in _PORTS_ONLY if (found := pattern.search(sentence.plain))), None)
    if not match or _NO_PORTS_OUT.search(sentence.plain) or where.asks_for_nothing:
        return
    ports = ports_stated_in(f"ports {match['list']}")
    line = sentence.at(match.start()).line
    protocol = re.search(r"\b(?:TCP|UDP)\b", match[0], re.IGNORECASE)
    written = join_protocol(protocol[0] if protocol else "", ports)
    name = Name(value=ports, kind="port_only", start=0, end=0, style=Style.PLAIN, line=line, port=written)
    yield where.row(name, purpose=sentence.plain)
