"""The text of one Markdown block without its marks, and for each character how it was marked and its line.

Emphasis is read here and not by the Markdown parser: a host list writes ``*.contoso.com`` line after line, and
a parser that pairs those asterisks would eat the wildcards.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import Any


class Style(IntFlag):
    """How a stretch of text was marked."""

    PLAIN = 0
    CODE = 1
    BOLD = 2
    ITALIC = 4
    LINK = 8


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text with one style on one line (counted from 1)."""

    text: str
    style: Style
    line: int


@dataclass(frozen=True, slots=True)
class Text:
    """Spans in reading order; ``plain`` joins them. A line break in source or ``<br>`` is a newline."""

    spans: tuple[Span, ...]
    plain: str

    @classmethod
    def of(cls, spans: Sequence[Span]) -> Text:
        return cls(tuple(spans), "".join(span.text for span in spans))

    def at(self, offset: int) -> Span:
        """The span the character at ``offset`` belongs to."""
        for start, span in self.placed():
            if offset < start + len(span.text):
                return span
        return self.spans[-1] if self.spans else Span("", Style.PLAIN, 0)

    def placed(self) -> Iterator[tuple[int, Span]]:
        """Each span with its offset in ``plain``."""
        start = 0
        for span in self.spans:
            yield start, span
            start += len(span.text)

    def cut(self, first: int, last: int) -> Text:
        """The characters ``first`` to ``last`` (exclusive) with their styles."""
        parts = [
            Span(span.text[max(first - start, 0) : last - start], span.style, span.line)
            for start, span in self.placed()
            if start < last and first < start + len(span.text)
        ]
        return Text.of(parts)

    def lines(self) -> list[Text]:
        """The parts between line breaks, empty ones left out."""
        found = (self.cut(*match.span()) for match in re.finditer(r"[^\n]+", self.plain))
        return [part for part in found if part.plain.strip()]


_HTML = re.compile(
    r"</?(?:a|abbr|b|code|del|div|em|font|i|img|ins|kbd|li|mark|ol|p|s|small|span|strong|sub|sup|u|ul)\b[^>]*>"
    r"|<!--.*?-->",
    re.IGNORECASE | re.DOTALL,
)
_BREAK = re.compile(r"</?(?:br|li|p)\s*/?>", re.IGNORECASE)
_BOLD = re.compile(r"\*\*|(?<!\w)__(?=\S)|(?<=\S)__(?!\w)")
_ITALIC = re.compile(
    r"(?<![\w*])\*(?=[^\s*.:,|/])(?P<star>[^*\n]+?)(?<=\S)\*(?![\w*])"
    r"|(?<!\w)_(?=[^\s_])(?P<line>[^_\n]+?)(?<=\S)_(?!\w)"
)


_RAISED = re.compile(r"</?(?:sup|del|s|strike)\b[^>]*>", re.IGNORECASE)
"""Between these stands a footnote, or what was struck out."""
_BRACES = re.compile(r"\{\{([^{}]+)\}\}|\$\(([^()]+)\)|\$\{([^{}]+)\}")


def _code_text(content: str) -> str:
    """Placeholders as pages mean them: code spans keep escapes and entities, and templates have their own braces."""
    plain = html.unescape(content.replace("\\<", "<").replace("\\>", ">"))
    return _BRACES.sub(lambda found: f"{{{next(part for part in found.groups() if part).strip()}}}", plain)


def read_inline(tokens: Sequence[Any], line: int) -> Text:
    """The text of markdown-it inline ``tokens`` that begin on ``line``."""
    reader = _Reader(line)
    for token in tokens:
        reader.take(token)
    return Text.of(reader.spans)


class _Reader:
    """Walks inline tokens once and remembers the line and the marks in force."""

    def __init__(self, line: int) -> None:
        self.spans: list[Span] = []
        self._line = line
        self._bold = False
        self._links = 0
        self._raised = 0

    def take(self, token: Any) -> None:
        match token.type:
            case "text" | "text_special":
                self._marked(token.content)
            case "code_inline":
                self._add(token.content, Style.CODE)
            case "softbreak" | "hardbreak":
                self._add("\n", Style.PLAIN)
                self._line += 1
            case "html_inline":
                self._html(token.content)
            case "link_open":
                self._links += 1
            case "link_close":
                self._links -= 1

    def _html(self, content: str) -> None:
        """``<region>`` is no tag of HTML but a placeholder: it stays as written."""
        if _RAISED.fullmatch(content):
            self._raised = max(0, self._raised + (-1 if content.startswith("</") else 1))
        elif _BREAK.fullmatch(content):
            self._add("\n", Style.PLAIN)
        elif _HTML.fullmatch(content):
            self._add(" ", Style.PLAIN)
        else:
            self._add(content, Style.PLAIN)

    def _marked(self, content: str) -> None:
        start = 0
        for mark in _BOLD.finditer(content):
            self._emphasised(content[start : mark.start()])
            self._bold = not self._bold
            start = mark.end()
        self._emphasised(content[start:])

    def _emphasised(self, content: str) -> None:
        start = 0
        for mark in _ITALIC.finditer(content):
            self._add(content[start : mark.start()], Style.PLAIN)
            self._add(mark["star"] or mark["line"], Style.ITALIC)
            start = mark.end()
        self._add(content[start:], Style.PLAIN)

    def _add(self, content: str, style: Style) -> None:
        if content and self._raised:
            return  # a footnote
        if style & Style.CODE:
            content = _code_text(content)
        if content:
            bold = Style.BOLD if self._bold else Style.PLAIN
            link = Style.LINK if self._links else Style.PLAIN
            self.spans.append(Span(content, style | bold | link, self._line))
