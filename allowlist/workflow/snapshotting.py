"""Save actual state: one raw ARM JSON file per resource, readable as a snapshot again."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec

from allowlist.errors import AllowlistError
from allowlist.estate.bodies import Estate, fingerprint
from allowlist.estate.resource_id import ResourceId
from allowlist.estate.snapshot import EMPTY, SCHEMA, UNREADABLE
from allowlist.workflow.files import write_file


class SnapshotFile(msgspec.Struct, frozen=True, kw_only=True):
    """One resource as Azure returned it, with its fingerprint and the moment it was read."""

    schema: str
    taken: str
    fingerprint: str
    resources: list[dict[str, object]]
    unreadable: list[str] = []
    """What could not be read when the snapshot was taken, and why."""


class EmptyLists(SnapshotFile, frozen=True, kw_only=True):
    """The lists below resources that were read and held nothing, by id."""

    empty: list[str]


def save_snapshot(estate: Estate, folder: Path, now: dt.datetime) -> int:
    """Write ``estate`` to ``folder``; how many resources. Refuses a folder that holds other JSON files."""
    if folder.is_dir() and any(not _is_ours(path) for path in folder.glob("*.json")):
        raise AllowlistError(
            f"{folder} holds JSON files that are no snapshot", hint="give an empty or new folder"
        )
    names = {key: _file_name(key) for key in estate.resources}
    kept = {*names.values(), *([UNREADABLE] if estate.unreadable else []), *([EMPTY] if estate.empty else [])}
    for path in folder.glob("*.json"):
        if path.name not in kept:
            path.unlink()
    if estate.unreadable:
        taken = now.isoformat(timespec="seconds")
        lost = [str(item) for item in estate.unreadable]
        document = SnapshotFile(schema=SCHEMA, taken=taken, fingerprint="", resources=[], unreadable=lost)
        write_file(folder / UNREADABLE, document)
    if estate.empty:
        lists = EmptyLists(
            schema=SCHEMA,
            taken=now.isoformat(timespec="seconds"),
            fingerprint="",
            resources=[],
            empty=sorted(estate.empty),
        )
        write_file(folder / EMPTY, lists)
    for key, body in estate.resources.items():
        document = SnapshotFile(
            schema=SCHEMA,
            taken=now.isoformat(timespec="seconds"),
            fingerprint=fingerprint(body),
            resources=[body],
        )
        write_file(folder / names[key], document)
    return len(names)


def _is_ours(path: Path) -> bool:
    return SCHEMA.encode() in path.read_bytes()[:200]


def _file_name(key: str) -> str:
    identity = ResourceId(key)
    parts = [part for part in key.rpartition("/providers/")[2].split("/")[1:] if part]
    text = ".".join([identity.resource_group, *parts])
    return "".join(letter if letter.isalnum() or letter in ".-_" else "-" for letter in text)[:200] + ".json"
