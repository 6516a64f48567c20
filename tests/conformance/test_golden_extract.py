"""Every golden documentation page gives exactly its documented rows, and none of its traps."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from allowlist.catalog.upstream.drift import Change, Facts, deltas_between, facts_of
from allowlist.catalog.upstream.extract import extract_rows, rows_of
from allowlist.catalog.upstream.page import parse_page
from allowlist.catalog.upstream.pages import PageRef, Reading
from allowlist.catalog.upstream.ports import parse_ports
from allowlist.catalog.upstream.row import Row
from allowlist.catalog.upstream.watched import doubt_of
from tests.helpers.shared import SHARED, absent, lacking, load_golden

SNAPSHOTS = SHARED / "docs-snapshots"
FILES = load_golden("extract.yaml").get("files", [])
ABSENT = [absent(SHARED / "golden" / "extract.yaml")]
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


def _facts(name: str, *, headings: tuple[str, ...] = (), until: int = 0) -> Facts:
    """The facts of a snapshot, of some of its sections where another one is an excerpt."""
    path = SNAPSHOTS / f"{name}.md"
    if not path.is_file():
        pytest.skip(lacking(path))
    rows = extract_rows(path.read_text(encoding="utf-8"), path.name)
    kept = [row for row in rows if not headings or row.headings[-1] in headings]
    return facts_of(row for row in kept if not until or row.line < until)


def _drift(before: Facts, after: Facts) -> dict[str, set[str]]:
    deltas = deltas_between(before, after)
    return {change: {d.place.subject.value for d in deltas if d.change is change} for change in Change}


HUB = "foundry-hub-configure-managed-network"
HUGGING_FACE = "hf-models-downloading"


def test_hub_a_list_becomes_a_table_and_a_slip_is_put_right() -> None:
    versions = [_facts(f"{HUB}@{commit}") for commit in ("d126c47bb999", "ade388d36242", "08a16a0f7509")]

    first = _drift(*versions[:2])
    assert first == {
        "added": {"8704-8710"},
        "ended": {"ghcr.io"},
        "ports": set(),
        "need": {"*.python-files.example"},
        "scenario": {"*.python-files.example"},
    }, "the host of package files is required for a second scenario, where it was wanted on a condition alone"
    assert _drift(*versions[1:]) == {
        "need": {"azuremonitor"},
        "scenario": {"python-index.example"},
        "added": {
            "cas-bridge.xethub.hf.co",
            "cdn.auth0.com",
            "huggingface.co",
            "virtualnetwork",
            "vscode.download.prss.microsoft.com",
        },
        "ended": {
            "cnd.auth0.com",
            "github.com",
            "pkg-containers.githubusercontent.com",
            "raw.githubusercontent.com",
        },
        "ports": set(),
    }


def test_hub_new_wording_is_no_drift() -> None:
    before, after = _facts(f"{HUB}@08a16a0f7509"), _facts(f"{HUB}@03a5bd4cf066")

    assert deltas_between(before, after) == []


def test_machine_learning_one_host_among_a_hundred() -> None:
    name = "aml-access-behind-firewall"
    sections = ("Scenario: Visual Studio Code", "Hosts", "Ports", "Microsoft hosts")
    before = _facts(f"{name}@040f0f9d5ee2", headings=sections, until=380)
    after = _facts(f"{name}@43dc14ea7c30", headings=sections)

    assert len(before.ports) > 70
    assert _drift(before, after) == {
        "added": {"8704-8710", "github.com", "vscode.download.prss.microsoft.com"},
        "ended": {"raw.githubusercontent.com"},
        "ports": set(),
        "need": set(),
        "scenario": set(),
    }


def test_hugging_face_adds_hosts_and_withdraws_six_of_them() -> None:
    versions = [
        _facts(f"{HUGGING_FACE}@{commit}") for commit in ("c832e8ba52d6", "68cf2ff8d351", "cf313025076c")
    ]

    added, withdrawn = _drift(*versions[:2]), _drift(*versions[1:])

    assert (len(added["added"]), len(added["ended"])) == (15, 0)
    assert withdrawn["added"] == set()
    assert withdrawn["ended"] == {
        "cas-bridge.xethub-eu.hf.co",
        "cas-bridge.xethub.hf.co",
        "cdn-lfs-eu-1.huggingface.co",
        "cdn-lfs-us-1.huggingface.co",
        "cdn-lfs.hf.co",
        "cdn-lfs.huggingface.co",
    }


def test_the_portal_gives_up_wide_wildcards_for_single_hosts() -> None:
    name = "azure-portal-safelist-urls"
    before, after = _facts(f"{name}@54c8af2ad0b2"), _facts(f"{name}@ddfeb9c2f3e8")
    drift = _drift(before, after)

    assert {"*.microsoft.com", "*.azure.com", "*.azure.net", "*.core.windows.net"} <= drift["ended"]
    assert {"login.microsoft.com", "*.portal.azure.com", "management.azure.com"} <= drift["added"]
    assert drift["ports"] == set()


def test_arc_content_that_moves_into_includes_is_gone_from_the_page_and_nowhere_proposed() -> None:
    name = "arc-k8s-network-requirements"
    whole = SNAPSHOTS / f"{name}@bad06fa9b976.md"
    emptied = SNAPSHOTS / f"{name}@8128b74d2ccb.md"
    if not (whole.is_file() and emptied.is_file()):
        pytest.skip(lacking(whole))
    ref = PageRef("MicrosoftDocs/azure-management-docs", "articles/arc/includes/network-requirements.md")
    before = Reading(ref=ref, commit="1", rows=extract_rows(whole.read_text(encoding="utf-8"), ref.path))
    page = parse_page(emptied.read_text(encoding="utf-8"), ref.path)
    after = Reading(ref=ref, commit="2", rows=rows_of(page), unread=page.includes)

    assert (len(before.rows), len(after.rows), len(after.unread)) == (59, 0, 3)
    assert doubt_of(after, had=len(before.rows), lost=True, new_includes=after.unread, shrink=0.3)
