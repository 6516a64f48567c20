"""Every history of the documentation snapshots is replayed: no end of a name that the newer page still holds."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from allowlist.catalog.upstream.drift import Change
from allowlist.catalog.upstream.extract import extract_rows
from allowlist.catalog.upstream.findings import Standing
from tests.helpers.shared import SHARED, lacking
from tests.helpers.upstream import Project, entry

FOLDER = SHARED / "docs-snapshots"


def histories() -> list[tuple[str, str, str]]:
    """``(path, older file, newer file)`` of every two versions that follow each other."""
    manifest = FOLDER / "manifest.yaml"
    if not manifest.is_file():
        return []
    by_path: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in yaml.load(manifest.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["snapshots"]:
        by_path[str(item["path"])].append(item)
    ordered = (sorted(items, key=lambda item: str(item["commit_date"])) for items in by_path.values())
    return [
        (str(older["path"]), str(older["file"]), str(newer["file"]))
        for items in ordered
        for older, newer in pairwise(items)
    ]


@pytest.mark.skipif(not histories(), reason=lacking(FOLDER))
@pytest.mark.parametrize(("path", "older", "newer"), histories() or [("", "", "")])
def test_no_name_that_still_stands_is_proposed_to_end(
    tmp_path: Path, path: str, older: str, newer: str
) -> None:
    before, after = ((FOLDER / name).read_text(encoding="utf-8") for name in (older, newer))
    hosts = sorted(
        {row.value.lower() for row in extract_rows(before, path) if _is_plain(row.kind, row.value)}
    )
    if not hosts:
        pytest.skip("names no plain host")
    made = Project(tmp_path)
    made.catalog(*(entry(host, path=path, id=f"e{number}") for number, host in enumerate(hosts)))
    made.page(before, path)
    made.run()
    made.page(after, path)
    made.run(days=1)

    report = made.run(days=31)

    ended = [
        one.delta.place.subject.value
        for one in report.findings
        if one.standing is Standing.READY and one.delta.change is Change.ENDED
    ]
    assert [name for name in ended if _stands_in(name, after)] == []


def _is_plain(kind: str, value: str) -> bool:
    return kind == "fqdn" and bool(re.fullmatch(r"(\*\.)?([a-z0-9_-]+\.)+[a-z]{2,}", value.lower()))


def _stands_in(name: str, text: str) -> bool:
    bare = re.escape(name.removeprefix("*."))
    return bool(re.search(rf"(?<![\w-]){bare}(?![\w-]|\.\w)", text, re.IGNORECASE))
