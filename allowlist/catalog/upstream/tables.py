"""Read requirement tables row by row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from allowlist.catalog.upstream.cells import Part, read_cell
from allowlist.catalog.upstream.columns import completed, roles_of, upright
from allowlist.catalog.upstream.page import Table, TableRow
from allowlist.catalog.upstream.ports import join_protocol, protocol_stated_in
from allowlist.catalog.upstream.prose import read_prose
from allowlist.catalog.upstream.roles import DESTINATIONS, Role
from allowlist.catalog.upstream.row import Row
from allowlist.catalog.upstream.text import Text
from allowlist.catalog.upstream.where import Where
from allowlist.catalog.upstream.words import (
    cloud_named_in,
    denies_requirement,
    direction_named_in,
    need_said_in,
)

_NEEDS: Final = re.compile(
    r"(?:is )?(?:required|needed|mandatory|necessity|requirement)\??$|when required|need\??$", re.IGNORECASE
)
_EXPLAINS: Final = re.compile(r"purpose|description|\buse\b|note|comment|remark", re.IGNORECASE)


def read_table(table: Table, where: Where) -> Iterator[Row]:
    """Every destination in the table's destination columns, and those that other cells demand in words."""
    if where.asks_for_nothing:
        return
    table = upright(table)
    roles = roles_of(table, where)
    for row in table.rows:
        yield from _Line(table, completed(row, roles), roles, where).read()


@dataclass(frozen=True, slots=True)
class _Line:
    """One row of a table with its neighbours' meaning."""

    table: Table
    row: TableRow
    roles: tuple[Role, ...]
    where: Where

    def read(self) -> Iterator[Row]:
        if any(
            denies_requirement(cell.plain)
            for cell, role in zip(self.row.cells, self.roles, strict=False)
            if role is Role.TEXT
        ):
            return
        for index, cell in enumerate(self.row.cells):
            role = self.roles[index] if index < len(self.roles) else Role.TEXT
            if role in DESTINATIONS:
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
                need=self._need or row.need,
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
        protocol = self._cell(Role.PROTOCOL) or protocol_stated_in(self._cell(Role.TEXT))
        return join_protocol(protocol, self._cell(Role.PORT))

    @property
    def _purpose(self) -> str:
        """The cell that explains the row: of a column with such a title, else the last one with words."""
        titled = zip(self.table.header, self.row.cells, self.roles, strict=False)
        texts = [(title, cell.plain) for title, cell, role in titled if role is Role.TEXT]
        explained = [words for title, words in texts if _EXPLAINS.search(title)]
        return next(iter(explained or [words for _, words in reversed(texts)]), "")

    @property
    def _need(self) -> str:
        """What a column of its own says, such as ``Required``: ``No``."""
        titled = zip(self.table.header, self.row.cells, strict=False)
        said = (need_said_in(cell.plain) for title, cell in titled if _NEEDS.match(title.strip()))
        return next((word for word in said if word), "")

    @property
    def _direction(self) -> str:
        named = direction_named_in(self._cell(Role.DIRECTION))
        return named or self.where.direction

    @property
    def _cloud(self) -> str:
        """A cloud that the row's label names, such as ``Azure China: Monitoring``."""
        first = self.row.cells[0].plain if self.row.cells and self.roles[:1] == (Role.TEXT,) else ""
        return cloud_named_in(first.partition(":")[0])
