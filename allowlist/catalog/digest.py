"""What a release promises, in one canonical form, so that history cannot be rewritten silently."""

from __future__ import annotations

from typing import Any

from allowlist.catalog.model import Catalog, Entry
from allowlist.documents import digest_of

MEANING = (
    "kind",
    "value",
    "sub_resource",
    "ports",
    "need",
    "clouds",
    "scenario",
    "consumers",
    "direction",
    "alternative",
)
"""The fields that change what an entry asks for; they are fixed once a release holds the entry."""


def meaning_of(entry: Entry) -> dict[str, Any]:
    """The meaning of ``entry`` as plain data, lists sorted, without its texts and sources."""
    plain = {field: getattr(entry, field) for field in MEANING}
    for field in ("clouds", "consumers"):
        plain[field] = sorted(plain[field])
    plain["ports"] = sorted(str(port) for port in entry.ports)
    if entry.refuse:  # said only where it holds, so that digests made before it was known stay as they are
        plain["refuse"] = True
    if entry.dead_since:
        plain["dead"] = True
    return plain


def canonical_requirements(catalog: Catalog, version: str) -> dict[str, Any]:
    """Everything version ``version`` asks for, and which scenarios a workload gets without asking."""
    entries = catalog.entries_at(version)
    used = sorted({entry.scenario for entry in entries})
    return {
        "catalog": catalog.name,
        "scenarios": {name: catalog.scenarios[name].default for name in used},
        "entries": {entry.id: meaning_of(entry) for entry in entries},
    }


def release_digest(catalog: Catalog, version: str) -> str:
    """``sha256:…`` of the canonical requirements of one version."""
    return digest_of(canonical_requirements(catalog, version))
