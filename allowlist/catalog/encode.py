"""Entries and changes as plain data in the words of the catalog format, for JSON output."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from allowlist.catalog.changes import EntryChange
from allowlist.catalog.evidence import confidence, evidence_line
from allowlist.catalog.model import Catalog, Entry, Kind
from allowlist.catalog.review import EvidenceChange


def encode_entry(entry: Entry) -> dict[str, Any]:
    """The entry as its file would write it: one destination key, ports as texts, nothing that is empty."""
    plain = msgspec.to_builtins(entry)
    kind, value = plain.pop("kind"), plain.pop("value", "")
    plain["ports"] = [str(port) for port in entry.ports]
    ordered = {"id": plain.pop("id"), "since": plain.pop("since"), "until": plain.pop("until", "")}
    ordered[kind] = {
        Kind.ADDRESSES: list(entry.addresses),
        Kind.PORTS_ONLY: True,
        Kind.NOTHING: True,
    }.get(entry.kind, value)
    return {key: item for key, item in {**ordered, **plain}.items() if item not in ("", [], ())}


def encode_change(change: EntryChange, today: date | None = None) -> dict[str, Any]:
    """One change with what it means; ``before`` and ``after`` only where they exist, with confidence on ``today``."""
    encoded: dict[str, Any] = {"change": change.kind, "loses": change.loses}
    sides = (("before", change.before), ("after", change.after))
    for side, entry in ((side, entry) for side, entry in sides if entry):
        encoded[side] = encode_with_evidence(entry, today) if today else encode_entry(entry)
    return {**encoded, "impact": change.impact, "notice": change.notice, "bump": change.bump.word}


def encode_with_evidence(entry: Entry, today: date, allowed: date | None = None) -> dict[str, Any]:
    """The entry with how sure it is on ``today``, which no file says; ``allowed`` is when one's own log let it through."""
    return {
        **encode_entry(entry),
        "confidence": confidence(entry, today, allowed=allowed).value,
        "evidence_line": evidence_line(entry, today, allowed=allowed),
        **({"last_allowed": allowed.isoformat()} if allowed else {}),
    }


def encode_evidence_change(change: EvidenceChange, today: date) -> dict[str, Any]:
    """What is known more or less about one entry, and how sure that makes it."""
    return {
        "entry": change.entry.id,
        "before": confidence(change.before, today).value,
        "after": confidence(change.entry, today).value,
        "added": msgspec.to_builtins(change.added),
        "removed": msgspec.to_builtins(change.removed),
    }


def encode_catalog(catalog: Catalog, version: str) -> dict[str, Any]:
    """One version of a catalog, complete."""
    release = catalog.release(version)
    return {
        "schema": "allowlist/catalog-view/v1",
        "catalog": catalog.name,
        "title": catalog.title,
        "description": catalog.description,
        "version": release.version,
        "date": release.date,
        "digest": release.digest,
        "scenarios": msgspec.to_builtins(catalog.scenarios),
        "placeholders": catalog.placeholders,
        "entries": [encode_entry(entry) for entry in catalog.entries_at(release.version)],
    }
