"""Apache Spark on a local cluster with two executors says what DuckDB says, row by row. Run by ``make spark``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

from allowlist.simulator.traffic import SHAPES
from allowlist.traffic.dialect import DUCKDB, SPARK, Dialect
from allowlist.traffic.files import find_files, opened
from allowlist.traffic.query import KEYS, moment_of
from allowlist.traffic.shapes import Shape
from tests.helpers.many_logs import some_folder
from tests.helpers.traffic import allowed, event, lines, reading, write
from tests.traffic.test_plain import TWICE
from tests.traffic.test_reading import LEGACY, PROXIES

pytestmark = pytest.mark.skipif(os.environ.get("ALLOWLIST_SPARK") != "1", reason="run by make spark")


@pytest.fixture(scope="module", params=["true", "false"], ids=["ansi", "lenient"])
def spark(request: pytest.FixtureRequest) -> Iterator[Any]:
    from pyspark.sql import SparkSession

    # A session in another zone than UTC: nothing of the answer may depend on it.
    session = (
        SparkSession.builder.master(os.environ.get("ALLOWLIST_SPARK_MASTER", "local-cluster[2,1,512]"))
        .config("spark.sql.ansi.enabled", request.param)
        .config("spark.sql.session.timeZone", "America/St_Johns")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.executor.memory", "512m")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


EVENTS = [
    event(0, "PyTorch.org."), event(1, "pytorch.org"), allowed(2, "api.contoso.com"), allowed(3, "it's.example", rule="o'clock \\1"),
    allowed(70, "api.contoso.com", source="fd00::9", rule="2026-01-01"), event(3, "", protocol="tcp", destination="52.1.2.3", port=1433),
    allowed(60 * 15 + 59, "late.example"),
]  # fmt: skip
BROKEN = lines(
    "{",
    {"time": "yesterday", "category": "AZFWDnsQuery"},
    {"time": "2026-11-23T09:00:00Z", "category": "Other"},
    "[1]",
    {"properties": "text"},
)
SHAPE = {
    "storage": Shape.EVENTS,
    "event-hub": Shape.RECORDS,
    "log-analytics": Shape.TABLE,
    "legacy": Shape.EVENTS,
}


def _both(spark: Any, files: list[Path], shape: Shape, folder: Path) -> tuple[list[Any], list[Any]]:
    from allowlist.traffic.spark import aggregated

    frame = aggregated(spark, [str(file) for file in files], shape)
    kept = frame.selectExpr(
        *(f"CAST({key} AS STRING)" if key == "day" else key for key in KEYS),
        "n",
        "hours",
        "CAST(first AS STRING)",
        "CAST(last AS STRING)",
    )
    theirs = sorted((tuple(row) for row in kept.collect()), key=repr)
    with reading(files, folder) as traffic:
        ours = traffic.rows(
            f"SELECT {', '.join(f'CAST({key} AS VARCHAR)' if key == 'day' else key for key in KEYS)}, sum(n)::BIGINT, bit_or(hours)::INTEGER, "
            f"CAST(min(first) AS VARCHAR), CAST(max(last) AS VARCHAR) FROM everything GROUP BY {', '.join(KEYS)}"
        )
    return theirs, sorted(ours, key=repr)


@pytest.mark.parametrize("shape", SHAPES)
def test_both_engines_count_the_same_groups(spark: Any, tmp_path: Path, shape: str) -> None:
    folder = write(tmp_path / "logs", EVENTS, shape)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if shape != "legacy":
        files[0].write_text(files[0].read_text() + BROKEN)
    theirs, ours = _both(spark, files, SHAPE[shape], tmp_path)
    assert theirs == ours


@pytest.mark.parametrize(
    ("name", "shape"),
    [("squid.log", Shape.SQUID), ("envoy.log", Shape.ENVOY), ("envoy.json", Shape.ENVOY_JSON)],
)
def test_both_engines_read_proxies_alike(spark: Any, tmp_path: Path, name: str, shape: Shape) -> None:
    file = tmp_path / name
    file.write_text(PROXIES[name] + "nonsense\n")
    theirs, ours = _both(spark, [file], shape, tmp_path)
    assert theirs == ours


def test_both_engines_read_legacy_messages_alike(spark: Any, tmp_path: Path) -> None:
    rows = [
        {
            "TimeGenerated": "2026-11-23T09:00:00.1234567Z",
            "Category": "AzureFirewallApplicationRule",
            "msg_s": message,
        }
        for message, _ in LEGACY
    ]
    file = tmp_path / "old.json"
    file.write_text(lines(*rows))
    theirs, ours = _both(spark, [file], Shape.TABLE, tmp_path)
    assert theirs == ours


def test_both_engines_read_flow_tuples_alike(spark: Any, tmp_path: Path) -> None:
    tuples = [
        "1795424400599,10.0.0.6,192.0.2.180,23956,443,6,O,D,NX,0,0,0,0",
        "1795424401599,10.0.0.6,192.0.2.9,23956,53,17,O,B,NX,0,0,0,0",
        "x,y",
    ]
    flows = [
        {
            "aclID": "a",
            "flowGroups": [{"rule": "DenyAll", "flowTuples": tuples}, {"rule": "r", "flowTuples": []}],
        }
    ]
    record = {
        "time": "2026-11-23T09:10:00Z",
        "category": "FlowLogFlowEvent",
        "targetResourceID": "v",
        "flowRecords": {"flows": flows},
    }
    file = tmp_path / "flows.json"
    file.write_text(lines({"records": [record]}, {"records": [{**record, "flowRecords": {"flows": []}}]}))
    theirs, ours = _both(spark, [file], Shape.FLOW_RECORDS, tmp_path)
    assert theirs == ours


def test_a_member_that_stands_twice_counts_as_it_stands_first_on_both(spark: Any, tmp_path: Path) -> None:
    """At every depth, also before a null, where a whole object stands twice, and inside of lists."""
    (tmp_path / "lines.json").write_text("".join(f"{line}\n" for line in TWICE))
    theirs, ours = _both(spark, [tmp_path / "lines.json"], Shape.EVENTS, tmp_path)
    assert theirs == ours
    (tmp_path / "hub.json").write_text(f'{{"records": [{", ".join(TWICE)}], "records": [5]}}\n')
    theirs, ours = _both(spark, [tmp_path / "hub.json"], Shape.RECORDS, tmp_path)
    assert theirs == ours


def _distinct(folder: Path, made: Path) -> dict[Shape, list[Path]]:
    """The files of ``folder`` by shape, unpacked, each content once; tables of Parquet are read by neither as text."""
    made.mkdir()
    spool = made / "spool"
    spool.mkdir()
    found: dict[Shape, dict[bytes, Path]] = {}
    for number, file in enumerate(find_files([str(folder)], spool)):
        if file.shape is None or file.parquet:
            continue
        with opened(file.path, file.compression) as stream:
            data = stream.read()
        path = made / f"{number}.log"
        path.write_bytes(data)
        if data.strip():
            found.setdefault(file.shape, {}).setdefault(data, path)
    return {shape: list(files.values()) for shape, files in found.items()}


@pytest.mark.parametrize("seed", range(6))
def test_both_engines_read_mixed_folders_alike(spark: Any, tmp_path: Path, seed: int) -> None:
    """Every kind and delivery of logs, broken lines among them: a group of one is a group of the other."""
    for shape, files in _distinct(some_folder(tmp_path / "logs", Random(seed)), tmp_path / "made").items():
        theirs, ours = _both(spark, files, shape, tmp_path)
        assert theirs == ours, shape


TEXTS = ["a.b.c", "a'b", "\\1", "[x]", "", "it_s 100%", "é", "x:1", "..", "a,b,,c", "'", "\\", "2026-11-23T09:00:00", "2026-02-30T09:00:00", "1795424400", "443", " 443", "443.5", "-1", "99999999999"]  # fmt: skip
TIMES = ["2026-11-23T23:59:59.9999999Z", "2026-11-24T00:30:00+01:00", "2026-11-23T20:00:00.5-0430", "2026-11-23 10:00:00Z", "2026-11-23T09:00:00", "2026-03-29T02:30:00Z", "2026-02-30T09:00:00Z", "1795424400", "yesterday", "", "2026-11-23T09:00:00.1x2Z"]  # fmt: skip

LAWS: dict[str, Callable[[Dialect, str], str]] = {
    "literal": lambda d, t: d.literal(r"it's \1 [.]"),
    "part": lambda d, t: d.part(t, r"^([a-z])[.']?(\w)?", 2),
    "part with a quote": lambda d, t: d.part(t, r"(.)'", 1),
    "fits": lambda d, t: d.fits(t, r"^[a-z].b"),
    "stripped": lambda d, t: d.stripped(t, "[].'0123456789"),
    "element": lambda d, t: d.element(t, ",", 3),
    "element of dots": lambda d, t: d.element(t, ".", 2),
    "number": lambda d, t: d.number(t),
    "moment": lambda d, t: f"CAST({d.moment(t)} AS STRING)",
    "moment of seconds": lambda d, t: f"CAST(CASE WHEN {d.fits(t, '^[0-9]{9,11}$')} THEN {d.moment_of_seconds(t)} END AS STRING)",
    "like": lambda d, t: f"{t} LIKE '____-__-_____:__:__%'",
    "day": lambda d, t: f"CAST({d.day(moment_of(t, d, ''))} AS STRING)",
    "hour bit": lambda d, t: d.hour_bit(moment_of(t, d, "")),
    "time": lambda d, t: f"CAST({moment_of(t, d, '')} AS STRING)",
    "time with a declared zone": lambda d, t: f"CAST({moment_of(t, d, '+05:30')} AS STRING)",
    "minutes before": lambda d, t: f"CAST({d.minutes_before(d.moment(t), '90')} AS STRING)",
}  # fmt: skip


@pytest.mark.parametrize("law", LAWS)
def test_every_expression_in_use_means_the_same_on_both(spark: Any, law: str) -> None:
    values = TEXTS + TIMES
    spark.createDataFrame(
        [(n, text) for n, text in enumerate(values)], "n INT, t STRING"
    ).createOrReplaceTempView("texts")
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'Asia/Kolkata'; CREATE TABLE texts (n INTEGER, t VARCHAR)")
    connection.executemany("INSERT INTO texts VALUES (?, ?)", list(enumerate(values)))

    def asked(dialect: Dialect) -> str:
        return f"SELECT n, {LAWS[law](dialect, 't')} AS found FROM texts ORDER BY n"

    theirs = [(values[n], found) for n, found in spark.sql(asked(SPARK)).collect()]
    ours = [(values[n], found) for n, found in connection.execute(asked(DUCKDB)).fetchall()]
    assert theirs == ours
