"""Logs of every shape are read as they are; what was not understood is counted and told with its place."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from allowlist.simulator.traffic import SHAPES, Event
from allowlist.traffic.account import gaps_of
from allowlist.traffic.files import find_files
from allowlist.traffic.frames import is_cut_off
from tests.helpers.laws import examples
from tests.helpers.traffic import FIREWALL, START, allowed, counted, event, lines, plainly, reading, write

EVENTS = [
    event(0, "PyTorch.org."),
    event(1, "pytorch.org"),
    allowed(2, "api.contoso.com"),
    allowed(70, "api.contoso.com", source="10.0.1.9", rule="2026-01-01"),
    event(3, "", protocol="tcp", destination="52.1.2.3", port=1433),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_in_which_azure_delivers_says_the_same(tmp_path: Path, shape: str) -> None:
    with reading([write(tmp_path / "logs", EVENTS, shape)], tmp_path) as traffic:
        assert counted(traffic) == plainly(EVENTS)
        assert (traffic.account.read, traffic.account.missed) == (len(EVENTS), 0)


def _packed(path: Path, how: str) -> Path:
    data = path.read_bytes()
    if how == "gzip":
        path.with_suffix(".gz").write_bytes(gzip.compress(data[:200]) + gzip.compress(data[200:]))
    elif how == "zstd":
        path.with_suffix(".zst").write_bytes(zstandard.compress(data))
    if how != "plain":
        path.unlink()
    return path.parent


@pytest.mark.parametrize("how", ["plain", "gzip", "zstd"])
def test_packed_files_are_read_whatever_they_are_called(tmp_path: Path, how: str) -> None:
    folder = write(tmp_path / "logs", EVENTS, "event-hub")
    _packed(folder / "event-hub" / "2026-11-23.jsonl", how)
    with reading([folder], tmp_path) as traffic:
        assert counted(traffic) == plainly(EVENTS)


@pytest.mark.parametrize("how", ["gzip", "zstd"])
def test_a_packed_file_that_is_cut_off_is_read_up_to_there_and_costs_no_other_file(
    tmp_path: Path, how: str
) -> None:
    """Beyond the first 256 KiB, by which shapes are recognised."""
    row = {"TimeGenerated": "2026-11-23T09:00:00Z", "Type": "AZFWApplicationRule", "Action": "Deny", "Protocol": "HTTPS", "DestinationPort": 443}  # fmt: skip
    long = "".join(lines({**row, "SourceIp": f"10.0.{n // 200}.{n % 200}", "Fqdn": f"{n * 7919:x}.example"}) for n in range(4000))  # fmt: skip
    pack = gzip.compress if how == "gzip" else zstandard.compress
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "cut.log").write_bytes(pack(long.encode())[:-2000])
    for number in range(3):
        text = lines({**row, "SourceIp": "10.9.9.9", "Fqdn": f"whole{number}.example"})
        (folder / f"whole{number}.log").write_bytes(pack(text.encode()))
    with reading([folder], tmp_path) as traffic:
        account = traffic.account
        assert traffic.rows("SELECT sum(n)::BIGINT FROM traffic WHERE name LIKE 'whole%'") == [(3,)]
        assert account.understood > 2000
        assert not account.is_whole
        assert account.partial == (f"{folder}/cut.log is damaged: what stands before that was read",)


@settings(max_examples=examples(25), deadline=None)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=3), st.booleans(), st.data())
def test_zstandard_is_whole_with_its_last_byte_and_never_before(
    texts: list[bytes], checked: bool, data: st.DataObject
) -> None:
    packer = zstandard.ZstdCompressor(write_checksum=checked)
    packed = b"".join(packer.compress(text) for text in texts[:-1]) + b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
    last = packer.compress(texts[-1] * 900)
    with TemporaryDirectory() as name:
        file = Path(name) / "file"
        file.write_bytes(packed + last)
        assert not is_cut_off(file)
        file.write_bytes(packed + last[: data.draw(st.integers(1, len(last) - 1))])
        assert is_cut_off(file)


def test_a_table_that_is_damaged_inside_is_told_and_costs_no_other_file(tmp_path: Path) -> None:
    import duckdb

    for name in ("a", "b"):
        duckdb.execute(
            f"COPY (SELECT '2026-11-23T09:00:00Z' AS TimeGenerated, 'AZFWDnsQuery' AS Type, '10.0.0.4' AS SourceIp, 'x' || '{name}' || range AS QueryName "
            f"FROM range(2000)) TO '{tmp_path}/{name}.parquet' (FORMAT parquet, COMPRESSION gzip)"
        )
    data = (tmp_path / "b.parquet").read_bytes()
    (tmp_path / "b.parquet").write_bytes(data[:50] + b"\xff" * 4000 + data[4050:])
    with reading([tmp_path / "a.parquet", tmp_path / "b.parquet"], tmp_path) as traffic:
        assert traffic.account.understood == 2000
        assert [item.file for item in traffic.account.unread] == [f"{tmp_path}/b.parquet"]


def test_documents_over_several_lines_are_read_record_by_record(tmp_path: Path) -> None:
    records = [
        {"time": one.time, "resourceId": FIREWALL, "category": one.category, "properties": one.fields()}
        for one in EVENTS
    ]
    (tmp_path / "hub.json").write_text(json.dumps({"records": records}, indent=2))
    rows = [{"TimeGenerated": one.time, "Type": one.category, **one.fields()} for one in EVENTS]
    (tmp_path / "query.json").write_text(json.dumps(rows, indent=2))
    for name in ("hub.json", "query.json"):
        with reading([tmp_path / name], tmp_path) as traffic:
            assert counted(traffic) == plainly(EVENTS)


def test_a_document_that_is_cut_off_tells_its_last_record(tmp_path: Path) -> None:
    text = json.dumps(
        [{"TimeGenerated": one.time, "Type": one.category, **one.fields()} for one in EVENTS], indent=1
    )
    (tmp_path / "cut.json").write_text(text[:-40])
    with reading([tmp_path / "cut.json"], tmp_path) as traffic:
        assert counted(traffic) == plainly(EVENTS[:-1])
        assert [str(item) for item in traffic.account.left_out] == [
            f"{tmp_path}/cut.json: record 5 is no event of a shape that is known"
        ]


def test_tables_are_read_from_csv_and_parquet_without_guessing_types(tmp_path: Path) -> None:
    import csv

    import duckdb

    rows = [
        {"TimeGenerated [UTC]": one.time.removesuffix("Z"), "Type": one.category, **one.fields()}
        for one in EVENTS
    ]
    names = list(dict.fromkeys(name for row in rows for name in row))
    with (tmp_path / "export.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    columns = ", ".join(f"'{one.category}' AS Type" for one in EVENTS[:1])
    made = ", ".join(f"'{value}' AS {name}" for name, value in EVENTS[3].fields().items())
    duckdb.sql(
        f"COPY (SELECT TIMESTAMPTZ '{EVENTS[3].time}' AS TimeGenerated, {columns}, {made}) TO '{tmp_path}/export.parquet' (FORMAT parquet)"
    )
    with reading([tmp_path / "export.csv"], tmp_path) as traffic:
        assert counted(traffic) == plainly(EVENTS)
    with reading([tmp_path / "export.parquet"], tmp_path) as traffic:
        assert counted(traffic) == plainly([EVENTS[3]])


def test_flow_logs_are_read_tuple_by_tuple(tmp_path: Path) -> None:
    def record(*tuples: str) -> dict[str, Any]:
        flows = [{"aclID": "a", "flowGroups": [{"rule": "DenyAll", "flowTuples": list(tuples)}]}]
        return {
            "time": "2026-11-23T09:10:00.0000000Z", "category": "FlowLogFlowEvent", "flowLogVersion": 4,
            "targetResourceID": "/subscriptions/s/vnet", "flowRecords": {"flows": flows},
        }  # fmt: skip

    two = record(
        "1795424400599,10.0.0.6,192.0.2.180,23956,443,6,O,D,NX,0,0,0,0",
        "1795424401599,10.0.0.6,192.0.2.9,23956,53,17,O,B,NX,0,0,0,0",
    )
    (tmp_path / "PT1H.json").write_text(json.dumps({"records": [two, record()]}))
    (tmp_path / "pretty.json").write_text(json.dumps({"records": [two]}, indent=2).replace("1795", "1794"))
    with reading([tmp_path], tmp_path) as traffic:
        assert dict(counted(traffic)) == {
            ("flow", "10.0.0.6", "", "192.0.2.180", 443, "tcp", "deny", "DenyAll", "2026-11-23"): 1,
            ("flow", "10.0.0.6", "", "192.0.2.9", 53, "udp", "allow", "DenyAll", "2026-11-23"): 1,
            ("flow", "10.0.0.6", "", "192.0.2.180", 443, "tcp", "deny", "DenyAll", "2026-11-11"): 1,
            ("flow", "10.0.0.6", "", "192.0.2.9", 53, "udp", "allow", "DenyAll", "2026-11-11"): 1,
        }  # fmt: skip


PROXIES = {
    "squid.log": """\
