"""Read requirement tables: which column holds the destinations, which the ports, and what a cell says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from allowlist.catalog.upstream.names import Name, hosts_in, marked_tags_in, tags_in
from allowlist.catalog.upstream.page import Table, TableRow
from allowlist.catalog.upstream.ports import join_protocol
from allowlist.catalog.upstream.prose import read_prose
from allowlist.catalog.upstream.row import Row
from allowlist.catalog.upstream.text import Span, Style, Text
from allowlist.catalog.upstream.where import Where
from allowlist.catalog.upstream.words import (
    announces_no_requirement,
    cloud_named_in,
    direction_named_in,
    is_example,
)


class Role(StrEnum):
    """What a column, or a labelled list item, holds."""

    HOST = "host"
    TAG = "tag"
    SOURCE = "source"
    PAIR = "pair"
    ADDRESS = "address"
    ZONE = "zone"
    FORWARDER = "forwarder"
    PORT = "port"
    PROTOCOL = "protocol"
    DIRECTION = "direction"
    TEXT = "text"
    IGNORED = "ignored"


_DESTINATIONS = (Role.HOST, Role.TAG, Role.SOURCE, Role.PAIR, Role.ADDRESS, Role.ZONE, Role.FORWARDER)
_EXPLAINS = re.compile(r"purpose|description|\buse\b|note|comment|remark", re.IGNORECASE)
_KIND_OF_HOST = {Role.ZONE: "private_dns_zone", Role.FORWARDER: "dns_forwarder"}
_ROLES = (
    (r"forwarder", Role.FORWARDER),
    (r"dns zone", Role.ZONE),
    (r"example|description|purpose|comment|notes?\b|\btype\b|resource", Role.TEXT),
    (r"source.*/.*destination.*\btags?\b|\btags?\b.*source.*/.*destination", Role.PAIR),
    (r"source.*\btags?\b", Role.SOURCE),
    (r"source.*ports?\b", Role.IGNORED),
    (r"^source\b", Role.SOURCE),
    (r"\btags?\b", Role.TAG),
    (r"(?:endpoint|host|url|uri|fqdn|domain).*\bports?\b", Role.HOST),
    (r"\bports?\b", Role.PORT),
    (r"\bprotocol", Role.PROTOCOL),
    (
        r"^(?:inbound|outbound|direction)(?:\W+(?:or|and)?\W*(?:inbound|outbound))?$|^direction",
        Role.DIRECTION,
    ),
    (r"^ips?$|\bip\b|\bcidrs?\b|address range", Role.ADDRESS),
    (r"\b(?:host|fqdn|url|uri|endpoint|domain|destination|address|site)|hostname|dns name", Role.HOST),
)


def role_of(title: str) -> Role:
    """What a column with this title holds."""
    words = " ".join(title.lower().replace("<b>", " ").split())
    return next((role for pattern, role in _ROLES if re.search(pattern, words)), Role.TEXT)


def read_table(table: Table, where: Where) -> Iterator[Row]:
    """Every destination in the table's destination columns, and those that other cells demand in words."""
    if announces_no_requirement(where.lead):
        return
    table = _upright(table)
    roles = _roles(table, where)
    for row in table.rows:
        yield from _Line(table, row, roles, where).read()


def _upright(table: Table) -> Table:
    """A table that lists the settings of one rule per column, turned so that each rule is a row."""
    titles = tuple(" ".join(row.cells[0].plain.split()) for row in table.rows if row.cells)
    is_lying = table.header[:1] in (("Setting",), ("Settings",), ("Property",), ("Field",), ("Parameter",))
    if not is_lying or not any(role_of(title) in _DESTINATIONS for title in titles):
        return table
    columns = range(1, len(table.header))
    empty = Text.of(())
    rules = (
        tuple(row.cells[index] if index < len(row.cells) else empty for row in table.rows)
        for index in columns
    )
    return Table(
        header=titles, rows=tuple(TableRow(cells=rule, line=table.line) for rule in rules), line=table.line
    )


def _roles(table: Table, where: Where) -> tuple[Role, ...]:
    """Roles by title; where no titled column holds a destination, by what the cells are made of."""
    columns = range(len(table.header))
    titled = [_confirmed(table, index, role_of(table.header[index])) for index in columns]
    if any(titled[index] in _DESTINATIONS and _holds_names(table, index, titled[index]) for index in columns):
        return tuple(titled)
    others = [Role.TEXT if role in _DESTINATIONS else role for role in titled]
    if not where.is_about_network:
        return tuple(others)
    return tuple(Role.HOST if _is_host_column(table, index) else others[index] for index in columns)


