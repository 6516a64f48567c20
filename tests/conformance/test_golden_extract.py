"""Every golden documentation page gives exactly its documented rows, and none of its traps."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from allowlist.catalog.upstream.extract import extract_rows
from allowlist.catalog.upstream.ports import parse_ports
from allowlist.catalog.upstream.row import Row
from tests.helpers.shared import SHARED, load_golden

SNAPSHOTS = SHARED / "docs-snapshots"
FILES = load_golden("extract.yaml").get("files", [])
ABSENT = [pytest.param(None, marks=pytest.mark.skip(reason=f"no {SHARED}/golden/extract.yaml"), id="absent")]
PAGES = [pytest.param(file, id=file["file"]) for file in FILES] or ABSENT
TRAPS = [
    pytest.param(file, trap, id=f"{file['file']}:{trap.get('line', '')}:{trap['text']}")
    for file in FILES
    for trap in file.get("traps") or []
] or [pytest.param(None, None, marks=ABSENT[0].marks, id="absent")]


def _rows(file: dict[str, Any]) -> tuple[Row, ...]:
    return extract_rows((SNAPSHOTS / file["file"]).read_text(encoding="utf-8"), file["file"])


def _expected(row: dict[str, Any]) -> tuple[Any, ...]:
    """Ports are compared by meaning: a page writes ``80,443`` and ``80, 443``."""
    ports = tuple(sorted(parse_ports(row["ports"])))
    return row["line"], row["value"], row["kind"], row["cloud"], ports, row.get("direction", "")


def _found(row: Row) -> tuple[Any, ...]:
    return row.line, row.value, row.kind, row.cloud, tuple(sorted(parse_ports(row.ports))), row.direction


@pytest.mark.parametrize("file", PAGES)
def test_a_page_gives_its_expected_rows_and_no_others(file: dict[str, Any]) -> None:
    found = Counter(_found(row) for row in _rows(file))
    expected = Counter(_expected(row) for row in file["expected"])

    assert {"missing": expected - found, "besides": found - expected} == {"missing": {}, "besides": {}}


@pytest.mark.parametrize("file", PAGES)
def test_a_page_gives_its_totals(file: dict[str, Any]) -> None:
    rows = _rows(file)
    totals = file["totals"]
    kinds = Counter(row.kind for row in rows)

    assert len(rows) == totals["rows"]
    assert len({row.value for row in rows}) == len({row["value"] for row in file["expected"]})
    assert {kind: kinds[kind] for kind in totals if kind in ("fqdn", "service_tag")} == {
        kind: count for kind, count in totals.items() if kind in ("fqdn", "service_tag")
    }


@pytest.mark.parametrize("file", PAGES)
def test_a_row_stands_under_the_heading_or_tab_the_page_gives_it(file: dict[str, Any]) -> None:
    """The golden file names a tab, or the last heading of a tab before, or a heading's end."""
    lines = (SNAPSHOTS / file["file"]).read_text(encoding="utf-8").splitlines()
    sections = {(row.line, row.value): (row.section, row.tab, *row.headings) for row in _rows(file)}
    for row in file["expected"]:
        known = (*sections[row["line"], row["value"]], _last_heading(lines, row["line"]))
        assert any(title.endswith(row.get("section", "")) for title in known), (row, known)


def _last_heading(lines: list[str], line: int) -> str:
    """The plain heading last seen above ``line``, tabs left out."""
    above = [text for text in lines[:line] if text.startswith("#") and "(#tab/" not in text]
    return above[-1].lstrip("#").strip() if above else ""


@pytest.mark.parametrize("file", PAGES)
def test_a_conditional_row_is_told_from_a_required_one(file: dict[str, Any]) -> None:
    wanted = {(row["line"], row["value"]) for row in file["expected"] if row.get("in_cell") == "purpose"}
    found = {(row.line, row.value) for row in _rows(file) if row.in_purpose and row.need == "conditional"}

    assert found == wanted


@pytest.mark.parametrize(("file", "trap"), TRAPS)
def test_a_trap_is_not_reported(file: dict[str, Any], trap: dict[str, Any]) -> None:
    line = trap.get("line")
    expected = {(row["line"], row["value"]) for row in file["expected"]}
    found = [row for row in _rows(file) if row.value == trap["text"] and line in (None, row.line)]

    assert [row for row in found if (row.line, row.value) not in expected] == []


@pytest.mark.parametrize("file", PAGES)
def test_every_row_quotes_the_line_it_was_read_from(file: dict[str, Any]) -> None:
    lines = (SNAPSHOTS / file["file"]).read_text(encoding="utf-8").splitlines()

    assert all(row.quote and row.quote in lines[row.line - 1] for row in _rows(file))


SNAPSHOT_FILES = sorted(SNAPSHOTS.glob("*.md"))


@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in SNAPSHOT_FILES] or [ABSENT[0]])
def test_any_snapshot_is_read_twice_the_same_and_within_its_lines(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    rows = extract_rows(text, path.name)

    assert rows == extract_rows(text.replace("\n", "\r\n"), path.name)
    assert all(1 <= row.line <= text.count("\n") + 1 for row in rows)