1795424400.586    921 10.0.0.8 TCP_MISS/200 507 GET http://deb.example/pool/x?a=b - HIER_DIRECT/1.2.3.4 text/html
1795424401.100      0 10.0.0.8 TCP_DENIED/403 3900 CONNECT PyTorch.org:443 - HIER_NONE/- text/html
1795424402.100     55 10.0.0.9 TCP_TUNNEL/200 3900 CONNECT api.contoso.com:8443 - HIER_DIRECT/1.2.3.4 -
""",
    "envoy.log": """\
[2026-11-23T09:00:00.586Z] "GET /pool/x HTTP/1.1" 200 - 0 507 921 900 "10.0.0.8" "apt" "id" "deb.example" "1.2.3.4:80"
[2026-11-23T09:00:01.100Z] "CONNECT - HTTP/1.1" 404 NR 0 0 0 - "10.0.0.8" "-" "id" "PyTorch.org:443" "-"
[2026-11-23T09:00:02.100Z] "CONNECT - HTTP/1.1" 200 - 0 0 0 - "10.0.0.9" "-" "id" "api.contoso.com:8443" "1.2.3.4:8443"
""",
    "envoy.json": lines(
        {"start_time": "2026-11-23T09:00:00.586Z", "method": "GET", "response_code": 200, "response_flags": "-", "authority": "deb.example", "upstream_host": "1.2.3.4:80", "downstream_remote_address": "10.0.0.8:4711"},
        {"start_time": "2026-11-23T09:00:01.100Z", "method": "CONNECT", "response_code": 403, "response_flags": "-", "authority": "PyTorch.org:443", "upstream_host": None, "downstream_remote_address": "10.0.0.8:4711"},
        {"start_time": "2026-11-23T10:00:02.100+01:00", "method": None, "response_code": 0, "response_flags": "-", "authority": None, "requested_server_name": "api.contoso.com", "upstream_host": "1.2.3.4:8443", "downstream_remote_address": "10.0.0.9:4711"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROXIES)
def test_proxies_tell_names_and_what_they_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(PROXIES[name])
    last = 443 if name == "envoy.json" else 8443
    with reading([tmp_path / name], tmp_path) as traffic:
        assert dict(counted(traffic)) == {
            ("proxy", "10.0.0.8", "deb.example", "", 80, "http", "allow", "", "2026-11-23"): 1,
            ("proxy", "10.0.0.8", "pytorch.org", "", 443, "https", "deny", "", "2026-11-23"): 1,
            ("proxy", "10.0.0.9", "api.contoso.com", "", last, "https", "allow", "", "2026-11-23"): 1,
        }  # fmt: skip
        assert traffic.account.missed == 0


LEGACY = [
    ("HTTP  request from 10.0.0.4:1 to a.com:80. Url: a.com/x. Action: Allow. Rule Collection: c d. Rule: r.1. Web Category: News", ("a.com", "", 80, "http", "allow", "c d", "r.1")),
    ("HTTPS request from 10.0.0.4:1 to a.com:443. Action: Deny. Policy: p. Rule Collection Group: g. Rule Collection: c. Rule: r", ("a.com", "", 443, "https", "deny", "c", "r")),
    ("HTTPS request from 10.0.0.4:1 to a.com:443. Action: Deny. Reason: No rule matched. Proceeding with default action.", ("a.com", "", 443, "https", "deny", "", "")),
    ("HTTPS request from 10.0.0.4:1. Action: Deny. Reason: SNI TLS extension was missing.", ("", "", None, "https", "deny", "", "")),
    ("HTTPS request from 10.0.0.4:1 to 1.2.3.4:443 was denied. Reason: SNI TLS extension was missing.", ("", "1.2.3.4", 443, "https", "deny", "", "")),
    ("UDP request from 10.0.0.4:1 to 1.2.3.4:53. Action: Allow", ("", "1.2.3.4", 53, "udp", "allow", "", "")),
    ("ICMP Type=8 request from 10.0.0.4: to 1.2.3.4:. Action: Deny.", ("", "1.2.3.4", None, "icmp", "deny", "", "")),
    ("TCP request from 20.1.1.1:1 to 1.2.3.4:22 was DNAT'ed to 10.0.0.4:22", ("", "1.2.3.4", 22, "tcp", "allow", "", "")),
    ("TCP request from 10.0.0.4:1 to 1.2.3.4:80. Action: Alert. ThreatIntel: Bot Networks", ("", "1.2.3.4", 80, "tcp", "alert", "", "")),
    ("DNS Request: 10.0.0.4:1 - 4711 A IN A.com. udp 42 false 512 NOERROR qr,rd 58 0.02s", ("a.com", "", None, "", "ask", "", "")),
]  # fmt: skip


@pytest.mark.parametrize(("message", "said"), LEGACY)
def test_legacy_messages_are_understood_with_any_part_absent(
    tmp_path: Path, message: str, said: tuple[Any, ...]
) -> None:
    row = {
        "TimeGenerated": "2026-11-23T09:00:00Z",
        "Category": "AzureFirewallApplicationRule",
        "Type": "AzureDiagnostics",
        "msg_s": message,
    }
    (tmp_path / "old.json").write_text(lines(row))
    with reading([tmp_path / "old.json"], tmp_path) as traffic:
        assert traffic.account.missed == 0
        assert traffic.rows(
            "SELECT name, destination, port, protocol, action, collection, rule FROM traffic"
        ) == [said]


def _lines_of(*events: Event) -> list[dict[str, Any]]:
    return [
        {"time": one.time, "resourceId": FIREWALL, "category": one.category, "properties": one.fields()}
        for one in events
    ]


def test_what_is_not_understood_is_counted_and_told_with_its_line(tmp_path: Path) -> None:
    good, other, timeless, bare, portless = _lines_of(*(event(n) for n in range(5)))
    other["category"], timeless["time"], bare["time"] = "AuditEvent", "yesterday", "2026-11-23T09:00:00"
    portless["properties"]["DestinationPort"] = "4430000"
    trace = {**good, "category": "AZFWFlowTrace", "properties": {}}
    file = tmp_path / "mixed.json"
    file.write_text(lines(good, "", "{broken", other, timeless, bare, portless, trace, "  ", "[1]"))
    with reading([file], tmp_path) as traffic:
        account = traffic.account
        assert (account.read, account.understood, account.beside, account.missed) == (8, 1, 1, 6)
        assert [str(item) for item in account.left_out] == [
            f"{file}:3 is no event of a shape that is known",
            f"{file}:4 is of a category that is not known",
            f"{file}:5 has no time with a zone that can be read",
        ]
        assert account.categories == (("auditevent", 1),)
        assert not account.is_whole


@pytest.mark.parametrize("shape", ["storage", "event-hub", "log-analytics"])
@pytest.mark.parametrize("broken", ["[1]", "5", '"text"', "{", "null", '{"records": 5}', '{"other": []}'])
def test_one_line_of_another_kind_costs_no_other_line(tmp_path: Path, shape: str, broken: str) -> None:
    folder = write(tmp_path / "logs", EVENTS[:3], shape)
    (file,) = (path for path in folder.rglob("*") if path.is_file())
    file.write_text(f"{file.read_text()}{broken}\n{broken}\n")
    with reading([folder], tmp_path) as traffic:
        assert counted(traffic) == plainly(EVENTS[:3])
        assert traffic.account.missed == 2


def test_text_that_is_not_utf8_is_left_out_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    rows = PROXIES["squid.log"].encode().splitlines(keepends=True)
    file.write_bytes(
        rows[0] + b"\n" + b"1795424400.586 1 10.0.0.8 caf\xe9\n" + rows[1] + b"nonsense\n" + rows[2]
    )
    with reading([file], tmp_path) as traffic:
        account = traffic.account
        assert (account.understood, account.missed) == (3, 2)
        assert [(item.line, item.why) for item in account.left_out] == [
            (3, "is no text in UTF-8, or far too long"),
            (5, "is no event of a shape that is known"),
        ]


def test_a_file_of_no_known_shape_is_told_and_nothing_is_whole(tmp_path: Path) -> None:
    folder = write(tmp_path / "logs", EVENTS)
    (folder / "notes.txt").write_text("see the wiki\n")
    with reading([folder], tmp_path) as traffic:
        assert [str(item) for item in traffic.account.unread] == [
            f"{folder}/notes.txt: its lines are of no shape that is known"
        ]
        assert not traffic.account.is_whole


def test_shapes_are_decided_file_by_file_in_one_folder(tmp_path: Path) -> None:
    parts = [[one] for one in EVENTS]
    for shape, part in zip([*SHAPES, "storage"], parts, strict=True):
        write(tmp_path / "logs" / f"{shape}-{id(part)}", part, shape)
    with reading([tmp_path / "logs"], tmp_path) as traffic:
        assert counted(traffic) == plainly(EVENTS)


@pytest.mark.parametrize(
    "pair", [("storage", "log-analytics"), ("event-hub", "legacy"), ("storage", "event-hub")]
)
def test_events_of_two_destinations_are_taken_once(tmp_path: Path, pair: tuple[str, str]) -> None:
    write(tmp_path / "logs", EVENTS, pair[0])
    write(tmp_path / "logs", EVENTS[1:], pair[1])
    with reading([tmp_path / "logs"], tmp_path) as traffic:
        assert counted(traffic) == plainly(EVENTS)
        assert traffic.account.repeated == len(EVENTS) - 1


def test_a_copy_of_a_file_counts_once(tmp_path: Path) -> None:
    folder = write(tmp_path / "logs", EVENTS, "event-hub")
    (folder / "copy.jsonl").write_bytes((folder / "event-hub" / "2026-11-23.jsonl").read_bytes())
    with reading([folder], tmp_path) as traffic:
        assert counted(traffic) == plainly(EVENTS)
        assert len(traffic.account.copies) == 1


def test_late_events_of_the_same_destination_are_all_counted(tmp_path: Path) -> None:
    folder = write(tmp_path / "logs", [event(1), event(61)])
    late = sorted(folder.rglob("PT1H.json"))[-1]
    late.write_text(late.read_text() + lines(*_lines_of(event(2))))
    with reading([folder], tmp_path) as traffic:
        assert sum(counted(traffic).values()) == 3
        assert traffic.account.repeated == 0


def test_missing_hours_are_gaps(tmp_path: Path) -> None:
    folder = write(tmp_path / "logs", [event(0), event(60), event(240), event(320)])
    with reading([folder], tmp_path) as traffic:
        account = traffic.account
        assert account.first is not None
        assert account.last is not None
        found = gaps_of(traffic.connection, account.first, account.last)
        assert [(gap.start.hour, gap.end.hour) for gap in found] == [(11, 13)]
        assert gaps_of(traffic.connection, account.first, account.last, quiet_hours=3) == []


@pytest.mark.parametrize(
    ("time", "day", "second"),
    [
        ("2026-11-23T23:59:59.9999999Z", "2026-11-23", "23:59:59"),
        ("2026-11-24T00:30:00+01:00", "2026-11-23", "23:30:00"),
        ("2026-11-23T20:00:00.5-0430", "2026-11-24", "00:30:00"),
        ("2026-11-23 10:00:00Z", "2026-11-23", "10:00:00"),
    ],
)
def test_times_are_cut_and_told_in_utc(tmp_path: Path, time: str, day: str, second: str) -> None:
    (one,) = _lines_of(event())
    (tmp_path / "one.json").write_text(lines({**one, "time": time}))
    with reading([tmp_path / "one.json"], tmp_path) as traffic:
        assert traffic.rows("SELECT CAST(day AS VARCHAR), strftime(last, '%H:%M:%S') FROM traffic") == [
            (day, second)
        ]


@pytest.mark.parametrize("time", ["2026-11-23T09:00:00", "2026-11-23T09:00:00 CET", "2026-02-30T09:00:00Z", "", "2026-11-23T09:00:00.1x2Z", "23/11/2026"])  # fmt: skip
def test_a_time_that_is_none_or_has_no_zone_is_left_out(tmp_path: Path, time: str) -> None:
    (one,) = _lines_of(event())
    (tmp_path / "one.json").write_text(lines({**one, "time": time}))
    with reading([tmp_path / "one.json"], tmp_path) as traffic:
        assert traffic.account.missed == 1


def test_a_zone_can_be_declared_for_times_that_have_none(tmp_path: Path) -> None:
    (one,) = _lines_of(event())
    (tmp_path / "one.json").write_text(lines({**one, "time": "2026-11-23T01:00:00"}))
    with reading([tmp_path / "one.json"], tmp_path, zone="+02:00") as traffic:
        assert traffic.rows("SELECT CAST(day AS VARCHAR) FROM traffic") == [("2026-11-22",)]


def test_a_second_question_reads_no_log_again(tmp_path: Path) -> None:
    folder, cache = write(tmp_path / "logs", EVENTS), tmp_path / "cache"
    with reading([folder], tmp_path, cache=cache) as traffic:
        first = counted(traffic)
    kept = {path: path.stat().st_ino for path in cache.glob("*.parquet")}
    with reading([folder], tmp_path, cache=cache) as traffic:
        assert counted(traffic) == first
    assert {path: path.stat().st_ino for path in cache.glob("*.parquet")} == kept
    write(folder, [*EVENTS, event(5)])
    with reading([folder], tmp_path, cache=cache) as traffic:
        assert sum(counted(traffic).values()) == sum(first.values()) + 1


def test_a_question_that_does_not_fit_in_memory_is_answered_in_parts(tmp_path: Path) -> None:
    events = [event(n % 60, f"host{n}.example.com", source=f"10.0.{n % 200}.4") for n in range(40_000)]
    folder = write(tmp_path / "logs", events, "event-hub")
    with reading([folder], tmp_path, memory_mb=75, threads=1) as traffic:
        assert traffic.rows("SELECT sum(n), count(DISTINCT name) FROM traffic") == [(40_000, 40_000)]


names = st.sampled_from(["a.com", "A.com.", "x_y.b.org", "xn--bcher-kva.example", "1.2.3.4", "c'd.com"])
flows = st.builds(
    lambda ticks, name, action, port, source: event(
        0, name, ticks=START + ticks, action=action, port=port, source=source,
        **({"policy": "p", "group": "g", "collection": "c", "rule": "r"} if action == "Allow" else {}),
    ),
    st.integers(0, 3 * 864 * 10**9), names, st.sampled_from(["Allow", "Deny"]), st.sampled_from([80, 443]),
    st.sampled_from(["10.0.0.1", "fd00::1"]),
)  # fmt: skip


@settings(max_examples=examples(12), deadline=None)
@given(st.lists(flows, min_size=1, max_size=30), st.sampled_from(SHAPES))
def test_reading_in_columns_says_what_looking_at_each_event_says(events: list[Event], shape: str) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        with reading([write(folder / "logs", events, shape)], folder) as traffic:
            expected = plainly(events)
            by_address = {
                (key[0], key[1], "", key[2], *key[4:]) if key[2] == "1.2.3.4" else key: count
                for key, count in expected.items()
            }
            assert dict(counted(traffic)) == by_address


def test_a_place_that_is_not_there_is_named(tmp_path: Path) -> None:
    from allowlist.errors import InvalidInput

    with pytest.raises(InvalidInput, match="nowhere is not there"):
        find_files([str(tmp_path / "nowhere")], tmp_path)


def test_moments_of_the_account_are_in_utc(tmp_path: Path) -> None:
    with reading([write(tmp_path / "logs", EVENTS)], tmp_path) as traffic:
        assert traffic.account.first == dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)
