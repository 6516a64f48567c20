"""Texts. Searching is without letter case but for ``contains`` and ``replace``; booleans read ``True``, ``False``."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from allowlist.estate.template.budget import Budget
from allowlist.estate.template.functions.table import MANY, Function, array, ascii_text, integer, text
from allowlist.estate.template.values import Refused, nickname


def written(value: Any, budget: Budget, quote: str = '"') -> str:
    """``value`` inside a text; objects and arrays as JSON with ``quote`` around names and texts."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, dict | list):
        found = "".join(_json(value, budget, quote))
        budget.text(len(found))
        return found
    return str(integer(value))


def _json(value: Any, budget: Budget, quote: str) -> Iterator[str]:
    budget.spend()
    if isinstance(value, dict):
        yield "{"
        for index, (key, item) in enumerate(value.items()):
            yield "," if index else ""
            yield f"{_quoted(key, quote)}:"
            yield from _json(item, budget, quote)
        yield "}"
    elif isinstance(value, list):
        yield "["
        for index, item in enumerate(value):
            yield "," if index else ""
            yield from _json(item, budget, quote)
        yield "]"
    elif isinstance(value, str):
        budget.text(len(value))
        yield _quoted(value, quote)
    elif isinstance(value, bool) or value is None:
        yield json.dumps(value)
    else:
        yield str(integer(value))


def _quoted(value: str, quote: str) -> str:
    if quote == '"':
        return json.dumps(value, ensure_ascii=False)
    if re.search(r"[\\'\x00-\x1f]", value):
        raise Refused("how it is escaped is not certain")
    return f"{quote}{value}{quote}"


def concat_texts(budget: Budget, parts: tuple[Any, ...]) -> str:
    found = [written(part, budget) for part in parts]
    budget.text(sum(map(len, found)))
    return "".join(found)


_HOLE = re.compile(r"\{\{|\}\}|\{(\d{1,3})(?:,(-?\d{1,4}))?(?::([^{}]*))?\}|[{}]")


def _format(budget: Budget, template: Any, *values: Any) -> str:
    """Composite formatting as .NET does it."""
    length = len(text(template))

    def filled(match: re.Match[str]) -> str:
        if match.group() in ("{{", "}}"):
            return match.group()[0]
        if match.group(1) is None:
            raise Refused("a brace alone")
        if int(match.group(1)) >= len(values):
            raise Refused("more places than values")
        shown = _formatted(values[int(match.group(1))], match.group(3) or "", budget)
        nonlocal length
        length += len(shown)
        budget.text(length)
        width = int(match.group(2) or 0)
        return shown.ljust(-width) if width < 0 else shown.rjust(width)

    return _HOLE.sub(filled, template)


def _formatted(value: Any, form: str, budget: Budget) -> str:
    """A format is for numbers; texts and truth values do not look at theirs."""
    if value is None:
        return ""
    if not form or not isinstance(value, int) or isinstance(value, bool):
        return written(value, budget, "'")
    if re.fullmatch("[nN]0", form):
        return f"{value:,}"
    if re.fullmatch("0{1,20}|[dD][0-9]{0,2}", form) and value >= 0:
        return str(value).rjust(len(form) if form[0] == "0" else int(form[1:] or 0), "0")
    raise Refused(f"the number format {form}")


def _join(budget: Budget, items: Any, mark: Any) -> str:
    """Null is an empty text here."""
    found = ["" if item is None else _scalar(item, budget) for item in array(items)]
    budget.text(sum(map(len, found)) + len(text(mark)) * len(found))
    return str(mark).join(found)


def _scalar(value: Any, budget: Budget) -> str:
    if isinstance(value, dict | list):
        raise Refused("an object or array between texts")
    return written(value, budget)


def _replace(budget: Budget, where: Any, old: Any, new: Any) -> str:
    if not text(old):
        raise Refused("nothing to replace")
    budget.text(len(text(where)) + where.count(old) * len(text(new)))
    return str(where.replace(old, new))


def _split(budget: Budget, where: Any, marks: Any) -> list[str]:
    wanted = [text(mark) for mark in (marks if isinstance(marks, list) else [marks])]
    if not wanted or not all(wanted):
        raise Refused("an empty delimiter")
    budget.items(len(text(where)))
    return re.split("|".join(map(re.escape, wanted)), where)


def _substring(budget: Budget, where: Any, start: Any, length: Any = None) -> str:
    whole = len(text(where))
    end = whole if length is None else integer(start) + integer(length)
    if not 0 <= integer(start) <= end <= whole:
        raise Refused("beyond the text")
    return str(where[start:end])


