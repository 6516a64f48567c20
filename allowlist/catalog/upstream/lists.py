"""Read lists, code blocks and bare lines of destinations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from allowlist.catalog.upstream.cells import read_cell
from allowlist.catalog.upstream.names import Name, hosts_in, marked_tags_in, tags_in
from allowlist.catalog.upstream.page import Bullets, Code, Item, plain_text
from allowlist.catalog.upstream.ports import ports_stated_in
from allowlist.catalog.upstream.prose import read_prose
from allowlist.catalog.upstream.roles import Role, role_of
from allowlist.catalog.upstream.row import Row
from allowlist.catalog.upstream.tag_names import resembles_tag
from allowlist.catalog.upstream.text import Style, Text
from allowlist.catalog.upstream.where import Where
from allowlist.catalog.upstream.words import cloud_named_in, denies_requirement

_LABEL = re.compile(r"^\s*(?P<label>[^:`]{2,40}?)\s*:\s+")
_SEPARATOR = re.compile(r"^[\s,;/&]*(?:\b(?:and|or)\b[\s,]*)?$", re.IGNORECASE)
_PLAIN_CODE = frozenset({"", "text", "txt", "plaintext", "plain", "none"})
# Labels of an item that holds a destination or its ports; longer ones are headlines.
_RULE_LABEL = re.compile(
    r"(?:(?:target|destination|required|outbound|allowed|remote)\s+)?(?:fqdns?|host ?names?|hosts?|urls?|uris?"
    r"|endpoints?|domains?|address(?:es)?|destinations?|service tags?|ports?|protocols?)",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"^\s*(?:\([^)]*\)|#.*|//.*|[-–].*)?\s*$")


def read_list(bullets: Bullets, where: Where) -> Iterator[Row]:
    """Destinations that items begin with, that labelled items hold, or that an item's words demand."""
    if where.asks_for_nothing:
        return
    ports = _ports_of_labelled_items(bullets)
    for item in bullets.items:
        for row in read_item(item, where):
            yield row if row.ports or not ports else replace(row, ports=ports)


def read_item(item: Item, where: Where) -> Iterator[Row]:
    """The rows of one item's own text."""
    if denies_requirement(item.text.plain):
        return
    labelled = _labelled(item.text)
    if labelled:
        yield from _read_labelled(*labelled, where)
        return
    names = _leading_tags(item.text, where) or _leading_hosts(item.text, where)
    yield from _rows(item.text, names, where)
    end = names[-1].end if names else 0
    for row in read_prose(item.text.cut(end, len(item.text.plain)), where):
        yield replace(row, need="conditional", in_purpose=True) if names else row


def _labelled(text: Text) -> tuple[Role, Text] | None:
    """``__Target FQDN__: `x` ``: a marked label and what it labels."""
    match = _LABEL.match(text.plain)
    if not match or not text.at(match.start("label")).style & (Style.BOLD | Style.ITALIC):
        return None
    if not _RULE_LABEL.fullmatch(match["label"]):
        return None
    return role_of(match["label"]), text.cut(match.end(), len(text.plain))


def _read_labelled(role: Role, rest: Text, where: Where) -> Iterator[Row]:
    if role in (Role.HOST, Role.TAG, Role.ADDRESS, Role.ZONE, Role.FORWARDER):
        for part in read_cell(rest, role):
            if part.name.kind != "placeholder":
                yield where.row(part.name, cloud=part.cloud, purpose=part.remark)


def _ports_of_labelled_items(bullets: Bullets) -> str:
    """A rule written as labelled items names its ports in an item of its own."""
    found = [labelled for item in bullets.items if (labelled := _labelled(item.text))]
    if not any(role in (Role.HOST, Role.TAG) for role, _ in found):
        return ""
    stated = [rest.plain for role, rest in found if role in (Role.PORT, Role.PROTOCOL)]
    return next((" ".join(words.split()) for words in stated if re.search(r"\d", words)), "")


def _leading_tags(text: Text, where: Where) -> list[Name]:
    """Under "these service tags:" an item's first marked words are a tag, known or not."""
    first = next(((start, span) for start, span in text.placed() if span.text.strip()), None)
    is_marked = first is not None and bool(first[1].style & (Style.CODE | Style.BOLD))
    if first is None or not is_marked or not where.announces_tags:
        return _known_tag_in_front(text, where)
    start, span = first
    value = span.text.strip().rstrip(".:")
    if not _can_be_tag(value, span.style):
        return []
    end = start + len(span.text)
    return [Name(value=value, kind="service_tag", start=start, end=end, style=span.style, line=span.line)]


