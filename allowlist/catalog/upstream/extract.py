"""Extract the documented destinations of one page. Pure: text in, rows out; nothing is fetched or followed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from allowlist.catalog.upstream.lists import read_bare_lines, read_code, read_list
from allowlist.catalog.upstream.page import (
    Block,
    Bullets,
    Code,
    Heading,
    Page,
    Paragraph,
    Quote,
    Rule,
    Tab,
    Table,
    parse_page,
)
from allowlist.catalog.upstream.ports import ports_stated_in
from allowlist.catalog.upstream.prose import names_in_prose, read_prose, sentences
from allowlist.catalog.upstream.row import Row
from allowlist.catalog.upstream.tables import read_table
from allowlist.catalog.upstream.text import Text
from allowlist.catalog.upstream.where import Where

_MAX_QUOTE = 400


def extract_rows(text: str, page: str) -> tuple[Row, ...]:
    """The rows of the Markdown ``text`` in page order; ``page`` is its path or name (it may tell the cloud)."""
    return rows_of(parse_page(text, page))


def rows_of(page: Page) -> tuple[Row, ...]:
    """The rows of a parsed page."""
    walk = _Walk(Where(page=page.name))
    walk.through(page.blocks)
    rows = (_with_stated_ports(row, walk.statements) for row in walk.rows)
    return tuple(sorted((_quoted(row, page.lines) for row in rows), key=lambda row: row.line))


@dataclass(frozen=True, slots=True, kw_only=True)
class PortStatement:
    """A sentence that gives ports to other lines.

    ``reach`` is ``page`` ("all endpoints are reached over port 443"), ``below`` ("the following URLs on …")
    or ``above`` ("traffic to these endpoints uses …").
    """

    ports: str
    reach: str
    line: int
    where: Where


class _Walk:
    """Walks the blocks in order, keeping the place and collecting rows and port statements."""

    def __init__(self, where: Where) -> None:
        self.where = where
        self.rows: list[Row] = []
        self.statements: list[PortStatement] = []

    def through(self, blocks: Sequence[Block]) -> None:
        for block in blocks:
            self._take(block)

    def _take(self, block: Block) -> None:
        match block:
            case Heading():
                self.where = self.where.under(block)
            case Tab():
                self.where = self.where.in_tab(block)
            case Rule():
                self.where = self.where.after_tabs()
            case Paragraph():
                self._paragraph(block)
            case Quote():
                self._aside(block.blocks)
            case Bullets():
                self._list(block)
            case Table():
                self.rows += read_table(block, self.where)
            case Code():
                self.rows += read_code(block, self.where)

    def _paragraph(self, block: Paragraph) -> None:
        self._note_ports(block.text, block.line)
        bare = list(read_bare_lines(block.text, self.where))
        self.rows += bare or read_prose(block.text, self.where)
        if not bare:
            self.where = self.where.introduced_by(block.text.plain)

    def _aside(self, blocks: Sequence[Block]) -> None:
        """A quote or a nested block has leads of its own and leaves the outer one in force."""
        outer = self.where
        self.through(blocks)
        self.where = outer

    def _list(self, block: Bullets) -> None:
        self.rows += read_list(block, self.where)
        for item in block.items:
            self._note_ports(item.text, item.line)
            outer = self.where
            self.where = outer.introduced_by(item.text.plain) if item.text.plain.strip() else outer
            self.through(item.blocks)
            self.where = outer

    def _note_ports(self, text: Text, line: int) -> None:
        for sentence in sentences(text):
            reach = "" if names_in_prose(sentence) else _reach_of(sentence.plain)
            ports = ports_stated_in(sentence.plain) if reach else ""
            if ports:
                self.statements.append(PortStatement(ports=ports, reach=reach, line=line, where=self.where))


_REACHES = (
    (
        "below",
        re.compile(
            r"\bfollowing\b[^.]*\b(?:host|url|fqdn|endpoint|domain|address|site|name|tag)", re.IGNORECASE
        ),
    ),
    ("above", re.compile(r"\b(?:to|for|with) (?:these|those|the above|the listed)\b", re.IGNORECASE)),
    (
        "below",
        re.compile(
            r"\b(?:traffic|access|connections?|connectivity)\b[^.]*\bports?\b[^.]*\bto\s*:\W*$", re.IGNORECASE
        ),
    ),
    (
        "page",
        re.compile(
            r"^\W*all (?:\w+ )?(?:endpoints?|hosts?|urls?|fqdns?|traffic|communications?|connections?|requests?)\b",
            re.IGNORECASE,
        ),
    ),
)


def _reach_of(sentence: str) -> str:
    return next((reach for reach, pattern in _REACHES if pattern.search(sentence)), "")


def _with_stated_ports(row: Row, statements: Sequence[PortStatement]) -> Row:
    if row.ports:
        return row
    stated = next(_applying(row, statements), "")
    return replace(row, ports=stated)


def _applying(row: Row, statements: Sequence[PortStatement]) -> Iterator[str]:
    """Ports for ``row``, the nearest statement first."""
    for statement in sorted(statements, key=lambda known: abs(known.line - row.line)):
        where = statement.where
        same_place = where.titles == row.headings and where.tab_title == row.tab
        inside = row.headings[: len(where.titles)] == where.titles
        if (statement.reach == "below" and statement.line < row.line and same_place) or (
            statement.reach == "above" and statement.line > row.line and inside and row.kind == "fqdn"
        ):
            yield statement.ports
    yield from (known.ports for known in statements if known.reach == "page" and row.scheme != "http")


def _quoted(row: Row, lines: Sequence[str]) -> Row:
    """With the source line as evidence; code spans may hide a line break, so the value settles the line."""
    line = next((n for n in _around(row.line, len(lines)) if row.value in lines[n - 1]), row.line)
    return replace(row, line=line, quote=lines[line - 1].strip()[:_MAX_QUOTE])


def _around(line: int, count: int) -> Iterator[int]:
    yield from (n for n in (line, line + 1, line - 1, line + 2, line + 3) if 1 <= n <= count)