def _pad_left(budget: Budget, value: Any, width: Any, mark: Any = " ") -> str:
    if len(text(mark)) != 1 or integer(width) < 0:
        raise Refused("one character and a width are needed")
    budget.text(width)
    return _scalar(value, budget).rjust(width, mark)


def _folded(test: Callable[[str, str], bool]) -> Function:
    return Function(
        lambda budget, where, what: test(ascii_text(where).lower(), ascii_text(what).lower()), 2, 2
    )


def _base64_to_text(budget: Budget, value: Any) -> str:
    try:
        return base64.b64decode(ascii_text(value), validate=True).decode("utf-8")
    except ValueError:
        raise Refused("no base64 of a text") from None


def read_json(budget: Budget, value: Any) -> Any:
    """JSON as the deployment engine takes it: texts may stand in single quotes, too."""
    budget.text(len(text(value)))
    try:
        return _checked(json.loads(_double_quoted(value), parse_constant=_no_number), budget)
    except (ValueError, RecursionError):
        raise Refused("no JSON") from None


_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'((?:[^'\\]|\\.)*)'|[^\"']+|.", re.DOTALL)


def _double_quoted(value: str) -> str:
    if "'" not in value:
        return value

    def changed(match: re.Match[str]) -> str:
        inner = match.group(1)
        if inner is None:
            return match.group()
        return '"' + inner.replace("\\'", "'").replace('"', '\\"') + '"'

    return _STRING.sub(changed, value)


def _no_number(constant: str) -> Any:
    raise ValueError(constant)


def _checked(value: Any, budget: Budget) -> Any:
    budget.spend()
    if isinstance(value, dict):
        if len({key.lower() for key in value}) < len(value):
            raise Refused("keys that differ in letter case only")
        return {key: _checked(item, budget) for key, item in value.items()}
    if isinstance(value, list):
        return [_checked(item, budget) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise Refused("more than 64 bits")
    return value


_PLAIN_PATH = re.compile(r"/?[A-Za-z0-9_~-]+(?:[./][A-Za-z0-9_~-]+)*/?")


def _uri(budget: Budget, base: Any, relative: Any) -> str:
    """A plain path on a plain base; the rest of RFC 3986 is not certain to be the same."""
    parts = urlsplit(text(base))
    if parts.scheme not in ("http", "https") or parts.query or parts.fragment or not parts.path:
        raise Refused("no plain base")
    if not _PLAIN_PATH.fullmatch(text(relative)):
        raise Refused("no plain path")
    return str(urljoin(base, relative))


def _from_component(budget: Budget, value: Any) -> str:
    if not re.fullmatch(r"(?:[A-Za-z0-9_.~-]|%[0-9A-Fa-f]{2})*", text(value)):
        raise Refused("no component")
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise Refused("no UTF-8") from None


def _certain_only_as_name(*values: Any) -> Any:
    raise Refused("which text it is, is not certain")


def name_of_unique(values: list[Any], function: str) -> str:
    """Equal parts give equal names, as in Azure; which text that is, is not known here."""
    return nickname(f"{function}-{'-'.join(map(str, values))}")


def _string(budget: Budget, value: Any) -> str:
    return written(value, budget)


TEXTS: dict[str, Function] = {
    "format": Function(_format, 1, MANY),
    "string": Function(_string, 1, 1),
    "join": Function(_join, 2, 2),
    "replace": Function(_replace, 3, 3),
    "split": Function(_split, 2, 2),
    "substring": Function(_substring, 2, 3),
    "padleft": Function(_pad_left, 2, 3),
    "tolower": Function(lambda budget, value: ascii_text(value).lower(), 1, 1),
    "toupper": Function(lambda budget, value: ascii_text(value).upper(), 1, 1),
    "trim": Function(lambda budget, value: ascii_text(value).strip(" \t\n\r\f\v"), 1, 1),
    "startswith": _folded(str.startswith),
    "endswith": _folded(str.endswith),
    "json": Function(read_json, 1, 1),
    "base64": Function(lambda budget, value: base64.b64encode(text(value).encode()).decode(), 1, 1),
    "base64tostring": Function(_base64_to_text, 1, 1),
    "base64tojson": Function(lambda budget, value: read_json(budget, _base64_to_text(budget, value)), 1, 1),
    "uri": Function(_uri, 2, 2),
    "uricomponenttostring": Function(_from_component, 1, 1),
    "uricomponent": Function(_certain_only_as_name, 1, 1),
    "datauri": Function(_certain_only_as_name, 1, 1),
    "datauritostring": Function(_certain_only_as_name, 1, 1),
}
