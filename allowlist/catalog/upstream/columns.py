"""Find out which columns of a table hold destinations, and turn a table that lies on its side upright."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

from allowlist.catalog.upstream.cells import read_cell
from allowlist.catalog.upstream.names import hosts_in, tags_in
from allowlist.catalog.upstream.page import Table, TableRow
from allowlist.catalog.upstream.roles import DESTINATIONS, Role, role_of
from allowlist.catalog.upstream.text import Text
from allowlist.catalog.upstream.where import Where
from allowlist.catalog.upstream.words import is_example


def upright(table: Table) -> Table:
    """A table that lists the settings of one rule per column, turned so that each rule is a row."""
    titles = tuple(" ".join(row.cells[0].plain.split()) for row in table.rows if row.cells)
    is_lying = table.header[:1] in (("Setting",), ("Settings",), ("Property",), ("Field",), ("Parameter",))
    if not is_lying or not any(role_of(title) in DESTINATIONS for title in titles):
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


def roles_of(table: Table, where: Where) -> tuple[Role, ...]:
    """Roles by title; where no titled column holds a destination, by what the cells are made of."""
    columns = range(len(table.header))
    titled = [_confirmed(table, index, role_of(table.header[index])) for index in columns]
    if any(titled[index] in DESTINATIONS and _holds_names(table, index, titled[index]) for index in columns):
        return tuple(titled)
    others = [Role.TEXT if role in DESTINATIONS else role for role in titled]
    if not where.is_about_network:
        return tuple(others)
    return tuple(Role.HOST if _is_host_column(table, index) else others[index] for index in columns)


_NAME_AND_PORTS = re.compile(r"\s*\S*[A-Za-z*]\S*(?P<gap>\s+)\d{1,5}(?:\s*[-,]\s*\d{1,5})*\s*")


def completed(row: TableRow, roles: tuple[Role, ...]) -> TableRow:
    """A row that lost a mark between two cells, with ``VirtualNetwork 6391`` parted into destination and ports.

    Only a row that is too short is one; where no cell shows what was lost, the row stays as it is.
    """
    cells = row.cells
    full = max((index + 1 for index, cell in enumerate(cells) if cell.plain.strip()), default=0)
    if full >= len(roles):
        return row
    for index, (role, after) in enumerate(pairwise(roles)):
        found = _NAME_AND_PORTS.fullmatch(cells[index].plain) if index < full else None
        if found and role in DESTINATIONS and after is Role.PORT:
            first, last = found.span("gap")
            parted = (cells[index].cut(0, first), cells[index].cut(last, len(cells[index].plain)))
            return replace(row, cells=(*cells[:index], *parted, *cells[index + 1 : full]))
    return row


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