def _can_be_tag(value: str, style: Style) -> bool:
    """A known tag, or in code any few words that are no host: a misspelt tag is a finding too."""
    if resembles_tag(value):
        return True
    return bool(style & Style.CODE and re.fullmatch(r"[A-Za-z]\w*(?: \w+){0,3}|\S+", value)) and not hosts_in(
        plain_text(value)
    )


def _known_tag_in_front(text: Text, where: Where) -> list[Name]:
    """An item that begins with a known tag, where the words around the list are about tags at all."""
    first = next(iter([*tags_in(text), *marked_tags_in(text)]), None)
    if first is None:
        return []
    before = text.plain[: first.start].strip()
    is_named = bool(
        re.fullmatch(r"(?:outbound |inbound )?service\s?tags?(?: to| for|:)?", before, re.IGNORECASE)
    )
    return [first] if is_named or (not before and where.mentions_tags) else []


def _leading_hosts(text: Text, where: Where) -> list[Name]:
    """Names from the item's start on, joined by commas, line breaks, and/or."""
    if not where.is_about_network:
        return []
    found: list[Name] = []
    end = 0
    for name in hosts_in(text):
        if not _SEPARATOR.match(_without_brackets(text.plain[end : name.start])):
            break
        if not _may_lead(name, where):
            break
        found.append(name)
        end = name.end
    return found if _is_item_of_hosts(text, found, end) else []


def _may_lead(name: Name, where: Where) -> bool:
    """No link to read more, no repository or key with a path, no address range nobody asks to open."""
    if name.kind == "ip_range":
        return where.demands_access
    is_link = name.style & Style.LINK and not name.is_coded
    return not is_link and (bool(name.scheme) or not name.path.strip("/*"))


def _is_item_of_hosts(text: Text, found: list[Name], end: int) -> bool:
    """Names without code marks count only when little but a comment follows them."""
    return bool(found) and (found[0].is_marked or bool(_COMMENT.match(text.plain[end:])))


def _without_brackets(words: str) -> str:
    return re.sub(r"\([^)]*\)", "", words)


def _rows(text: Text, names: list[Name], where: Where) -> Iterator[Row]:
    for index, name in enumerate(names):
        last = names[index + 1].start if index + 1 < len(names) else len(text.plain)
        after = text.plain[name.end : last]
        bracket = re.match(r"\s*\(([^)]*)\)", after)
        named = cloud_named_in(bracket[1]) if bracket else ""
        inside = _hosts_in_bracket(text, name.end, bracket)
        row = where.row(
            _as_zone(name, where), cloud="" if inside else named, purpose=after.strip(" -–:.()\n")
        )
        yield from (where.row(other, cloud=named) for other in inside)
        ports = row.ports or (ports_stated_in(after) if index + 1 == len(names) else "")
        yield replace(row, ports=ports)


def _hosts_in_bracket(text: Text, start: int, bracket: re.Match[str] | None) -> list[Name]:
    """``a.contoso.com (Azure Government: a.contoso.us)``: the bracket holds the name of the other cloud."""
    if bracket is None:
        return []
    first, last = start + bracket.start(), start + bracket.end()
    return [name for name in hosts_in(text) if first <= name.start < last and name.kind == "fqdn"]


def _as_zone(name: Name, where: Where) -> Name:
    is_zone = "privatelink." in name.value or "dns zone" in where.lead.lower()
    return replace(name, kind="private_dns_zone") if is_zone and name.kind == "fqdn" else name


def read_bare_lines(text: Text, where: Where) -> Iterator[Row]:
    """A paragraph whose every line is a destination: a list that lost its marks."""
    lines = text.lines()
    if len(lines) < 2 or not where.is_about_network or where.asks_for_nothing:
        return
    found = [_leading_hosts(line, where) for line in lines]
    if all(names and not _prose_after(line, names) for line, names in zip(lines, found, strict=True)):
        for line, names in zip(lines, found, strict=True):
            yield from _rows(line, names, where)


def _prose_after(line: Text, names: list[Name]) -> bool:
    return not _COMMENT.match(line.plain[names[-1].end :])


def read_code(code: Code, where: Where) -> Iterator[Row]:
    """A code block without a language whose every line is a destination, perhaps with a comment."""
    if code.language not in _PLAIN_CODE or not where.is_about_network or where.asks_for_nothing:
        return
    lines = [plain_text(line.strip(), code.line + index) for index, line in enumerate(code.lines)]
    filled = [line for line in lines if line.plain and not line.plain.startswith("#")]
    found = [_leading_hosts(line, where) for line in filled]
    if filled and all(map(_is_code_line, filled, found)):
        for line, names in zip(filled, found, strict=True):
            yield from _rows(line, names, where)


def _is_code_line(line: Text, names: list[Name]) -> bool:
    """Names and a comment; an address with a path is a call, not a list of hosts."""
    return bool(names) and not _prose_after(line, names) and not any(name.path.strip("/*") for name in names)
