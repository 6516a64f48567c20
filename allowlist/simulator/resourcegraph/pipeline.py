"""Stages of a query: ``where``, ``project``, ``project-away``, ``extend``, ``order by``, ``take``, ``distinct``,
``summarize count() by`` and ``count``. Anything else is refused, as a query the service cannot read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from allowlist.simulator.resourcegraph.language import QueryError, Reader, Value, text_of, tokens_of

Rows = list[dict[str, Any]]
Tables = Mapping[str, Callable[[], Iterable[dict[str, Any]]]]


def run_query(text: str, tables: Tables) -> Rows:
    """All rows the query leads to; a query that names no table is about resources. Raises QueryError."""
    table, *stages = _split(tokens_of(text))
    if table and table[0].lower() in _STAGES:
        table, stages = ["resources"], [table, *stages]
    name = " ".join(table).lower()
    if name not in tables:
        raise QueryError(f"The table '{name}' is not supported")
    rows = list(tables[name]())
    for stage in stages:
        verb, reader = stage[0].lower() if stage else "", Reader(stage[1:])
        if verb not in _STAGES:
            raise QueryError(f"The operator '{verb}' is not supported")
        rows = _STAGES[verb](rows, reader)
        reader.done()
    return rows


def _split(words: list[str]) -> list[list[str]]:
    stages: list[list[str]] = [[]]
    for word in words:
        if word == "|":
            stages.append([])
        else:
            stages[-1].append(word)
    return stages


def _where(rows: Rows, reader: Reader) -> Rows:
    fits = reader.condition()
    return [row for row in rows if fits(row)]


def _project(rows: Rows, reader: Reader) -> Rows:
    columns = _columns(reader)
    return [{name: value(row) for name, value in columns} for row in rows]


def _extend(rows: Rows, reader: Reader) -> Rows:
    columns = _columns(reader)
    return [{**row, **{name: value(row) for name, value in columns}} for row in rows]


def _away(rows: Rows, reader: Reader) -> Rows:
    names = {name for name, _ in _columns(reader)}
    return [{name: value for name, value in row.items() if name not in names} for row in rows]


def _columns(reader: Reader) -> list[tuple[str, Value]]:
    """``a``, ``a.b.c`` (named ``a_b_c``) and ``name = value``, separated by commas."""
    found = [_column(reader)]
    while reader.skip(","):
        found.append(_column(reader))
    return found


def _column(reader: Reader) -> tuple[str, Value]:
    words = reader.ahead()
    if len(words) > 1 and words[1] == "=":
        name = reader.take()
        reader.take("=")
        return name, reader.value()
    taken = reader.position
    value = reader.value()
    return "_".join(word.strip("'\"") for word in reader.since(taken) if word not in (".", "[", "]")), value


def _order(rows: Rows, reader: Reader) -> Rows:
    reader.take("by")
    keys = [_key(reader)]
    while reader.skip(","):
        keys.append(_key(reader))
    for value, falling in reversed(keys):
        rows = sorted(rows, key=lambda row, value=value: text_of(value(row)), reverse=falling)  # type: ignore[misc]
    return rows


def _key(reader: Reader) -> tuple[Value, bool]:
    """Descending unless ``asc`` is said, as in the language."""
    value = reader.value()
    rising = reader.skip("asc")
    if not rising:
        reader.skip("desc")
    return value, not rising


def _take(rows: Rows, reader: Reader) -> Rows:
    return rows[: int(reader.take())]


def _count(rows: Rows, reader: Reader) -> Rows:
    return [{"Count": len(rows)}]


def _distinct(rows: Rows, reader: Reader) -> Rows:
    found = {tuple(text_of(value) for value in row.values()): row for row in reversed(_project(rows, reader))}
    return list(reversed(found.values()))


def _summarize(rows: Rows, reader: Reader) -> Rows:
    """``[name =] count() [by columns]``."""
    name = "count_"
    if len(reader.ahead()) > 1 and reader.ahead()[1] == "=":
        name = reader.take()
        reader.take("=")
    for word in ("count", "(", ")"):
        reader.take(word)
    if not reader.skip("by"):
        return [{name: len(rows)}]
    columns = _columns(reader)
    counted = Counter(tuple(value(row) for _, value in columns) for row in rows)
    names = [column for column, _ in columns]
    return [{**dict(zip(names, key, strict=True)), name: number} for key, number in counted.items()]


_STAGES: dict[str, Callable[[Rows, Reader], Rows]] = {
    "where": _where,
    "project": _project,
    "project-away": _away,
    "extend": _extend,
    "order": _order,
    "sort": _order,
    "take": _take,
    "limit": _take,
    "count": _count,
    "distinct": _distinct,
    "summarize": _summarize,
}
