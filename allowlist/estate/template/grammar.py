"""The grammar of template expressions: text into a tree. Nothing is evaluated here.

``concat(parameters('p'), '-fw')``, members ``.name`` and ``[index]``, their forgiving forms ``.?`` and ``[?``, and
functions of the template's own namespaces ``ns.name(…)``. (Azure Resource Manager documentation, "Syntax and
expressions in ARM templates".)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

LONGEST = 24_576
"""Characters of an expression that Resource Manager takes (template limits page)."""
DEEPEST = 60

_TOKEN = re.compile(
    r"\s*(?:'((?:[^']|'')*)'|([A-Za-z_$][\w$]*)|(-?\d+(?:\.\d+)?)|(\.\?|\[\?|[(),.\[\]]))\s*", re.DOTALL
)


class Malformed(ValueError):
    """The text is no expression."""


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | int | float
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """``name`` is in lower case, with its namespace if it has one."""

    name: str
    arguments: tuple[Node, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Access:
    """A member by name or position; ``safe`` where an absent one is null."""

    of: Node
    key: Node
    safe: bool
    text: str


Node = Literal | Call | Access


@lru_cache(maxsize=8192)
def parse(text: str) -> Node:
    """The tree of what stands between the brackets of ``[…]``. Raises Malformed."""
    if len(text) > LONGEST:
        raise Malformed(f"an expression of {len(text)} characters")
    return _Parser(text).whole()


class _Parser:
    """Recursive descent; each method leaves the position behind what it read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._kind = self._value = self._raw = ""
        self._next = 0
        self._advance()

    def whole(self) -> Node:
        found = self._expression()
        if self._kind != "end":
            raise Malformed(self._text)
        return found

    def _advance(self) -> None:
        """Look at the next token: its kind and its value."""
        self._at = self._next
        if self._at >= len(self._text):
            self._kind, self._value = "end", ""
            return
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            raise Malformed(self._text)
        self._next = match.end()
        string, name, number, mark = match.groups()
        if string is not None:
            self._kind, self._value = "string", string.replace("''", "'")
        elif name is not None:
            self._kind, self._value = "name", name
        else:
            self._kind, self._value = ("number", number) if number is not None else ("mark", mark)

    def _takes(self, mark: str) -> bool:
        if self._kind != "mark" or self._value != mark:
            return False
        self._advance()
        return True

    def _expect(self, mark: str) -> None:
        if not self._takes(mark):
            raise Malformed(f"'{mark}' is missing in {self._text}")

    def _expression(self) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise Malformed("nested too deeply")
        start = self._at
        found = self._operand()
        while self._kind == "mark" and self._value in (".", ".?", "[", "[?"):
            found = self._access(found, start)
        self._depth -= 1
        return found

    def _access(self, of: Node, start: int) -> Node:
        mark = self._value
        self._advance()
        if mark.startswith("."):
            key: Node = Literal(self._name(), "")
        else:
            key = self._expression()
            self._expect("]")
        return Access(of, key, mark.endswith("?"), self._since(start))

    def _operand(self) -> Node:
        start, kind, value = self._at, self._kind, self._value
        if kind == "string":
            self._advance()
            return Literal(value, self._since(start))
        if kind == "number":
            self._advance()
            return Literal(float(value) if "." in value else _integer(value), value)
        name = self._name()
        if self._kind == "mark" and self._value == ".":
            self._advance()
            name = f"{name}.{self._name()}"
        self._expect("(")
        arguments = tuple(self._arguments())
        return Call(name.lower(), arguments, self._since(start))

    def _arguments(self) -> list[Node]:
        if self._takes(")"):
            return []
        found = [self._expression()]
        while self._takes(","):
            found.append(self._expression())
        self._expect(")")
        return found

    def _name(self) -> str:
        name = self._value
        if self._kind != "name":
            raise Malformed(f"a name is missing in {self._text}")
        self._advance()
        return name

    def _since(self, start: int) -> str:
        return self._text[start : self._at].strip()


def _integer(digits: str) -> int:
    if len(digits) > 20 or not -(2**63) <= int(digits) < 2**63:
        raise Malformed(f"{digits[:30]} has more than 64 bits")
    return int(digits)
