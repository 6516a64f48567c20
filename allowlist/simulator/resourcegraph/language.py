"""Words and expressions of the query language: names, paths, literals, comparisons, and, or, not, functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Row = Mapping[str, Any]
Value = Callable[[Row], Any]

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>@?'[^']*'|@?"[^"]*")|(?P<number>\d+(?:\.\d+)?)
    |(?P<word>!?[A-Za-z_$][\w$-]*~?)|(?P<sign>=~|!~|==|!=|<=|>=|[<>=()\[\],.|]))""",
    re.VERBOSE,
)


class QueryError(ValueError):
    """What the query says that is not understood."""


def tokens_of(text: str) -> list[str]:
    """The words of a query; comments (``//``) are dropped."""
    text = re.sub(r"(?m)(?<!:)//.*$", "", text)
    found, position = [], 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            raise QueryError(f"ParserFailure near '{text[position : position + 20].strip()}'")
        found.append(match[0].strip())
        position = match.end()
    return found


class Reader:
    """Reads expressions from the words of one stage of a query."""

    def __init__(self, words: list[str]) -> None:
        self._words = words
        self._at = 0

    @property
    def next(self) -> str:
        return self._words[self._at] if self._at < len(self._words) else ""

    @property
    def position(self) -> int:
        return self._at

    def ahead(self) -> list[str]:
        """The words that are still to come."""
        return self._words[self._at :]

    def since(self, position: int) -> list[str]:
        """The words read since a position."""
        return self._words[position : self._at]

    def take(self, wanted: str = "") -> str:
        """The next word, which must be ``wanted`` where that is given."""
        found = self.next
        if not found or (wanted and found.lower() != wanted):
            raise QueryError(f"ParserFailure: expected {wanted or 'more'}, found '{found}'")
        self._at += 1
        return found

    def skip(self, *words: str) -> bool:
        if self.next.lower() in words:
            self._at += 1
            return True
        return False

    def done(self) -> None:
        if self.next:
            raise QueryError(f"ParserFailure near '{self.next}'")

    def condition(self) -> Value:
        sides = [self._both()]
        while self.skip("or"):
            sides.append(self._both())
        return lambda row: any(side(row) for side in sides)

    def _both(self) -> Value:
        sides = [self._single()]
        while self.skip("and"):
            sides.append(self._single())
        return lambda row: all(side(row) for side in sides)

    def _single(self) -> Value:
        if self.next == "(":
            self.take()
            inner = self.condition()
            self.take(")")
            return inner
        left = self.value()
        word = self.next.lower()
        if word in _LISTS:
            self.take()
            return _among(word, left, self._listed())
        if word in _COMPARED:
            self.take()
            return _compared(_COMPARED[word], left, self.value())
        return lambda row: bool(left(row))

    def value(self) -> Value:
        """A literal, a function's result or what a path leads to."""
        word = self.take()
        if word[:1] in "'\"@":
            text = word.lstrip("@")[1:-1]
            return lambda row: text
        if word[0].isdigit():
            number = float(word)
            return lambda row: number
        if word.lower() in ("true", "false"):
            return lambda row: word.lower() == "true"
        return self._called(word) if self.next == "(" else self._path(word)

    def _called(self, name: str) -> Value:
        self.take("(")
        if name.lower() == "not":
            inner = self.condition()
            self.take(")")
            return lambda row: not inner(row)
        if name.lower() not in _FUNCTIONS:
            raise QueryError(f"The function '{name}' is not supported")
        argument, function = self.value(), _FUNCTIONS[name.lower()]
        self.take(")")
        return lambda row: function(argument(row))

    def _path(self, first: str) -> Value:
        steps = [first]
        while self.next in (".", "["):
            if self.take() == ".":
                steps.append(self.take())
            else:
                steps.append(self.take().strip("'\""))
                self.take("]")
        return lambda row: _followed(row, steps)

    def _listed(self) -> list[Value]:
        self.take("(")
        found = [self.value()]
        while self.skip(","):
            found.append(self.value())
        self.take(")")
        return found


def _followed(row: Any, steps: list[str]) -> Any:
    for step in steps:
        if isinstance(row, list) and step.isdigit():
            row = row[int(step)] if int(step) < len(row) else None
        elif isinstance(row, Mapping):
            row = row.get(step)
        else:
            return None
    return row


def text_of(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _folded(value: Any) -> str:
    return text_of(value).casefold()


def _same(left: Any, right: Any) -> bool:
    numbers = [each for each in (left, right) if isinstance(each, int | float) and not isinstance(each, bool)]
    return left == right if len(numbers) == 2 else text_of(left) == text_of(right)


def _has(left: Any, right: Any) -> bool:
    """A whole word somewhere in the text."""
    return bool(re.search(rf"(?<![^\W_]){re.escape(_folded(right))}(?![^\W_])", _folded(left)))


Comparison = Callable[[Any, Any], bool]
_POSITIVE: dict[str, Comparison] = {
    "contains": lambda left, right: _folded(right) in _folded(left),
    "startswith": lambda left, right: _folded(left).startswith(_folded(right)),
    "endswith": lambda left, right: _folded(left).endswith(_folded(right)),
    "has": _has,
}


def _negated(positive: Comparison) -> Comparison:
    return lambda left, right: not positive(left, right)


_COMPARED: dict[str, Comparison] = {
    "==": _same,
    "!=": _negated(_same),
    "=~": lambda left, right: _folded(left) == _folded(right),
    "!~": lambda left, right: _folded(left) != _folded(right),
    "<": lambda left, right: left is not None and left < right,
    "<=": lambda left, right: left is not None and left <= right,
    ">": lambda left, right: left is not None and left > right,
    ">=": lambda left, right: left is not None and left >= right,
    **_POSITIVE,
    **{f"!{name}": _negated(positive) for name, positive in _POSITIVE.items()},
}
_LISTS = ("in", "in~", "!in", "!in~")
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "tolower": lambda value: text_of(value).lower(),
    "toupper": lambda value: text_of(value).upper(),
    "tostring": text_of,
    "isempty": lambda value: value in (None, "", [], {}),
    "isnotempty": lambda value: value not in (None, "", [], {}),
    "isnull": lambda value: value is None,
    "isnotnull": lambda value: value is not None,
    "array_length": lambda value: len(value) if isinstance(value, list) else None,
    "tobool": lambda value: _folded(value) == "true",
}


def _compared(comparison: Comparison, left: Value, right: Value) -> Value:
    return lambda row: comparison(left(row), right(row))


def _among(word: str, left: Value, listed: list[Value]) -> Value:
    fold = _folded if word.endswith("~") else text_of

    def inside(row: Row) -> bool:
        return fold(left(row)) in {fold(each(row)) for each in listed}

    return (lambda row: not inside(row)) if word.startswith("!") else inside
