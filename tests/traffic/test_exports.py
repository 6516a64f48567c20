"""Logs as people keep them: answers of log services, CSV of the portal, messages with a body, UTF-16."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.traffic import counted, lines, reading

ROW = {
    "TimeGenerated": "2026-11-23T09:10:00.1234567Z", "Type": "AZFWApplicationRule", "SourceIp": "10.0.0.4", "DestinationPort": 443,
    "Protocol": "HTTPS", "Fqdn": "pytorch.org", "Action": "Deny", "Policy": "", "Rule": None,
}  # fmt: skip
SEEN = ("application", "10.0.0.4", "pytorch.org", "", 443, "https", "deny", "", "2026-11-23")


def _analytics(**more: Any) -> dict[str, Any]:
    columns = [{"name": name, "type": "string"} for name in ROW]
    return {"tables": [{"name": "PrimaryResult", "columns": columns, "rows": [list(ROW.values())]}], **more}


def _kusto(rows: list[Any], **more: Any) -> dict[str, Any]:
    columns = [{"ColumnName": name, "DataType": "String"} for name in ROW]
    return {"TableName": "Table_0", "Columns": columns, "Rows": rows, **more}


def _frames(rows: list[Any], *ends: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"FrameType": "DataSetHeader", "Version": "v2.0"},
        {"FrameType": "DataTable", "TableKind": "QueryProperties", "Columns": [{"ColumnName": "Key"}], "Rows": [["x"]]},
        {"FrameType": "DataTable", "TableKind": "PrimaryResult", **_kusto(rows)},
        *ends,
    ]  # fmt: skip


VALUES = list(ROW.values())
ENDED = {"FrameType": "DataSetCompletion", "HasErrors": False}
CUT = {"FrameType": "DataSetCompletion", "HasErrors": True, "OneApiErrors": [{"error": {"code": "LimitsExceeded", "@message": "too large"}}]}  # fmt: skip
ANSWERS = {
    "log analytics": (_analytics(), ""),
    "log analytics in part": (
        _analytics(error={"code": "PartialError", "message": "truncated"}),
        "truncated",
    ),
    "kusto 1": ({"Tables": [_kusto([VALUES]), {"TableName": "Table_1"}]}, ""),
    "kusto 1 with an error": ({"Tables": [_kusto([VALUES, {"OneApiErrors": ["gone"]}])]}, "gone"),
    "kusto 2": (_frames([VALUES], ENDED), ""),
    "kusto 2 with errors": (_frames([VALUES], CUT), "too large"),
    "kusto 2 broken off": (_frames([VALUES]), "breaks off"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_kept_answer_is_read_and_is_whole_only_if_it_says_so(tmp_path: Path, name: str) -> None:
    answer, doubt = ANSWERS[name]
    (tmp_path / "answer.json").write_text(json.dumps(answer, indent=1))
    with reading([tmp_path / "answer.json"], tmp_path) as traffic:
        assert counted(traffic) == {SEEN: 1}
        assert traffic.account.is_whole == (not doubt)
        assert doubt in "".join(traffic.account.doubts())


def test_what_a_message_of_an_event_hub_holds_is_read(tmp_path: Path) -> None:
    event = {"time": ROW["TimeGenerated"], "category": "AZFWApplicationRule", "properties": ROW}
    batch = {"records": [event, event]}
    kept = [{"Offset": 1, "Body": batch}, {"Offset": 2, "Body": json.dumps(batch)}, {"Offset": 3, "Body": 5}]
    (tmp_path / "messages.json").write_text(lines(*kept, "{"))
    (tmp_path / "list.json").write_text(json.dumps(kept[:2], indent=1))
    with reading([tmp_path / "messages.json"], tmp_path) as traffic:
        assert (counted(traffic), traffic.account.missed) == ({SEEN: 4}, 2)
    with reading([tmp_path / "list.json"], tmp_path) as traffic:
        assert (counted(traffic), traffic.account.missed) == ({SEEN: 4}, 0)


def test_utf_16_is_read_and_places_in_it_are_told(tmp_path: Path) -> None:
    text = lines(ROW, ROW, "nonsense").encode("utf-16")
    (tmp_path / "rows.json").write_bytes(text + b"\x00")
    with reading([tmp_path / "rows.json"], tmp_path) as traffic:
        assert counted(traffic) == {SEEN: 2}
        assert [item.line for item in traffic.account.left_out][:1] == [3]


@pytest.mark.parametrize(
    ("time", "understood"),
    [
        ("11/23/2026, 9:10:00.123 AM", True),
        ("11/23/2026, 9:10:00\u202fAM", True),
        ("2026-11-23T09:10:00.1234567", True),
        ("23/11/2026, 09:10:00.123", False),
        ("23/11/2026, 9:10:00.123 AM", False),
        ("11/23/2026, 13:10:00.123 AM", False),
    ],
)
def test_times_of_the_portal_are_read_where_day_and_month_are_certain(
    tmp_path: Path, time: str, understood: bool
) -> None:
    names = [name for name in ROW if name != "TimeGenerated"]
    cells = [f'"{time}"', *(str(ROW[name] or "") for name in names)]
    (tmp_path / "query_data.csv").write_text(
        f'"TimeGenerated [UTC]",{",".join(names)}\n{",".join(cells)}\n', "utf-8-sig"
    )
    with reading([tmp_path / "query_data.csv"], tmp_path) as traffic:
        assert (counted(traffic), traffic.account.missed) == (({SEEN: 1}, 0) if understood else ({}, 1))


SHARED = {
    "TimeGenerated": ROW["TimeGenerated"], "Type": "AzureDiagnostics", "Category": "AZFWApplicationRule", "OperationName": "AZFWApplicationRule",
    "SourceIP": "10.0.0.4", "SourcePort_d": 40000.0, "DestinationPort_d": 443.0, "Protocol_s": "HTTPS", "Fqdn_s": "pytorch.org", "Action_s": "Deny",
    "Policy_s": "", "Rule_s": "",
}  # fmt: skip
OLD = {
    "TimeGenerated": ROW["TimeGenerated"], "Type": "AzureDiagnostics", "Category": "AzureFirewallApplicationRule",
    "OperationName": "AzureFirewallApplicationRuleLog", "msg_s": "HTTPS request from 10.0.0.4:1 to pytorch.org:443. Action: Deny. No rule matched.",
}  # fmt: skip


def _in_all_forms(folder: Path, *rows: dict[str, Any]) -> list[Path]:
    """One table as lines, as records, as an answer, as CSV and as Parquet."""
    import csv

    import duckdb

    names = list(dict.fromkeys(name for row in rows for name in row))
    made = [
        folder / name for name in ("lines.json", "records.json", "answer.json", "table.csv", "table.parquet")
    ]
    made[0].write_text(lines(*rows))
    made[1].write_text(lines({"records": rows}))
    made[2].write_text(json.dumps([{name: row.get(name, "") for name in names} for row in rows], indent=1))
    with made[3].open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    kinds = ", ".join(f"{name}: '{'DOUBLE' if name.endswith('_d') else 'VARCHAR'}'" for name in names)
    duckdb.execute(
        f"COPY (FROM read_json('{made[0]}', format = 'newline_delimited', columns = {{{kinds}}})) TO '{made[4]}' (FORMAT parquet)"
    )
    return made


def test_rows_of_the_table_that_all_services_share_are_read_structured_or_as_text(tmp_path: Path) -> None:
    for file in _in_all_forms(tmp_path, SHARED, OLD):
        with reading([file], tmp_path) as traffic:
            assert (counted(traffic), traffic.account.missed) == ({SEEN: 2}, 0), file.name


def test_ports_that_went_through_a_data_frame_are_whole_numbers(tmp_path: Path) -> None:
    for number, (port, missed) in enumerate([(443.0, 0), (443.5, 1), ("443.0", 0)]):
        (tmp_path / f"{number}.json").write_text(lines({**ROW, "DestinationPort": port}))
        with reading([tmp_path / f"{number}.json"], tmp_path) as traffic:
            assert (counted(traffic), traffic.account.missed) == ({} if missed else {SEEN: 1}, missed)


@pytest.mark.parametrize(
    ("heading", "cell", "zone", "day"),
    [
        ("Local Time", "11/24/2026, 1:10:00.123 AM", "+02:00", "2026-11-23"),
        ("Local Time", "2026-11-24T01:10:00.123", "+02:00", "2026-11-23"),
        ("Local Time", "11/24/2026, 1:10:00.123 AM", "", ""),
        ("UTC+02:00", "11/24/2026, 1:10:00.123 AM", "", "2026-11-23"),
        ("UTC", "2026-11-24T01:10:00.123+02:00", "", "2026-11-23"),
    ],
)
def test_a_heading_says_the_zone_or_that_nobody_knows_it(
    tmp_path: Path, heading: str, cell: str, zone: str, day: str
) -> None:
    names = [name for name in ROW if name != "TimeGenerated"]
    cells = [f'"{cell}"', *(str(ROW[name] or "") for name in names)]
    (tmp_path / "query_data.csv").write_text(
        f'"TimeGenerated [{heading}]",{",".join(names)}\n{",".join(cells)}\n'
    )
    with reading([tmp_path / "query_data.csv"], tmp_path, zone=zone) as traffic:
        assert traffic.rows("SELECT CAST(day AS VARCHAR) FROM traffic") == ([(day,)] if day else [])
        assert traffic.account.missed == (not day)


def test_what_only_begins_as_parquet_does_is_told(tmp_path: Path) -> None:
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and nothing else")
    with reading([tmp_path / "cut.parquet"], tmp_path) as traffic:
        (told,) = traffic.account.unread
        assert "cannot be read" in told.why
