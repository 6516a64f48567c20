"""Event Hubs Capture: messages in Avro files are read as what was sent in them."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allowlist.traffic import capture
from tests.helpers.laws import examples
from tests.helpers.traffic import counted, reading
from tests.traffic.test_exports import ROW, SEEN

EVENT = {"time": ROW["TimeGenerated"], "category": "AZFWApplicationRule", "properties": ROW}
MAP = {"type": "map", "values": ["long", "double", "string", "bytes"]}
SCHEMA: dict[str, Any] = {
    "type": "record", "name": "EventData", "namespace": "Microsoft.ServiceBus.Messaging",
    "fields": [
        {"name": "SequenceNumber", "type": "long"}, {"name": "Offset", "type": "string"},
        {"name": "EnqueuedTimeUtc", "type": "string"}, {"name": "SystemProperties", "type": MAP},
        {"name": "Properties", "type": {**MAP, "values": [*MAP["values"], "null"]}}, {"name": "Body", "type": ["null", "bytes"]},
    ],
}  # fmt: skip
HUB = Path("ns/firewall-logs")


def _avro(*sent: bytes | None, codec: str = "null", schema: dict[str, Any] = SCHEMA) -> bytes:
    stream = io.BytesIO()
    records: list[dict[str, Any]] = [
        {
            "SequenceNumber": number, "Offset": str(number), "EnqueuedTimeUtc": "11/23/2026 9:10:02 AM",
            "SystemProperties": {"x-opt-enqueued-time": 1}, "Properties": {"of": None}, "Body": body, "Items": [],
        }
        for number, body in enumerate(sent)
    ]  # fmt: skip
    fastavro.writer(stream, schema, records, codec=codec)
    return stream.getvalue()


def _batch(*events: Any, indent: int | None = None) -> bytes:
    return json.dumps({"records": events}, indent=indent).encode()


def _kept(folder: Path, name: str, content: bytes) -> Path:
    path = folder / HUB / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return folder / "ns"


def test_batches_events_and_empty_messages_of_a_hub_are_read(tmp_path: Path) -> None:
    content = _avro(_batch(EVENT, EVENT), _batch(EVENT, indent=1), b"\xef\xbb\xbf" + _batch(EVENT), None, b"")
    place = _kept(tmp_path, "0/2026/11/23/09/10/00.avro", content)
    with reading([place], tmp_path) as traffic:
        assert (counted(traffic), traffic.account.missed) == ({SEEN: 4}, 0)


def test_a_window_without_a_message_is_a_file_without_an_event(tmp_path: Path) -> None:
    with reading([_kept(tmp_path, "0/2026/11/23/09/10/00.avro", _avro())], tmp_path) as traffic:
        assert (counted(traffic), traffic.account.missed) == ({}, 0)


def test_what_is_no_event_is_left_out_and_counted(tmp_path: Path) -> None:
    place = _kept(tmp_path, "0/2026/11/23/09/10/00.avro", _avro(_batch(EVENT), b"nonsense\nmore"))
    with reading([place], tmp_path) as traffic:
        assert (counted(traffic), traffic.account.missed) == ({SEEN: 1}, 2)


def test_partitions_of_one_hub_hold_none_twice_and_two_hubs_do(tmp_path: Path) -> None:
    """Copies of a file count once in any case: the second partition holds one event more."""
    later = {**EVENT, "properties": {**ROW, "Fqdn": "later.example"}}
    _kept(tmp_path, "0/2026/11/23/09/10/00.avro", _avro(_batch(EVENT)))
    _kept(tmp_path, "1/2026/11/23/09/10/00.avro", _avro(_batch(EVENT, later)))
    with reading([tmp_path / "ns"], tmp_path) as traffic:
        assert counted(traffic)[SEEN] == 2
    _kept(tmp_path, "../other/0/2026/11/23/09/10/00.avro", _avro(_batch(EVENT, later, later)))
    with reading([tmp_path / "ns"], tmp_path) as traffic:
        assert counted(traffic)[SEEN] == 2


NULLS = {"name": "Items", "type": {"type": "array", "items": "null"}}
REFUSED = {
    "packed": (_avro(_batch(EVENT), codec="deflate"), "packed as deflate"),
    "a table of somebody else": (
        _avro(schema={"type": "record", "name": "Row", "fields": [{"name": "Fqdn", "type": "string"}]}), "no Event Hubs Capture"
    ),
    "lists, which may hold values without an end": (
        _avro(_batch(EVENT), schema={**SCHEMA, "fields": [*SCHEMA["fields"], NULLS]}), "no Event Hubs Capture"
    ),
    "cut": (_avro(_batch(EVENT))[:-40], "breaks off"),
    "a beginning alone": (capture.MAGIC, "cannot read header"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_whole_capture_is_a_file_that_was_not_read(tmp_path: Path, name: str) -> None:
    content, why = REFUSED[name]
    with reading([_kept(tmp_path, "one.avro", content)], tmp_path) as traffic:
        assert not traffic.account.is_whole
        assert why in traffic.account.unread[0].why


WHOLE = _avro(_batch(EVENT), b"{}")


@settings(max_examples=examples(200), deadline=None)
@given(at=st.integers(0, len(WHOLE) - 1), bits=st.integers(1, 255))
def test_one_wrong_byte_gives_messages_or_a_reason(at: int, bits: int) -> None:
    broken = bytearray(WHOLE)
    broken[at] ^= bits
    with contextlib.suppress(ValueError):
        assert all(isinstance(line, bytes) for line in capture.messages(io.BytesIO(bytes(broken))))
