"""Event Hubs Capture: what a hub was sent, as Avro files of a storage account (extra ``capture``).

Sources: "Capture events through Azure Event Hubs in Azure Blob Storage or Azure Data Lake Storage" (the name of a file: namespace,
hub, partition, then year to second; files without a message where a window had none) and "Exploring captured Avro files in Azure
Event Hubs" (the schema ``EventData``: numbers, texts, two maps and ``Body``; no compression).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final, cast

import msgspec

MAGIC: Final = b"Obj\x01"
"""The first four bytes of an Avro file, https://avro.apache.org/docs/1.11.1/specification/#object-container-files."""

_NAME: Final = re.compile(r"(?:[/\\]\d+){7}\.avro$", re.IGNORECASE)
"""Partition, year, month, day, hour, minute and second, as Azure names them unless told otherwise."""
_KINDS: Final = frozenset(
    {"record", "map", "null", "boolean", "int", "long", "float", "double", "string", "bytes"}
)
"""Types of which each value takes room in the file; an array of nulls would take none, and go on for ever."""


def hub_of(shown: str) -> str:
    """``shown`` down to the hub: its partitions hold different messages, and two files none twice."""
    return _NAME.sub("", shown)


def messages(stream: IO[bytes]) -> Iterator[bytes]:
    """What each message of a capture holds, one document a line. Raises ValueError for what is no capture or breaks off."""
    try:
        import fastavro
    except ImportError:
        raise ValueError("Event Hubs Capture needs: pip install 'allowlist[capture]'") from None
    try:
        reader = fastavro.reader(stream)
        _refuse_others(reader.writer_schema, reader.codec)
        for record in cast("Iterator[dict[str, Any]]", reader):
            yield from _lines(record["Body"])
    except ValueError:
        raise
    except (
        Exception
    ) as error:  # fastavro raises what it stumbles over: KeyError, IndexError, EOFError, zlib.error, …
        raise ValueError(f"as Avro it breaks off: {type(error).__name__} {error}") from None


def _refuse_others(schema: Any, codec: str) -> None:
    fields = schema.get("fields", []) if isinstance(schema, Mapping) else []
    if not any(field["name"] == "Body" for field in fields) or not _kinds(schema) <= _KINDS:
        raise ValueError("it is Avro, but no Event Hubs Capture")
    if codec != "null":
        raise ValueError(f"it is Avro packed as {codec}: Event Hubs Capture does not pack")


def _kinds(schema: Any) -> frozenset[str]:
    """Every type that stands in ``schema``."""
    if isinstance(schema, str):
        return frozenset({schema})
    if isinstance(schema, list):
        return frozenset[str]().union(*map(_kinds, schema))
    inner = [schema["type"], *([schema["values"]] if "values" in schema else [])]
    inner += [field["type"] for field in schema.get("fields", [])]
    return frozenset[str]().union(*map(_kinds, inner))


def _lines(body: bytes | None) -> Iterator[bytes]:
    """``body`` as one line where it is one document, else its lines as they are; a message may be empty."""
    text = (body or b"").removeprefix(b"\xef\xbb\xbf")
    if _is_document(text):
        yield text.replace(b"\r", b" ").replace(b"\n", b" ")
    else:
        yield from (line for line in text.splitlines() if line.strip())


def _is_document(text: bytes) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except msgspec.MsgspecError:
        return False
    return True
