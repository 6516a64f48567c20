"""Every measured verdict of other engines, against the dialects: what one entry means, engine by engine and version."""

from __future__ import annotations

import csv
from collections import defaultdict
from typing import Any

import pytest

from allowlist.filters.dialects import DIALECTS
from allowlist.filters.reading import Form
from allowlist.filters.zones import Answer, Resolver, Zone
from tests.helpers.shared import SHARED, lacking

_MATRIX = SHARED / "engines" / "matrix.csv"


def _groups() -> list[Any]:
    """One parameter per engine and version, with its rows (pattern, name, verdict)."""
    if not _MATRIX.is_file():
        return [pytest.param(None, None, [], marks=pytest.mark.skip(reason=lacking(_MATRIX)), id="absent")]
    groups: dict[tuple[str, str], list[tuple[str, str, str]]] = defaultdict(list)
    with _MATRIX.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            groups[row["engine"], row["version"]].append((row["pattern"], row["name"], row["verdict"]))
    return [pytest.param(*key, rows, id="-".join(key).replace(" ", "_")) for key, rows in groups.items()]


def _verdict(engine: str, version: str, pattern: str, name: str) -> str:
    if "rpz" in engine:
        return _verdict_of_zone(engine.partition(" ")[0], version, pattern, name)
    dialect = DIALECTS[engine]
    if dialect.read(pattern).form is Form.FATAL:
        return "reject"
    return "allow" if dialect.matches(pattern, name) else "deny"


def _verdict_of_zone(engine: str, version: str, pattern: str, name: str) -> str:
    """The entry and ``* CNAME .`` in one zone, as the measurement had it; what the zone does not match resolves."""
    modern_unbound = (engine, version[:4]) == ("unbound", "1.26")
    if pattern.startswith("."):
        return "allow" if modern_unbound else "reject"
    if pattern.endswith("."):
        if engine == "unbound" and not modern_unbound:
            return "reject"
        return "deny"
    if pattern == "*" and engine == "bind":
        return "reject"
    resolver = Resolver.UNBOUND if engine == "unbound" else Resolver(f"bind {version[:4]}")
    zone = Zone([(pattern, True), ("*", False)])
    return "deny" if zone.answer(name, resolver) is Answer.BLOCK else "allow"


@pytest.mark.parametrize(("engine", "version", "rows"), _groups())
def test_each_measured_verdict_is_the_verdict_of_the_dialect(
    engine: str, version: str, rows: list[tuple[str, str, str]]
) -> None:
    wrong = [
        (pattern, name, measured, ours)
        for pattern, name, measured in rows
        if (ours := _verdict(engine, version, pattern, name)) != measured
    ]
    assert rows
    assert wrong == []
