"""Read one destination cell: its names, their clouds, and the alternatives it offers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from allowlist.catalog.upstream.names import Name, hosts_in, marked_tags_in, tags_in
from allowlist.catalog.upstream.roles import Role
from allowlist.catalog.upstream.text import Span, Style, Text
from allowlist.catalog.upstream.words import cloud_named_in, is_example

_KIND_OF_HOST: Final = {Role.ZONE: "private_dns_zone", Role.FORWARDER: "dns_forwarder"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One name in a destination cell with what the cell says about it."""

    name: Name
    cloud: str = ""
    remark: str = ""
    alternatives: tuple[str, ...] = ()
    is_second: bool = False


def read_cell(cell: Text, role: Role) -> list[Part]:
    """The names of a destination cell; words that only explain, examples and alternatives are no names."""
    parts: list[Part] = []
    label = ""
    for line in cell.lines():
        names = _names(line, role)
        if not names:
            label = _next_label(line.plain, label)
            continue
        before = line.plain[: names[0].start]
        label = cloud_named_in(before) or label
        parts += [_part(line, name, names, label) for name in names]
    return _fold_alternatives(parts, cell)


def _next_label(line: str, label: str) -> str:
    """``**Azure China:**`` on a line of its own names the cloud of the lines below; ``and`` takes it back."""
    if line.strip().rstrip(":").lower() in ("and", "plus"):
        return ""
    return cloud_named_in(line.strip().rstrip(":")) or label


def _part(line: Text, name: Name, names: list[Name], label: str) -> Part:
    later = [other.start for other in names if other.start > name.start]
    after = line.plain[name.end : min(later, default=len(line.plain))]
    bracket = re.search(r"\(([^)]*)\)", after)
    remark = bracket[1] if bracket else ""
    before = line.plain[: name.start]
    second = "/" in before
    return Part(name=name, cloud=cloud_named_in(remark) or label, remark=remark, is_second=second)


def _names(line: Text, role: Role) -> list[Name]:
    if is_example(line.plain):
        return []
    if role is Role.TAG:
        return _by_shape(line)
    if role in (Role.SOURCE, Role.PAIR):
        return _tags(line)
    if role is Role.ADDRESS:
        return [name for name in hosts_in(line) if name.kind == "ip_range"]
    hosts = [name for name in hosts_in(line) if name.kind != "ip_range" or role is Role.HOST]
    if role in _KIND_OF_HOST:
        return [replace(name, kind=_KIND_OF_HOST[role]) for name in hosts if name.kind == "fqdn"]
    tags = _tags_among_hosts(line, hosts)
    marked = [name for name in hosts if name.is_coded] or hosts
    return sorted([*marked, *tags, *_placeholders(line, [*hosts, *tags])], key=lambda name: name.start)


def _tags_among_hosts(line: Text, hosts: list[Name]) -> list[Name]:
    is_announced = bool(re.search(r"service\s?tag", line.plain, re.IGNORECASE))
    found = {name.start: name for name in [*marked_tags_in(line, is_announced=is_announced), *tags_in(line)]}
    taken = [(name.start, name.end) for name in hosts]
    return [
        name
        for name in found.values()
        if name.is_marked and not any(first <= name.start < last for first, last in taken)
    ]


def _by_shape(line: Text) -> list[Name]:
    """A column of tags may hold hosts as well: each token is what it looks like, whatever the title says."""
    hosts = [name for name in hosts_in(line) if name.kind == "fqdn" and name.is_marked]
    if not hosts:
        return _tags(line)
    taken = [(name.start, name.end) for name in hosts]
    known = {name.start: name for name in tags_in(line) if name.is_marked or _is_named_as_tag(line, name)}
    tags = [name for name in known.values() if not any(first <= name.start < last for first, last in taken)]
    return sorted([*hosts, *tags], key=lambda name: name.start)


def _is_named_as_tag(line: Text, name: Name) -> bool:
    """``AzureMachineLearning service tag``, or a word that is no English one."""
    after = line.plain[name.end : name.end + 16].lower()
    return "tag" in after or len(re.findall(r"[A-Z][a-z]", name.value)) > 1


def _tags(line: Text) -> list[Name]:
    """In a column of tags each code span is one, known or not; outside code only known names are."""
    coded = [name for start, span in line.placed() if span.style & Style.CODE for name in _split(start, span)]
    return coded or tags_in(line) or _misspelt_tag(line)


def _misspelt_tag(line: Text) -> list[Name]:
    """An unmarked cell of a tag column with a few capitalised words, such as ``Virtual Network``."""
    match = re.fullmatch(r"\s*(?P<tag>[A-Z][A-Za-z]+(?: [A-Z][A-Za-z]+){1,3})\s*", line.plain)
    if not match:
        return []
    first, last = match.span("tag")
    return list(_split(first, replace(line.at(first), text=line.plain[first:last])))


def _split(start: int, span: Span) -> Iterator[Name]:
    for match in re.finditer(r"[^,;\n]+", span.text):
        word = match[0].strip()
        value, _, port = word.partition(":")
        if re.match(r"[A-Za-z]", value) and not value.isdigit():
            yield Name(
                value=value,
                kind="service_tag",
                start=start + match.start(),
                end=start + match.end(),
                style=span.style,
                line=span.line,
                port=port,
            )


_PLACEHOLDER = re.compile(r"(?P<word>[A-Za-z][A-Za-z0-9_-]*|<[^<>]+>|\{[^{}]+\})(?::(?P<port>\d{1,5}))?")
_JOINERS = frozenset({"or", "and", "any", "all", "none", "dynamic", "new", "note"})


def _placeholders(line: Text, taken: list[Name]) -> Iterator[Name]:
    """A marked word that stands for an address of the reader's own, such as ``CustomDNSIP:53``."""
    for start, span in line.placed():
        match = _PLACEHOLDER.fullmatch(span.text.strip())
        is_marked = span.style & (Style.CODE | Style.ITALIC) and not span.style & Style.LINK
        if not match or not is_marked or span.text.strip().lower() in _JOINERS:
            continue
        if any(name.start <= start < name.end for name in taken):
            continue
        yield Name(
            value=match["word"],
            kind="placeholder",
            start=start,
            end=start + len(span.text),
            style=span.style,
            line=span.line,
            port=match["port"] or "",
        )


def _fold_alternatives(parts: list[Part], cell: Text) -> list[Part]:
    """Where a cell offers a tag or any destination *or* an address to fill in, the latter is no row."""
    is_choice = bool(re.search(r"\bor\b", cell.plain, re.IGNORECASE))
    has_concrete = is_choice and any(part.name.kind in ("service_tag", "any_destination") for part in parts)
    spare = [part for part in parts if part.name.kind == "placeholder"] if has_concrete else []
    kept = [part for part in parts if part not in spare]
    if not has_concrete:
        return kept
    values = [part.name.value for part in parts]
    return [
        replace(part, alternatives=tuple(value for value in values if value != part.name.value))
        for part in kept
    ]