def _confirmed(table: Table, index: int, role: Role) -> Role:
    """A column of tags holds at least one that Azure knows; else the word means something different."""
    if role is not Role.TAG:
        return role
    cells = (row.cells[index] for row in table.rows if index < len(row.cells))
    return role if any(tags_in(cell) for cell in cells) else Role.TEXT


def _holds_names(table: Table, index: int, role: Role) -> bool:
    cells = (row.cells[index] for row in table.rows if index < len(row.cells))
    return any(
        part.name.kind != "placeholder" or part.name.port for cell in cells for part in read_cell(cell, role)
    )


def _is_host_column(table: Table, index: int) -> bool:
    """Are most cells of the column nothing but marked host names?"""
    cells = [
        row.cells[index] for row in table.rows if index < len(row.cells) and row.cells[index].plain.strip()
    ]
    full = [cell for cell in cells if _is_only_hosts(cell)]
    return bool(cells) and len(full) * 2 > len(cells) and not is_example(table.header[index])


def _is_only_hosts(cell: Text) -> bool:
    hosts = [name for name in hosts_in(cell) if name.kind == "fqdn" and name.is_coded]
    names = [name for name in hosts if name.scheme or not name.path.strip("/")]  # else keys, not hosts
    rest = cell.plain
    for name in reversed(names):
        rest = rest[: name.start] + rest[name.end :]
    return bool(names) and not re.search(r"\w", re.sub(r"\b(?:and|or)\b|\([^)]*\)", "", rest))


@dataclass(frozen=True, slots=True)
class _Line:
    """One row of a table with its neighbours' meaning."""

    table: Table
    row: TableRow
    roles: tuple[Role, ...]
    where: Where

    def read(self) -> Iterator[Row]:
        for index, cell in enumerate(self.row.cells):
            role = self.roles[index] if index < len(self.roles) else Role.TEXT
            if role in _DESTINATIONS:
                yield from self._destinations(index, role, cell)
            elif role is Role.TEXT:
                for found in read_prose(cell, self.where):
                    yield replace(
                        found, need="conditional", in_purpose=True, cloud=self._cloud or found.cloud
                    )

    def _destinations(self, index: int, role: Role, cell: Text) -> Iterator[Row]:
        title = self.table.header[index]
        found = [part for part in read_cell(cell, role) if self._is_wanted(role, part)]
        for part in found:
            cloud = part.cloud or cloud_named_in(title) or self._cloud
            row = self.where.row(part.name, cloud=cloud, purpose=f"{self._purpose} {part.remark}".strip())
            direction = self._direction if row.kind == "service_tag" else ""
            yield replace(
                row,
                ports=self._ports or row.ports,
                direction=direction,
                alternatives=part.alternatives,
            )

    def _is_wanted(self, role: Role, part: Part) -> bool:
        """A source counts for inbound rules only, a destination for outbound ones."""
        inbound = self._direction == "inbound"
        if role is Role.SOURCE:
            return inbound and part.name.kind == "service_tag"
        if role is Role.PAIR:
            return part.is_second != inbound
        beside_source = Role.SOURCE in self.roles and part.name.kind == "service_tag"
        return not (inbound and beside_source)

    def _cell(self, role: Role) -> str:
        texts = [cell.plain for cell, known in zip(self.row.cells, self.roles, strict=False) if known is role]
        return " ".join(" ".join(texts).split())

    @property
    def _ports(self) -> str:
        return join_protocol(self._cell(Role.PROTOCOL), self._cell(Role.PORT))

    @property
    def _purpose(self) -> str:
        """The cell that explains the row: of a column with such a title, else the last one with words."""
        titled = zip(self.table.header, self.row.cells, self.roles, strict=False)
        texts = [(title, cell.plain) for title, cell, role in titled if role is Role.TEXT]
        explained = [words for title, words in texts if _EXPLAINS.search(title)]
        return next(iter(explained or [words for _, words in reversed(texts)]), "")

    @property
    def _direction(self) -> str:
        named = direction_named_in(self._cell(Role.DIRECTION))
        return named or self.where.direction

    @property
    def _cloud(self) -> str:
        """A cloud that the row's label names, such as ``Azure China: Monitoring``."""
        first = self.row.cells[0].plain if self.row.cells and self.roles[:1] == (Role.TEXT,) else ""
        return cloud_named_in(first.partition(":")[0])


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
    if role in (Role.TAG, Role.SOURCE, Role.PAIR):
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
