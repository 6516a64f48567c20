"""An export in words and as JSON: what was written, what opens beyond, what the engine cannot say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from allowlist.documents.words import counted
from allowlist.filters.export import Export
from allowlist.filters.format import Format
from allowlist.render.declared import Declared

SCHEMA = "allowlist/export/v1"


def export_text(found: Export, engine: Format) -> Iterator[str]:
    for item in found.widenings:
        yield f"! widens  {item.service}: {item.wanted} is written as {item.written}"
        yield f"    witness: {item.witness}; wanted by {', '.join(item.origins)}"
    for left in found.left_out:
        yield f"✗ left out  {left.what}: {left.why}"
        yield f"    wanted by {', '.join(left.origins)}"
    for size in found.sizes:
        yield f"size: {size}"
    for note in engine.notes:
        yield f"note: {note}"


def export_summary(found: Export, engine: Format, title: str) -> str:
    proof = "proved equal" if found.is_exact else "proved equal but for what is named above"
    return f"{title} for {engine.title}: {counted(found.entries, 'entry')}, {proof}"


def export_json(found: Export, engine: Format, title: str) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "of": title,
        "to": engine.name,
        "exact": found.is_exact,
        "entries": found.entries,
        "files": found.files,
        "widenings": [
            {
                "service": item.service,
                "wanted": item.wanted,
                "written": item.written,
                "witness": item.witness,
                "wanted_by": list(item.origins),
            }
            for item in found.widenings
        ],
        "left_out": [
            {"what": item.what, "because": item.why, "wanted_by": list(item.origins)}
            for item in found.left_out
        ],
        "sizes": [
            {"what": item.what, "count": item.count, "most": item.most, "source": item.source}
            for item in found.sizes
        ],
        "notes": list(engine.notes),
    }


def declaration_json(
    language: str, files: Mapping[str, str], resources: Iterable[Declared], left_out: Iterable[str]
) -> dict[str, Any]:
    """A plan written as ``language``: its files, the resources they declare, and what they do not say."""
    return {
        "schema": SCHEMA,
        "format": language,
        "files": dict(files),
        "resources": [
            {"id": item.id, "type": item.type, "exists": item.exists, "for": list(item.who)}
            for item in resources
        ],
        "left_out": list(left_out),
    }
