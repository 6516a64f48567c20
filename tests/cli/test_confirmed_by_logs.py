"""What one's own logs let through makes old field evidence fresh again: evidence, plan --evidence, catalog show --seen."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest

from allowlist.catalog.hits import Hits
from allowlist.catalog.model import Entry
from allowlist.catalog.reader import read_catalog
from tests.helpers.catalogs import document, entry, sealed
from tests.helpers.catalogs import write as write_catalog
from tests.helpers.cli import CONTOSO, FIREWALL_ONLY, allowlist
from tests.helpers.traffic import allowed, event, write

DAY = dt.date(2026, 11, 23)
OLD = [{"class": "denied-in-log", "repo": "contoso/zone", "where": "issue 4", "date": "2021-05-04"}]
FIELD: dict[str, Any] = {
    "scenario": "field", "need": "conditional", "condition": "agents are hosted", "evidence": OLD, "sources": [],
}  # fmt: skip


def catalogs(folder: Path, **more: Any) -> Path:
    seen = entry("seen", **{"pattern": "agent365.example.com", **FIELD, **more})
    made = document(entry("api"), seen)
    made["placeholders"] = {"account": "an account", "python_index": "an index"}
    made["scenarios"]["field"] = {"title": "Known from the field"}
    write_catalog(folder / "catalogs", sealed(made))
    return folder / "catalogs"


def the_entry(folder: Path, **more: Any) -> Entry:
    (file,) = catalogs(folder, **more).glob("*.yaml")
    return next(one for one in read_catalog(file).entries_at("latest") if one.id == "seen")


@pytest.mark.parametrize(
    ("pattern", "names", "expected"),
    [
        ("agent365.example.com", [("agent365.example.com", 443)], True),
        ("agent365.example.com", [("AGENT365.example.com", 443)], True),
        ("agent365.example.com", [("agent365.example.com", 8443)], False),
        ("agent365.example.com", [("x.agent365.example.com", 443)], False),
        ("agent365.example.com", [("agent365.example.community", 443)], False),
        ("*.example.com", [("a.b.example.com", 443)], True),
        ("*.example.com", [("badexample.com", 443), ("example.com", 443)], False),
        ("{account}.example.com", [("mine.example.com", 443)], True),
        ("{account}-eastus.example.com", [("mine-eastus.example.com", 443)], True),
        ("{python_index}", [("anything.example.com", 443)], False),
    ],
)
def test_a_hit_is_a_name_and_a_port_that_the_entry_lets_through(
    tmp_path: Path, pattern: str, names: list[tuple[str, int]], expected: bool
) -> None:
    hits = Hits((name, port, DAY) for name, port in names)

    assert hits.last(the_entry(tmp_path, pattern=pattern)) == (DAY if expected else None)


def test_the_last_of_several_days_counts_and_a_name_to_refuse_is_never_renewed(tmp_path: Path) -> None:
    hits = Hits([("agent365.example.com", 443, dt.date(2026, 1, 1)), ("agent365.example.com", 443, DAY)])
    refused = the_entry(tmp_path, refuse="set X=0", need="optional", consumers=[])

    assert hits.last(the_entry(tmp_path)) == DAY
    assert hits.last(refused) is None


def test_evidence_tells_which_field_names_the_logs_confirm(tmp_path: Path) -> None:
    logs = write(tmp_path / "logs", [allowed(0, "agent365.example.com"), event(1, "other.example")])

    result = allowlist("evidence", logs, "--logs-only", "--catalogs", catalogs(tmp_path), "--json")
    text = allowlist("evidence", logs, "--logs-only", "--catalogs", tmp_path / "catalogs").out

    (one,) = result.json["confirmed"]
    assert (one["pattern"], one["last_allowed"], one["before"], one["after"]) == (
        "agent365.example.com", "2026-11-23", "low", "medium",
    )  # fmt: skip
    assert "field names that your logs confirm: 1" in text
    assert "low → medium" in text


def test_a_denied_name_confirms_nothing(tmp_path: Path) -> None:
    logs = write(tmp_path / "logs", [event(0, "agent365.example.com")])

    result = allowlist("evidence", logs, "--logs-only", "--catalogs", catalogs(tmp_path), "--json")

    assert result.json["confirmed"] == []


def test_catalog_show_counts_the_logs_that_are_given(tmp_path: Path) -> None:
    logs = write(tmp_path / "logs", [allowed(0, "agent365.example.com")])
    where = ("--catalogs", catalogs(tmp_path), "--json")

    def told(*more: object) -> dict[str, Any]:
        shown = allowlist("catalog", "show", "contoso", *where, *more).json["entries"]
        return next(one for one in shown if one["id"] == "seen")

    assert told()["confidence"] == "low"
    assert told("--seen", logs)["confidence"] == "medium"
    assert "seen in your log 2026-11-23" in told("--seen", logs)["evidence_line"]


def test_a_plan_with_evidence_prints_the_renewed_line(tmp_path: Path) -> None:
    logs = write(tmp_path / "logs", [allowed(0, "agent365.example.com")])
    catalogs(tmp_path, consumers=["customer-firewall"])
    workload = tmp_path / "allowlist.yaml"
    use = "catalogs:\n  - {name: contoso, version: latest, scenarios: [field], needs: [required, conditional]}\n"
    whole = FIREWALL_ONLY.read_text()
    workload.write_text(re.sub(r"(?ms)^catalogs:.*?(?=^\S)", use, whole))
    call = (
        "plan",
        "--workload",
        workload,
        "--snapshot",
        CONTOSO,
        "--catalogs",
        tmp_path / "catalogs",
        "--json",
    )

    def line(*more: object) -> str:
        plan = allowlist(*call, *more)
        assert plan.code == 0, plan.err
        refs = [ref for one in plan.json["changes"] for ref in one["requirements"]]
        return next(str(ref["evidence"]) for ref in refs if ref["pattern"] == "agent365.example.com")

    assert line().startswith("low: denied in log")
    assert line("--evidence", logs).startswith("medium: denied in log")
    assert "seen in your log 2026-11-23" in line("--evidence", logs)
