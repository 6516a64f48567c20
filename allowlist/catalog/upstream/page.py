"""A documentation page as blocks: headings, tabs, paragraphs, lists, tables, code and includes.

Microsoft's Markdown is CommonMark with tables, plus tabs (``# [Title](#tab/id)`` until ``---``), moniker
ranges (``:::``), alerts (``> [!NOTE]``) and includes (``[!INCLUDE [x](y.md)]``). Lines count from 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from allowlist.catalog.upstream.text import Span, Style, Text, read_inline


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    level: int
    title: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """The title of one tab; the tab lasts until the next one, a rule or a heading above its level."""

    level: int
    title: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A horizontal rule: it ends a group of tabs."""

    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    text: Text
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item of a list: its first paragraph and what stands below it."""

    text: Text
    blocks: tuple[Block, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bullets:
    """A list, bulleted or numbered."""

    items: tuple[Item, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A quoted block, usually a note or a tip."""

    blocks: tuple[Block, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    cells: tuple[Text, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    header: tuple[str, ...]
    rows: tuple[TableRow, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code block; ``line`` is the line of its first content line."""

    language: str
    lines: tuple[str, ...]
    line: int


Block = Heading | Tab | Rule | Paragraph | Bullets | Quote | Table | Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """``includes`` are the targets of include lines: content that is documented elsewhere."""

    name: str
    blocks: tuple[Block, ...]
    includes: tuple[str, ...]
    lines: tuple[str, ...]


_INCLUDE = re.compile(r"\[!INCLUDE\s*\[[^\]]*\]\s*\(([^)\s]+)\)\s*\]", re.IGNORECASE)
_DIRECTIVE = re.compile(r"^\s*(?:>\s*)*:::.*$")
_ALERT = re.compile(r"^\s*\[!(?:\w+)(?:\s+class=[^\]]*)?\]\s*", re.IGNORECASE)
_TAB = re.compile(r"^\[(?P<title>.+)\]\(#tab/[^)]*\)$")


def parse_page(text: str, name: str) -> Page:
    """Read Markdown ``text``; ``name`` is its path in the repository, or any name."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    source = "\n".join(_without_front_matter(lines))
    blocks = tuple(_Blocks(_markdown().parse(source)).read())
    includes = tuple(_INCLUDE.findall("\n".join(lines)))
    return Page(name=name, blocks=blocks, includes=includes, lines=tuple(lines))


_STRUCK = re.compile(r"~~(?=\S).+?(?<=\S)~~")
"""What a page struck out is said no more."""


def _without_front_matter(lines: list[str]) -> Iterator[str]:
    """Blank out front matter, directives and includes, so that every line keeps its number."""
    end = lines.index("---", 1) if lines[0].strip() == "---" and "---" in lines[1:] else -1
    for index, line in enumerate(lines):
        hidden = index <= end or _DIRECTIVE.match(line)
        yield "" if hidden else _STRUCK.sub("", _INCLUDE.sub("", line))


@lru_cache(maxsize=1)
def _markdown() -> Any:
    """CommonMark with tables; no emphasis (see ``text``), no underlined headings (a rule ends a tab)."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table").disable(["emphasis", "lheading"])


class _Blocks:
    """Turns the flat stream of markdown-it tokens into nested blocks."""

    def __init__(self, tokens: Sequence[Any]) -> None:
        self._tokens = list(tokens)
        self._next = 0

    def read(self, closing: str = "") -> Iterator[Block]:
        """Blocks up to the token ``closing``, or to the end."""
        while self._next < len(self._tokens):
            token = self._take()
            if token.type == closing:
                return
            yield from self._block(token)

    def _take(self) -> Any:
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _block(self, token: Any) -> Iterator[Block]:
        line = token.map[0] + 1 if token.map else 0
        match token.type:
            case "heading_open":
                yield self._heading(int(token.tag[1:]), line)
            case "hr":
                yield Rule(line=line)
            case "paragraph_open":
                yield Paragraph(text=_without_alert(self._inline(line)), line=line)
            case "bullet_list_open" | "ordered_list_open":
                yield Bullets(items=tuple(self._items(token.type.replace("open", "close"))), line=line)
            case "blockquote_open":
                yield Quote(blocks=tuple(self.read("blockquote_close")), line=line)
            case "table_open":
                yield self._table(line)
            case "fence" | "code_block":
                yield _code(token, line)

    def _inline(self, line: int) -> Text:
        token = self._take()
        self._take()
        return read_inline(token.children or (), line)

    def _heading(self, level: int, line: int) -> Block:
        raw = self._tokens[self._next].content.strip()
        text = self._inline(line)
        tab = _TAB.match(raw)
        if tab:
            return Tab(level=level, title=text.plain.strip(), line=line)
        return Heading(level=level, title=text.plain.strip(), line=line)

    def _items(self, closing: str) -> Iterator[Item]:
        while (token := self._take()).type != closing:
            yield _item(tuple(self.read("list_item_close")), token.map[0] + 1)

    def _table(self, line: int) -> Table:
        rows = list(self._rows())
        header = tuple(" ".join(cell.plain.split()) for cell in rows[0].cells) if rows else ()
        return Table(header=header, rows=tuple(rows[1:]), line=line)

    def _rows(self) -> Iterator[TableRow]:
        cells: list[Text] = []
        line = 0
        while (token := self._take()).type != "table_close":
            if token.type == "tr_open":
                cells, line = [], token.map[0] + 1
            elif token.type == "inline":
                cells.append(read_inline(token.children or (), line))
            elif token.type == "tr_close":
                yield TableRow(cells=tuple(cells), line=line)


def _item(blocks: tuple[Block, ...], line: int) -> Item:
    if blocks and isinstance(blocks[0], Paragraph):
        return Item(text=blocks[0].text, blocks=blocks[1:], line=line)
    return Item(text=Text.of(()), blocks=blocks, line=line)


def _code(token: Any, line: int) -> Code:
    first = line + 1 if token.type == "fence" else line
    lines = tuple(token.content.removesuffix("\n").split("\n"))
    return Code(language=token.info.strip().lower(), lines=lines, line=first)


def _without_alert(text: Text) -> Text:
    """A note's first line says only that it is a note."""
    mark = _ALERT.match(text.plain)
    return text.cut(mark.end(), len(text.plain)) if mark else text


def plain_text(words: str, line: int = 0) -> Text:
    """``words`` as unmarked text."""
    return Text.of((Span(words, Style.PLAIN, line),))
